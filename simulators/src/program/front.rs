//! `front-simulator`: the simulated Front, and commands for one that runs.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use hyper::Method;
use serde_json::Value;

use super::file::Attached;
use super::{Outcome, Process, client, secrets};
use crate::Front;

#[derive(Debug, Parser)]
#[command(name = "front-simulator", about = "A simulated Front on this machine", after_help = Front::control_help())]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the simulator.
    Serve(Serve),
    /// A teammate writes to a customer. Shows the conversation once the customer has answered.
    Message(Message),
    /// A teammate answers in a conversation. Shows it once the customer has answered.
    Reply(Reply),
    /// An admin connects a channel. Shows its id.
    Connect(Connect),
    /// An admin removes a channel.
    Disconnect(Disconnect),
    /// Shows the conversations of a running simulator.
    Conversations(Conversations),
}

#[derive(Debug, clap::Args)]
struct Simulator {
    /// The address of the simulator.
    #[arg(long, default_value = "127.0.0.1:8091", value_name = "ADDRESS")]
    simulator: SocketAddr,
}

#[derive(Debug, clap::Args)]
struct Message {
    /// The customer's handle, such as a number.
    #[arg(long, default_value = "+12125550143", value_name = "HANDLE")]
    to: String,
    /// The text.
    #[arg(long, default_value = "", required_unless_present = "file")]
    body: String,
    #[command(flatten)]
    attached: Attached,
    /// URL of the app's server; connects a channel first if none is connected
    #[arg(long, default_value = "http://127.0.0.1:8080/front/sms", value_name = "URL")]
    server: String,
    #[command(flatten)]
    simulator: Simulator,
}

#[derive(Debug, clap::Args)]
struct Conversations {
    /// Wait up to five seconds until the conversations contain this text, such as that of an answer
    #[arg(long, value_name = "TEXT")]
    until: Option<String>,
    #[command(flatten)]
    simulator: Simulator,
}

#[derive(Debug, clap::Args)]
struct Reply {
    /// The conversation; by default the newest
    #[arg(long, value_name = "CNV")]
    conversation: Option<String>,
    /// The text.
    #[arg(long, default_value = "", required_unless_present = "file")]
    body: String,
    #[command(flatten)]
    attached: Attached,
    #[command(flatten)]
    simulator: Simulator,
}

#[derive(Debug, clap::Args)]
struct Connect {
    /// URL of the app's server.
    #[arg(long, default_value = "http://127.0.0.1:8080/front/sms", value_name = "URL")]
    server: String,
    /// The token that the admin enters.
    #[arg(long, default_value = "", value_name = "TOKEN")]
    token: String,
    #[command(flatten)]
    simulator: Simulator,
}

#[derive(Debug, clap::Args)]
struct Disconnect {
    /// The channel.
    #[arg(long, value_name = "CHA")]
    channel: String,
    #[command(flatten)]
    simulator: Simulator,
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// Where the simulator's API listens.
    #[arg(long, default_value = "127.0.0.1:8091", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where attachments are downloaded from.
    #[arg(long, default_value = "127.0.0.1:8092", value_name = "ADDRESS")]
    storage: SocketAddr,
    /// Address that receives all requests; by default the host of each channel's URL, over plain HTTP
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<SocketAddr>,
    /// A folder with the files front-app-uid and front-app-secret. Missing ones are generated.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["app", "secret"])]
    secrets: Option<PathBuf>,
    /// The App UID.
    #[arg(long, default_value = Front::APP, value_name = "UID")]
    app: String,
    /// The app secret: signs requests, and verifies tokens.
    #[arg(long, default_value = Front::SECRET, value_name = "SECRET")]
    secret: String,
    /// The company's name.
    #[arg(long, default_value = "acme", value_name = "NAME")]
    company: String,
    #[command(flatten)]
    process: Process,
}

