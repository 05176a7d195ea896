//! The role `channel`: typed text never becomes markup, in either direction.

use frontgate_contract::bindings::channel::{Body, ChannelEvent};
use serde_json::Value;
use url::form_urlencoded;

use super::channel::{connection, message};
use super::{NOBODY, Problem, Tries, Verdict, ensure};
use crate::bench::{Run, Setting};
use crate::cases;
use crate::cases::Reception;
use crate::question::Question;
use crate::stage::Act;

/// Hostile text. No case has it, so that it is recognised.
const HOSTILE: [&str; 3] = [
    "<a href=\"https://frontgate.invalid\">https://bank.example</a>",
    "<script>frontgate()</script>",
    "<b>frontgate</b> & <img src=\"https://frontgate.invalid/1.png\">",
];

/// What is done about it.
const REMEDY: &str = "that would be a link or a picture in Front, or vanish. Answer it as `plain`, which is shown \
                      letter for letter; `html` is for what the provider itself delivers as HTML";

pub(super) async fn check(tries: &Tries<'_>) {
    tries.check("text that a teammate types stays text", sent).await;
    match cases::receptions(tries.bench) {
        Ok(receptions) if receptions.is_empty() => {}
        Ok(receptions) => {
            let claim = async |tries: &Tries<'_>| received(tries, &receptions).await;
            tries.check("text that a customer types stays text", claim).await;
        }
        // Cases that cannot be read have failed already.
        Err(_) => {}
    }
}

/// What a plugin tells in a receipt, such as an echo.
async fn sent(tries: &Tries<'_>) -> Verdict {
    for text in HOSTILE {
        let what = format!("channel.send of {text}");
        let message = message(text, &[NOBODY]);
        let Ok(receipt) = tries.ask(&what, async |call| call.send(connection(None), message).await).await? else {
            continue;
        };
        for event in &receipt.events {
            let body = match event {
                ChannelEvent::Inbound(message) => &message.body,
                ChannelEvent::Agent(message) => &message.body,
                ChannelEvent::Failed(_) => continue,
            };
            let is_markup = matches!(body, Body::Html(html) if html.contains(text));
            ensure(!is_markup, || format!("{what} comes back as `html`; {REMEDY}"))?;
        }
    }
    Ok(())
}

/// What a plugin makes of the requests in the author's cases, with other words in them. A provider's signature does
/// not cover those: then a case of the author's must have markup in its text.
async fn received(tries: &Tries<'_>, receptions: &[Reception]) -> Verdict {
    let mut is_shown = receptions.iter().any(|reception| reception.text.contains('<'));
    for reception in receptions {
        for text in HOSTILE {
            let Some(with) = reception.saying(text) else { continue };
            let what = format!("channel.receive of the case {}, whose customer types {text}", reception.case);
            let Ok(question) = Question::read(tries.bench, cases::RECEIVE, &with) else { continue };
            if let Some(stage) = &tries.bench.stage {
                stage.play(Act::Script(reception.http.clone().into()));
            }
            let Run { result, .. } = question.ask(tries.bench, &Setting::of(&reception.case)).await;
            let answer = result.map_err(|error| Problem::Failed(crate::suite::no_answer(&what, &error)))?;
            for body in cases::bodies(&answer) {
                let is_markup = body.get("html").and_then(Value::as_str).is_some_and(|html| html.contains(text));
                ensure(!is_markup, || format!("{what} gives `html`; {REMEDY}"))?;
                is_shown = true;
            }
        }
    }
    if is_shown {
        return Ok(());
    }
    Err(Problem::Skipped(
        "the requests in cases/ are signed, so that their text cannot be changed; add a case of channel.receive whose \
         customer types <b>text</b>, and expect it as {\"plain\": \"<b>text</b>\"}"
            .to_owned(),
    ))
}

/// A request's body with another text in place of this one; none where this one is not found.
pub(crate) fn replaced(body: &str, text: &str, by: &str) -> Option<String> {
    if let Ok(mut json) = serde_json::from_str::<Value>(body) {
        return replace_in(&mut json, text, by).then(|| json.to_string());
    }
    if body == text {
        return Some(by.to_owned());
    }
    let pairs: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
    pairs.iter().any(|(_, value)| value == text).then(|| {
        let pairs = pairs.iter().map(|(name, value)| (name, if value == text { by } else { value }));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    })
}

/// Replaces a text wherever it is a value of its own; says whether it was there.
fn replace_in(json: &mut Value, text: &str, by: &str) -> bool {
    match json {
        Value::String(value) if value == text => {
            by.clone_into(value);
            true
        }
        Value::Array(values) => values.iter_mut().fold(false, |found, value| replace_in(value, text, by) | found),
        Value::Object(fields) => fields.values_mut().fold(false, |found, value| replace_in(value, text, by) | found),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_replaced_as_its_request_writes_it() {
        let table = [
            ("Hello", Some("<b>&".to_owned())),
            (r#"{"id":"1","text":"Hello"}"#, Some(r#"{"id":"1","text":"<b>&"}"#.to_owned())),
            (r#"[{"a":["Hello"]}]"#, Some(r#"[{"a":["<b>&"]}]"#.to_owned())),
            ("Id=1&Body=Hello", Some("Id=1&Body=%3Cb%3E%26".to_owned())),
            (r#"{"text":"Hello to you"}"#, None),
            ("Id=1&Body=Other", None),
            ("", None),
        ];
        for (body, want) in table {
            assert_eq!(replaced(body, "Hello", "<b>&"), want, "{body}");
        }
    }
}
