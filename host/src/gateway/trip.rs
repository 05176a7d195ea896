//! What is noted of a request on its way: one log line and two metrics at the end, also when the
//! caller hangs up before it.

use std::sync::Arc;
use std::time::Instant;

use hyper::StatusCode;
use metrics::{counter, histogram};
use tracing::{info, warn};

use crate::error::Error;
use crate::plugin::live::Live;
use crate::routes::Route;
use crate::telemetry::brief;

/// One request.
pub(super) struct Trip {
    id: Arc<str>,
    started: Instant,
    tenant: Option<Arc<str>>,
    callback: &'static str,
    plugin: Option<Arc<str>>,
    ended: bool,
}

impl Trip {
    pub(super) fn begin() -> Self {
        Self {
            id: uuid::Uuid::now_v7().to_string().into(),
            started: Instant::now(),
            tenant: None,
            callback: "-",
            plugin: None,
            ended: false,
        }
    }

    /// The id that is in the log, in the answer, and in what plugins log.
    pub(super) fn id(&self) -> &Arc<str> {
        &self.id
    }

    pub(super) fn route(&mut self, route: &Route) {
        self.tenant = Some(Arc::clone(&route.tenant.name));
        self.callback = route.callback.name();
    }

    pub(super) fn plugin(&mut self, plugin: &Live) {
        self.plugin = Some(Arc::clone(&plugin.name));
    }

    pub(super) fn end(&mut self, status: StatusCode, error: Option<&Error>) {
        self.ended = true;
        let elapsed = self.started.elapsed();
        let request = &*self.id;
        let tenant = self.tenant.as_deref().unwrap_or("-");
        let plugin = self.plugin.as_deref().unwrap_or("-");
        let callback = self.callback;
        let duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let code = error.map_or("ok", |error| error.answer().1);
        let (labels, status) = ([("callback", callback), ("code", code)], status.as_u16());
        counter!("frontgate_requests_total", &labels).increment(1);
        histogram!("frontgate_request_seconds", "callback" => callback).record(elapsed.as_secs_f64());
        match error {
            None => info!(request, tenant, callback, plugin, status, duration_us, "callback {callback} answered"),
            Some(error) => {
                let detail = error.detail().map(|detail| format!(": {}", brief(detail))).unwrap_or_default();
                warn!(
                    request,
                    tenant, callback, plugin, status, code, duration_us, "callback {callback} refused: {error}{detail}"
                );
            }
        }
    }
}

impl Drop for Trip {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        counter!("frontgate_requests_total", "callback" => self.callback, "code" => "caller-gone").increment(1);
        warn!(
            request = &*self.id,
            callback = self.callback,
            "the caller hung up before callback {} was answered",
            self.callback
        );
    }
}
