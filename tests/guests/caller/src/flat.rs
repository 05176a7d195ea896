//! Through `http-client`.

use frontgate_sdk::bindings::frontgate::plugin::http_client::{Header, HttpError, OutboundRequest, send as send_flat};

use crate::{Wish, shown};

pub(crate) fn send(wish: &Wish<'_>) -> String {
    let field = |(name, value): &(&str, &str)| Header { name: (*name).to_owned(), value: (*value).to_owned() };
    let request = OutboundRequest {
        method: wish.method.to_owned(),
        url: wish.url.to_string(),
        headers: wish.headers.iter().map(field).collect(),
        body: wish.body.clone(),
        timeout_ms: wish.timeout_ms,
    };
    match send_flat(&request) {
        Ok(response) if wish.all => {
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
