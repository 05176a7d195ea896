//! What is noted of a request on its way: one log line and two metrics at the end, also when the
//! caller hangs up before it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use frontgate_runtime::{CallRecords, LoadedPlugin};
use frontgate_telemetry::metrics::{Counter, Histogram, METRICS, labels};
use frontgate_telemetry::{REFUSALS, brief};
use frontgate_tenants::roles::Asking;
use hyper::StatusCode;
use tracing::{info, warn};

use crate::connections::Connection;
use crate::error::Error;
use crate::routes::Callback;

/// Finding a meter by its labels costs more than counting: those of every answer are found once.
static METERS: LazyLock<BTreeMap<&str, Meters>> = LazyLock::new(|| {
    let names = Callback::ALL.iter().map(|callback| callback.name()).chain([FRONT, PROVIDER, NO_CALLBACK]);
    names.map(|callback| (callback, Meters::new(callback))).collect()
});

/// A request of Front.
pub(super) const FRONT: &str = "front";
/// A request of a channel's provider.
pub(super) const PROVIDER: &str = "front-provider";
/// A request that is for no callback.
const NO_CALLBACK: &str = "-";

struct Meters {
    answered: Counter,
    seconds: Histogram,
}

impl Meters {
    fn new(callback: &'static str) -> Self {
        Self {
            answered: METRICS.requests.get_or_create_owned(&labels::Request { callback, code: "ok" }),
            seconds: METRICS.request_seconds.get_or_create_owned(&labels::Callback { callback }),
        }
    }
}

/// One request.
pub(super) struct Trip<'c> {
    caller: &'c Connection,
    /// Whether the platform has signed it, or a channel's plugin has accepted it.
    accepted: bool,
    lines_per_second_max: u32,
    id: Arc<str>,
    started: Instant,
    tenant: Option<Arc<str>>,
    callback: &'static str,
    plugin: Option<Arc<str>>,
    receipts: CallRecords,
    /// The event of a webhook.
    event: Option<String>,
    fails_open: bool,
    ended: bool,
}

impl<'c> Trip<'c> {
    pub(super) fn begin(caller: &'c Connection, lines_per_second_max: u32) -> Self {
        Self {
            caller,
            accepted: false,
            lines_per_second_max,
            id: (&*uuid::Uuid::now_v7().hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer())).into(),
            started: Instant::now(),
            tenant: None,
            callback: NO_CALLBACK,
            plugin: None,
            receipts: CallRecords::kept_at_debug(),
            event: None,
            fails_open: false,
            ended: false,
        }
    }

    /// The id that is in the log, in the answer, and in what plugins log.
    pub(super) fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Where what its calls came to is noted.
    pub(super) fn receipts(&self) -> CallRecords {
        self.receipts.clone()
    }

    /// The connection that it came on.
    pub(super) fn caller(&self) -> &'c Connection {
        self.caller
    }

    /// The platform has signed it.
    pub(super) fn verified(&mut self) {
        self.accepted = true;
        self.caller.verified();
    }

    /// A channel's plugin has accepted it.
    pub(super) fn known(&mut self) {
        self.accepted = true;
        self.caller.known();
    }

    /// Whether it gets its line in the log.
    fn has_line(&self) -> bool {
        self.accepted || REFUSALS.admit(self.lines_per_second_max)
    }

    /// Notes whose request it is, and which.
    pub(super) fn is_for(&mut self, tenant: &Arc<str>, callback: &'static str) {
        self.tenant = Some(Arc::clone(tenant));
        self.callback = callback;
    }

    /// Whether Front sent it, so that an error has Front's shape.
    pub(super) fn is_front(&self) -> bool {
        self.callback == FRONT
    }

    pub(super) fn plugin(&mut self, plugin: &LoadedPlugin) {
        self.plugin = Some(Arc::clone(&plugin.name));
    }

    /// Notes which plugin answers a webhook.
    pub(super) fn answered_by(&mut self, asking: &Asking) {
        if let Some(plugin) = asking.conversations_role().and_then(|role| asking.answering(role).ok()) {
            self.plugin(&plugin);
        }
    }

    pub(super) fn event(&mut self, name: &str) {
        let plain = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        self.event = plain.then(|| name.to_owned());
    }

    /// From here on an error must not stop what the caller is about to do.
    pub(super) fn fail_open(&mut self) {
        self.fails_open = true;
    }

    pub(super) fn fails_open(&self) -> bool {
        self.fails_open
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
        let (meters, status) = (METERS.get(callback), status.as_u16());
        if let Some(meters) = meters {
            meters.seconds.observe(elapsed.as_secs_f64());
        }
        match meters.filter(|_| error.is_none()) {
            Some(meters) => _ = meters.answered.inc(),
            None => _ = METRICS.requests.get_or_create(&labels::Request { callback, code }).inc(),
        }
        if !self.has_line() {
            return;
        }
        let event = self.event.as_deref();
        let calls = self.receipts.text();
        let Some(error) = error else {
            info!(request, tenant, callback, event, plugin, status, duration_us, calls, "callback {callback} answered");
            return;
        };
        let detail = error.detail().map(|detail| format!(": {}", brief(&detail))).unwrap_or_default();
        let ended = if status == 200 { "let through, though it could not be answered" } else { "refused" };
        // The level of an event is fixed where it is written.
        macro_rules! say {
            ($level:ident) => {
                $level!(
                    request,
                    tenant,
                    callback,
                    event,
                    plugin,
                    status,
                    code,
                    duration_us,
                    calls,
                    "callback {callback} {ended}: {error}{detail}"
                )
            };
        }
        if error.is_ordinary() {
            say!(info);
        } else {
            say!(warn);
        }
    }
}

impl Drop for Trip<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let gone = labels::Request { callback: self.callback, code: "caller-gone" };
        METRICS.requests.get_or_create(&gone).inc();
        if !self.has_line() {
            return;
        }
        warn!(
            event = "gateway.caller_gone",
            request = &*self.id,
            callback = self.callback,
            "the caller hung up before callback {} was answered",
            self.callback
        );
    }
}
