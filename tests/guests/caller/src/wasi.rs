//! Sends requests through `wasi:http`.

use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

use crate::Instruction;

/// The number of bytes per write to a body.
const CHUNK_BYTES: usize = 4096;

pub(crate) fn send(instruction: &Instruction<'_>) -> String {
    match begin(instruction) {
        Ok(future) => end(future, instruction.all),
        Err(error) => error,
    }
}

/// Starts all requests before it waits for the first response.
pub(crate) fn send_together(instruction: &Instruction<'_>) -> String {
    let begun: Vec<_> = (0..instruction.times).map(|_| begin(instruction)).collect();
    let results: Vec<String> = begun
        .into_iter()
        .map(|begun| begun.map_or_else(|error| error, |future| end(future, instruction.all)))
        .collect();
    let last = results.last().cloned().unwrap_or_default();
    format!("{} times {last}", results.iter().filter(|result| **result == last).count())
}

/// Allocates host resources and keeps them: `fields 100 30000` keeps a hundred headers of 30,000 bytes.
pub(crate) fn hoard(instruction: &str) -> String {
    let mut words = instruction.split(' ');
    let kind = words.next().unwrap_or_default();
    let mut number = || words.next().and_then(|word| word.parse::<usize>().ok()).unwrap_or_default();
    let (count, bytes) = (number(), vec![b'x'; number()]);
    let fields = || {
        let fields = Fields::new();
        fields.append("x-hoard", &bytes).map(|()| fields)
    };
    let (mut kept, mut requests) = (Vec::new(), Vec::new());
    for _ in 0..count {
        match (kind, kept.last()) {
            ("copies", Some(first)) => {
                let copy = Fields::clone(first);
                // A copy shares its entries until it is modified.
                if let Err(error) = copy.append("x-more", b"x") {
                    return format!("{error:?}");
                }
                kept.push(copy);
            }
            ("methods", _) => {
                let request = OutgoingRequest::new(Fields::new());
                let method = Method::Other("X".repeat(bytes.len()));
                if request.set_method(&method).is_err() {
                    return "the method".to_owned();
                }
                requests.push(request);
            }
            _ => match fields() {
                Ok(one) if kind == "dropped" => drop(one),
                Ok(one) => kept.push(one),
                Err(error) => return format!("{error:?}"),
            },
        }
    }
    format!("{} kept", kept.len() + requests.len())
}

fn begin(instruction: &Instruction<'_>) -> Result<FutureIncomingResponse, String> {
    let headers = Fields::new();
    for (name, value) in &instruction.headers {
        headers.append(name, value.as_bytes()).map_err(|error| format!("header {name}: {error:?}"))?;
    }
    let request = OutgoingRequest::new(headers);
    let (scheme, rest) = instruction.url.split_once("://").unwrap_or(("https", &instruction.url));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let method = match instruction.method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "CONNECT" => Method::Connect,
        "TRACE" => Method::Trace,
        other => Method::Other(other.to_owned()),
    };
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let path = if path.is_empty() { "/" } else { path };
    request.set_method(&method).map_err(|()| "the method".to_owned())?;
    request.set_scheme(Some(&scheme)).map_err(|()| "the scheme".to_owned())?;
    request.set_authority(Some(authority)).map_err(|()| "no authority".to_owned())?;
    request.set_path_with_query(Some(path)).map_err(|()| "no path".to_owned())?;
    let body = request.body().map_err(|()| "the body".to_owned())?;
    let options = instruction.timeout_ms.map(options).transpose()?;
    let future = handle(request, options).map_err(|code| shown(&code))?;
    write(&instruction.body, body);
    Ok(future)
}

fn options(timeout_ms: u32) -> Result<RequestOptions, String> {
    let options = RequestOptions::new();
    let wait = u64::from(timeout_ms) * 1_000_000;
    options.set_first_byte_timeout(Some(wait)).map_err(|()| "the timeout".to_owned())?;
    options.set_between_bytes_timeout(Some(wait)).map_err(|()| "the timeout".to_owned())?;
    Ok(options)
}

/// Writes the body. If a write fails, the response contains the reason.
fn write(bytes: &[u8], body: OutgoingBody) {
    if let Ok(stream) = body.write() {
        for chunk in bytes.chunks(CHUNK_BYTES) {
            if stream.blocking_write_and_flush(chunk).is_err() {
                return;
            }
        }
    }
    let _ = OutgoingBody::finish(body, None);
}

fn end(future: FutureIncomingResponse, all: bool) -> String {
    future.subscribe().block();
    match future.get() {
        Some(Ok(Ok(response))) => answer(&response, all),
        Some(Ok(Err(code))) => shown(&code),
        _ => "no answer".to_owned(),
    }
}

fn answer(response: &IncomingResponse, all: bool) -> String {
    let headers: String = response.headers().entries().iter().map(|(name, _)| format!("{name} ")).collect();
    let Ok(body) = response.consume() else { return "no body".to_owned() };
    let Ok(stream) = body.stream() else { return "no stream".to_owned() };
    let mut text = Vec::new();
    loop {
        match stream.blocking_read(CHUNK_BYTES as u64) {
            Ok(bytes) => text.extend(bytes),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => {
                return format!("body: {}", error.to_debug_string());
            }
        }
    }
    if !all {
        return format!("{} {headers}{}", response.status(), crate::shown(&text));
    }
    drop(stream);
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    let trailers = match trailers.get() {
        Some(Ok(Ok(Some(trailers)))) => fields(&trailers),
        _ => String::new(),
    };
    let headers = fields(&response.headers());
    let (bytes, text) = (text.len(), String::from_utf8_lossy(&text));
    format!("{}, {bytes} bytes\n{headers}\n{text}\n{trailers}", response.status())
}

fn fields(fields: &Fields) -> String {
    let lines = fields.entries().into_iter();
    lines.map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(&value))).collect()
}

/// Formats an error. `InternalError` with a text comes from the gateway's policy.
fn shown(code: &ErrorCode) -> String {
    match code {
        ErrorCode::InternalError(Some(text)) => format!("internal-error: {text}"),
        other => format!("{other:?}").replace("ErrorCode::", ""),
    }
}
