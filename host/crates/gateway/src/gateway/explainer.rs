//! Looks for the reason why a signature does not match, as often as the operator allows: anybody can
//! send an unsigned request, and each look costs a few dozen signatures.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use frontgate_telemetry::PerSecond;
use frontgate_twilio::explain::{Surroundings, explain};
use frontgate_twilio::signature::{Refusal, Request};
use frontgate_twilio_callbacks::crm;
use frontgate_twilio_callbacks::error::DecodeError;
use tokio::task::block_in_place;

use crate::error::Error;
use crate::routes::{Route, Routes};
use crate::settings::Server;

/// Explains refusals to the operator.
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

    /// The error for a request that was not taken for Twilio's.
    pub(super) fn error(
        &self,
        routes: &Routes,
        route: &Route,
        request: &Request<'_>,
        host: Option<&str>,
        refusal: Refusal,
    ) -> Error {
        let query = request.target.split_once('?').map(|(_, query)| query);
        // Callbacks of the old version are not signed; what they get is a constant answer.
        if refusal == Refusal::Missing && query.is_some_and(crm::is_version1) {
            return DecodeError::Version1.into();
        }
        Error::Signature(self.words(request.target.len() + request.body.len(), &refusal.clone(), || {
            let tenant = &route.tenant;
            let others = routes.tenants().iter().filter(|other| other.name != tenant.name);
            let others: Vec<_> = others.map(|other| (&*other.name, &other.keys)).collect();
            let around = Surroundings { host, others: &others };
            explain(&tenant.keys, request, refusal, &around).to_string()
        }))
    }

    /// Explains a refusal, or says why no explanation was computed.
    pub(super) fn words(&self, bytes: usize, refusal: &impl Display, explain: impl FnOnce() -> String) -> String {
        if bytes > self.bytes_max {
            return format!("{refusal}; too large to look for the reason");
        }
        if !self.may_explain() {
            return format!("{refusal}; too many of them to look for the reason");
        }
        // Dozens of signatures: others' callbacks do not wait for them.
        block_in_place(explain)
    }

    fn may_explain(&self) -> bool {
        let mut explained = self.explained.lock().unwrap_or_else(PoisonError::into_inner);
        explained.take(Instant::now(), self.per_second_max)
    }
}
