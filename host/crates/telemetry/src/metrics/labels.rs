//! The label sets of the metrics. Each field is a label with the field's name.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;

/// A label set whose label names are available without an instance.
pub trait Labels: EncodeLabelSet + Clone + Eq + Hash + Debug + Send + Sync + 'static {
    /// The names of the labels, in the order of `/metrics`.
    const NAMES: &'static [&'static str];
}

macro_rules! labels {
    ($($(#[$doc:meta])* $set:ident { $($label:ident: $value:ty),+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
        #[allow(missing_docs, reason = "a field is the label of its name")]
        pub struct $set {
            $(pub $label: $value,)+
        }

        impl Labels for $set {
            const NAMES: &'static [&'static str] = &[$(stringify!($label)),+];
        }
    )+};
}

labels! {
    /// Calls of one plugin with one outcome, which is an error code or a limit.
    Call { plugin: Arc<str>, outcome: &'static str }
    /// Callbacks of one kind from a platform.
    Callback { callback: &'static str }
    /// Answers about customers: to one question, by the index or a plugin.
    CustomerAnswer { tenant: Arc<str>, question: &'static str, by: &'static str }
    /// Runs that read customers from a source, with one result.
    CustomerRun { tenant: Arc<str>, result: &'static str }
    /// Deliveries in one state.
    Deliveries { tenant: Arc<str>, state: &'static str }
    /// Delivery attempts of one kind that led to one state.
    Delivery { callback: &'static str, state: &'static str }
    /// One Front app of a tenant.
    FrontApp { tenant: Arc<str>, app: Arc<str> }
    /// Calls of one plugin in one kind of instance.
    Instance { plugin: Arc<str>, instance: &'static str }
    /// The limit that was reached.
    Limit { limit: &'static str }
    /// Requests that one plugin sent, with one result.
    Outbound { plugin: Arc<str>, verdict: &'static str }
    /// Reloads with one outcome.
    Outcome { outcome: &'static str }
    /// One plugin.
    Plugin { plugin: Arc<str> }
    /// Writes of one tenant that were rejected because of one limit.
    Refused { tenant: Arc<str>, limit: &'static str }
    /// Requests of one tenant and kind with one result, which is `ok` or an error code.
    Request { tenant: Arc<str>, callback: &'static str, code: &'static str }
    /// Where something comes from.
    Source { source: &'static str }
    /// The state that a plugin keeps for a tenant.
    State { plugin: Arc<str>, tenant: Arc<str> }
    /// One tenant.
    Tenant { tenant: Arc<str> }
    /// Callbacks of one kind for one tenant.
    TenantCallback { tenant: Arc<str>, callback: &'static str }
    /// A tenant's deliveries to one platform.
    Part { tenant: Arc<str>, part: &'static str }
    /// Signatures of one tenant that were verified with one key.
    Verified { tenant: Arc<str>, key: Arc<str> }
}
