//! `frontgate act`: an operator changes a conversation in Twilio through the delivery queue.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use frontgate_config::Config;
use frontgate_delivery::store::queue_admin::QueueAdmin;
use frontgate_twilio::action::{Action, ConversationState, ConversationUpdate, NewMessage, NewParticipant};

use super::{say, tenant};

/// Arguments of all actions.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Tenant of the conversation, if there are several
    #[arg(long, global = true)]
    tenant: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a message: a text, an uploaded file, or a template
    Post {
        /// SID of the conversation, CH...
        conversation: String,
        /// Text, at most 1,600 characters
        #[arg(long)]
        text: Option<String>,
        /// Author: an identity or an address; by default `system`
        #[arg(long)]
        author: Option<String>,
        /// File that was uploaded to Twilio, ME...
        #[arg(long)]
        media: Option<String>,
        /// Template of Twilio's Content API, HX...
        #[arg(long)]
        content: Option<String>,
        /// Value of a variable of the template; may be repeated
        #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
        variable: Vec<(String, String)>,
        /// Attributes, a JSON object
        #[arg(long)]
        attributes: Option<String>,
    },
    /// Change names, attributes, state or timers of a conversation
    Update {
        /// SID of the conversation, CH...
        conversation: String,
        /// Name for people
        #[arg(long)]
        friendly_name: Option<String>,
        /// Name that is unique within the service
        #[arg(long)]
        unique_name: Option<String>,
        /// Attributes, a JSON object that replaces the present one
        #[arg(long)]
        attributes: Option<String>,
        /// State; a closed conversation cannot be opened again
        #[arg(long)]
        state: Option<StateName>,
        /// Seconds without messages until it becomes inactive: at least 60, or 0 for never
        #[arg(long)]
        inactive_after: Option<u32>,
        /// Seconds without messages until it is closed: at least 600, or 0 for never
        #[arg(long)]
        closed_after: Option<u32>,
    },
    /// Add a worker by identity, or a customer by address
    Add {
        /// SID of the conversation, CH...
        conversation: String,
        /// Identity of a worker or a chat user
        #[arg(long)]
        identity: Option<String>,
        /// Address of a customer, such as +15550100001 or whatsapp:+15550100001
        #[arg(long)]
        address: Option<String>,
        /// Number of the company that the customer sees
        #[arg(long)]
        proxy_address: Option<String>,
        /// Number under which a worker appears in a group
        #[arg(long)]
        projected_address: Option<String>,
        /// Attributes, a JSON object
        #[arg(long)]
        attributes: Option<String>,
    },
    /// Remove a participant
    Remove {
        /// SID of the conversation, CH...
        conversation: String,
        /// SID (MB...) or identity
        participant: String,
    },
    /// Add one worker, then remove another
    Transfer {
        /// SID of the conversation, CH...
        conversation: String,
        /// Identity of the worker to remove
        from: String,
        /// Identity of the worker to add
        to: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StateName {
    Active,
    Inactive,
    Closed,
}

impl From<StateName> for ConversationState {
    fn from(state: StateName) -> Self {
        match state {
            StateName::Active => Self::Active,
            StateName::Inactive => Self::Inactive,
            StateName::Closed => Self::Closed,
        }
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}

pub(super) fn act(config: &Path, Arguments { tenant, command }: Arguments) -> anyhow::Result<ExitCode> {
    let config = Config::load_unchecked(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let tenant = tenant::name(&config, tenant.as_deref())?;
    let (conversation, action) = action(command);
    let id = QueueAdmin::open(&config.store)?
        .act(&tenant, &conversation, action)
        .with_context(|| format!("failed to change conversation {conversation}"))?;
    say!("delivery {id} accepted; see `frontgate deliveries show {id}`");
    Ok(ExitCode::SUCCESS)
}

fn action(command: Command) -> (String, Action) {
    match command {
        Command::Post { conversation, text, author, media, content, variable, attributes } => {
            let message = NewMessage {
                author,
                body: text,
                media_sid: media,
                content_sid: content,
                content_variables: variable.into_iter().collect(),
                attributes,
            };
            (conversation, Action::PostMessage(message))
        }
        Command::Update {
            conversation,
            friendly_name,
            unique_name,
            attributes,
            state,
            inactive_after,
            closed_after,
        } => {
            let update = ConversationUpdate {
                friendly_name,
                unique_name,
                attributes,
                state: state.map(Into::into),
                inactive_after_seconds: inactive_after,
                closed_after_seconds: closed_after,
            };
            (conversation, Action::UpdateConversation(update))
        }
        Command::Add { conversation, identity, address, proxy_address, projected_address, attributes } => {
            let participant = NewParticipant { identity, address, proxy_address, projected_address, attributes };
            (conversation, Action::AddParticipant(participant))
        }
        Command::Remove { conversation, participant } => (conversation, Action::RemoveParticipant { participant }),
        Command::Transfer { conversation, from, to } => (conversation, Action::Transfer { from, to }),
    }
}
