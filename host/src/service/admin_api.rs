//! The admin API on the operators' socket: executes commands and returns receipts as JSON.
//!
//! `admin_pages` serves all read-only pages.

use std::sync::Arc;
use std::time::Duration;

use frontgate_audit::Actor;
use frontgate_config::receipt::Receipt;
use frontgate_delivery::Store;
use frontgate_gateway::server::socket::Peer;
use frontgate_loader::reload;
use frontgate_loader::reload::{Command, Commands};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::channels_api::ChannelsApi;
use super::console_api::ConsoleApi;
use super::customers_api::CustomersApi;
use super::reload::Reloader;
use crate::admin_pages::{text, with_type};

/// Maximum size of a body in bytes; a digest is far shorter.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Time limit for receiving a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// The command about customers that is not recorded: it changes nothing, and shows no personal data.
const CUSTOMERS_STATUS: &str = "status";

/// Executes commands of operators.
pub(crate) struct AdminApi {
    commands: Commands,
    reloader: Arc<Reloader>,
    customers: CustomersApi,
    channels: ChannelsApi,
    console: ConsoleApi,
    store: Arc<Store>,
}

/// The result of a command.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CommandResult {
    /// The configuration's receipt, after a reload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) configuration: Option<Receipt>,
    /// The receipts of plugins.
    #[serde(flatten)]
    pub(crate) plugins: reload::Answer,
}

/// A parsed command.
enum Operation {
    Reload,
    /// A command for the task that owns the plugins.
    Plugins(Command),
}

impl Operation {
    /// Returns action and object for the record of actions.
    fn description(&self) -> (String, String) {
        let with = |action: &str, digest: &Option<String>| match digest {
            Some(digest) => format!("{action} {digest}"),
            None => action.to_owned(),
        };
        match self {
            Self::Plugins(Command::Rollback { name, digest }) => (with("rollback", digest), format!("plugin {name}")),
            Self::Plugins(Command::Allow { name, digest }) => (with("allow", digest), format!("plugin {name}")),
            Self::Plugins(Command::Remove { name }) => ("remove".to_owned(), format!("plugin {name}")),
            Self::Reload | Self::Plugins(_) => ("reload".to_owned(), "configuration and plugins".to_owned()),
        }
    }
}

/// The body of a command.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CommandBody {
    /// Version of the plugin, as a prefix of the file's digest.
    pub(crate) digest: Option<String>,
}

impl AdminApi {
    /// Creates the API. Commands for plugins are sent to their owner through `commands`, and reloads to `reloader`.
    pub(super) fn new(
        commands: Commands,
        reloader: Arc<Reloader>,
        store: Arc<Store>,
        customers: CustomersApi,
        channels: ChannelsApi,
        console: ConsoleApi,
    ) -> Self {
        Self { commands, reloader, customers, channels, console, store }
    }

    /// Answers one request of a process on this machine.
    pub(crate) async fn respond(&self, request: Request<Incoming>, peer: Peer) -> Response<Full<Bytes>> {
        if request.method() != Method::POST {
            return text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed: use POST\n");
        }
        let actor = Actor::of_account(peer.uid);
        let path = request.uri().path().to_owned();
        let Some(body) = read(request.into_body()).await else {
            return text(StatusCode::BAD_REQUEST, "incomplete body\n");
        };
        if let Some(name) = path.strip_prefix("/customers/") {
            if name != CUSTOMERS_STATUS
                && let Err(reason) = self.record(&actor, name, "index of customers").await
            {
                return text(StatusCode::SERVICE_UNAVAILABLE, reason + "\n");
            }
            return self.customers.respond(name, &body).await;
        }
        if let Some(name) = path.strip_prefix("/channels/") {
            return self.channels.respond(name, &body, &actor).await;
        }
        if let Some(name) = path.strip_prefix("/console/") {
            return self.console.respond(name, &body, &actor).await;
        }
        let Some(details) = details(&body) else {
            return text(
                StatusCode::BAD_REQUEST,
                "invalid body: send JSON such as {\"digest\": \"0a1b2c\"}, or nothing\n",
            );
        };
        let Some(operation) = operation(&path, details) else {
            let known = "unknown path: use /reload, or rollback, allow or remove below /plugins/NAME/\n";
            return text(StatusCode::NOT_FOUND, known);
        };
        // Recorded outside of the time limit, which would otherwise end a command that has not begun.
        let (action, object) = operation.description();
        if let Err(reason) = self.record(&actor, &action, &object).await {
            return text(StatusCode::CONFLICT, reason + "\n");
        }
        match timeout(self.reloader.timeout(), self.execute(operation)).await {
            Ok(Ok(answer)) => json(&answer),
            Ok(Err(refusal)) => text(StatusCode::CONFLICT, refusal + "\n"),
            Err(_) => {
                let waits = "command still running; `frontgate plugin list` shows its result\n";
                text(StatusCode::GATEWAY_TIMEOUT, waits)
            }
        }
    }

    /// Records an action before it is executed.
    async fn record(&self, actor: &Actor, action: &str, object: &str) -> Result<(), String> {
        let recorded = self.store.record_action(actor, None, action, object, None).await;
        recorded.map_err(|error| format!("failed to record the action: {error}"))
    }

    async fn execute(&self, operation: Operation) -> Result<CommandResult, String> {
        match operation {
            Operation::Reload => self.reloader.reload().await,
            Operation::Plugins(command) => {
                Ok(CommandResult { configuration: None, plugins: self.commands.send(command).await? })
            }
        }
    }
}

/// Reads a body of limited size, in limited time.
pub(crate) async fn read(body: Incoming) -> Option<Bytes> {
    Some(timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES_MAX).collect()).await.ok()?.ok()?.to_bytes())
}

fn details(body: &[u8]) -> Option<CommandBody> {
    if body.is_empty() { Some(CommandBody::default()) } else { serde_json::from_slice(body).ok() }
}

fn operation(path: &str, CommandBody { digest }: CommandBody) -> Option<Operation> {
    let shared: Vec<&str> = path.split('/').skip(1).collect();
    let name = |name: &str| percent_decode_str(name).decode_utf8().ok().map(String::from);
    match shared.as_slice() {
        ["reload"] => Some(Operation::Reload),
        ["plugins", plugin, "rollback"] => Some(Operation::Plugins(Command::Rollback { name: name(plugin)?, digest })),
        ["plugins", plugin, "allow"] => Some(Operation::Plugins(Command::Allow { name: name(plugin)?, digest })),
        ["plugins", plugin, "remove"] => Some(Operation::Plugins(Command::Remove { name: name(plugin)? })),
        _ => None,
    }
}

fn json(answer: &CommandResult) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(answer).expect("an answer has no map keys that are no text");
    with_type("application/json", StatusCode::OK, body)
}
