//! Notifications of a tenant's CRM about changed customers. The plugin with the role `crm-source` verifies and answers
//! them; what they say starts a run of the index.

use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_contract::bindings::crm_source::{News, Notification, NotificationAnswer};
use frontgate_runtime::{CallError, Deadlines};
use frontgate_tenants::Tenant;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::request_context::{NOTIFICATION, RequestContext};
use super::request_record::Stage;
use super::services::Services;
use crate::error::Error;
use crate::request_body;

/// Time limit of a whole request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest body.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Most customers that one notification names; of more, a run reads all changes.
const CUSTOMERS_MAX: usize = 100;

/// A request to the address of a tenant's customer source.
pub(super) struct SourceNotification<'s> {
    pub(super) services: &'s Services,
    pub(super) tenant: &'s Arc<Tenant>,
    pub(super) started: Instant,
}

impl SourceNotification<'_> {
    /// Calls the plugin, starts a run if customers changed, and returns the plugin's response.
    pub(super) async fn respond(
        &self,
        head: &Parts,
        body: Incoming,
        context: &mut RequestContext<'_>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        context.set_route(&self.tenant.name, NOTIFICATION, TIMEOUT);
        if head.method != Method::POST && head.method != Method::GET {
            return Err(Error::Method);
        }
        let (services, deadline) = (self.services, self.started + TIMEOUT);
        let customers = services.plugins.customers().of(&self.tenant.name).ok_or(Error::UnknownAddress)?;
        let server = &services.server;
        let read = request_body::read(body, &head.headers, BODY_BYTES_MAX, server, deadline, context.caller()).await;
        context.record.end(Stage::Body);
        let (body, reservation) = read?;
        context.record.set_bytes_in(body.len());
        // Only the plugin can verify this request. While it waits for a permit, its memory can be revoked.
        let revoked = reservation.revoked().cloned().unwrap_or_default();
        let permit = tokio::select! {
            permit = timeout_at(deadline, customers.notification_permits().acquire()) => permit,
            () = revoked.cancelled() => return Err(Error::BodiesFull),
        };
        let _permit = permit.map_err(|_| CallError::Busy("no free slot for a notification before the deadline"))?;
        drop(reservation);
        let deadlines = Deadlines { queue: deadline, answer: deadline };
        let invoker = services.plugins.invoker(self.tenant, context.id(), deadlines, context.receipts());
        let plugin = invoker.plugin(Role::CrmSource)?;
        context.set_plugin(&plugin);
        let notification = self.notification(head, &body);
        let answer = invoker.call(&plugin, Role::CrmSource).source_notified(notification).await;
        context.record.end(Stage::Calls);
        let answer = answer?;
        let response = response(&answer)?;
        if response.status().is_success() {
            context.mark_accepted();
        }
        context.record.capture(&head.headers, &body, context.is_accepted());
        match answer.news {
            News::None => {}
            News::Customers(ids) if ids.len() <= CUSTOMERS_MAX => customers.trigger_ids(ids),
            News::Customers(_) | News::Something => customers.trigger(false),
        }
        Ok(response)
    }

    fn notification(&self, head: &Parts, body: &[u8]) -> Notification {
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let header = |(name, value): (&hyper::header::HeaderName, &HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Notification {
            method: head.method.to_string(),
            url: format!("{}{target}", self.services.public_url.trim_end_matches('/')),
            headers: head.headers.iter().map(header).collect(),
            body: body.to_vec(),
        }
    }
}

fn response(answer: &NotificationAnswer) -> Result<Response<Full<Bytes>>, Error> {
    let status = StatusCode::from_u16(answer.status).ok().filter(|status| (200..600).contains(&status.as_u16()));
    let status = status
        .ok_or_else(|| CallError::Failed(format!("invalid response status {} from the plugin", answer.status)))?;
    let mut response = Response::new(Full::from(answer.body.clone()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}
