//! The storage to which downloads redirect. The URL suffices as the credential; requests with a token are rejected.

use crate::common::reply::Reply;
use crate::front::api::ApiRequest;
use crate::front::record::Authorization;
use crate::front::state::Shared;

pub(crate) fn act(shared: &Shared, request: &ApiRequest) -> Reply {
    if request.authorization != Authorization::Missing {
        return refused("Only one auth mechanism allowed");
    }
    let secret = request.query.strip_prefix("X-Amz-Signature=").unwrap_or_default();
    let grant = shared.update(|state| {
        let grant = state.grants.get(secret).cloned();
        state.requests[request.index].acted = grant.is_some();
        grant
    });
    match grant {
        Some(grant) => Reply::new(200, grant.content).header("content-type", grant.content_type),
        None => refused("The request signature we calculated does not match"),
    }
}

fn refused(message: &str) -> Reply {
    let body = format!("<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>");
    Reply::new(403, body).header("content-type", "application/xml")
}
