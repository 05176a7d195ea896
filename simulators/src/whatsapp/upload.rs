//! Uploads of files.

use futures_util::stream;
use hyper::body::Bytes;
use multer::Multipart;
use serde_json::json;

use crate::common::reply::Reply;
use crate::whatsapp::account::Account;
use crate::whatsapp::problem;

/// The media types that WhatsApp accepts, with the types of messages and the limits in megabytes.
pub(super) const TYPES: [(&str, &str, usize); 17] = [
    ("audio/aac", "audio", 16),
    ("audio/amr", "audio", 16),
    ("audio/mpeg", "audio", 16),
    ("audio/mp4", "audio", 16),
    ("audio/ogg", "audio", 16),
    ("text/plain", "document", 100),
    ("application/pdf", "document", 100),
    ("application/msword", "document", 100),
    ("application/vnd.ms-excel", "document", 100),
    ("application/vnd.ms-powerpoint", "document", 100),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document", 100),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "document", 100),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "document", 100),
    ("image/jpeg", "image", 5),
    ("image/png", "image", 5),
    ("video/mp4", "video", 16),
    ("video/3gpp", "video", 16),
];

/// The fields of an upload.
pub(super) struct Form {
    product: String,
    kind: String,
    file: Option<(String, Bytes)>,
}

pub(super) async fn read(content_type: &str, body: &[u8]) -> Result<Form, String> {
    let broken = |error: multer::Error| error.to_string();
    let boundary = multer::parse_boundary(content_type).map_err(broken)?;
    let whole = stream::iter([Ok::<_, multer::Error>(Bytes::copy_from_slice(body))]);
    let mut parts = Multipart::new(whole, boundary);
    let mut form = Form { product: String::new(), kind: String::new(), file: None };
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        let content_type = part.content_type().map(ToString::to_string).unwrap_or_default();
        match name.as_str() {
            "messaging_product" => form.product = part.text().await.map_err(broken)?,
            "type" => form.kind = part.text().await.map_err(broken)?,
            "file" => form.file = Some((content_type, part.bytes().await.map_err(broken)?)),
            other => return Err(format!("Unknown field {other}")),
        }
    }
    Ok(form)
}

pub(super) fn store(account: &mut Account, number: &str, form: Result<Form, String>) -> Reply {
    if account.number(number).is_none() {
        return problem::missing(number);
    }
    let form = match form {
        Ok(form) if form.product == "whatsapp" => form,
        Ok(_) => return problem::invalid("(#100) The parameter messaging_product is required."),
        Err(words) => return problem::invalid(&words),
    };
    let Some((content_type, bytes)) = form.file else { return problem::invalid("The parameter file is required.") };
    let known = TYPES.iter().find(|(known, _, _)| *known == content_type);
    let Some((_, _, most)) = known.filter(|_| form.kind == content_type) else {
        return problem::invalid("Param file must be a file with one of the following types: ...");
    };
    if bytes.len() > most * 1024 * 1024 {
        return problem::coded(131_053);
    }
    Reply::new(200, json!({ "id": account.store(&content_type, bytes) }).to_string())
}
