//! Limits of the steps of a sign-in, which the gateway can show as pages.

use std::collections::BTreeSet;

use crate::bindings::channel_login::{Account, Choices, Field, Form, Step, View};

/// Longest state of a plugin between two steps, in bytes.
const STATE_BYTES_MAX: usize = 16 << 10;
/// Most fields of a form.
const FIELDS_MAX: usize = 20;
/// Longest name of a field, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// Most accounts of a choice.
const ACCOUNTS_MAX: usize = 200;
/// Longest id of an account, in bytes.
const ID_BYTES_MAX: usize = 256;
/// Longest heading, label, button, or name, in bytes.
const LINE_BYTES_MAX: usize = 512;
/// Longest other text, in bytes.
const TEXT_BYTES_MAX: usize = 4 << 10;
/// Longest credential of a channel, in bytes.
const CREDENTIAL_BYTES_MAX: usize = 16 << 10;
/// Longest URL of a provider's page, in bytes.
const URL_BYTES_MAX: usize = 8 << 10;

/// Returns the reason why the gateway cannot show a step, for the log.
pub fn invalid_step(step: &Step) -> Option<String> {
    if step.state.len() > STATE_BYTES_MAX {
        return Some(format!("a state of more than {STATE_BYTES_MAX} bytes"));
    }
    let checked = match &step.view {
        View::Form(form) => check_form(form),
        View::Choices(choices) => check_choices(choices),
        View::Redirect(url) => check_url(url),
        View::SignedIn(account) => check_account(account),
        View::Refused(text) => text_within("the reason", text, TEXT_BYTES_MAX),
    };
    checked.err()
}

fn check_form(form: &Form) -> Result<(), String> {
    line("the title of a form", &form.title)?;
    line("the button of a form", &form.button)?;
    for text in [&form.text, &form.problem].into_iter().flatten() {
        text_within("a text of a form", text, TEXT_BYTES_MAX)?;
    }
    if form.fields.len() > FIELDS_MAX {
        return Err(format!("a form of more than {FIELDS_MAX} fields"));
    }
    let mut names = BTreeSet::new();
    for Field { name, label, help, value, .. } in &form.fields {
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_plain || name.is_empty() || name.len() > NAME_BYTES_MAX || !names.insert(name) {
            return Err(format!("the invalid or repeated name {name:?} of a field"));
        }
        line("the label of a field", label)?;
        for text in [help, value].into_iter().flatten() {
            text_within("a text of a field", text, TEXT_BYTES_MAX)?;
        }
    }
    Ok(())
}

fn check_choices(choices: &Choices) -> Result<(), String> {
    line("the title of a choice", &choices.title)?;
    if let Some(text) = &choices.text {
        text_within("a text of a choice", text, TEXT_BYTES_MAX)?;
    }
    if !(1..=ACCOUNTS_MAX).contains(&choices.accounts.len()) {
        return Err(format!("{} accounts to choose; it must be 1 to {ACCOUNTS_MAX}", choices.accounts.len()));
    }
    let mut ids = BTreeSet::new();
    for account in &choices.accounts {
        if account.id.is_empty() || account.id.len() > ID_BYTES_MAX || !ids.insert(&account.id) {
            return Err("an empty, repeated or too long id of an account".to_owned());
        }
        line("the name of an account", &account.name)?;
        if let Some(detail) = &account.detail {
            line("the detail of an account", detail)?;
        }
    }
    Ok(())
}

fn check_url(url: &str) -> Result<(), String> {
    let is_web = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    if !is_web || !is_plain || url.len() > URL_BYTES_MAX {
        return Err("a redirect to an invalid URL".to_owned());
    }
    Ok(())
}

fn check_account(account: &Account) -> Result<(), String> {
    let Account { credential, id, name, address } = account;
    if credential.is_empty() || credential.len() > CREDENTIAL_BYTES_MAX {
        return Err(format!("a credential of {} bytes", credential.len()));
    }
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        return Err(format!("an account's id of {} bytes", id.len()));
    }
    line("the name of the account", name)?;
    line("the address of the account", address)
}

fn line(what: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(format!("{what} that is empty or has several lines"));
    }
    text_within(what, text, LINE_BYTES_MAX)
}

fn text_within(what: &str, text: &str, bytes_max: usize) -> Result<(), String> {
    if text.len() > bytes_max {
        return Err(format!("{what} of more than {bytes_max} bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::channel_login::{Choice, FieldKind};

    fn field(name: &str) -> Field {
        let label = "Key".to_owned();
        Field { name: name.to_owned(), label, kind: FieldKind::Text, help: None, value: None, is_optional: false }
    }

    fn form(fields: Vec<Field>) -> View {
        View::Form(Form { title: "Sign in".to_owned(), text: None, problem: None, fields, button: "Go".to_owned() })
    }

    fn choices(ids: &[&str]) -> View {
        let account = |id: &&str| Choice { id: (*id).to_owned(), name: "A".to_owned(), detail: None };
        let accounts = ids.iter().map(account).collect();
        View::Choices(Choices { title: "Choose".to_owned(), text: None, accounts })
    }

    fn account(credential: &str, name: &str) -> View {
        let [credential, id, name, address] = [credential, "7", name, "line"].map(str::to_owned);
        View::SignedIn(Account { credential, id, name, address })
    }

    fn problem(view: View) -> String {
        invalid_step(&Step { view, state: Vec::new() }).unwrap_or_default()
    }

    #[test]
    fn steps_within_the_limits_are_shown() {
        let redirect = View::Redirect("https://login.example.com/a?b=%20c".to_owned());
        for view in [form(vec![field("a-1"), field("b")]), choices(&["1", "2"]), account("key", "Line"), redirect] {
            assert_eq!(problem(view), "");
        }
    }

    #[test]
    fn each_limit_is_named() {
        for (view, want) in [
            (form(vec![field("a"), field("a")]), "repeated name"),
            (form(vec![field("a b")]), "name"),
            (form((0..=FIELDS_MAX).map(|at| field(&format!("f{at}"))).collect()), "more than 20 fields"),
            (choices(&[]), "0 accounts"),
            (choices(&["1", "1"]), "repeated"),
            (account("", "Line"), "credential"),
            (account("key", " "), "name of the account"),
            (account("key", "two\nlines"), "name of the account"),
            (View::Redirect("javascript:alert(1)".to_owned()), "URL"),
            (View::Redirect("https://a.example/\" onclick=".to_owned()), "URL"),
            (View::Refused("x".repeat(TEXT_BYTES_MAX + 1)), "reason"),
        ] {
            let found = problem(view);
            assert!(found.contains(want), "{found:?} lacks {want:?}");
        }
        let step = Step { view: form(Vec::new()), state: vec![0; STATE_BYTES_MAX + 1] };
        assert!(invalid_step(&step).is_some_and(|found| found.contains("state")));
    }
}
