//! The authorization server of a Front app: pages for a person's browser, and endpoints for Front.
//!
//! Modules in reading order: `endpoints` issues tokens to Front; `sign_in` makes the steps of a sign-in with the plugin;
//! `content` is what a sign-in stores, `cookie` binds it to a browser, `pages` renders it.

mod content;
mod cookie;
mod endpoints;
mod pages;
mod sign_in;

use std::time::Duration;

use frontgate_delivery::store::front::oauth::AppKey;
use frontgate_front::oauth::OauthError;
use frontgate_tenants::OauthApp;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use tokio::time::Instant;

use self::endpoints::ClientRequest;
use self::sign_in::SignIn;
use super::super::request_context::{OAUTH, RequestContext, SIGN_IN};
use super::super::response::{json, set_retry_after};
use super::super::services::Services;
use crate::error::Error;
use crate::request_body;
use crate::routes::{FrontRoute, OauthEndpoint};

pub(in super::super) use self::pages::error_page;

/// Longest form, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// A request to the authorization server of an app.
pub(super) struct OauthRequest<'r> {
    pub(super) services: &'r Services,
    pub(super) route: &'r FrontRoute,
    pub(super) oauth: &'r OauthApp,
    pub(super) endpoint: OauthEndpoint,
    pub(super) time_limit: Duration,
    pub(super) deadline: Instant,
}

impl OauthRequest<'_> {
    /// Reads and answers the request.
    pub(super) async fn respond(
        self,
        head: &Parts,
        body: Incoming,
        context: &mut RequestContext<'_>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        let callback = if self.endpoint.is_page() { SIGN_IN } else { OAUTH };
        context.set_route(&self.route.tenant.name, callback, self.time_limit);
        let server = &self.services.server;
        let reading = request_body::read(body, &head.headers, BODY_BYTES_MAX, server, self.deadline, context.caller());
        let (body, reservation) = reading.await?;
        let Self { services, route, oauth, deadline, .. } = self;
        let app = app_key(route, oauth);
        if self.endpoint.is_page() {
            // The person has not signed in yet: the number of sign-ins and their steps have limits of their own.
            drop(reservation);
            let sign_in = SignIn { services, route, oauth, deadline, app };
            return sign_in.respond(self.endpoint, head, &body, context).await;
        }
        let request = ClientRequest { services, oauth, deadline, app, reservation: Some(reservation) };
        request.respond(self.endpoint, head, &body, context).await
    }
}

/// Returns the app to which tokens belong.
pub(super) fn app_key(route: &FrontRoute, oauth: &OauthApp) -> AppKey {
    AppKey {
        tenant: route.tenant.name.to_string(),
        app: route.app.name.to_string(),
        client: oauth.client.id().to_owned(),
    }
}

/// Returns an error in the format of OAuth.
pub(in super::super) fn oauth_rejection(error: &Error) -> Response<Full<Bytes>> {
    let (status, _) = error.status_and_code();
    let shown = match error {
        Error::Oauth(error) => *error,
        _ if status.is_server_error() => OauthError::TemporarilyUnavailable,
        _ => OauthError::InvalidRequest("the request cannot be read"),
    };
    let mut response = private(json(status, shown.body().into()));
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"frontgate\", charset=\"UTF-8\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    set_retry_after(&mut response, error);
    response
}

/// Marks a response that no cache may keep.
fn private(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
