//! The role `channel`.

use frontgate_contract::bindings::channel::{Connection, HttpRequest, OutboundKind, OutboundMessage, Party};
use frontgate_front::text;
use frontgate_runtime::CallError;

use super::{NOBODY, Problem, Tries, Verdict, ensure};

/// Pages of addresses that are read.
const PAGES_MAX: usize = 20;

pub(super) async fn check(tries: &Tries<'_>) {
    tries.check("connecting without a credential, or with a wrong one, is no crash", connect).await;
    tries.check("the list of addresses comes to an end", addresses).await;
    tries.check("messages of any kind are sent, or refused with a reason", send).await;
    tries.check("`check-sent` never crashes", check_sent).await;
    tries.check("a request that is none of the provider's tells nothing", forged).await;
    tries.check("disconnecting twice is no crash", disconnect).await;
}

async fn connect(tries: &Tries<'_>) -> Verdict {
    for credential in [None, Some(""), Some("wrong"), Some("日本 \u{1f98a}")] {
        let what = format!("channel.connect with the credential {credential:?}");
        let connection = connection(credential);
        let _ = tries.ask(&what, async |call| call.connect(connection).await).await?;
    }
    Ok(())
}

async fn addresses(tries: &Tries<'_>) -> Verdict {
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let page_token = token.clone();
        let page =
            tries.ask("channel.list-addresses", async |call| call.list_addresses(None, page_token).await).await?;
        let Ok(page) = page else { return Ok(()) };
        ensure(page.addresses.iter().all(|address| !address.value.trim().is_empty()), || {
            "channel.list-addresses has an address without a value".to_owned()
        })?;
        match page.next_page_token {
            Some(next) if token.as_ref() == Some(&next) => {
                return Err(Problem::Failed("channel.list-addresses leads from a page to the same page".to_owned()));
            }
            Some(next) => token = Some(next),
            None => return Ok(()),
        }
    }
    Ok(())
}

async fn send(tries: &Tries<'_>) -> Verdict {
    for (what, message) in messages() {
        let what = format!("channel.send of {what}");
        if let Err(error) = tries.ask(&what, async |call| call.send(connection(None), message).await).await? {
            let says =
                error.detail().is_some_and(|text| !text.trim().is_empty()) || matches!(error, CallError::NotFound);
            ensure(says, || format!("{what} is refused without a reason; the teammate reads that text"))?;
        }
    }
    Ok(())
}

async fn check_sent(tries: &Tries<'_>) -> Verdict {
    for (what, message) in messages() {
        let what = format!("channel.check-sent of {what}");
        let _ = tries.ask(&what, async |call| call.check_sent(connection(None), message).await).await?;
    }
    Ok(())
}

async fn forged(tries: &Tries<'_>) -> Verdict {
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
        let received = tries.ask(&what, async |call| call.receive(connection(None), request).await).await?;
        if let Ok(reception) = received {
            ensure(reception.events.is_empty(), || {
                format!(
                    "{what} was taken for {} events, and nobody signed it: anybody may send such a request. Check the \
                     provider's signature first",
                    reception.events.len()
                )
            })?;
            let status = reception.response.status;
            ensure((200..600).contains(&status), || format!("{what} answers {status}; a status is 200 to 599"))?;
        }
    }
    Ok(())
}

async fn disconnect(tries: &Tries<'_>) -> Verdict {
    for _ in 0..2 {
        let _ = tries.ask("channel.disconnect", async |call| call.disconnect(connection(None)).await).await?;
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
        subject: None,
        text: text.to_owned(),
        html: text::html(text),
        attachments: Vec::new(),
    }
}

fn messages() -> Vec<(&'static str, OutboundMessage)> {
    let autoreply =
        OutboundMessage { kind: OutboundKind::Autoreply, message_id: None, ..message("Back soon", &[NOBODY]) };
    vec![
        ("a message", message("Hello", &[NOBODY])),
        ("a message of any letters", message("é 日本 \u{1f98a} <b>&amp;", &[NOBODY])),
        ("a message without a text", message("", &[NOBODY])),
        ("a message to nobody", message("Hello", &[])),
        ("a long message", message(&"x".repeat(100_000), &[NOBODY])),
        ("an autoreply", autoreply),
    ]
}
