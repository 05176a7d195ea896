//! Conformance checks of the role `channel`.

use frontgate_contract::bindings::channel::{Connection, HttpRequest, OutboundKind, OutboundMessage, Party};
use frontgate_front::text;
use frontgate_runtime::CallError;

use super::{Checker, Problem, UNKNOWN_ADDRESS, Verdict, ensure};

/// Maximum number of pages of addresses to read.
const PAGES_MAX: usize = 20;

pub(super) async fn check(checker: &Checker<'_>) {
    checker.check("connecting with a missing or wrong credential does not crash", connect).await;
    checker.check("the list of addresses ends", addresses).await;
    checker.check("the list of templates ends", templates).await;
    checker.check("every kind of message is sent, or rejected with a reason", send).await;
    checker.check("the status of a message can always be queried", check_sent).await;
    checker.check("a request without the provider's signature reports no events", forged).await;
    checker.check("disconnecting twice does not crash", disconnect).await;
    checker.check("a check with a missing or wrong credential does not crash", health).await;
}

async fn connect(checker: &Checker<'_>) -> Verdict {
    for credential in [None, Some(""), Some("wrong"), Some("日本 \u{1f98a}")] {
        let what = format!("channel.connect with the credential {credential:?}");
        let connection = connection(credential);
        let _ = checker.call(&what, async |call| call.connect(connection).await).await?;
    }
    Ok(())
}

async fn addresses(checker: &Checker<'_>) -> Verdict {
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let page_token = token.clone();
        let page =
            checker.call("channel.list-addresses", async |call| call.list_addresses(None, page_token).await).await?;
        let Ok(page) = page else { return Ok(()) };
        ensure(page.addresses.iter().all(|address| !address.value.trim().is_empty()), || {
            "channel.list-addresses returned an address without a value".to_owned()
        })?;
        match page.next_page_token {
            Some(next) if token.as_ref() == Some(&next) => {
                return Err(Problem::Failed(
                    "channel.list-addresses returned the token of the same page again".to_owned(),
                ));
            }
            Some(next) => token = Some(next),
            None => return Ok(()),
        }
    }
    Ok(())
}

async fn templates(checker: &Checker<'_>) -> Verdict {
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let page_token = token.clone();
        let page = checker.call("channel.list-templates", async |call| {
            call.list_channel_templates(connection(None), page_token).await
        });
        let Ok(page) = page.await? else { return Ok(()) };
        ensure(
            page.templates.iter().all(|one| ![&one.id, &one.body].into_iter().any(|text| text.trim().is_empty())),
            || "channel.list-templates returned a template without id or body".to_owned(),
        )?;
        match page.next_page_token {
            Some(next) if token.as_ref() == Some(&next) => {
                return Err(Problem::Failed(
                    "channel.list-templates returned the token of the same page again".to_owned(),
                ));
            }
            Some(next) => token = Some(next),
            None => return Ok(()),
        }
    }
    Ok(())
}

async fn send(checker: &Checker<'_>) -> Verdict {
    for (what, message) in messages() {
        let what = format!("channel.send of {what}");
        if let Err(error) = checker.call(&what, async |call| call.send(connection(None), message).await).await? {
            let has_reason =
                error.detail().is_some_and(|text| !text.trim().is_empty()) || matches!(error, CallError::NotFound);
            ensure(has_reason, || format!("{what} is rejected without a reason; the teammate reads that text"))?;
        }
    }
    Ok(())
}

async fn check_sent(checker: &Checker<'_>) -> Verdict {
    for (what, message) in messages() {
        let what = format!("channel.check-sent of {what}");
        let _ = checker.call(&what, async |call| call.check_sent(connection(None), message).await).await?;
    }
    Ok(())
}

async fn forged(checker: &Checker<'_>) -> Verdict {
    for (kind, body) in [
        ("application/json", &b"{\"id\":\"frontgate\",\"text\":\"forged\"}"[..]),
        ("application/x-www-form-urlencoded", b"Body=forged&From=%2B12025550100"),
        ("text/plain", b"\xff\xfe\x00"),
        ("application/json", b""),
    ] {
        let what = format!("channel.receive of {} bytes of {kind}", body.len());
        let header =
            frontgate_contract::bindings::channel::Header { name: "content-type".to_owned(), value: kind.to_owned() };
        let request = HttpRequest {
            method: "POST".to_owned(),
            url: connection(None).webhook_url,
            headers: vec![header],
            body: body.to_vec(),
        };
        let received = checker.call(&what, async |call| call.receive(connection(None), request).await).await?;
        if let Ok(case) = received {
            ensure(case.events.is_empty(), || {
                format!(
                    "{what} reported {} events although the request is not signed. Check the provider's signature \
                     first",
                    case.events.len()
                )
            })?;
            let status = case.response.status;
            ensure((200..600).contains(&status), || format!("{what} returned status {status}; it must be 200 to 599"))?;
        }
    }
    Ok(())
}

async fn disconnect(checker: &Checker<'_>) -> Verdict {
    for _ in 0..2 {
        let _ = checker.call("channel.disconnect", async |call| call.disconnect(connection(None)).await).await?;
    }
    Ok(())
}

async fn health(checker: &Checker<'_>) -> Verdict {
    for credential in [None, Some("wrong")] {
        let what = format!("channel.check with the credential {credential:?}");
        let connection = connection(credential);
        let _ = checker.call(&what, async |call| call.check(connection).await).await?;
    }
    Ok(())
}

pub(super) fn connection(credential: Option<&str>) -> Connection {
    Connection {
        channel_id: "cha_frontgate".to_owned(),
        credential: credential.map(str::to_owned),
        webhook_url: "https://gateway.example.net/front/app/key/provider".to_owned(),
    }
}

pub(super) fn message(text: &str, to: &[&str]) -> OutboundMessage {
    OutboundMessage {
        kind: OutboundKind::Message,
        idempotency_key: "frontgate-conformance".to_owned(),
        message_id: Some("msg_frontgate".to_owned()),
        conversation_ids: Vec::new(),
        to: to.iter().map(|to| Party { handle: (*to).to_owned(), name: None, email: None }).collect(),
        author: None,
        replied_to: None,
        in_reply_to: None,
        template: None,
        subject: None,
        text: text.to_owned(),
        html: text::html(text),
        attachments: Vec::new(),
    }
}

fn messages() -> Vec<(&'static str, OutboundMessage)> {
    let autoreply =
        OutboundMessage { kind: OutboundKind::Autoreply, message_id: None, ..message("Back soon", &[UNKNOWN_ADDRESS]) };
    vec![
        ("a message", message("Hello", &[UNKNOWN_ADDRESS])),
        ("a message with special characters", message("é 日本 \u{1f98a} <b>&amp;", &[UNKNOWN_ADDRESS])),
        ("a message without a text", message("", &[UNKNOWN_ADDRESS])),
        ("a message without recipients", message("Hello", &[])),
        ("a long message", message(&"x".repeat(100_000), &[UNKNOWN_ADDRESS])),
        ("an autoreply", autoreply),
    ]
}
