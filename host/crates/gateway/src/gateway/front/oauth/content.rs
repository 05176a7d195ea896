//! What a sign-in stores between two requests: the request that began it, the plugin's state, and what is shown.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use frontgate_contract::bindings::channel_login::{Account, Choice, Field, FieldKind, View};
use frontgate_delivery::store::front::oauth::random;
use frontgate_front::oauth::{AuthorizationRequest, Challenge};
use frontgate_signing::hex;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The content of a sign-in. It is encrypted whenever it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct Content {
    redirect_uri: String,
    is_redirect_uri_named: bool,
    state: Option<String>,
    challenge: Option<String>,
    /// The value with which the provider's own page returns.
    pub(super) callback_state: String,
    /// The plugin's state, in base64.
    plugin_state: String,
    pub(super) shown: Shown,
    /// A passing problem, shown above the page.
    pub(super) notice: Option<String>,
}

/// What the page of a sign-in shows.
#[derive(Serialize, Deserialize)]
pub(super) enum Shown {
    Form { title: String, text: Option<String>, problem: Option<String>, fields: Vec<ShownField>, button: String },
    Redirect { url: String },
    Choices { title: String, text: Option<String>, accounts: Vec<ShownChoice> },
    Consent { credential: String, id: String, name: String, address: String },
}

#[derive(Serialize, Deserialize)]
pub(super) struct ShownField {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) is_password: bool,
    pub(super) help: Option<String>,
    pub(super) value: Option<String>,
    pub(super) is_optional: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ShownChoice {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) detail: Option<String>,
}

impl Content {
    /// Creates the content of a sign-in that begins.
    pub(super) fn new(request: &AuthorizationRequest, shown: Shown, callback_state: String, state: &[u8]) -> Self {
        Self {
            redirect_uri: request.redirect_uri.clone(),
            is_redirect_uri_named: request.is_redirect_uri_named,
            state: request.state.clone(),
            challenge: request.challenge.as_ref().map(|challenge| challenge.text().to_owned()),
            callback_state,
            plugin_state: BASE64_STANDARD_NO_PAD.encode(state),
            shown,
            notice: None,
        }
    }

    /// Returns a value for the provider's page that cannot be guessed.
    pub(super) fn new_callback_state() -> String {
        hex(&random::<16>())
    }

    /// Reads stored content.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// Returns the bytes to store.
    pub(super) fn bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(self).expect("texts"))
    }

    /// Returns the request that began the sign-in.
    pub(super) fn request(&self) -> AuthorizationRequest {
        AuthorizationRequest {
            redirect_uri: self.redirect_uri.clone(),
            is_redirect_uri_named: self.is_redirect_uri_named,
            state: self.state.clone(),
            challenge: self.challenge.as_deref().and_then(Challenge::read),
        }
    }

    /// Returns the plugin's state.
    pub(super) fn plugin_state(&self) -> Vec<u8> {
        BASE64_STANDARD_NO_PAD.decode(&self.plugin_state).unwrap_or_default()
    }

    /// Shows the next step.
    pub(super) fn advance(&mut self, shown: Shown, state: &[u8]) {
        self.shown = shown;
        self.plugin_state = BASE64_STANDARD_NO_PAD.encode(state);
        self.notice = None;
    }
}

impl Shown {
    /// Converts the view of a valid step. Fails with the reason if the plugin refused.
    pub(super) fn of(view: View) -> Result<Self, String> {
        Ok(match view {
            View::Form(form) => Self::Form {
                title: form.title,
                text: form.text,
                problem: form.problem,
                fields: form.fields.into_iter().map(ShownField::from).collect(),
                button: form.button,
            },
            View::Redirect(url) => Self::Redirect { url },
            View::Choices(choices) => Self::Choices {
                title: choices.title,
                text: choices.text,
                accounts: choices.accounts.into_iter().map(ShownChoice::from).collect(),
            },
            View::SignedIn(Account { credential, id, name, address }) => {
                Self::Consent { credential, id, name, address }
            }
            View::Refused(reason) => return Err(reason),
        })
    }
}

impl From<Field> for ShownField {
    fn from(field: Field) -> Self {
        let is_password = field.kind == FieldKind::Password;
        let value = field.value.filter(|_| !is_password);
        let Field { name, label, help, is_optional, .. } = field;
        Self { name, label, is_password, help, value, is_optional }
    }
}

impl From<Choice> for ShownChoice {
    fn from(Choice { id, name, detail }: Choice) -> Self {
        Self { id, name, detail }
    }
}
