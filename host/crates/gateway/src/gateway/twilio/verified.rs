//! A callback that Twilio signed, with the data that its handlers need.

use std::sync::Arc;

use frontgate_runtime::Deadlines;
use frontgate_tenants::{PluginInvoker, Plugins};
use frontgate_twilio::form::Form;

use super::super::request_context::RequestContext;
use crate::routes::Route;

/// A callback that Twilio signed.
pub(super) struct VerifiedRequest<'r> {
    pub(super) route: &'r Route,
    pub(super) form: &'r Form<'r>,
    pub(super) query: Option<&'r str>,
    /// The signature that was verified.
    pub(super) signature: &'r str,
    /// Token that is the same for all attempts at one request; not signed.
    pub(super) token: Option<&'r str>,
    pub(super) deadlines: Deadlines,
}

impl VerifiedRequest<'_> {
    /// Returns an invoker that calls plugins on behalf of this request.
    pub(super) fn invoker(&self, plugins: &Arc<Plugins>, context: &RequestContext<'_>) -> PluginInvoker {
        plugins.invoker(&self.route.tenant, context.id(), self.deadlines, context.receipts())
    }
}
