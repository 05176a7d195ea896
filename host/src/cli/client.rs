//! One HTTP request to the gateway that runs with the same configuration.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use frontgate_config::Config;
use frontgate_net::one_shot;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Response, StatusCode};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::service::operate::{Answer, Details};

/// Longer than any callback may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Status and body of the answer.
pub(super) fn request(address: SocketAddr, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
    wait(PATIENCE, &address.to_string(), async {
        let stream = TcpStream::connect(address).await;
        let stream = stream.with_context(|| format!("nothing answers at {address}; is `frontgate run` running?"))?;
        one_shot(stream, request).await.map(plain)
    })
}

/// Gives the gateway a command, and waits until it is done; `Err` inside is its refusal.
pub(super) fn command(config: &Config, path: &str, details: &Details) -> anyhow::Result<Result<Answer, String>> {
    let socket = &config.admin.socket;
    let body = serde_json::to_vec(details)?;
    let request = Request::post(path).header("host", "frontgate").body(Full::from(body))?;
    // The gateway gives up first, and says so.
    let patience = config.plugins.command_timeout() + PATIENCE;
    let (status, body) = wait(patience, &socket.display().to_string(), async {
        let stream = UnixStream::connect(socket).await;
        one_shot(stream.with_context(|| nobody(socket))?, request).await.map(plain)
    })?;
    if status != StatusCode::OK {
        return Ok(Err(String::from_utf8_lossy(&body).trim().to_owned()));
    }
    serde_json::from_slice(&body).map(Ok).context("reading the gateway's answer")
}

fn nobody(socket: &Path) -> String {
    format!("nothing answers at {}; is `frontgate run` running, as this user?", socket.display())
}

fn wait<T>(patience: Duration, place: &str, exchange: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    super::runtime()?.block_on(async {
        match timeout(patience, exchange).await {
            Ok(answer) => answer,
            Err(_) => bail!("no answer from {place} within {} s", patience.as_secs()),
        }
    })
}

fn plain(response: Response<Bytes>) -> (StatusCode, Bytes) {
    (response.status(), response.into_body())
}
