//! HTTP for the ACME client, by the gateway's own client.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use bytes::Bytes;
use frontgate_net::{Client, ClientOptions};
use http_body_util::BodyExt as _;
use hyper::header::RETRY_AFTER;
use hyper::{HeaderMap, Request, Response};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use url::Url;

use crate::settings::is_usable;

const TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum size of a response; a chain of certificates has a few KiB.
const BYTES_MAX: usize = 1 << 20;

/// Sends the requests of one attempt.
#[derive(Clone)]
pub(super) struct Http {
    client: Arc<Client>,
    /// Seconds that the server asked to wait when it last refused a request; 0 if it did not ask.
    retry_after: Arc<AtomicU64>,
}

impl Http {
    pub(super) fn new(ca_files: &[PathBuf]) -> Self {
        let options = ClientOptions {
            ca_files: ca_files.to_vec(),
            nameservers: Vec::new(),
            connect_timeout: TIMEOUT,
            request_timeout: TIMEOUT,
            response_bytes_max: BYTES_MAX,
            connections_idle_max: 1,
        };
        Self { client: Arc::new(Client::new(&options)), retry_after: Arc::default() }
    }

    /// Returns how long the server asked to wait when it refused a request.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.retry_after.load(Ordering::Relaxed);
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    async fn send(self, request: Request<BodyWrapper<Bytes>>) -> anyhow::Result<BytesResponse> {
        let (head, body) = request.into_parts();
        let url = Url::parse(&head.uri.to_string()).context("the server named an invalid URL")?;
        anyhow::ensure!(is_usable(&url), "the server named a URL that is not https");
        let body = body.collect().await.context("failed to create the request")?.to_bytes();
        let response = self.client.send(head.method, &url, head.headers, body).await?;
        if response.status.is_client_error() || response.status.is_server_error() {
            self.retry_after.store(seconds(&response.headers).unwrap_or_default(), Ordering::Relaxed);
        }
        let body = response.body.context("the response is incomplete or too large")?;
        let mut parts = Response::new(()).into_parts().0;
        (parts.status, parts.headers) = (response.status, response.headers);
        Ok(BytesResponse { parts, body: Box::new(body) })
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let sent = self.clone().send(request);
        Box::pin(async move { sent.await.map_err(|error| Error::Other(format!("{error:#}").into())) })
    }
}

/// Returns the value of `Retry-After` in seconds: a number, or a date.
fn seconds(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.parse().ok().or_else(|| {
        let time = httpdate::parse_http_date(text).ok()?;
        Some(time.duration_since(SystemTime::now()).ok()?.as_secs())
    })
}
