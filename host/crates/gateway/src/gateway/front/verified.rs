//! A request that Front signed, and functions that its handlers share.

use std::sync::Arc;

use frontgate_front::ids;
use frontgate_runtime::Deadlines;
use frontgate_store::StoreError;
use frontgate_tenants::{PluginInvoker, Plugins};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use tokio::time::{Instant, timeout_at};

use super::super::request_context::RequestContext;
use crate::error::Error;
use crate::headers::single_text;
use crate::routes::FrontRoute;

/// A request that Front signed.
pub(super) struct VerifiedRequest<'r> {
    pub(super) route: &'r FrontRoute,
    pub(super) headers: &'r HeaderMap,
    pub(super) body: &'r [u8],
    /// Key under which the response is stored for a repeated request.
    pub(super) replay: String,
    pub(super) deadline: Instant,
}

impl VerifiedRequest<'_> {
    /// Returns the token that the admin entered, which Front sends with each request. The token is not signed.
    pub(super) fn credential(&self) -> Option<String> {
        let text = single_text(self.headers, &AUTHORIZATION).ok()??.trim();
        let token = match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => text,
        };
        (!token.is_empty()).then(|| token.to_owned())
    }
}

/// Returns an invoker for a request below a Front app's address.
pub(super) fn invoker(
    plugins: &Arc<Plugins>,
    route: &FrontRoute,
    deadline: Instant,
    context: &RequestContext<'_>,
) -> PluginInvoker {
    let deadlines = Deadlines { queue: deadline, answer: deadline };
    plugins.invoker(&route.tenant, context.id(), deadlines, context.receipts())
}

/// Returns a new id, which also serves as an address that cannot be guessed.
pub(super) fn new_id() -> String {
    ids::generate(uuid::Uuid::new_v4().into_bytes())
}

/// Waits for the store until the deadline. After that, returns an error that allows the caller to retry.
pub(super) async fn within<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Error> {
    match timeout_at(deadline, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Error::NotStored("deadline exceeded".to_owned())),
    }
}
