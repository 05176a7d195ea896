//! Sends one HTTP request to the running gateway that uses the same configuration.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use frontgate_config::Config;
use frontgate_net::one_shot;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Response, StatusCode};
use serde_json::Value;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::service::admin_api::{CommandBody, CommandResult};
use crate::service::channels_api::ChannelCommand;
use crate::service::customers_api::CustomersCommand;

/// Time limit of a request; longer than the deadline of any callback.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends a request. Returns the status and the body of the response.
pub(super) fn request(address: SocketAddr, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
    wait(TIMEOUT, &address.to_string(), async {
        let stream = TcpStream::connect(address).await;
        let stream = stream.with_context(|| format!("failed to connect to {address}; is `frontgate run` running?"))?;
        one_shot(stream, request).await.map(plain)
    })
}

/// Sends a command to the gateway and waits for the result. The inner `Err` is the gateway's rejection.
pub(super) fn command(
    config: &Config,
    path: &str,
    details: &CommandBody,
) -> anyhow::Result<Result<CommandResult, String>> {
    let (status, body) = operate(config, path, serde_json::to_vec(details)?)?;
    if status != StatusCode::OK {
        return Ok(Err(String::from_utf8_lossy(&body).trim().to_owned()));
    }
    serde_json::from_slice(&body).map(Ok).context("failed to read the gateway's answer")
}

/// Sends a command about customers. The inner `Err` is the gateway's rejection.
pub(super) fn customers(
    config: &Config,
    name: &str,
    command: &CustomersCommand,
) -> anyhow::Result<Result<Value, String>> {
    value(config, &format!("/customers/{name}"), serde_json::to_vec(command)?)
}

/// Sends a command about channels. The inner `Err` is the gateway's rejection.
pub(super) fn channels(config: &Config, name: &str, command: &ChannelCommand) -> anyhow::Result<Result<Value, String>> {
    value(config, &format!("/channels/{name}"), serde_json::to_vec(command)?)
}

/// Sends a command about the console. The inner `Err` is the gateway's rejection.
pub(super) fn console(config: &Config, name: &str, body: &Value) -> anyhow::Result<Result<Value, String>> {
    value(config, &format!("/console/{name}"), serde_json::to_vec(body)?)
}

/// Sends a command whose answer is JSON.
fn value(config: &Config, path: &str, body: Vec<u8>) -> anyhow::Result<Result<Value, String>> {
    let (status, body) = operate(config, path, body)?;
    if status != StatusCode::OK {
        return Ok(Err(String::from_utf8_lossy(&body).trim().to_owned()));
    }
    serde_json::from_slice(&body).map(Ok).context("failed to read the gateway's answer")
}

/// Sends a request to the operators' socket.
fn operate(config: &Config, path: &str, body: Vec<u8>) -> anyhow::Result<(StatusCode, Bytes)> {
    let socket = &config.admin.socket;
    let request = Request::post(path).header("host", "frontgate").body(Full::from(body))?;
    // The gateway's own time limit ends first.
    let time_limit = config.plugins.command_timeout() + TIMEOUT;
    wait(time_limit, &socket.display().to_string(), async {
        let stream = UnixStream::connect(socket).await;
        one_shot(stream.with_context(|| unreachable(socket))?, request).await.map(plain)
    })
}

fn unreachable(socket: &Path) -> String {
    format!("failed to connect to {}; is `frontgate run` running, as this user?", socket.display())
}

fn wait<T>(time_limit: Duration, place: &str, exchange: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    super::runtime()?.block_on(async {
        match timeout(time_limit, exchange).await {
            Ok(answer) => answer,
            Err(_) => bail!("no answer from {place} within {} s", time_limit.as_secs()),
        }
    })
}

fn plain(response: Response<Bytes>) -> (StatusCode, Bytes) {
    (response.status(), response.into_body())
}
