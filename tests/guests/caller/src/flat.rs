//! Sends requests through `http-client`.

use frontgate_sdk::bindings::frontgate::plugin::http_client::{Header, HttpError, OutboundRequest, send as send_flat};

use crate::{Instruction, shown};

pub(crate) fn send(instruction: &Instruction<'_>) -> String {
    let field = |(name, value): &(&str, &str)| Header { name: (*name).to_owned(), value: (*value).to_owned() };
    let request = OutboundRequest {
        method: instruction.method.to_owned(),
        url: instruction.url.to_string(),
        headers: instruction.headers.iter().map(field).collect(),
        body: instruction.body.clone(),
        timeout_ms: instruction.timeout_ms,
    };
    match send_flat(&request) {
        Ok(response) if instruction.all => {
            let headers: String =
                response.headers.iter().map(|field| format!("{}: {}\n", field.name, field.value)).collect();
            let (bytes, text) = (response.body.len(), String::from_utf8_lossy(&response.body));
            format!("{}, {bytes} bytes\n{headers}\n{text}", response.status)
        }
        Ok(response) => {
            let headers: String = response.headers.iter().map(|field| format!("{} ", field.name)).collect();
            format!("{} {headers}{}", response.status, shown(&response.body))
        }
        Err(HttpError::Forbidden(text)) => format!("forbidden: {text}"),
        Err(HttpError::NotConnected(text)) => format!("not-connected: {text}"),
        Err(HttpError::Interrupted(text)) => format!("interrupted: {text}"),
        Err(HttpError::Timeout) => "timeout".to_owned(),
        Err(HttpError::TooLarge) => "too-large".to_owned(),
    }
}
