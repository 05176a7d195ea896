//! Maps HubSpot's errors to a role's errors. Omits HubSpot's messages, which can contain customers' data.

use std::collections::BTreeMap;
use std::time::Duration;

use frontgate_sdk::Error;
use frontgate_sdk::http::Response;
use serde::Deserialize;

/// HubSpot's error. Rate limits have a `policyName`, which its API description does not mention.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Problem {
    category: String,
    correlation_id: String,
    policy_name: String,
    message: String,
    context: BTreeMap<String, Vec<String>>,
    errors: Vec<Detail>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    context: BTreeMap<String, Vec<String>>,
}

/// Returns the role's error, or `None` for a missing record.
pub(crate) fn of(response: &Response) -> Option<Error> {
    // A proxy on the way responds with an HTML page instead.
    let problem: Problem = response.json().unwrap_or_default();
    let words = match response.status {
        401 if problem.is_about_expiry() => {
            "the token has expired; replace the secret that is bound to HubSpot".to_owned()
        }
        401 => "the token is invalid; check the secret that is bound to HubSpot".to_owned(),
        403 => problem.missing_scopes(),
        404 if !problem.correlation_id.is_empty() => return None,
        429 => return Some(passing(problem.limit(), &problem, response)),
        status @ (408 | 423 | 425 | 477 | 500..=599) => {
            return Some(passing(format!("status {status}"), &problem, response));
        }
        status if problem.category.is_empty() => format!("status {status}"),
        status => format!("status {status}, {}", shown(&problem.category)),
    };
    Some(Error::failed(text(&words, &problem)))
}

/// Returns the time after which a rate limit (429) may allow requests again. HubSpot states it for some limits only.
pub(crate) fn pause(response: &Response) -> Duration {
    let problem: Problem = response.json().unwrap_or_default();
    response.retry_after().unwrap_or_else(|| match problem.policy_name.to_ascii_uppercase().as_str() {
        "SECONDLY" => Duration::from_secs(1),
        "DAILY" => Duration::from_secs(900),
        _ => Duration::from_secs(10),
    })
}

fn passing(mut words: String, problem: &Problem, response: &Response) -> Error {
    if let Some(time) = response.retry_after() {
        words += &format!("; retry after {} s", time.as_secs());
    }
    Error::unavailable(text(&words, problem))
}

fn text(words: &str, problem: &Problem) -> String {
    match shown(&problem.correlation_id) {
        "" => format!("HubSpot: {words}"),
        id => format!("HubSpot: {words} (correlation {id})"),
    }
}

/// Returns a word from HubSpot for the log, or `?` if the text is not a single word.
fn shown(word: &str) -> &str {
    let is_word = word.len() <= 64 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_word { word } else { "?" }
}

impl Problem {
    fn is_about_expiry(&self) -> bool {
        self.category.starts_with("EXPIRED") || self.message.contains("expired")
    }

    fn missing_scopes(&self) -> String {
        let contexts = [&self.context].into_iter().chain(self.errors.iter().map(|error| &error.context));
        let named = contexts.flatten().filter(|(key, _)| key.ends_with("Scopes")).flat_map(|(_, scopes)| scopes);
        let scopes: Vec<&str> = named.map(|scope| shown(scope)).collect();
        match scopes.is_empty() {
            true => {
                "the token lacks a scope; add crm.objects.contacts.read, crm.objects.owners.read and, to log calls, \
                 crm.objects.contacts.write to the private app"
                    .to_owned()
            }
            false => format!("the token lacks a scope; add {} to the private app", scopes.join(", ")),
        }
    }

    fn limit(&self) -> String {
        match self.policy_name.to_ascii_uppercase().as_str() {
            "DAILY" => "the account's daily request limit is reached, until midnight in its time zone".to_owned(),
            "TEN_SECONDLY_ROLLING" => "too many requests within ten seconds".to_owned(),
            "SECONDLY" => "too many searches within a second".to_owned(),
            _ => "too many requests".to_owned(),
        }
    }
}
