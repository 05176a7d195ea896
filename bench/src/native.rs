//! The benchmark's callback as native code behind hyper, with the same signature check and the same answer. It is the
//! baseline for the cost of the gateway.
#![expect(clippy::print_stderr, reason = "the address is printed for the benchmark")]

use std::convert::Infallible;
use std::sync::Arc;

use frontgate_bench_answer::Callback;
use frontgate_tests::{PUBLIC_URL, TOKEN};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

// Use the same allocator as the gateway.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BODY_BYTES_MAX: usize = 256 * 1024;

fn main() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve())
}

async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("serving {}", listener.local_addr()?);
    let callback = Arc::new(Callback::new(TOKEN, &format!("{PUBLIC_URL}/callbacks/crm")));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let callback = Arc::clone(&callback);
        let service = service_fn(move |request| {
            let callback = Arc::clone(&callback);
            async move { Ok::<_, Infallible>(respond(&callback, request).await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn respond(callback: &Callback, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let signature = head.headers.get("x-twilio-signature").map_or(&b""[..], HeaderValue::as_bytes);
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map(|body| body.to_bytes());
    let answer = body.ok().and_then(|body| callback.answer(&body, signature));
    let mut response = Response::default();
    match answer {
        Some(answer) => {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *response.body_mut() = Full::from(answer);
        }
        None => *response.status_mut() = StatusCode::FORBIDDEN,
    }
    response
}
