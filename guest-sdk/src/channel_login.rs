//! The role `channel-login`: the sign-in of an admin who connects a channel of a Front app with OAuth.

use crate::Result;
use crate::bindings::channel_login::Guest;
pub use crate::bindings::channel_login::{Account, Choice, Choices, Event, Field, FieldKind, Form, Login, Step, View};

/// Signs in people who connect a channel of a Front app with OAuth. The gateway renders the pages, asks for consent, and
/// issues Front's tokens. The plugin says what each page shows, and which account was signed in.
///
/// The person has not signed in yet: anyone on the internet can begin, and send any text.
///
/// ```
/// use frontgate_sdk::channel_login::{Account, Event, Field, Form, Login, Step};
/// use frontgate_sdk::{ChannelLogin, Result, http};
///
/// struct Pigeons;
///
/// impl ChannelLogin for Pigeons {
///     fn advance(_: Login, event: Event) -> Result<Step> {
///         let form = Form::new("Sign in to Pigeons", "Sign in").field(Field::password("key", "Key of the loft"));
///         let Some(key) = event.field("key") else { return Ok(form.into()) };
///         let loft = http::get("https://pigeons.example.com/loft").header("x-key", key).send()?;
///         match loft.status {
///             401 => Ok(form.problem("The loft does not know this key.").into()),
///             _ => Ok(Account::new(key, "loft", loft.success()?.text()?, "loft").into()),
///         }
///     }
/// }
///
/// frontgate_sdk::export!(Pigeons: channel_login);
/// ```
pub trait ChannelLogin {
    /// Makes one step of a sign-in.
    ///
    /// - A wrong password is no error: return the form again, with a problem.
    /// - With `Unavailable`, the person can try the same step again. Every other error ends the sign-in. Texts of errors
    ///   go to the log, not to the page.
    fn advance(login: Login, event: Event) -> Result<Step>;
}

impl<T: ChannelLogin> Guest for T {
    fn advance(login: Login, event: Event) -> Result<Step> {
        T::advance(login, event)
    }
}

impl Login {
    /// Creates the beginning of a sign-in, for tests.
    pub fn new(callback_url: impl Into<String>, callback_state: impl Into<String>) -> Self {
        Self { callback_url: callback_url.into(), callback_state: callback_state.into(), state: Vec::new() }
    }

    /// Continues a sign-in after a step, for tests.
    pub fn after(self, step: &Step) -> Self {
        Self { state: step.state.clone(), ..self }
    }
}

impl Event {
    /// Returns a value that the person entered, or with which the provider's page returned. `None` if it is missing or
    /// empty.
    pub fn field(&self, name: &str) -> Option<&str> {
        let (Self::Submitted(all) | Self::Returned(all)) = self else { return None };
        let found = all.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Creates a submitted form, for tests.
    pub fn submitted<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        Self::Submitted(fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

impl Form {
    /// Creates a form without fields. `button` is the label of its button.
    pub fn new(title: impl Into<String>, button: impl Into<String>) -> Self {
        Self { title: title.into(), text: None, problem: None, fields: Vec::new(), button: button.into() }
    }

    /// Sets the text below the heading.
    pub fn text(self, text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..self }
    }

    /// Sets the problem of the last submission.
    pub fn problem(self, problem: impl Into<String>) -> Self {
        Self { problem: Some(problem.into()), ..self }
    }

    /// Adds a field.
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }
}

impl Field {
    /// Creates a field of one line that must not be empty.
    pub fn text(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            kind: FieldKind::Text,
            help: None,
            value: None,
            is_optional: false,
        }
    }

    /// Creates a field for a secret that must not be empty.
    pub fn password(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self { kind: FieldKind::Password, ..Self::text(name, label) }
    }

    /// Sets the text below the field.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Sets the first value, such as what was entered before. Ignored for passwords.
    pub fn value(self, value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..self }
    }

    /// Allows the field to be empty.
    pub fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }
}

impl Choices {
    /// Creates a choice of accounts.
    pub fn new(title: impl Into<String>, accounts: impl IntoIterator<Item = Choice>) -> Self {
        Self { title: title.into(), text: None, accounts: accounts.into_iter().collect() }
    }

    /// Sets the text below the heading.
    pub fn text(self, text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..self }
    }
}

impl Choice {
    /// Creates an account that can be chosen.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), detail: None }
    }

    /// Sets what distinguishes the account from others with the same name.
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}

impl Account {
    /// Creates the account that was signed in. `credential` becomes the credential of its channels' connections.
    pub fn new(
        credential: impl Into<String>,
        id: impl Into<String>,
        name: impl Into<String>,
        address: impl Into<String>,
    ) -> Self {
        Self { credential: credential.into(), id: id.into(), name: name.into(), address: address.into() }
    }
}

impl Step {
    /// Creates a step without a state.
    pub fn new(view: View) -> Self {
        Self { view, state: Vec::new() }
    }

    /// Sends the person to the provider's own sign-in page.
    pub fn redirect(url: impl Into<String>) -> Self {
        Self::new(View::Redirect(url.into()))
    }

    /// Ends the sign-in with a reason that the person reads.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::new(View::Refused(reason.into()))
    }

    /// Sets the state for the next step.
    pub fn state(self, state: impl Into<Vec<u8>>) -> Self {
        Self { state: state.into(), ..self }
    }
}

impl From<Form> for Step {
    fn from(form: Form) -> Self {
        Self::new(View::Form(form))
    }
}

impl From<Choices> for Step {
    fn from(choices: Choices) -> Self {
        Self::new(View::Choices(choices))
    }
}

impl From<Account> for Step {
    fn from(account: Account) -> Self {
        Self::new(View::SignedIn(account))
    }
}