/// Parses arguments, the first of which is the program's name, and executes the command.
///
/// # Errors
///
/// Fails if a port is in use, if the secrets cannot be read, or if the simulator to be called does not answer.
pub fn execute(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Outcome<Front>> {
    let Arguments { command } = super::parse(arguments)?;
    let text = match command {
        Command::Serve(serve) => return serve.start().map(|(front, text)| Outcome::Serving(front, text)),
        Command::Message(message) => message.send()?,
        Command::Reply(reply) => reply.send()?,
        Command::Connect(Connect { server, token, simulator: Simulator { simulator } }) => {
            let form = [("server", server.as_str()), ("token", &token)];
            let answer = client::call(simulator, Method::POST, "/_control/connect", &form)?;
            format!("{}\n", client::text(&answer, "channel")?)
        }
        Command::Disconnect(Disconnect { channel, simulator: Simulator { simulator } }) => {
            client::call(simulator, Method::POST, "/_control/disconnect", &[("channel", &channel)])?;
            format!("{channel} is removed\n")
        }
        Command::Conversations(Conversations { until, simulator: Simulator { simulator } }) => match until {
            Some(text) => client::call(simulator, Method::POST, "/_control/until", &[("text", &text)])?,
            None => client::call(simulator, Method::GET, "/", &[])?,
        },
    };
    Ok(Outcome::Done(text))
}

impl Message {
    fn send(&self) -> Result<String> {
        let Self { to, body, attached, server, simulator } = self;
        let form = [("server", server.as_str()), ("to", to), ("text", body)];
        sent(simulator, "/_control/send", &form, attached)
    }
}

impl Reply {
    fn send(&self) -> Result<String> {
        let Self { conversation, body, attached, simulator } = self;
        let conversation = conversation.clone().map_or_else(|| newest(simulator.simulator), Ok)?;
        let form = [("conversation", conversation.as_str()), ("text", body)];
        sent(simulator, "/_control/reply", &form, attached)
    }
}

/// Sends a message, and returns its conversation once the customer has answered.
fn sent(Simulator { simulator }: &Simulator, path: &str, form: &[(&str, &str)], attached: &Attached) -> Result<String> {
    let file = attached.fields()?;
    let form: Vec<_> = form.iter().copied().chain(file.iter().map(|(name, value)| (*name, value.as_str()))).collect();
    let answer = client::call(*simulator, Method::POST, path, &form)?;
    let id = client::text(&answer, "conversation")?;
    client::call(*simulator, Method::GET, &format!("/_control/conversations/{id}"), &[])
}

/// Returns the id of the newest conversation.
fn newest(simulator: SocketAddr) -> Result<String> {
    let all = client::call(simulator, Method::GET, "/_control/conversations", &[])?;
    let all: Vec<Value> = serde_json::from_str(&all).context("the simulator's answer is not JSON")?;
    let newest = all.last().and_then(|newest| newest["id"].as_str());
    newest.map(str::to_owned).context("the simulated Front has no conversations yet")
}

impl Serve {
    fn start(self) -> Result<(Front, String)> {
        self.process.prepare()?;
        let (mut app, mut secret) = (self.app, self.secret);
        if let Some(folder) = &self.secrets {
            app = secrets::read_or_generate(folder, "front-app-uid", secrets::random)?;
            secret = secrets::read_or_generate(folder, "front-app-secret", secrets::random)?;
        }
        let builder = Front::builder().listen(self.listen).storage(self.storage).app(&app, &secret);
        let front = builder.company(&self.company).control().try_start()?;
        // The author of messages, so that imports can name the teammate from the start.
        front.teammate("ana@acme.example");
        if let Some(gateway) = self.gateway {
            front.point_at(gateway);
        }
        let mut text = format!("simulated Front: {}, attachments at {}", front.url(), front.storage_address());
        if self.secrets.is_none() {
            text += &format!("\n  App UID {app}, app secret {secret}");
        }
        Ok((front, text))
    }
}
