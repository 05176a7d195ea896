//! The control socket of a simulation: its state, and what people do in it, as JSON.
//!
//! `GET /state` answers what has happened. `POST /ACTION` with an object of texts plays an action, see [`super::play`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use frontgate_runtime::HeldRequests;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use super::platforms::Platforms;
use super::{play, state};
use crate::admin_pages::with_type;
use crate::service::admin_api::read;

/// Time for which an answer waits for an action. A longer one continues, and the state shows its callbacks.
const ANSWER_AFTER: Duration = Duration::from_secs(3);

/// Answers the console and people.
pub(super) struct Control {
    platforms: Arc<Platforms>,
    held: Arc<HeldRequests>,
    /// URL of the gateway's database.
    store: String,
    ends: Instant,
}

impl Control {
    pub(super) fn new(platforms: Arc<Platforms>, held: Arc<HeldRequests>, store: String, ends: Instant) -> Self {
        Self { platforms, held, store, ends }
    }

    /// Answers one request.
    pub(super) async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answered = match (method, path.as_str()) {
            (Method::GET, "/state") => self.state().await,
            (Method::POST, path) => match read(request.into_body()).await {
                Some(body) => self.play(path.trim_start_matches('/').to_owned(), &body).await,
                None => Err("incomplete body".to_owned()),
            },
            _ => Err("unknown request: use GET /state, or POST with an action".to_owned()),
        };
        match answered {
            Ok(body) => with_type("application/json", StatusCode::OK, body),
            Err(error) => {
                let body = json!({ "error": error }).to_string();
                with_type("application/json", StatusCode::CONFLICT, body)
            }
        }
    }

    async fn state(&self) -> Result<String, String> {
        let (platforms, held, store) = (Arc::clone(&self.platforms), Arc::clone(&self.held), self.store.clone());
        let left = self.ends.saturating_duration_since(Instant::now());
        let state = spawn_blocking(move || state::of(&platforms, &held, &store, left)).await;
        let state = state.map_err(|error| error.to_string())?.map_err(|error| format!("{error:#}"))?;
        serde_json::to_string(&state).map_err(|error| error.to_string())
    }

    async fn play(&self, action: String, body: &[u8]) -> Result<String, String> {
        let fields: BTreeMap<String, String> =
            serde_json::from_slice(body).map_err(|error| format!("the body is not an object of texts: {error}"))?;
        let platforms = Arc::clone(&self.platforms);
        // The simulators' functions block.
        let played = spawn_blocking(move || play::play(&platforms, &action, &fields));
        let notice = match timeout(ANSWER_AFTER, played).await {
            Ok(played) => played.map_err(|error| format!("the action failed: {error}"))??,
            Err(_) => "In progress: the callbacks take long.".to_owned(),
        };
        Ok(json!({ "notice": notice }).to_string())
    }
}
