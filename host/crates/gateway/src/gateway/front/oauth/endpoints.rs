//! Endpoints that Front calls with its client id and secret: tokens, introspection (RFC 7662), revocation (RFC 7009).

use frontgate_delivery::store::front::oauth::{AppKey, Exchange, Lifetimes};
use frontgate_front::oauth::{OauthError, Parameters, Token, TokenRequest, introspection, tokens};
use frontgate_telemetry::metrics::{METRICS, labels};
use frontgate_tenants::OauthApp;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde_json::Value;
use tokio::time::Instant;
use tracing::warn;

use super::super::super::request_context::RequestContext;
use super::super::super::response::json;
use super::super::super::services::Services;
use super::super::verified::within;
use super::private;
use crate::connections::Reservation;
use crate::error::Error;
use crate::headers::single_text;
use crate::routes::OauthEndpoint;

/// The content type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// A request of a client.
pub(super) struct ClientRequest<'r> {
    pub(super) services: &'r Services,
    pub(super) oauth: &'r OauthApp,
    pub(super) deadline: Instant,
    pub(super) app: AppKey,
    /// The memory of the body, until the client is authenticated.
    pub(super) reservation: Option<Reservation<'r>>,
}

impl ClientRequest<'_> {
    /// Authenticates the client, and answers.
    pub(super) async fn respond(
        mut self,
        endpoint: OauthEndpoint,
        head: &Parts,
        body: &[u8],
        context: &mut RequestContext<'_>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        if head.method != Method::POST {
            return Err(Error::Method);
        }
        let kind = single_text(&head.headers, &CONTENT_TYPE).ok().flatten().unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM) {
            return Err(Error::NotForm);
        }
        let form = Parameters::read(body).map_err(Error::Oauth)?;
        let authorization = single_text(&head.headers, &AUTHORIZATION)
            .map_err(|_| Error::Oauth(OauthError::InvalidRequest("more than one Authorization header")))?;
        self.oauth.client.authenticate(authorization, &form).map_err(Error::Oauth)?;
        self.reservation.take();
        context.mark_verified();
        let key = format!("front.{}.oauth", self.app.app);
        let verified = labels::Verified { tenant: (&*self.app.tenant).into(), key: key.into() };
        METRICS.verified.get_or_create(&verified).inc();
        match endpoint {
            OauthEndpoint::Token => self.issue(&form).await,
            OauthEndpoint::Introspect => self.introspect(&form).await,
            _ => self.revoke(&form).await,
        }
    }

    async fn issue(&self, form: &Parameters) -> Result<Response<Full<Bytes>>, Error> {
        let (store, app) = (&self.services.store, &self.app);
        let lifetimes = Lifetimes { access: self.oauth.access_lifetime, refresh: self.oauth.refresh_lifetime };
        let exchanged = match TokenRequest::read(form).map_err(Error::Oauth)? {
            TokenRequest::Code { code, redirect_uri, verifier } => {
                within(self.deadline, store.exchange_code(app, code, redirect_uri, verifier, lifetimes)).await?
            }
            TokenRequest::Refresh(token) => within(self.deadline, store.refresh(app, token, lifetimes)).await?,
        };
        match exchanged {
            Exchange::Issued(issued) => {
                Ok(answer(&tokens(&issued.access, &issued.refresh, issued.expires_in.as_secs())))
            }
            Exchange::Refused(reason) => Err(Error::Oauth(OauthError::InvalidGrant(reason))),
            Exchange::Reused(reason) => {
                let (tenant, name) = (&*app.tenant, &*app.app);
                warn!(
                    event = "front.grant_revoked",
                    tenant,
                    app = name,
                    "grant of Front app {name} revoked: its {reason}"
                );
                Err(Error::Oauth(OauthError::InvalidGrant(reason)))
            }
        }
    }

    async fn introspect(&self, form: &Parameters) -> Result<Response<Full<Bytes>>, Error> {
        let found = match token(form)? {
            Some(token) => within(self.deadline, self.services.store.introspect(&self.app, token)).await?,
            None => None,
        };
        Ok(answer(&introspection(found.as_ref(), self.oauth.shared_credentials)))
    }

    async fn revoke(&self, form: &Parameters) -> Result<Response<Full<Bytes>>, Error> {
        if let Some(token) = token(form)? {
            within(self.deadline, self.services.store.revoke(&self.app, token)).await?;
        }
        Ok(answer(&Value::Object(serde_json::Map::new())))
    }
}

/// Returns the token of a form. `None` if it is not one of this gateway, which is no error.
fn token(form: &Parameters) -> Result<Option<Token>, Error> {
    let text = form.get("token").ok_or(Error::Oauth(OauthError::InvalidRequest("token is missing")))?;
    Ok(Token::read(text))
}

fn answer(body: &Value) -> Response<Full<Bytes>> {
    private(json(StatusCode::OK, body.to_string().into()))
}
