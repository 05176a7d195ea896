//! The certificate of the public listener: opens it, keeps it, and answers challenges of an ACME server over HTTP.

use std::sync::Arc;

use anyhow::Context as _;
use frontgate_config::Config;
use frontgate_gateway::server::{Callers, Server};
use frontgate_tls::{Certificates, Challenges};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::admin_pages::text;

/// Path of the challenge HTTP-01 (RFC 8555).
const PATH: &str = "/.well-known/acme-challenge/";
/// Connections of the listener for HTTP-01; servers check from a few places.
const CONNECTIONS_MAX: usize = 64;

/// Opens the certificate of the public listener. Returns `None` without TLS.
pub(super) fn certificates(config: &Config) -> anyhow::Result<Option<Arc<Certificates>>> {
    let Some(tls) = &config.server.tls else { return Ok(None) };
    let url = Url::parse(&config.public_url()).ok();
    Certificates::open(tls, url.as_ref().and_then(Url::host_str))
}

/// Keeps the certificate up to date in the background.
pub(super) async fn keep(
    config: &Config,
    certificates: Option<Arc<Certificates>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let Some(certificates) = certificates else { return Ok(()) };
    let acme = config.server.tls.as_ref().and_then(|tls| tls.acme.as_ref());
    if let Some(address) = acme.and_then(|acme| acme.http_listen) {
        let bound = Server::bind(address, &config.server, Callers::Public, CONNECTIONS_MAX).await;
        let server = bound.context("failed to listen on server.tls.acme.http_listen")?;
        let challenges = certificates.challenges();
        tokio::spawn(server.serve(
            move |request, _| {
                let response = answer(&request, &challenges);
                async move { response }
            },
            stop,
        ));
    }
    tokio::spawn(certificates.keep());
    Ok(())
}

fn answer(request: &Request<Incoming>, challenges: &Challenges) -> Response<Full<Bytes>> {
    let token = request.uri().path().strip_prefix(PATH).filter(|_| request.method() == Method::GET);
    match token.and_then(|token| challenges.http(token)) {
        Some(proof) => text(StatusCode::OK, proof),
        None => text(StatusCode::NOT_FOUND, "only challenges of an ACME server are answered here\n"),
    }
}
