//! Requests below a Front app's address, from Front itself or from the provider of a channel.
//!
//! This module reads each request within its deadline. `channel` answers Front within seven seconds; `provider` passes
//! a provider's request to the channel's plugin.

mod channel;
mod message;
mod oauth;
mod provider;
mod reply;
mod setup;
mod verified;

use std::sync::Arc;
use std::time::Duration;

use frontgate_delivery::store::front::Channel;
use frontgate_front::explain::{Surroundings, explain, explain_unread};
use frontgate_front::replay;
use frontgate_front::replies::ChannelResponse;
use frontgate_front::signature;
use frontgate_front::signature::{Refusal, SignedRequest};
use frontgate_store::now_ms;
use frontgate_telemetry::metrics::{METRICS, labels};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderName;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Response};
use tokio::time::Instant;

use self::channel::ChannelRequests;
use self::oauth::OauthRequest;
pub(super) use self::oauth::{error_page, oauth_rejection};
use self::provider::ProviderWebhook;
pub(super) use self::reply::rejection;
use self::verified::{VerifiedRequest, within};
use super::offload::offload_if_large;
use super::request_context::{FRONT, PROVIDER, RequestContext};
use super::request_record::Stage;
use super::services::Services;
use crate::connections::Reservation;
use crate::error::Error;
use crate::headers::single_text;
use crate::request_body;
use crate::routes::{Endpoint, FrontRoute};

const SIGNATURE: HeaderName = HeaderName::from_static(signature::SIGNATURE);
const TIMESTAMP: HeaderName = HeaderName::from_static(signature::TIMESTAMP);

/// A request below a Front app's address.
pub(super) struct FrontRequest<'s> {
    services: &'s Services,
    route: &'s FrontRoute,
    time_limit: Duration,
    deadline: Instant,
}

impl<'s> FrontRequest<'s> {
    /// Creates the request. The deadline is relative to `started`, the time at which the header had arrived.
    pub(super) fn new(services: &'s Services, route: &'s FrontRoute, started: Instant) -> Self {
        let timeout = if route.endpoint.is_provider() { route.app.provider_timeout } else { route.app.timeout };
        Self { services, route, time_limit: timeout, deadline: started + timeout }
    }

    /// Reads and answers the request.
    pub(super) async fn respond(
        self,
        head: &Parts,
        body: Incoming,
        context: &mut RequestContext<'_>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        let (services, route, deadline) = (self.services, self.route, self.deadline);
        let is_provider = route.endpoint.is_provider();
        if let (Endpoint::Oauth(endpoint), Some(oauth)) = (&route.endpoint, &route.app.oauth) {
            let request =
                OauthRequest { services, route, oauth, endpoint: *endpoint, time_limit: self.time_limit, deadline };
            return request.respond(head, body, context).await;
        }
        context.set_route(&route.tenant.name, if is_provider { PROVIDER } else { FRONT }, self.time_limit);
        let last = match &route.endpoint {
            Endpoint::Channel(_) => Some("-"),
            Endpoint::Provider(_) => Some("-/provider"),
            Endpoint::App | Endpoint::Oauth(_) => None,
        };
        if let Some(last) = last {
            context.record.set_path(|| format!("{}/front/{}/{last}", route.tenant.prefix, route.app.name));
        }
        if !is_provider {
            let is_delete = head.method == Method::DELETE && matches!(route.endpoint, Endpoint::Channel(_));
            if head.method != Method::POST && !is_delete {
                return Err(Error::Method);
            }
            let presented = route.app.keys.presented(&signed_request(head, b""));
            presented.map_err(|refusal| Error::Signature(explain_unread(&route.app.keys, refusal)))?;
        }
        // The body is not read if the channel does not exist.
        let channel = match &route.endpoint {
            Endpoint::App | Endpoint::Oauth(_) => None,
            Endpoint::Channel(key) | Endpoint::Provider(key) => Some(self.channel(key).await?),
        };
        if let Some(channel) = &channel {
            context.record.set_channel(&channel.channel_id);
        }
        let (server, limit) = (&services.server, route.app.body_bytes_max);
        let read = request_body::read(body, &head.headers, limit, server, deadline, context.caller()).await;
        context.record.end(Stage::Body);
        let (body, reservation) = read?;
        context.record.set_bytes_in(body.len());
        if let Some(channel) = channel.as_ref().filter(|_| is_provider) {
            let webhook = ProviderWebhook { services, route, channel, deadline };
            let response = webhook.respond(head, &body, reservation, context).await;
            context.record.capture(&head.headers, &body, context.is_accepted());
            return response;
        }
        let response = self.answer(channel.as_ref(), head, &body, reservation, context).await?;
        Ok(reply::http_response(&response))
    }

