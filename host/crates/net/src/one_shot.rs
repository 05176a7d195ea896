//! Sends one request over a separate stream and reads the whole response into memory, for commands and authors' tools.

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::task::AbortOnDropHandle;

/// Maximum size of a response, in bytes. The servers that are called have smaller limits.
const RESPONSE_BYTES_MAX: usize = 64 << 20;

/// Sends a request over a stream, and reads the whole response.
pub async fn one_shot<S>(stream: S, request: Request<Full<Bytes>>) -> anyhow::Result<Response<Bytes>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, RESPONSE_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!(error)).context("failed to read the response")?;
    Ok(Response::from_parts(head, body.to_bytes()))
}
