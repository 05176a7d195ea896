//! `frontgate channels create`: has Front create a channel of an app, and waits until it is connected.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use frontgate_delivery::store::front::ChannelState;
use frontgate_front::api::{self, Body, Credentials, NewChannel};
use frontgate_net::{Client, ClientResponse, confidential};
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use url::Url;
use zeroize::Zeroizing;

use super::super::app::{App, AppArguments, desk};
use super::super::format::plain;
use super::super::{runtime, say};

/// Longest time until Front has authorized the channel at the gateway.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the command looks for the channel.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// Largest file with a token or a credential, in bytes.
const SECRET_BYTES_MAX: u64 = 8 * 1024;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    app: AppArguments,
    /// Inbox for the channel, inb_...
    #[arg(long, value_name = "inb_...")]
    inbox: String,
    /// Name of the channel in Front
    #[arg(long)]
    name: Option<String>,
    /// File with an API token of Front that has the scope channels:write
    #[arg(long, value_name = "FILE")]
    api_token_file: PathBuf,
    /// How Front authenticates to the app's server, as configured in Front
    #[arg(long, value_enum, default_value = "none")]
    auth: Auth,
    /// File with the credential that Front shall send, for `bearer` and `api-key`
    #[arg(long, value_name = "FILE", required_if_eq_any = [("auth", "bearer"), ("auth", "api-key")])]
    credential_file: Option<PathBuf>,
}

/// The authentication type of the app's server in Front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Auth {
    /// No credential, or a sign-in (OAuth) that an admin completes in Front
    None,
    /// A bearer token
    Bearer,
    /// An API key
    ApiKey,
}

pub(super) fn create(file: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let app = App::find(file, &arguments.app)?;
    let token = secret(&arguments.api_token_file)?;
    let credential = arguments.credential_file.as_deref().map(secret).transpose()?;
    let credentials = match (arguments.auth, credential.as_deref()) {
        (Auth::None, None) => None,
        (Auth::None, Some(_)) => bail!("--credential-file needs --auth bearer or --auth api-key"),
        (Auth::Bearer, credential) => credential.map(|access_token| Credentials::Bearer { access_token }),
        (Auth::ApiKey, credential) => credential.map(|api_key| Credentials::ApiKey { api_key }),
    };
    let (app_uid, api_url) = app.front()?;
    let channel = NewChannel::new(app_uid, arguments.name.as_deref(), credentials);
    let desk = desk(&app.config)?;
    let before: HashSet<i64> = desk.channels(app.filter(), false)?.iter().map(|line| line.id).collect();
    let call = api::create_channel(&arguments.inbox, &channel);
    let answer = send(&app, api_url, &token, &call)?;
    refuse(&answer, &arguments.inbox)?;
    let until = Instant::now() + CONNECT_TIMEOUT;
    loop {
        let lines = desk.channels(app.filter(), false)?;
        let mut new = lines.iter().filter(|line| line.state == ChannelState::Connected && !before.contains(&line.id));
        if let Some(line) = new.next() {
            say!("channel {} created and connected", plain(&line.channel));
            return Ok(ExitCode::SUCCESS);
        }
        if Instant::now() >= until {
            say!(
                "channel created, but not connected yet. If the app has a sign-in, an admin has to complete it in \
                 Front; otherwise see the log of the gateway"
            );
            return Ok(ExitCode::FAILURE);
        }
        sleep(LOOK_INTERVAL);
    }
}

fn send(app: &App, api_url: &str, token: &str, call: &api::Call) -> anyhow::Result<ClientResponse> {
    let url = format!("{}{}", api_url.trim_end_matches('/'), call.path);
    let url = Url::parse(&url).context("api_url is not a URL")?;
    let Body::Json(body) = &call.body else { bail!("the call has no JSON") };
    let bearer = confidential(Zeroizing::new(format!("Bearer {token}"))).context("the API token is not one line")?;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let client = Client::new(&app.config.delivery.client());
    let sent = runtime()?.block_on(client.send(Method::POST, &url, headers, body.clone().into()));
    sent.with_context(|| format!("failed to call Front at {api_url}"))
}

/// Fails if Front did not create the channel, with what to do.
fn refuse(answer: &ClientResponse, inbox: &str) -> anyhow::Result<()> {
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let response = api::Response { status: answer.status.as_u16(), header: &header, body: answer.body.as_deref() };
    let detail = response.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
    match answer.status.as_u16() {
        200..=299 => Ok(()),
        401 | 403 => bail!("Front rejects the API token; it needs the scope channels:write{detail}"),
        404 => bail!("Front has no inbox {inbox}{detail}"),
        429 => bail!("Front's rate limit is reached; try again in a minute{detail}"),
        status => bail!("Front answered {status}{detail}"),
    }
}

/// Reads a secret from a file, without the white space around it.
pub(super) fn secret(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let shown = file.display();
    let size = fs::metadata(file).with_context(|| format!("failed to read {shown}"))?.len();
    ensure!(size <= SECRET_BYTES_MAX, "{shown} has more than {SECRET_BYTES_MAX} bytes");
    let text = Zeroizing::new(fs::read_to_string(file).with_context(|| format!("failed to read {shown}"))?);
    ensure!(!text.trim().is_empty(), "{shown} is empty");
    Ok(Zeroizing::new(text.trim().to_owned()))
}
