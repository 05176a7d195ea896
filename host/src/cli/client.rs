//! One HTTP request to the gateway that runs with the same configuration.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any callback may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Status and body of the answer.
pub(super) fn request(address: SocketAddr, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
    super::runtime()?.block_on(async {
        match timeout(PATIENCE, exchange(address, request)).await {
            Ok(answer) => answer,
            Err(_) => bail!("no answer from {address} within {} s", PATIENCE.as_secs()),
        }
    })
}

async fn exchange(address: SocketAddr, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
    let stream = TcpStream::connect(address);
    let stream = stream.await.with_context(|| format!("nothing answers at {address}; is `frontgate run` running?"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}
