//! `whatsapp-simulator`: the simulated WhatsApp Cloud API, and commands for one that runs.

use std::ffi::OsString;
use std::net::SocketAddr;

use anyhow::Result;
use clap::{Parser, Subcommand};
use hyper::Method;

use super::file::Attached;
use super::{Outcome, Process, client};
use crate::WhatsApp;

#[derive(Debug, Parser)]
#[command(
    name = "whatsapp-simulator",
    about = "A simulated WhatsApp Cloud API on this machine",
    after_help = WhatsApp::control_help()
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the simulator.
    Serve(Serve),
    /// Enters the URL of a webhook, which is verified with a challenge
    Subscribe(Subscribe),
    /// A customer sends a message to the company
    Message(Message),
    /// Shows the company's messages
    Messages(Simulator),
}

#[derive(Debug, clap::Args)]
struct Simulator {
    /// The address of the simulator.
    #[arg(long, default_value = "127.0.0.1:8096", value_name = "ADDRESS")]
    simulator: SocketAddr,
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// Where the simulator listens.
    #[arg(long, default_value = "127.0.0.1:8096", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The access token.
    #[arg(long, default_value = WhatsApp::TOKEN, value_name = "TOKEN")]
    token: String,
    /// The secret of the app, which signs webhooks.
    #[arg(long, default_value = WhatsApp::APP_SECRET, value_name = "SECRET")]
    app_secret: String,
    #[command(flatten)]
    process: Process,
}

#[derive(Debug, clap::Args)]
struct Subscribe {
    /// The URL of the channel's webhook: its address, followed by /provider
    #[arg(long)]
    url: String,
    /// The verify token.
    #[arg(long)]
    token: String,
    /// Where the gateway listens, if the URL does not lead there.
    #[arg(long, default_value = "", value_name = "ADDRESS")]
    address: String,
    #[command(flatten)]
    simulator: Simulator,
}

#[derive(Debug, clap::Args)]
struct Message {
    /// The customer's number.
    #[arg(long, default_value = "+12125550143", value_name = "NUMBER")]
    from: String,
    /// The text.
    #[arg(long, default_value = "", required_unless_present = "file")]
    body: String,
    #[command(flatten)]
    attached: Attached,
    #[command(flatten)]
    simulator: Simulator,
}

/// Parses arguments, the first of which is the program's name, and executes the command.
///
/// # Errors
///
/// Fails if the port is in use, or if the simulator to be called does not answer.
pub fn execute(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Outcome<WhatsApp>> {
    let Arguments { command } = super::parse(arguments)?;
    let post =
        |Simulator { simulator }, path: &str, form: &[(&str, &str)]| client::call(simulator, Method::POST, path, form);
    let text = match command {
        Command::Serve(serve) => return serve.start(),
        Command::Subscribe(Subscribe { url, token, address, simulator }) => {
            post(simulator, "/_control/subscribe", &[("url", &url), ("token", &token), ("address", &address)])?
        }
        Command::Message(Message { from, body, attached, simulator }) => {
            let file = attached.fields()?;
            let form = [("from", from.as_str()), ("text", &body)];
            let file = file.iter().map(|(name, value)| (*name, value.as_str()));
            post(simulator, "/_control/message", &form.into_iter().chain(file).collect::<Vec<_>>())?
        }
        Command::Messages(Simulator { simulator }) => client::call(simulator, Method::GET, "/", &[])?,
    };
    Ok(Outcome::Done(text))
}

impl Serve {
    fn start(self) -> Result<Outcome<WhatsApp>> {
        self.process.prepare()?;
        let whatsapp = WhatsApp::start_at(self.listen, &self.token, &self.app_secret, true)?;
        whatsapp.template("order_ready", "en_US", "APPROVED", "Hello {{1}}, your order {{2}} is ready.");
        let text = format!(
            "simulated WhatsApp Cloud API: {}\n  account {}, number {} ({})\n  token {}, app secret {}",
            whatsapp.url(),
            WhatsApp::ACCOUNT,
            WhatsApp::NUMBER,
            WhatsApp::NUMBER_ID,
            self.token,
            self.app_secret
        );
        Ok(Outcome::Serving(whatsapp, text))
    }
}
