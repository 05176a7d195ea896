//! `frontgate send`: sends a callback with the platform's signature.

mod example;
mod front;

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use frontgate_config::Config;
use frontgate_gateway::routes::Callback as Address;
use frontgate_twilio::form::Form;
use frontgate_twilio::signature::SIGNATURE;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use url::form_urlencoded;

use super::{client, say, tenant};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Send a callback of Twilio Frontline, or a webhook of Twilio Conversations
    Twilio {
        /// Callback to send
        callback: Callback,
        /// Replace a field of the example form; an empty value removes it, a repeated name sends several values
        #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = field)]
        fields: Vec<(String, String)>,
        /// Value of `I-Twilio-Idempotency-Token`, which Twilio repeats in retries
        #[arg(long)]
        token: Option<String>,
        /// Tenant, if there are several
        #[arg(long)]
        tenant: Option<String>,
        /// Address to send to, such as that of `frontgate dev`; by default `server.listen`
        #[arg(long)]
        to: Option<SocketAddr>,
        /// Also print the request
        #[arg(long)]
        verbose: bool,
    },
    /// Send a request of Front to an application channel
    Front(front::Request),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Callback {
    /// A page of customers, or one customer with `--set CustomerId=...`
    Crm,
    /// Message templates for a customer
    Templates,
    /// The number from which a conversation starts
    OutgoingConversation,
    /// The worker of a new conversation
    Routing,
    /// A webhook: `onConversationAdd`, or another one with `--set EventType=onMessageAdd`
    Conversations,
}

impl Callback {
    fn address(self) -> Address {
        match self {
            Self::Crm => Address::Crm,
            Self::Templates => Address::Templates,
            Self::OutgoingConversation => Address::Outgoing,
            Self::Routing => Address::Routing,
            Self::Conversations => Address::Conversations,
        }
    }

    /// Returns the fields of the example form.
    fn example(self, set: &[(String, String)]) -> example::Fields {
        let value = |name| set.iter().find(|(set, _)| set == name).map(|(_, value)| value.as_str());
        match self {
            Self::Crm => example::crm(value("CustomerId").is_some()),
            Self::Templates => example::templates(),
            Self::OutgoingConversation => example::outgoing(),
            Self::Routing => example::routing(),
            Self::Conversations => example::conversations(value("EventType").unwrap_or("onConversationAdd")),
        }
    }
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write FIELD=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn send(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    let (callback, fields, token, tenant, to, verbose) = match command {
        Command::Twilio { callback, fields, token, tenant, to, verbose } => {
            (callback, fields, token, tenant, to, verbose)
        }
        Command::Front(request) => return front::send(config, request),
    };
    let (config, tenant) = tenant::tenant(config, tenant.as_deref())?;
    let path = callback.address().path(&tenant);

    let mut form = callback.example(fields);
    form.retain(|(name, value)| !value.is_empty() && fields.iter().all(|(set, _)| set != name));
    form.extend(fields.iter().filter(|(_, value)| !value.is_empty()).cloned());
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let form = Form::parse(body.as_bytes()).expect("an encoded form can be parsed");
    let signature = tenant.keys.sign(&path, &form).context("tenant has no auth token for signing")?;
    if *verbose {
        say!("POST {path}\n{SIGNATURE}: {signature}\n\n{body}\n");
    }

    let mut request = Request::post(&path)
        .header(HOST, client::host(&config))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
        .header(SIGNATURE, signature);
    if let Some(token) = token {
        request = request.header("i-twilio-idempotency-token", token);
    }
    exchange(&config, *to, request.body(body.into())?)
}

/// Sends a request to the public listener, or to another address, and prints the response.
fn exchange(config: &Config, to: Option<SocketAddr>, request: Request<Full<Bytes>>) -> anyhow::Result<ExitCode> {
    let (status, answer) = match to {
        Some(address) => client::request(address, request)?,
        None => client::public(config, request)?,
    };
    match serde_json::from_slice::<serde_json::Value>(&answer) {
        Ok(json) => say!("{}", serde_json::to_string_pretty(&json)?),
        Err(_) => say!("{}", String::from_utf8_lossy(&answer)),
    }
    eprintln!("{status}");
    Ok(if status.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
