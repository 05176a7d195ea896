//! The operators' socket: what changes something. Commands in, receipts out, as JSON.

use std::sync::Arc;
use std::time::Duration;

use frontgate_config::receipt::Receipt;
use frontgate_loader::reload;
use frontgate_loader::reload::{Command, Commands};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::reload::Reloads;
use crate::console::{text, with_type};

/// A name and a digest are far shorter.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// From the header to the end of such a body.
const BODY_PATIENCE: Duration = Duration::from_secs(5);

/// Does what operators ask.
pub struct Operate {
    commands: Commands,
    reloads: Arc<Reloads>,
}

/// What came of a command.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Of a reload alone: whether what `config.toml` says now counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Receipt>,
    /// What became of plugins.
    #[serde(flatten)]
    pub plugins: reload::Answer,
}

/// One thing to do.
enum Order {
    Reload,
    /// For plugins alone.
    Plugins(Command),
}

/// What may stand in a command's body.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Details {
    /// Which version, by how its digest begins.
    pub digest: Option<String>,
}

impl Operate {
    /// Commands for plugins go to their owner, all others to `reloads`.
    pub(super) fn new(commands: Commands, reloads: Arc<Reloads>) -> Self {
        Self { commands, reloads }
    }

    /// Answers one request.
    pub async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.method() != Method::POST {
            return text(StatusCode::METHOD_NOT_ALLOWED, "this socket takes POST only\n");
        }
        let path = request.uri().path().to_owned();
        let Some(details) = details(request.into_body()).await else {
            return text(StatusCode::BAD_REQUEST, "the body is JSON, such as {\"digest\": \"0a1b2c\"}, or empty\n");
        };
        let Some(order) = order(&path, details) else {
            let known = "there are /reload, /plugins/NAME/rollback and /plugins/NAME/allow\n";
            return text(StatusCode::NOT_FOUND, known);
        };
        match timeout(self.reloads.patience(), self.obey(order)).await {
            Ok(Ok(answer)) => json(&answer),
            Ok(Err(refusal)) => text(StatusCode::CONFLICT, refusal + "\n"),
            Err(_) => {
                let waits = "it is still being done; `frontgate plugin list` shows what comes of it\n";
                text(StatusCode::GATEWAY_TIMEOUT, waits)
            }
        }
    }

    async fn obey(&self, order: Order) -> Result<Answer, String> {
        match order {
            Order::Reload => self.reloads.reload().await,
            Order::Plugins(command) => Ok(Answer { configuration: None, plugins: self.commands.give(command).await? }),
        }
    }
}

async fn details(body: Incoming) -> Option<Details> {
    let body = timeout(BODY_PATIENCE, Limited::new(body, BODY_BYTES_MAX).collect()).await.ok()?.ok()?.to_bytes();
    if body.is_empty() { Some(Details::default()) } else { serde_json::from_slice(&body).ok() }
}

fn order(path: &str, Details { digest }: Details) -> Option<Order> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let name = |name: &str| percent_decode_str(name).decode_utf8().ok().map(String::from);
    match parts.as_slice() {
        ["reload"] => Some(Order::Reload),
        ["plugins", plugin, "rollback"] => Some(Order::Plugins(Command::Rollback { name: name(plugin)?, digest })),
        ["plugins", plugin, "allow"] => Some(Order::Plugins(Command::Allow { name: name(plugin)?, digest })),
        _ => None,
    }
}

fn json(answer: &Answer) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(answer).expect("an answer has no map keys that are no text");
    with_type("application/json", StatusCode::OK, body)
}
