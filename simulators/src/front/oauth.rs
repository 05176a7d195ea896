//! Front's side of an app with OAuth: an admin signs in at the channel server, and Front exchanges, introspects and
//! refreshes tokens.
//!
//! The admin's browser goes to the URL that `begin_oauth` returns, and comes back to `/oauth/callback`, where the channel is
//! connected with the access token. [?] Front documents no PKCE, so the simulator sends no challenge.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, header};
use serde_json::Value;
use url::form_urlencoded;

use crate::common::exchange::{exchange, split};
use crate::common::reply::Reply;
use crate::front::Front;
use crate::front::admin;
use crate::front::draft::Connect;
use crate::front::hook::found;
use crate::front::state::Shared;

/// The path to which browsers return.
const CALLBACK: &str = "/oauth/callback";

/// The OAuth settings of an app, as an admin enters them in Front.
#[derive(Debug, Clone)]
pub struct OauthClient {
    /// The URL of the app's server. The endpoints are below it.
    pub server_url: String,
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
}

/// A connection with OAuth, from its begin on.
#[derive(Debug, Clone)]
pub struct OauthConnection {
    /// The value that the channel server has to return.
    pub state: String,
    /// `cha_...`; the channel exists once `outcome` is known and good.
    pub channel: String,
    /// The tokens, once the code was exchanged.
    pub access_token: Option<String>,
    /// The refresh token.
    pub refresh_token: Option<String>,
    /// The name of the channel, by introspection.
    pub name: Option<String>,
    /// How it ended: the answer of the introspection, or the problem.
    pub outcome: Option<Result<Value, String>>,
    client: OauthClient,
}

impl Front {
    /// Returns the address to which browsers return, which the channel server has to know.
    pub fn redirect_uri(&self) -> String {
        redirect_uri(&self.shared)
    }

    /// An admin begins to connect a channel. Returns the URL for the admin's browser.
    pub fn begin_oauth(&self, client: &OauthClient) -> String {
        let id = self.shared.update(|state| state.world.id("cha"));
        begin(&self.shared, client, id)
    }

    /// An admin connects an existing channel again.
    pub fn begin_oauth_again(&self, client: &OauthClient, channel: &str) -> String {
        begin(&self.shared, client, channel.to_owned())
    }

    /// Returns all connections with OAuth, in order.
    pub fn oauth_connections(&self) -> Vec<OauthConnection> {
        self.shared.read(|state| state.oauth.clone())
    }

    /// Exchanges the refresh token of the last connection of a channel, and keeps the new tokens.
    ///
    /// # Errors
    ///
    /// Fails with the answer of the channel server.
    pub fn refresh_oauth(&self, channel: &str) -> Result<(), String> {
        self.runtime().block_on(refresh(&self.shared, channel))
    }
}

fn redirect_uri(shared: &Shared) -> String {
    format!("{}{CALLBACK}", shared.url)
}

/// Begins a connection of a channel.
pub(crate) fn begin(shared: &Shared, client: &OauthClient, channel: String) -> String {
    let redirect_uri = redirect_uri(shared);
    let state = shared.update(|known| {
        let state = format!("state-{}-{channel}", known.oauth.len() + 1);
        known.oauth.push(OauthConnection {
            state: state.clone(),
            channel,
            access_token: None,
            refresh_token: None,
            name: None,
            outcome: None,
            client: client.clone(),
        });
        state
    });
    let query = encoded(&[
        ("response_type", "code"),
        ("client_id", &client.client_id),
        ("redirect_uri", &redirect_uri),
        ("state", &state),
    ]);
    format!("{}/oauth/authorize?{query}", client.server_url)
}

/// Returns whether a path is the one to which browsers return.
pub(crate) fn is_for(path: &str) -> bool {
    path == CALLBACK
}

