//! Sends one HTTP request to the running gateway that uses the same configuration.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use frontgate_config::Config;
use frontgate_gateway::settings::{Listen, Server};
use frontgate_net::one_shot;
use frontgate_settings::open_as_is;
use frontgate_tls::{Certificate, pinned};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Response, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

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

/// Returns the value of the header `Host` of a request to the public listener.
pub(super) fn host(config: &Config) -> String {
    config.server.listen.address().map_or_else(|| "localhost".to_owned(), |address| address.to_string())
}

/// Sends a request to the public listener, as its configuration says. Over TLS, only the configured certificate is
/// accepted.
pub(super) fn public(config: &Config, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
    let (server, place) = (&config.server, config.server.listen.to_string());
    let context = || format!("failed to connect to {place}; is `frontgate run` running?");
    wait(TIMEOUT, &place, async {
        let address = match &server.listen {
            Listen::Address(address) => address,
            Listen::Unix(path) => {
                let stream = UnixStream::connect(path).await.with_context(context)?;
                return exchange(server, stream, request).await;
            }
            Listen::Systemd(_) => {
                bail!("the address of systemd's socket is unknown; send to a gateway with an address")
            }
        };
        let mut stream = TcpStream::connect(address).await.with_context(context)?;
        if server.expects_proxy_header() {
            stream.write_all(b"PROXY UNKNOWN\r\n").await?;
        }
        exchange(server, stream, request).await
    })
}

/// Sends a request over a connection, within TLS if the listener expects TLS.
async fn exchange<S>(server: &Server, stream: S, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Some(tls) = &server.tls else { return one_shot(stream, request).await.map(plain) };
    let certificate = Certificate::of_settings(tls, open_as_is)?;
    let connector = TlsConnector::from(Arc::new(pinned(&certificate)));
    let name = ServerName::try_from("localhost").expect("a host name");
    let stream = connector.connect(name, stream).await.context("TLS handshake failed")?;
    one_shot(stream, request).await.map(plain)
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
