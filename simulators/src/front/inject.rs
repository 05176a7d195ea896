//! Executes a request, or applies the fault that hits it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::common::reply::Reply;
use crate::front::api::{ApiRequest, act};
use crate::front::fault::{Action, Call};
use crate::front::limit::Limited;
use crate::front::problem::Problem;
use crate::front::state::Shared;
use crate::front::storage;

/// Returns the response, or `None` to close the connection.
pub(crate) async fn answer(shared: Arc<Shared>, request: ApiRequest, fault: Option<Action>) -> Option<Reply> {
    let located = format!("{}/redirected{}", shared.url, request.path);
    let Some(fault) = fault else { return Some(acted(&shared, &request)) };
    let reply = match fault {
        Action::TooManyRequests => Problem::too_many_requests().into(),
        Action::BurstFor(millis) => Problem::limited(Limited::Burst(Duration::from_millis(millis))).into(),
        Action::BudgetFor(seconds) => Problem::limited(Limited::Budget(Duration::from_secs(seconds))).into(),
        Action::FailBefore(status) => Problem::server(status).into(),
        Action::FailAfter(status) => {
            acted(&shared, &request);
            Problem::server(status).into()
        }
        // `server` handles the first and the last of these actions.
        Action::CloseBeforeReading | Action::CloseAfterReading | Action::Hang => return None,
        Action::CloseAfterActing => {
            acted(&shared, &request);
            return None;
        }
        Action::HalfAnAnswer => {
            let reply = acted(&shared, &request);
            // An empty body cannot be truncated, so the connection is closed.
            if reply.body.is_empty() {
                return None;
            }
            Reply { half: true, ..reply }
        }
        Action::Garbage => {
            let reply = acted(&shared, &request);
            let status = if reply.status == 204 { 200 } else { reply.status };
            Reply::new(status, "<html><body>Welcome to nginx!</body></html>")
        }
        Action::Slow(millis) => {
            sleep(Duration::from_millis(millis)).await;
            acted(&shared, &request)
        }
        Action::Unauthorized => Problem::unauthorized("exp has passed").into(),
        Action::NotFound => Problem::not_found().into(),
        Action::Redirect => Reply::new(307, "").header("location", located),
    };
    Some(reply)
}

fn acted(shared: &Arc<Shared>, request: &ApiRequest) -> Reply {
    match request.place.call {
        Call::Storage => storage::act(shared, request),
        _ => act(shared, request),
    }
}
