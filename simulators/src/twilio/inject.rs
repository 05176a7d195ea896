//! Executes a request, or applies the fault that hits it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use crate::common::reply::Reply;
use crate::twilio::clock::http_date;
use crate::twilio::description;
use crate::twilio::fault::Action;
use crate::twilio::problem::Problem;
use crate::twilio::rest::{RestRequest, act};
use crate::twilio::state::Shared;

const RETRY_AFTER: &str = "retry-after";

/// Returns the response, or `None` to close the connection.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    index: usize,
    request: RestRequest,
    fault: Option<Action>,
) -> Option<Reply> {
    let path = request.path.clone();
    let located = format!("{}/redirected{path}", request.url);
    let sid = request.place.conversation.clone().unwrap_or_default();
    let Some(fault) = fault else { return Some(acted(&shared, index, request).await) };
    let reply = match fault {
        Action::TooManyRequests => Problem::too_many_requests().into(),
        Action::TooManyRequestsFor(seconds) => {
            Reply::from(Problem::too_many_requests()).header(RETRY_AFTER, seconds.to_string())
        }
        Action::TooManyRequestsUntil(seconds) => {
            let date = http_date(SystemTime::now() + Duration::from_secs(seconds));
            Reply::from(Problem::too_many_requests()).header(RETRY_AFTER, date)
        }
        Action::UnavailableFor(seconds) => Reply::from(Problem::server(503)).header(RETRY_AFTER, seconds.to_string()),
        Action::FailBefore(status) => Problem::server(status).into(),
        Action::FailAfter(status) => {
            acted(&shared, index, request).await;
            Problem::server(status).into()
        }
        Action::CloseBeforeReading | Action::CloseAfterReading => return None,
        Action::CloseAfterActing => {
            acted(&shared, index, request).await;
            return None;
        }
        Action::HalfAnAnswer => {
            let reply = acted(&shared, index, request).await;
            // An empty body cannot be truncated, so the connection is closed.
            if reply.body.is_empty() {
                return None;
            }
            Reply { half: true, ..reply }
        }
        Action::Garbage => {
            let reply = acted(&shared, index, request).await;
            let status = if reply.status == 204 { 200 } else { reply.status };
            Reply::new(status, "<html><body>Welcome to nginx!</body></html>")
        }
        Action::Slow(millis) => {
            sleep(Duration::from_millis(millis)).await;
            acted(&shared, index, request).await
        }
        Action::ActLate(millis) => {
            tokio::spawn(async move {
                sleep(Duration::from_millis(millis)).await;
                acted(&shared, index, request).await;
            });
            return None;
        }
        Action::Initializing => Problem::initializing().into(),
        Action::ConcurrentModification => Problem::concurrent_modification().into(),
        Action::IdentityExists => Problem::identity_exists().into(),
        Action::BindingExists => Problem::binding_exists(&sid).into(),
        Action::Unauthorized => Problem::authenticate().into(),
        Action::NotFound => Problem::not_found(&path).into(),
        Action::Redirect => Reply::new(307, "").header("location", located),
    };
    Some(reply)
}

async fn acted(shared: &Arc<Shared>, index: usize, request: RestRequest) -> Reply {
    let (method, path, call) = (request.method.clone(), request.path.clone(), request.place.call);
    let (reply, acted) = act(shared, request).await;
    let is_checked = call.is_described() && reply.status < 400;
    let deviations = is_checked.then(|| description::response(&method, &path, reply.status, &reply.body));
    shared.update(|state| {
        state.requests[index].acted = acted;
        state.deviations.extend(deviations.into_iter().flatten());
    });
    reply
}
