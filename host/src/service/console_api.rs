//! Operators' commands about the console, on their socket: login links and sessions.

use std::net::SocketAddr;
use std::sync::Arc;

use frontgate_audit::Actor;
use frontgate_console_access::{Access, Role};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::admin_pages::{text, with_type};
use crate::console::Console;
use crate::console::bulk_commands::BulkCommand;

/// The body of the command that creates a login link.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkCommand {
    /// Name of the person.
    pub(crate) who: String,
    /// Their role.
    pub(crate) role: Role,
    /// Names of the tenants that they see; `None` for all.
    #[serde(default)]
    pub(crate) tenants: Option<Vec<String>>,
}

/// The answer to that command.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Link {
    /// URL of the page that uses the code. The code is behind `#`, which browsers do not send.
    pub(crate) url: String,
    /// Milliseconds until the link expires.
    pub(crate) expires_in_ms: u64,
}

/// The body of the command that creates a token.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenCommand {
    /// Name of the script.
    pub(crate) who: String,
    /// Its role.
    pub(crate) role: Role,
    /// Names of the tenants that it sees; `None` for all.
    #[serde(default)]
    pub(crate) tenants: Option<Vec<String>>,
    /// Days until the token expires.
    pub(crate) days: u32,
}

/// The body of the command that returns new requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowsCommand {
    /// The filter as text.
    filter: String,
    /// The number to continue after; `None` for requests from now on.
    after: Option<u64>,
}

/// The body of the command that ends sessions.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndCommand {
    /// First digits of the id.
    pub(crate) id: String,
}

/// The body of the command that returns the progress of a change of many deliveries.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProgressCommand {
    /// Number of the change.
    pub(crate) id: u64,
}

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Least digits of a session's id.
const ID_DIGITS_MIN: usize = 4;

/// Answers commands about the console.
pub(super) struct ConsoleApi {
    access: Arc<Access>,
    console: Arc<Console>,
    /// Where the console listens; `None` if it does not.
    address: Option<SocketAddr>,
}

impl ConsoleApi {
    pub(super) fn new(access: Arc<Access>, console: Arc<Console>, address: Option<SocketAddr>) -> Self {
        Self { access, console, address }
    }

    /// Answers the command with this name.
    pub(super) async fn respond(&self, name: &str, body: &[u8], actor: &Actor) -> Response<Full<Bytes>> {
        let answered = match name {
            "link" => self.link(body, actor).await,
            "rows" => self.rows(body).await,
            "status" => self.console.status_for_command().await,
            "sessions" => self.sessions().await,
            "end" => self.end(body, actor).await,
            "token" => self.token(body, actor).await,
            "tokens" => self.tokens().await,
            "bulk" => self.bulk(body, actor).await,
            "bulk-progress" => self.bulk_progress(body),
            _ => Err(format!("unknown command `{name}`")),
        };
        match answered {
            Ok(answer) => with_type("application/json", StatusCode::OK, answer.into_bytes()),
            Err(reason) => text(StatusCode::CONFLICT, reason + "\n"),
        }
    }

    async fn link(&self, body: &[u8], actor: &Actor) -> Result<String, String> {
        let LinkCommand { who, role, tenants } =
            serde_json::from_slice(body).map_err(|error| format!("invalid body: {error}"))?;
        let address = self.address.ok_or("the console does not listen: set console.listen, and see the log")?;
        let settings = self.access.settings();
        let base = settings.url.as_deref().map_or_else(|| format!("http://{address}"), str::to_owned);
        let code = self.access.invite(actor, &who, role, tenants).await.map_err(|error| error.to_string())?;
        let link =
            Link { url: format!("{}/enter#{code}", base.trim_end_matches('/')), expires_in_ms: settings.link_ms };
        Ok(json!(link).to_string())
    }

    /// Returns the requests since a number, as soon as there are some.
    async fn rows(&self, body: &[u8]) -> Result<String, String> {
        let RowsCommand { filter, after } =
            serde_json::from_slice(body).map_err(|error| format!("invalid body: {error}"))?;
        self.console.rows(&filter, after).await
    }

    async fn sessions(&self) -> Result<String, String> {
        let sessions = self.access.sessions().await.map_err(|error| error.to_string())?;
        Ok(json!({ "sessions": sessions }).to_string())
    }

    async fn token(&self, body: &[u8], actor: &Actor) -> Result<String, String> {
        let TokenCommand { who, role, tenants, days } =
            serde_json::from_slice(body).map_err(|error| format!("invalid body: {error}"))?;
        let valid_ms = i64::from(days).saturating_mul(DAY_MS);
        let token = self.access.create_token(actor, &who, role, tenants, valid_ms).await;
        let token = token.map_err(|error| error.to_string())?;
        let token = token.ok_or("too many tokens: end some with `frontgate console end`")?;
        Ok(json!({ "token": token }).to_string())
    }

    async fn tokens(&self) -> Result<String, String> {
        let tokens = self.access.tokens().await.map_err(|error| error.to_string())?;
        Ok(json!({ "tokens": tokens }).to_string())
    }

    async fn bulk(&self, body: &[u8], actor: &Actor) -> Result<String, String> {
        let command: BulkCommand = serde_json::from_slice(body).map_err(|error| format!("invalid body: {error}"))?;
        self.console.bulk_for_command(actor, command).await
    }

    fn bulk_progress(&self, body: &[u8]) -> Result<String, String> {
        let ProgressCommand { id } = serde_json::from_slice(body).map_err(|error| format!("invalid body: {error}"))?;
        self.console.bulk_progress_for_command(id)
    }

    async fn end(&self, body: &[u8], actor: &Actor) -> Result<String, String> {
        let EndCommand { id } = serde_json::from_slice(body).map_err(|error| format!("invalid body: {error}"))?;
        if id.len() < ID_DIGITS_MIN {
            return Err(format!("give at least {ID_DIGITS_MIN} digits of the id"));
        }
        let ended = self.access.end(actor, &id).await.map_err(|error| error.to_string())?;
        if ended == 0 {
            return Err(format!(
                "no session or token has the id `{id}`; see `frontgate console sessions` and `tokens`"
            ));
        }
        Ok(json!({ "ended": ended }).to_string())
    }
}
