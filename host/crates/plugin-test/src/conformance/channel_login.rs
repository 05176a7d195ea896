//! Conformance checks of the role `channel-login`.

use frontgate_contract::bindings::channel_login::{Event, FieldKind, Form, Login, Step, View};
use frontgate_contract::invalid_step;

use super::{Checker, STRANGE_IDS, Verdict, ensure};

pub(super) async fn check(checker: &Checker<'_>) {
    checker.check("the first step of a sign-in can be shown", begin).await;
    checker.check("wrong values show a page, and sign in no account", wrong_values).await;
    checker.check("an unexpected return of the provider signs in no account", unexpected_return).await;
    checker.check("an unknown account signs in no account", unknown_account).await;
    checker.check("the state of another version signs in no account", other_state).await;
}

async fn begin(checker: &Checker<'_>) -> Verdict {
    let what = "channel-login.advance of `started`";
    let step = checker.call(what, async |call| call.advance_login(login(Vec::new()), Event::Started).await).await?;
    match step {
        Ok(step) => shown(what, &step),
        // The upstream may be needed for the first page.
        Err(_) => Ok(()),
    }
}

async fn wrong_values(checker: &Checker<'_>) -> Verdict {
    let begun = checker
        .call("channel-login.advance of `started`", async |call| {
            call.advance_login(login(Vec::new()), Event::Started).await
        })
        .await?;
    let Ok(Step { view: View::Form(form), state }) = begun else { return Ok(()) };
    let submissions = [String::new()].into_iter().chain(STRANGE_IDS.map(str::to_owned)).chain(["x".repeat(4_096)]);
    for value in submissions {
        let fields = filled(&form, &value);
        let has_secret = form.fields.iter().any(|field| field.kind == FieldKind::Password);
        let what = format!("channel-login.advance with {} bytes in each field", value.len());
        no_sign_in(checker, &what, state.clone(), Event::Submitted(fields), has_secret).await?;
    }
    no_sign_in(checker, "channel-login.advance without fields", state, Event::Submitted(Vec::new()), true).await
}

async fn unexpected_return(checker: &Checker<'_>) -> Verdict {
    for query in [vec![], vec![("code", "frontgate")], vec![("error", "access_denied")]] {
        let what = format!("channel-login.advance of `returned` with {query:?}");
        let query = query.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        no_sign_in(checker, &what, Vec::new(), Event::Returned(query), true).await?;
    }
    Ok(())
}

async fn unknown_account(checker: &Checker<'_>) -> Verdict {
    for id in STRANGE_IDS {
        let what = format!("channel-login.advance of `chosen` with {id:?}");
        no_sign_in(checker, &what, Vec::new(), Event::Chosen(id.to_owned()), true).await?;
    }
    Ok(())
}

async fn other_state(checker: &Checker<'_>) -> Verdict {
    for state in [b"\xff\xfe".to_vec(), b"{}".to_vec(), b"[1,2".to_vec()] {
        let what = format!("channel-login.advance with the state {state:?}");
        no_sign_in(checker, &what, state, Event::Submitted(Vec::new()), true).await?;
    }
    Ok(())
}

/// Makes a step that must not sign anyone in, if `is_required`.
async fn no_sign_in(checker: &Checker<'_>, what: &str, state: Vec<u8>, event: Event, is_required: bool) -> Verdict {
    let step = checker.call(what, async |call| call.advance_login(login(state), event).await).await?;
    let Ok(step) = step else { return Ok(()) };
    ensure(!is_required || !matches!(step.view, View::SignedIn(_)), || {
        format!("{what} signed in an account; check every value that the page sends")
    })?;
    shown(what, &step)
}

/// Checks that the gateway can show a step.
fn shown(what: &str, step: &Step) -> Verdict {
    match invalid_step(step) {
        Some(problem) => ensure(false, || format!("{what} returned {problem}")),
        None => Ok(()),
    }
}

/// Returns all fields of a form with the same value.
fn filled(form: &Form, value: &str) -> Vec<(String, String)> {
    form.fields.iter().map(|field| (field.name.clone(), value.to_owned())).collect()
}

fn login(state: Vec<u8>) -> Login {
    let callback_url = "https://gateway.example.net/front/app/oauth/return".to_owned();
    Login { callback_url, callback_state: "frontgate-conformance".to_owned(), state }
}
