//! Operators' commands about channels of Front apps, on their socket.

use std::sync::Arc;

use frontgate_audit::Actor;
use frontgate_delivery::channel_upkeep;
use frontgate_delivery::store::queue_admin::ChannelSummary;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::generation::{Generations, Shared};
use crate::admin_pages::{text, with_type};

/// The body of a command about a channel.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelCommand {
    /// The tenant.
    pub(crate) tenant: String,
    /// Row id of the channel.
    pub(crate) channel: i64,
    /// The new credential.
    #[serde(default)]
    pub(crate) credential: Option<String>,
}

impl ChannelCommand {
    /// Creates a command about a channel.
    pub(crate) fn of(channel: &ChannelSummary, credential: Option<String>) -> Self {
        Self { tenant: channel.tenant.clone(), channel: channel.id, credential }
    }
}

/// Answers commands about channels.
#[derive(Clone)]
pub(crate) struct ChannelsApi {
    generations: Arc<Generations>,
}

impl ChannelsApi {
    pub(super) fn new(generations: &Arc<Generations>) -> Self {
        Self { generations: Arc::clone(generations) }
    }

    /// Answers the command with this name.
    pub(super) async fn respond(&self, name: &str, body: &[u8], actor: &Actor) -> Response<Full<Bytes>> {
        let Ok(command) = serde_json::from_slice::<ChannelCommand>(body) else {
            return text(StatusCode::BAD_REQUEST, "invalid body\n");
        };
        let answered = match name {
            "check" | "reauthorize" => self.recorded(name, command, actor).await,
            _ => Err(format!("unknown command `{name}`")),
        };
        match answered {
            Ok(problem) => {
                let answer = json!({ "problem": problem }).to_string();
                with_type("application/json", StatusCode::OK, answer.into_bytes())
            }
            Err(reason) => text(StatusCode::CONFLICT, reason + "\n"),
        }
    }

    /// Records the command, and executes it.
    async fn recorded(&self, name: &str, command: ChannelCommand, actor: &Actor) -> Result<Option<String>, String> {
        let object = format!("channel {}", command.channel);
        let store = &self.generations.shared().store;
        let recorded = store.record_action(actor, Some(&command.tenant), name, &object, None).await;
        recorded.map_err(|error| format!("failed to record the action: {error}"))?;
        self.check(command).await
    }

    /// Connects a channel with a new credential, if there is one, and checks it; returns why it does not work, or `None`.
    pub(crate) async fn check(&self, command: ChannelCommand) -> Result<Option<String>, String> {
        let shared = self.generations.shared();
        let tenant = self.generations.tenant(&command.tenant);
        let tenant = tenant.ok_or_else(|| format!("tenant `{}` is not in the configuration", command.tenant))?;
        let Shared { plugins, store, .. } = shared;
        match command.credential {
            None => channel_upkeep::check_by_id(plugins, store, &tenant, command.channel).await,
            Some(credential) => channel_upkeep::reauthorize(plugins, store, &tenant, command.channel, credential).await,
        }
    }
}
