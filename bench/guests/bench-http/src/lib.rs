//! The benchmark's callback as one component for `wasmtime serve`, with signature check, form parsing, list and JSON.
#![cfg(target_family = "wasm")]

use frontgate_bench_answer::Callback;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

/// Token and URL of the benchmark. They are compiled in, because any other way to pass them would add cost.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const URL: &str = "https://gw.example.org/callbacks/crm";

/// Maximum size in bytes of a write to a stream without a readiness check.
const PIECE_BYTES_MAX: usize = 4_096;

struct Service;

wasip2::http::proxy::export!(Service);

impl Guest for Service {
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        let signature = request.headers().get("x-twilio-signature").into_iter().next().unwrap_or_default();
        let answer = Callback::new(TOKEN, URL).answer(&body(&request), &signature);
        let (status, bytes) = answer.map_or((403, Vec::new()), |bytes| (200, bytes));
        send(response, status, &bytes);
    }
}

fn body(request: &IncomingRequest) -> Vec<u8> {
    let body = request.consume().expect("it is read once");
    let stream = body.stream().expect("it is read once");
    let mut bytes = Vec::new();
    while let Ok(piece) = stream.blocking_read(64 * 1024) {
        bytes.extend(piece);
    }
    bytes
}

fn send(response: ResponseOutparam, status: u16, bytes: &[u8]) {
    let headers = [
        ("content-type".to_owned(), b"application/json".to_vec()),
        ("content-length".to_owned(), bytes.len().to_string().into_bytes()),
    ];
    let outgoing = OutgoingResponse::new(Fields::from_list(&headers).expect("they are well formed"));
    outgoing.set_status_code(status).expect("a known status");
    let body = outgoing.body().expect("it is taken once");
    ResponseOutparam::set(response, Ok(outgoing));
    let stream = body.write().expect("it is taken once");
    for piece in bytes.chunks(PIECE_BYTES_MAX) {
        stream.blocking_write_and_flush(piece).expect("the caller is there");
    }
    drop(stream);
    OutgoingBody::finish(body, None).expect("the whole body was written");
}
