//! A request of a channel's provider: the plugin says what it means and what to answer, and what it means is
//! on disk before the provider hears that.

use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_contract::bindings::channel::{Header, HttpRequest, HttpResponse, WebhookResult};
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

use super::super::trip::Trip;
use super::within;
use crate::connections::Hold;
use crate::error::Error;
use crate::gateway::Gateway;
use crate::routes::FrontRoute;

impl Gateway {
    pub(super) async fn provider(
        &self,
        route: &FrontRoute,
        channel: &Channel,
        head: &Parts,
        (body, hold): (&[u8], Hold<'_>),
        deadline: Instant,
        trip: &mut Trip<'_>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        let app = &route.app;
        if channel.state == ChannelState::Removed {
            return Err(Error::NoChannel);
        }
        let tenant = &route.tenant.name;
        let places = self.store.provider_permits(channel.id, app.provider_calls_per_channel_max);
        // Only the plugin can verify this request. While it waits, its body gives way to others; from its turn on, the
        // number of turns bounds what bodies hold.
        let revoked = hold.revoked().cloned().unwrap_or_default();
        let turn = tokio::select! {
            turn = timeout_at(deadline, places.acquire()) => turn,
            () = revoked.cancelled() => return Err(Error::BodiesFull),
        };
        let _turn =
            turn.map_err(|_| CallError::Busy("no place for calls of the channel's provider became free in time"))?;
        drop(hold);
        // What would be refused afterwards is not asked for.
        self.store.may_import(tenant, channel.id)?;
        let asking = self.asking_channel(route, deadline, trip);
        let plugin = asking.channel(app)?;
        trip.plugin(&plugin);
        let connection = app.connection(&channel.channel_id, &channel.key, channel.credential.clone());
        let request = self.request(head, body);
        let WebhookResult { response, events } =
            asking.call(&plugin, Role::Channel).receive(connection, request).await?;
        let response = answer(response)?;
        if events.len() > app.events_max {
            return Err(CallError::Failed(format!(
                "the plugin tells more than events_max = {} events",
                app.events_max
            ))
            .into());
        }
        if let Some(problem) = events.iter().find_map(invalid_reason) {
            return Err(CallError::Failed(format!("invalid event of the plugin: {problem}")).into());
        }
        if !events.is_empty() {
            let batch = ProviderBatch {
                channel: channel.id,
                tenant: Arc::clone(tenant),
                events: events.into_iter().map(ProviderEvent::from).collect(),
                request: Arc::clone(trip.id()),
            };
            let most = Size { rows: app.waiting_max, bytes: app.waiting_bytes_max };
            within(deadline, self.store.accept_provider_events(batch, most)).await?;
        }
        if response.status().is_success() {
            trip.known();
        }
        Ok(response)
    }

    /// The request as the plugin sees it, under the URL that the provider was given.
    fn request(&self, head: &Parts, body: &[u8]) -> HttpRequest {
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let header = |(name, value): (&HeaderName, &HeaderValue)| Header {
            name: name.to_string(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        HttpRequest {
            method: head.method.to_string(),
            url: format!("{}{target}", self.public_url.trim_end_matches('/')),
            headers: head.headers.iter().map(header).collect(),
            body: body.to_vec(),
        }
    }
}

/// What the provider gets; the framing is the gateway's.
fn answer(response: HttpResponse) -> Result<Response<Full<Bytes>>, Error> {
    let status = StatusCode::from_u16(response.status).ok().filter(|status| (200..600).contains(&status.as_u16()));
    let status = status.ok_or_else(|| CallError::Failed(format!("{} is no status of an answer", response.status)))?;
    let mut answer = Response::new(Full::from(response.body));
    *answer.status_mut() = status;
    for Header { name, value } in response.headers {
        let (name, value) = HeaderName::try_from(name)
            .ok()
            .zip(HeaderValue::try_from(value).ok())
            .ok_or_else(|| CallError::Failed("a header of the plugin's answer cannot be sent".to_owned()))?;
        if !is_reserved_header(&name) {
            answer.headers_mut().append(name, value);
        }
    }
    Ok(answer)
}
