//! Conformance checks of the role `channel`: typed text must never become markup, in either direction.

use frontgate_contract::bindings::channel::{Body, ChannelEvent};
use serde_json::Value;

use super::channel::{connection, message};
use super::{Checker, Problem, UNKNOWN_ADDRESS, Verdict, ensure};
use crate::cases;
use crate::cases::InboundCase;
use crate::check_result::describe_failure;
use crate::harness::CallOutcome;
use crate::invocation::Invocation;
use crate::mock_server::Behavior;

/// Hostile texts, which are unlikely to occur in a case.
const HOSTILE: [&str; 3] = [
    "<a href=\"https://frontgate.invalid\">https://bank.example</a>",
    "<script>frontgate()</script>",
    "<b>frontgate</b> & <img src=\"https://frontgate.invalid/1.png\">",
];

const REMEDY: &str = "Front would show a link or a picture, or nothing. Return it as `plain`, which is shown as \
                      typed; `html` is for text that the provider itself delivers as HTML";

pub(super) async fn check(checker: &Checker<'_>) {
    checker.check("text that a teammate types stays text", sent).await;
    match cases::inbound_cases(checker.harness) {
        Ok(inbound_cases) if inbound_cases.is_empty() => {}
        Ok(inbound_cases) => {
            let claim = async |checker: &Checker<'_>| received(checker, &inbound_cases).await;
            checker.check("text that a customer types stays text", claim).await;
        }
        // Unreadable cases have already been reported as failed.
        Err(_) => {}
    }
}

/// Checks the events in the result of `send`, such as an echo.
async fn sent(checker: &Checker<'_>) -> Verdict {
    for text in HOSTILE {
        let what = format!("channel.send of {text}");
        let message = message(text, &[UNKNOWN_ADDRESS]);
        let Ok(receipt) = checker.call(&what, async |call| call.send(connection(None), message).await).await? else {
            continue;
        };
        for event in &receipt.events {
            let body = match event {
                ChannelEvent::Inbound(message) => &message.body,
                ChannelEvent::Agent(message) => &message.body,
                ChannelEvent::Failed(_) | ChannelEvent::Call(_) => continue,
            };
            let is_markup = matches!(body, Body::Html(html) if html.contains(text));
            ensure(!is_markup, || format!("{what} is returned as `html`; {REMEDY}"))?;
        }
    }
    Ok(())
}

/// Replays the requests of the author's cases with hostile text, and checks the answers. If a signature prevents that,
/// one of the cases must have markup in its text.
async fn received(checker: &Checker<'_>, inbound_cases: &[InboundCase]) -> Verdict {
    let mut is_shown = inbound_cases.iter().any(|case| case.text.contains('<'));
    for case in inbound_cases {
        for text in HOSTILE {
            let Some(with) = case.with_text(text) else { continue };
            let what = format!("channel.receive of the case {}, with the text {text}", case.case);
            let Ok(invocation) = Invocation::read(checker.harness, cases::RECEIVE, &with) else { continue };
            if let Some(server) = &checker.harness.mock_server {
                server.set_behavior(Behavior::Expect(case.http.clone().into()));
            }
            let CallOutcome { result, .. } = invocation.run(checker.harness, &checker.fixtures(&case.case)).await;
            let answer = result.map_err(|error| Problem::Failed(describe_failure(&what, &error)))?;
            for body in cases::bodies(&answer) {
                let is_markup = body.get("html").and_then(Value::as_str).is_some_and(|html| html.contains(text));
                ensure(!is_markup, || format!("{what} returned `html`; {REMEDY}"))?;
                is_shown = true;
            }
        }
    }
    if is_shown {
        return Ok(());
    }
    Err(Problem::Skipped(
        "the requests in cases/ are signed, so their text cannot be changed; add a case of channel.receive with the \
         text <b>text</b>, and expect {\"plain\": \"<b>text</b>\"}"
            .to_owned(),
    ))
}
