//! The token endpoint of a client: sends token requests over checked addresses, without redirects.

use std::time::Duration;

use frontgate_contract::digest::DigestBuilder;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, Uri};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::token_request::{TokenRequest, Tokens, answer, token_request};
use crate::outbound::destination::Destination;
use crate::outbound::egress::Egress;
use crate::settings::oauth::{Grant, Oauth};

/// Timeout of a token request, with its connection and its answer.
pub(super) const TOKEN_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum size of the answer. Tokens with many claims have some kilobytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A client at a token endpoint.
pub(super) struct Endpoint {
    pub(super) oauth: Oauth,
    pub(super) to: Destination,
    path: PathAndQuery,
}

impl Endpoint {
    /// Reads settings, which were validated with the configuration.
    pub(super) fn new(oauth: &Oauth) -> Self {
        let url = oauth.url().expect("the configuration was validated");
        let (to, path) = Destination::target_of(&url).expect("the configuration was validated");
        Self { oauth: oauth.clone(), to, path }
    }

    /// Returns the refresh token of the configuration, if the grant has one.
    pub(super) fn refresh_token(&self) -> Option<&str> {
        let token = self.oauth.refresh_token.as_ref().filter(|_| self.oauth.grant == Grant::RefreshToken);
        token.map(|token| token.expose())
    }

    /// Returns the key of the stored tokens: another refresh token in the configuration is another key.
    pub(super) fn stored_as(&self) -> String {
        let mut digest = DigestBuilder::default();
        let parts = [&self.oauth.token_url, &self.oauth.client_id, self.refresh_token().unwrap_or_default()];
        for part in parts {
            digest.update(&part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        digest.finish().to_string()
    }

    /// Requests tokens. The error contains no secret.
    pub(super) async fn request(&self, egress: &Egress, refresh_token: &str, until: Instant) -> Result<Tokens, String> {
        let request = self.http(token_request(&self.oauth, refresh_token)?);
        let held = egress.network.hold(&egress.plugin, &Method::POST, (&self.to, self.path.path()), None);
        held.map_err(|rejection| rejection.to_string())?;
        let mut connection = egress.connect(&self.to, until).await.map_err(|failure| failure.to_string())?;
        let exchange = async {
            let sent = connection.try_send(request).await;
            let (head, body) = sent.map_err(|(error, _)| format!("connection interrupted: {error}"))?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|_| format!("incomplete answer, or more than {ANSWER_BYTES_MAX} bytes"))?;
            answer(head.status, &Zeroizing::new(body.to_bytes().to_vec()))
        };
        timeout_at(until, exchange).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    fn http(&self, TokenRequest { authorization, body }: TokenRequest) -> Request<crate::outbound::body::Body> {
        let body = Bytes::from_owner(Zeroizing::new(body.as_bytes().to_vec()));
        let mut request = Request::new(Full::new(body).map_err(|never| match never {}).boxed_unsync());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from(self.path.clone());
        let host = HeaderValue::try_from(self.to.authority()).expect("a host is a header value");
        let headers = request.headers_mut();
        headers.insert(HOST, host);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(USER_AGENT, HeaderValue::from_static("frontgate"));
        headers.extend(authorization.map(|value| (AUTHORIZATION, value)));
        request
    }
}
