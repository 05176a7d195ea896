//! Webhooks from a channel's provider. The plugin decodes the request. Its events are stored before the plugin's
//! response is sent to the provider.

use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_contract::bindings::channel::{ChannelEvent, Header, HttpRequest, HttpResponse, WebhookResult};
use frontgate_delivery::provider_event::{ProviderEvent, invalid_reason};
use frontgate_delivery::store::Size;
use frontgate_delivery::store::front::{Channel, ChannelState, ProviderBatch};
use frontgate_net::is_reserved_header;
use frontgate_runtime::CallError;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::super::request_context::RequestContext;
use super::super::request_record::Stage;
use super::super::services::Services;
use super::verified::{invoker, within};
use crate::connections::Reservation;
use crate::error::Error;
use crate::routes::FrontRoute;

/// A request to the address of a channel's provider.
pub(super) struct ProviderWebhook<'r> {
    pub(super) services: &'r Services,
    pub(super) route: &'r FrontRoute,
    pub(super) channel: &'r Channel,
    pub(super) deadline: Instant,
}

impl ProviderWebhook<'_> {
    /// Calls the plugin, stores the events that it reports, and returns the plugin's response.
    pub(super) async fn respond(
        &self,
        head: &Parts,
        body: &[u8],
        reservation: Reservation<'_>,
        context: &mut RequestContext<'_>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        let (store, app, channel) = (&self.services.store, &self.route.app, self.channel);
        if channel.state == ChannelState::Removed {
            return Err(Error::NoChannel);
        }
        let places = store.provider_permits(channel.id, app.provider_calls_per_channel_max);
        // Only the plugin can verify this request. While the request waits for a permit, its memory can be revoked.
        // After that, the number of permits bounds the memory of bodies.
        let revoked = reservation.revoked().cloned().unwrap_or_default();
        let permit = tokio::select! {
            permit = timeout_at(self.deadline, places.acquire()) => permit,
            () = revoked.cancelled() => return Err(Error::BodiesFull),
        };
        let _permit =
            permit.map_err(|_| CallError::Busy("no free slot before the deadline (provider_calls_per_channel_max)"))?;
        drop(reservation);
        // Do not call the plugin for events that would be rejected afterwards.
        store.may_import(&self.route.tenant.name, channel.id)?;
        let invoker = invoker(&self.services.plugins, self.route, self.deadline, context);
        let plugin = invoker.channel_plugin(app)?;
        context.set_plugin(&plugin);
        let connection = app.connection(&channel.channel_id, &channel.key, channel.credential.clone());
        let request = self.plugin_request(head, body);
        let received = invoker.call(&plugin, Role::Channel).receive(connection, request).await;
        context.record.end(Stage::Calls);
        let WebhookResult { response, events } = received?;
        let response = http_response(response)?;
        self.store_events(events, context).await?;
        if response.status().is_success() {
            context.mark_accepted();
        }
        Ok(response)
    }

    async fn store_events(&self, events: Vec<ChannelEvent>, context: &mut RequestContext<'_>) -> Result<(), Error> {
        let app = &self.route.app;
        if events.len() > app.events_max {
            let problem = format!("the plugin reported more than events_max = {} events", app.events_max);
            return Err(CallError::Failed(problem).into());
        }
        if let Some(problem) = events.iter().find_map(invalid_reason) {
            return Err(CallError::Failed(format!("invalid event from the plugin: {problem}")).into());
        }
        if events.is_empty() {
            return Ok(());
        }
        let told = ProviderBatch {
            channel: self.channel.id,
            tenant: Arc::clone(&self.route.tenant.name),
            events: events.into_iter().map(ProviderEvent::from).collect(),
            request: Arc::clone(context.id()),
        };
        let waiting_max = Size { rows: app.waiting_max, bytes: app.waiting_bytes_max };
        let stored = within(self.deadline, self.services.store.accept_provider_events(told, waiting_max)).await;
        context.record.end(Stage::Store);
        context.record.add_deliveries(&stored?);
        Ok(())
    }

    /// Returns the request in the plugin's form, with the URL that the provider uses.
    fn plugin_request(&self, head: &Parts, body: &[u8]) -> HttpRequest {
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let header = |(name, value): (&HeaderName, &HeaderValue)| Header {
            name: name.to_string(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        HttpRequest {
            method: head.method.to_string(),
            url: format!("{}{target}", self.services.public_url.trim_end_matches('/')),
            headers: head.headers.iter().map(header).collect(),
            body: body.to_vec(),
        }
    }
}

/// Converts the plugin's response to HTTP. The gateway sets the headers for framing and connection.
fn http_response(response: HttpResponse) -> Result<Response<Full<Bytes>>, Error> {
    let status = StatusCode::from_u16(response.status).ok().filter(|status| (200..600).contains(&status.as_u16()));
    let status = status
        .ok_or_else(|| CallError::Failed(format!("invalid response status {} from the plugin", response.status)))?;
    let mut http = Response::new(Full::from(response.body));
    *http.status_mut() = status;
    for Header { name, value } in response.headers {
        let (name, value) = HeaderName::try_from(name)
            .ok()
            .zip(HeaderValue::try_from(value).ok())
            .ok_or_else(|| CallError::Failed("invalid header in the plugin's response".to_owned()))?;
        if !is_reserved_header(&name) {
            http.headers_mut().append(name, value);
        }
    }
    Ok(http)
}
