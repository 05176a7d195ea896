//! The role `routing`.

use frontgate_contract::bindings::routing::{Assignment, InboundConversation};

use super::{NOBODY, Tries, Verdict, ensure};

pub(super) async fn check(tries: &Tries<'_>) {
    tries.check("a stranger's conversation goes to somebody, or on to the next plugin", stranger).await;
    tries.check("a conversation is given to the same worker when it is asked about again", again).await;
    tries.check("conversations of any shape are answered", shapes).await;
}

async fn stranger(tries: &Tries<'_>) -> Verdict {
    let what = "routing.route of a stranger's conversation";
    let route = tries.ask(what, async |call| call.route(conversation(&[NOBODY], "{}")).await).await?;
    let nobody = match &route {
        Ok(Some(Assignment::Worker(worker))) => worker.trim().is_empty(),
        Ok(Some(Assignment::OneOf(workers))) => {
            workers.is_empty() || workers.iter().any(|worker| worker.trim().is_empty())
        }
        _ => false,
    };
    ensure(!nobody, || format!("{what} names a worker without an identity; answer none to let the next plugin decide"))
}

/// The gateway counts turns; a plugin that counts itself would give it away twice.
async fn again(tries: &Tries<'_>) -> Verdict {
    let what = "routing.route of the same conversation";
    let first = tries.ask(what, async |call| call.route(conversation(&[NOBODY], "{}")).await).await?;
    let second = tries.ask(what, async |call| call.route(conversation(&[NOBODY], "{}")).await).await?;
    let same = match (&first, &second) {
        (Ok(Some(Assignment::Worker(first))), Ok(Some(Assignment::Worker(second)))) => first == second,
        (Ok(Some(Assignment::OneOf(first))), Ok(Some(Assignment::OneOf(second)))) => first == second,
        (Ok(first), Ok(second)) => first.is_none() && second.is_none(),
        _ => true,
    };
    ensure(same, || {
        format!(
            "{what} named another worker the second time: after a failure the gateway asks again. Name several with \
             `one-of`, and the gateway counts the turns"
        )
    })
}

async fn shapes(tries: &Tries<'_>) -> Verdict {
    let many: Vec<String> = (0..50).map(|number| format!("+1202555{number:04}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (what, addresses, attributes) in [
        ("nobody", [].as_slice(), "{}"),
        ("fifty people", many.as_slice(), "{}"),
        ("an address that is none", &["日本 \u{1f98a}"], "{}"),
        ("attributes that are no JSON", &[NOBODY], "{"),
        ("attributes of an unexpected kind", &[NOBODY], "[1, null]"),
    ] {
        let what = format!("routing.route of a conversation with {what}");
        let _ = tries.ask(&what, async |call| call.route(conversation(addresses, attributes)).await).await?;
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
    }
}
