//! `twilio-simulator`: the simulated Twilio, and commands for one that runs.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use hyper::Method;

use super::file::Attached;
use super::{Outcome, Process, client, secrets};
use crate::Twilio;

#[derive(Debug, Parser)]
#[command(name = "twilio-simulator", about = "A simulated Twilio on this machine", after_help = Twilio::control_help())]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the simulator.
    Serve(Serve),
    /// A customer sends an SMS to the company. Shows the conversation once a worker is in it.
    Sms(Message),
    /// A customer sends a WhatsApp message to the company; shows the conversation once a worker is in it
    Whatsapp(Message),
    /// Shows the conversations of a running simulator.
    Conversations(Simulator),
}

#[derive(Debug, clap::Args)]
struct Simulator {
    /// The address of the simulator.
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    simulator: SocketAddr,
}

#[derive(Debug, clap::Args)]
struct Message {
    /// The customer's number.
    #[arg(long, default_value = "+12125550143", value_name = "NUMBER")]
    from: String,
    /// The company's number.
    #[arg(long, default_value = "+12025550199", value_name = "NUMBER")]
    to: String,
    /// The text.
    #[arg(long, default_value = "", required_unless_present = "file")]
    body: String,
    #[command(flatten)]
    attached: Attached,
    #[command(flatten)]
    simulator: Simulator,
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// Where the simulator listens.
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where media are downloaded from.
    #[arg(long, default_value = "127.0.0.1:8097", value_name = "ADDRESS")]
    storage: SocketAddr,
    /// Where webhooks are sent.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    gateway: SocketAddr,
    /// The gateway's public URL, for signatures. Default: http://GATEWAY
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Path prefix of the tenant's webhooks.
    #[arg(long, default_value = "", value_name = "PREFIX")]
    path: String,
    /// Neither routing nor webhooks of the account, as for an account without Frontline: only webhooks that programs
    /// register
    #[arg(long)]
    without_frontline: bool,
    /// A folder with the files twilio-account-sid, twilio-auth-token, twilio-api-key and twilio-api-secret. Missing
    /// ones are generated.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["account", "token", "api_key"])]
    secrets: Option<PathBuf>,
    /// The account.
    #[arg(long, default_value = Twilio::ACCOUNT_SID, value_name = "AC...")]
    account: String,
    /// The auth token, which signs webhooks.
    #[arg(long, default_value = Twilio::AUTH_TOKEN, value_name = "TOKEN")]
    token: String,
    /// An API key.
    #[arg(long, default_value_t = format!("{}:{}", Twilio::API_KEY_SID, Twilio::API_KEY_SECRET), value_name = "SK...:SECRET")]
    api_key: String,
    /// The Conversations service.
    #[arg(long, default_value = Twilio::SERVICE_SID, value_name = "IS...")]
    service: String,
    #[command(flatten)]
    process: Process,
}

/// Parses arguments, the first of which is the program's name, and executes the command.
///
/// # Errors
///
/// Fails if the port is in use, if the secrets cannot be read, or if the simulator to be called does not answer.
pub fn execute(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Outcome<Twilio>> {
    let Arguments { command } = super::parse(arguments)?;
    let text = match command {
        Command::Serve(serve) => return serve.start().map(|(twilio, text)| Outcome::Serving(twilio, text)),
        Command::Sms(message) => message.send("/_control/inbound-sms")?,
        Command::Whatsapp(message) => message.send("/_control/inbound-whatsapp")?,
        Command::Conversations(Simulator { simulator }) => client::call(simulator, Method::GET, "/", &[])?,
    };
    Ok(Outcome::Done(text))
}

impl Message {
    fn send(&self, path: &str) -> Result<String> {
        let Self { from, to, body, attached, simulator: Simulator { simulator } } = self;
        let file = attached.fields()?;
        let form = [("from", from.as_str()), ("to", to), ("text", body)];
        let form: Vec<_> = form.into_iter().chain(file.iter().map(|(name, value)| (*name, value.as_str()))).collect();
        let sid = client::text(&client::call(*simulator, Method::POST, path, &form)?, "conversation")?;
        client::call(*simulator, Method::GET, &format!("/_control/conversations/{sid}"), &[])
    }
}

impl Serve {
    fn start(self) -> Result<(Twilio, String)> {
        self.process.prepare()?;
        let (key, secret) = self.api_key.split_once(':').context("--api-key is SID:SECRET")?;
        let mut credentials = [&self.account, &self.token, key, secret].map(ToOwned::to_owned);
        if let Some(folder) = &self.secrets {
            let read =
                |name, prefix| secrets::read_or_generate(folder, name, || format!("{prefix}{}", secrets::random()));
            credentials = [
                read("twilio-account-sid", "AC")?,
                read("twilio-auth-token", "")?,
                read("twilio-api-key", "SK")?,
                read("twilio-api-secret", "")?,
            ];
        }
        let [account, token, key, secret] = credentials;
        let builder = Twilio::builder()
            .listen(self.listen)
            .storage(self.storage)
            .account(&account, &token)
            .api_key(&key, &secret);
        let twilio = builder.service(&self.service).control().try_start()?;
        let public_url = self.public_url.unwrap_or_else(|| format!("http://{}", self.gateway));
        twilio.point_at(self.gateway, &public_url, &self.path, &token);
        // Enable the events by name, as in Twilio's console: by default, all are enabled and the API lists none.
        twilio.filters(if self.without_frontline { &[] } else { &Twilio::EVENTS });
        twilio.custom_routing(!self.without_frontline);
        let mut text = format!(
            "simulated Twilio: {}, media at {}, webhooks go to {}",
            twilio.url(),
            twilio.storage_url().trim_start_matches("http://"),
            self.gateway
        );
        if self.secrets.is_none() {
            text += &format!("\n  account {account}, auth token {token}\n  API key {key}, secret {secret}");
        }
        Ok((twilio, text))
    }
}
