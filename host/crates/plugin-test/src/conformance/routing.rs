//! Conformance checks of the role `routing`.

use frontgate_contract::bindings::routing::{Assignment, InboundConversation};

use super::{Checker, UNKNOWN_ADDRESS, Verdict, ensure};

pub(super) async fn check(checker: &Checker<'_>) {
    checker.check("a stranger's conversation is assigned, or left to the next plugin", stranger).await;
    checker.check("a repeated request assigns the same worker", again).await;
    checker.check("every kind of conversation is answered", shapes).await;
}

async fn stranger(checker: &Checker<'_>) -> Verdict {
    let what = "routing.route of a stranger's conversation";
    let route = checker.call(what, async |call| call.route(conversation(&[UNKNOWN_ADDRESS], "{}")).await).await?;
    let is_empty = match &route {
        Ok(Some(Assignment::Worker(worker))) => worker.trim().is_empty(),
        Ok(Some(Assignment::OneOf(workers))) => {
            workers.is_empty() || workers.iter().any(|worker| worker.trim().is_empty())
        }
        _ => false,
    };
    ensure(!is_empty, || {
        format!("{what} returned a worker without an identity; return none to let the next plugin decide")
    })
}

/// Checks that a retry gets the same answer. A plugin must not rotate workers: only the gateway does.
async fn again(checker: &Checker<'_>) -> Verdict {
    let what = "routing.route of the same conversation";
    let first = checker.call(what, async |call| call.route(conversation(&[UNKNOWN_ADDRESS], "{}")).await).await?;
    let second = checker.call(what, async |call| call.route(conversation(&[UNKNOWN_ADDRESS], "{}")).await).await?;
    let same = match (&first, &second) {
        (Ok(Some(Assignment::Worker(first))), Ok(Some(Assignment::Worker(second)))) => first == second,
        (Ok(Some(Assignment::OneOf(first))), Ok(Some(Assignment::OneOf(second)))) => first == second,
        (Ok(first), Ok(second)) => first.is_none() && second.is_none(),
        _ => true,
    };
    ensure(same, || {
        format!(
            "{what} returned another worker the second time, and the gateway retries after a failure. Return several \
             with `one-of`, and let the gateway rotate them"
        )
    })
}

async fn shapes(checker: &Checker<'_>) -> Verdict {
    let many: Vec<String> = (0..50).map(|number| format!("+1202555{number:04}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (what, addresses, attributes) in [
        ("no address", [].as_slice(), "{}"),
        ("fifty addresses", many.as_slice(), "{}"),
        ("an invalid address", &["日本 \u{1f98a}"], "{}"),
        ("attributes that are not JSON", &[UNKNOWN_ADDRESS], "{"),
        ("attributes of an unexpected kind", &[UNKNOWN_ADDRESS], "[1, null]"),
    ] {
        let what = format!("routing.route of a conversation with {what}");
        let _ = checker.call(&what, async |call| call.route(conversation(addresses, attributes)).await).await?;
    }
    Ok(())
}

fn conversation(addresses: &[&str], attributes: &str) -> InboundConversation {
    InboundConversation {
        conversation_sid: "CH00000000000000000000000000000000".to_owned(),
        friendly_name: None,
        attributes: attributes.to_owned(),
        addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
        proxy_address: Some("+12025550199".to_owned()),
        author: None,
        unique_name: None,
        state: Some("active".to_owned()),
        chat_service_sid: None,
        date_created: None,
        date_updated: None,
        more: Vec::new(),
    }
}
