//! The storage that downloads lead to. A URL is all it takes; a request that has a token as well is refused.

use crate::double::reply::Reply;
use crate::front::api::ApiRequest;
use crate::front::record::Authorization;
use crate::front::state::Shared;

/// The bytes, and whether it gave them.
pub(crate) fn act(shared: &Shared, request: &ApiRequest) -> (Reply, bool) {
    if request.authorization != Authorization::Missing {
        return (refused("Only one auth mechanism allowed"), false);
    }
    let grant = request.query.strip_prefix("X-Amz-Signature=");
    let grant = grant.and_then(|secret| shared.read(|state| state.grants.get(secret).cloned()));
    match grant {
        Some(grant) => (Reply::new(200, grant.content).header("content-type", grant.content_type), true),
        None => (refused("The request signature we calculated does not match"), false),
    }
}

fn refused(message: &str) -> Reply {
    let body = format!("<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>");
    Reply::new(403, body).header("content-type", "application/xml")
}
