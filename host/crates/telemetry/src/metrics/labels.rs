//! The label sets of the metrics. Each field is a label with the field's name.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;

/// A label set whose names are known without a value.
pub trait Labels: EncodeLabelSet + Clone + Eq + Hash + Debug + Send + Sync + 'static {
    /// The names, in the order of the text.
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
    /// A call by its outcome: an error code or a limit.
    Call { plugin: Arc<str>, outcome: &'static str }
    /// A callback of a platform.
    Callback { callback: &'static str }
    /// Deliveries in one state.
    Deliveries { tenant: Arc<str>, state: &'static str }
    /// Attempts of deliveries of one kind that led to one state.
    Delivery { callback: &'static str, state: &'static str }
    /// The limit that was reached.
    Limit { limit: &'static str }
    /// The result of a request that a plugin sent.
    Outbound { plugin: Arc<str>, verdict: &'static str }
    /// The outcome of a reload.
    Outcome { outcome: &'static str }
    /// One plugin.
    Plugin { plugin: Arc<str> }
    /// A write that was rejected, by the limit.
    Refused { tenant: Arc<str>, limit: &'static str }
    /// A request by its result: `ok` or an error code.
    Request { callback: &'static str, code: &'static str }
    /// The state that a plugin keeps for a tenant.
    State { plugin: Arc<str>, tenant: Arc<str> }
    /// One tenant.
    Tenant { tenant: Arc<str> }
    /// The key of a signature.
    Verified { tenant: Arc<str>, key: Arc<str> }
}
