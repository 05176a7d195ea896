//! `frontgate send front`: sends a request to an app or one of its channels, with Front's signature.

mod example;
mod fields;

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use frontgate_delivery::store::front::ChannelState;
use frontgate_delivery::store::queue_admin::ChannelSummary;
use frontgate_front::signature::{NO_BODY, SIGNATURE, TIMESTAMP};
use frontgate_store::millis;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request as HttpRequest};

use self::fields::Field;
use super::super::app::{self, App, AppArguments};
use super::super::{client, format, say};

#[derive(Debug, Args)]
pub(crate) struct Request {
    /// Type of the request
    #[arg(value_name = "TYPE")]
    kind: Kind,
    #[command(flatten)]
    which: AppArguments,
    /// Channel, as `cha_...` or by the key in its address; by default the only connected one. For `authorization`: id
    /// to connect; by default a new one
    #[arg(long)]
    channel: Option<String>,
    /// Replace a field of the example; `PATH:=JSON` sets JSON, `PATH:=` removes the field
    ///
    /// PATH joins names, and numbers of list entries from 0, with dots: `payload.text=Hello`,
    /// `payload.recipients.0.handle=+12125550143`, `payload.created_at:=1700000000.5`,
    /// `metadata.external_conversation_ids:=["a","b"]`.
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = Field::read)]
    fields: Vec<Field>,
    /// Token that the admin entered for the channel, sent as `Authorization: Bearer`
    #[arg(long)]
    token: Option<String>,
    /// Send `delete` as Front documents it: without a body, signed over `undefined`
    #[arg(long)]
    bodiless: bool,
    /// Also print the request
    #[arg(long)]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    /// An admin connects a channel
    Authorization,
    /// Front lists addresses that can be connected
    ListAddresses,
    /// A teammate writes to a customer
    Message,
    /// A rule answers a customer
    MessageAutoreply,
    /// Front has imported a message
    MessageImported,
    /// The channel is removed
    Delete,
}

impl Kind {
    /// Returns whether the request is sent to the app, and needs no channel.
    fn is_for_app(self) -> bool {
        matches!(self, Self::Authorization | Self::ListAddresses)
    }
}

pub(super) fn send(config: &Path, request: &Request) -> anyhow::Result<ExitCode> {
    let kind = request.kind;
    if request.bodiless {
        ensure!(kind == Kind::Delete, "--bodiless is for `delete` only: Front sends every other request with a body");
        ensure!(request.fields.is_empty(), "--set cannot be combined with --bodiless, which removes the body");
    }
    ensure!(
        kind != Kind::ListAddresses || request.channel.is_none(),
        "list_addresses has no channel; remove --channel"
    );
    let app = App::find(config, &request.which)?;
    let channel = if kind.is_for_app() { None } else { Some(channel(&app, request.channel.as_deref())?) };
    let path = match &channel {
        Some(channel) => format!("{}/{}", app.path(), channel.key),
        None => app.path(),
    };

    let id = channel.map(|channel| channel.channel).or_else(|| request.channel.clone());
    let mut json = example::of(kind, &id.unwrap_or_else(|| example::id("cha")), millis(SystemTime::now()));
    request.fields.iter().try_for_each(|field| field.put(&mut json)).map_err(anyhow::Error::msg)?;
    example::agree(&mut json, |path| request.fields.iter().any(|field| field.is(path)));
    let body = if request.bodiless { String::new() } else { json.to_string() };
    let signed = if request.bodiless { NO_BODY } else { body.as_bytes() };
    let timestamp = millis(SystemTime::now()).to_string();
    let signature = app.keys().sign(&timestamp, signed);
    let signature = signature.context("app has no secret for signing; add app_secrets")?;
    let method = if kind == Kind::Delete { Method::DELETE } else { Method::POST };
    if request.verbose {
        say!("{method} {path}\n{TIMESTAMP}: {timestamp}\n{SIGNATURE}: {signature}\n\n{body}\n");
    }

    let mut http = HttpRequest::builder().method(method).uri(&path).header(HOST, client::host(&app.config));
    http = http.header(TIMESTAMP, timestamp).header(SIGNATURE, signature);
    if !request.bodiless {
        http = http.header(CONTENT_TYPE, "application/json");
    }
    if let Some(token) = &request.token {
        http = http.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    super::exchange(&app.config, None, http.body(body.into()).context("--token is not a valid header value")?)
}

/// Finds the named channel, or the only connected one.
fn channel(app: &App, name: Option<&str>) -> anyhow::Result<ChannelSummary> {
    let connect = "run `frontgate send front authorization` first";
    let desk = app::desk(&app.config).with_context(|| format!("no channel connected; {connect}"))?;
    if let Some(name) = name {
        return desk.channel(name, app.filter());
    }
    let mut all = desk.channels(app.filter(), false)?;
    all.retain(|channel| channel.state == ChannelState::Connected);
    match all.len() {
        0 => bail!("no connected channel of app {}; {connect}", app.name),
        1 => Ok(all.swap_remove(0)),
        _ => {
            let names: Vec<_> = all.iter().map(|channel| format::plain(&channel.channel)).collect();
            bail!("several channels; add --channel with one of: {}", names.join(", "))
        }
    }
}