/// Takes the return of an admin's browser: exchanges the code, and connects the channel.
pub(crate) async fn returned(shared: &Arc<Shared>, query: &str) -> Reply {
    let field = |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
    let field = |name: &str| field(name).map(|(_, value)| value.into_owned());
    let state = field("state").unwrap_or_default();
    let is_open = |one: &&OauthConnection| one.state == state && one.outcome.is_none();
    let Some(connection) = shared.read(|known| known.oauth.iter().find(is_open).cloned()) else {
        return Reply::new(400, "unknown state").header("content-type", "text/plain");
    };
    let outcome = match field("code") {
        Some(code) => connect(shared, &connection, &code).await,
        None => Err(format!("refused: {}", field("error").unwrap_or_default())),
    };
    let text = match &outcome {
        Ok(found) => format!("Connected {} {}", connection.channel, found["front_channel_name"]),
        Err(problem) => format!("Not connected: {problem}"),
    };
    change(shared, &state, |one| one.outcome = Some(outcome.clone()));
    Reply::text(text)
}

async fn connect(shared: &Arc<Shared>, connection: &OauthConnection, code: &str) -> Result<Value, String> {
    let (client, redirect_uri) = (&connection.client, redirect_uri(shared));
    let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &redirect_uri)];
    let tokens = post(shared, client, "token", &form).await?;
    keep(shared, &connection.state, &tokens)?;
    let access = tokens["access_token"].as_str().unwrap_or_default();
    let found = post(shared, client, "introspect", &[("token", access)]).await?;
    if found["active"] != true {
        return Err(format!("the introspection says {found}"));
    }
    let name = found["front_channel_name"].as_str().map(ToOwned::to_owned);
    change(shared, &connection.state, |one| one.name = name);
    let mut connect = Connect::to(&client.server_url).token(access);
    if let Some(address) = found["front_channel_address"].as_str() {
        connect = connect.address(address);
    }
    let connected = admin::authorize(shared, connection.channel.clone(), connect).await;
    connected.map(|_| found).map_err(|refusal| refusal.to_string())
}

async fn refresh(shared: &Arc<Shared>, channel: &str) -> Result<(), String> {
    let found = shared.read(|known| known.oauth.iter().rfind(|one| one.channel == channel).cloned());
    let connection = found.ok_or("the channel was not connected with OAuth")?;
    let token = connection.refresh_token.as_deref().ok_or("there is no refresh token")?;
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    let tokens = post(shared, &connection.client, "token", &form).await?;
    keep(shared, &connection.state, &tokens)
}

fn keep(shared: &Shared, state: &str, tokens: &Value) -> Result<(), String> {
    let text = |name: &str| tokens[name].as_str().map(ToOwned::to_owned);
    let access = text("access_token").ok_or("access_token is missing")?;
    change(shared, state, |one| (one.access_token, one.refresh_token) = (Some(access.clone()), text("refresh_token")));
    Ok(())
}

fn change(shared: &Shared, state: &str, change: impl FnOnce(&mut OauthConnection)) {
    shared.update(|known| {
        if let Some(one) = known.oauth.iter_mut().find(|one| one.state == state) {
            change(one);
        }
    });
}

/// Sends a form to an endpoint of the channel server, with Basic authentication.
async fn post(shared: &Shared, client: &OauthClient, name: &str, form: &[(&str, &str)]) -> Result<Value, String> {
    let url = format!("{}/oauth/{name}", client.server_url);
    let (host, path) = split(&url);
    let address: SocketAddr = match shared.read(|state| state.settings.server) {
        Some(server) => server,
        None => found(host).await?,
    };
    let credentials = BASE64_STANDARD.encode(format!("{}:{}", client.client_id, client.client_secret));
    let request = Request::post(path)
        .header(header::HOST, host)
        .header(header::CONNECTION, "close")
        .header(header::AUTHORIZATION, format!("Basic {credentials}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::<Bytes>::from(encoded(form)));
    let (status, answer) = exchange(address, request.map_err(|error| error.to_string())?).await?;
    match serde_json::from_str(&answer) {
        Ok(body) if status == 200 => Ok(body),
        _ => Err(format!("the answer to {name} is {status} {answer}")),
    }
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