    /// Verifies and answers a request from Front.
    async fn answer(
        &self,
        channel: Option<&Channel>,
        head: &Parts,
        body: &[u8],
        mut reservation: Reservation<'_>,
        context: &mut RequestContext<'_>,
    ) -> Result<ChannelResponse, Error> {
        let (services, route) = (self.services, self.route);
        let signed = signed_request(head, body);
        reservation.complete().map_err(|_| Error::BodiesFull)?;
        let verify = || route.app.keys.verify(&signed, now_ms());
        let verified = offload_if_large(body.len(), self.deadline, verify).await?;
        let verified = verified.map_err(|refusal| self.signature_error(&signed, &refusal));
        context.record.end(Stage::Verify);
        context.record.capture(&head.headers, body, verified.is_ok());
        let verified = verified?;
        context.mark_verified();
        context.record.set_signature(&verified.key, None);
        drop(reservation);
        let key = format!("front.{}.{}", route.app.name, verified.key);
        let signed_by = labels::Verified { tenant: (&*route.tenant.name).into(), key: key.into() };
        METRICS.verified.get_or_create(&signed_by).inc();
        let decoded = frontgate_front::requests::decode(&verified);
        let decoded = decoded.map_err(|reason| Error::Unreadable(reason.to_string()))?;
        context.set_webhook_event(decoded.request.name());
        let (timestamp, signature) = (signed.timestamp.unwrap_or_default(), signed.signature.unwrap_or_default());
        // The replay key is the same for all addresses of the app, because the request may be sent to any of them.
        let replay = replay::key(&route.app.name, timestamp, signature);
        let request = VerifiedRequest { route, headers: &head.headers, body, replay, deadline: self.deadline };
        let requests = ChannelRequests { plugins: &services.plugins, store: &services.store, request: &request };
        match channel {
            None => requests.answer_for_app(decoded.request, context).await,
            Some(channel) => requests.answer_for_channel(channel, decoded.request, context).await,
        }
    }

    fn signature_error(&self, signed: &SignedRequest<'_>, refusal: &Refusal) -> Error {
        let (services, app) = (self.services, &self.route.app);
        Error::Signature(services.explainer.explain(signed.body.len(), refusal, || {
            let others = services.routes.tenants().iter().flat_map(|tenant| tenant.front.values());
            let others = others.filter(|other| !Arc::ptr_eq(other, app));
            let others: Vec<_> = others.map(|other| (&*other.name, &other.keys)).collect();
            explain(&app.keys, signed, refusal.clone(), &Surroundings { others: &others }).to_string()
        }))
    }

    /// Returns the channel with this key, even if the channel was removed.
    async fn channel(&self, key: &str) -> Result<Channel, Error> {
        let (tenant, app) = (&self.route.tenant.name, &self.route.app.name);
        let found = within(self.deadline, self.services.store.channel_at(tenant, key.to_owned())).await?;
        found.filter(|channel| channel.tenant == **tenant && channel.app == **app).ok_or(Error::NoChannel)
    }
}

/// Returns the parts of a request that Front signs. A repeated header is treated as absent.
fn signed_request<'r>(head: &'r Parts, body: &'r [u8]) -> SignedRequest<'r> {
    let text = |headers: &'r HeaderMap, name| single_text(headers, name).ok().flatten();
    let (timestamp, signature) = (text(&head.headers, &TIMESTAMP), text(&head.headers, &SIGNATURE));
    SignedRequest { is_delete: head.method == Method::DELETE, timestamp, signature, body }
}
