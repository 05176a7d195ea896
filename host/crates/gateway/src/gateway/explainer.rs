//! Explains to operators why a signature does not match. Explanations are rate-limited: every caller can send an
//! unsigned request, and each explanation computes dozens of signatures.

use std::fmt::Display;
use std::time::Instant;

use frontgate_telemetry::PerSecond;
use frontgate_twilio::explain::{Surroundings, explain};
use frontgate_twilio::signature::{Refusal, SignedRequest};
use frontgate_twilio_callbacks::crm;
use frontgate_twilio_callbacks::error::DecodeError;
use parking_lot::Mutex;
use tokio::task::block_in_place;

use crate::error::Error;
use crate::routes::{Route, Routes};
use crate::settings::Server;

/// Explains signature refusals to the operator.
pub(super) struct Explainer {
    bytes_max: usize,
    per_second_max: u32,
    explained: Mutex<PerSecond>,
}

impl Explainer {
    pub(super) fn new(config: &Server) -> Self {
        Self {
            bytes_max: config.explain_bytes_max,
            per_second_max: config.explanations_per_second_max,
            explained: Mutex::default(),
        }
    }

    /// Returns the error for a request without a valid Twilio signature.
    pub(super) fn twilio_error(
        &self,
        routes: &Routes,
        route: &Route,
        request: &SignedRequest<'_>,
        host: Option<&str>,
        refusal: Refusal,
    ) -> Error {
        let query = request.target.split_once('?').map(|(_, query)| query);
        // Callbacks of API version 1 are not signed, and get a constant error.
        if refusal == Refusal::Missing && query.is_some_and(crm::is_version1) {
            return DecodeError::Version1.into();
        }
        Error::Signature(self.explain(request.target.len() + request.body.len(), &refusal.clone(), || {
            let tenant = &route.tenant;
            let others = routes.tenants().iter().filter(|other| other.name != tenant.name);
            let others: Vec<_> = others.map(|other| (&*other.name, &other.keys)).collect();
            let around = Surroundings { host, others: &others };
            explain(&tenant.keys, request, refusal, &around).to_string()
        }))
    }

    /// Explains a refusal, or states why no explanation was computed.
    pub(super) fn explain(&self, bytes: usize, refusal: &impl Display, explain: impl FnOnce() -> String) -> String {
        if bytes > self.bytes_max {
            return format!("{refusal}; no explanation: request larger than server.explain_bytes_max");
        }
        if !self.explained.lock().take(Instant::now(), self.per_second_max) {
            return format!("{refusal}; no explanation: server.explanations_per_second_max reached");
        }
        // Computes dozens of signatures, so it must not block other callbacks.
        block_in_place(explain)
    }
}
