//! Sends requests to Twilio and interprets Twilio's errors. The gateway adds credentials.

use channel_values::{Unanswered, answered, parsed};
use frontgate_sdk::http::{self, Request};
use frontgate_sdk::{Error, channel::Attachment};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::meaning::MEANINGS;

/// Twilio's code for a request that a pre-event webhook rejected.
const REJECTED: u64 = 50056;

/// The name in errors.
const TWILIO: &str = "Twilio";

/// The text for rejected credentials.
const CREDENTIALS: &str = "Twilio rejected the credentials";

/// The reason for a failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Twilio rejected the request; a retry would fail again.
    ForGood {
        /// The status, from 400 to 499.
        status: u16,
        /// The code in Twilio's error dictionary.
        code: Option<u64>,
        /// Twilio's message, which can contain customers' data.
        message: String,
    },
    /// Twilio does not accept the credentials; a retry succeeds after an operator's fix.
    Credentials,
    /// Twilio did not answer, or cannot at the moment.
    Unanswered(Unanswered),
}

/// Twilio's error response.
#[derive(Deserialize)]
struct Problem {
    code: Option<u64>,
    #[serde(default)]
    message: String,
}

impl Refusal {
    /// Returns whether Twilio returned this code.
    pub(crate) fn is(&self, wanted: u64) -> bool {
        matches!(self, Self::ForGood { code: Some(code), .. } if *code == wanted)
    }

    /// Returns whether the resource does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::ForGood { status: 404, .. })
    }
}

impl From<Unanswered> for Refusal {
    fn from(unanswered: Unanswered) -> Self {
        Self::Unanswered(unanswered)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ForGood { status, code, .. } => Self::Invalid(MEANINGS.of_refusal(status, code)),
            Refusal::Credentials => Self::unavailable(CREDENTIALS),
            Refusal::Unanswered(unanswered) => unanswered.into(),
        }
    }
}

/// Asks whether Twilio accepts the credentials, by reading a resource.
pub(crate) fn check(url: &str) -> Result<(), Error> {
    match get::<IgnoredAny>(url) {
        Ok(IgnoredAny) => Ok(()),
        Err(Refusal::Credentials) => Err(Error::Forbidden(CREDENTIALS.to_owned())),
        Err(refusal) => Err(refusal.into()),
    }
}

pub(crate) fn get<T: DeserializeOwned>(url: &str) -> Result<T, Refusal> {
    read(&sent(http::get(url))?)
}

pub(crate) fn post<T: DeserializeOwned>(url: &str, fields: &[(&str, &str)]) -> Result<T, Refusal> {
    read(&sent(http::post(url).form(fields.iter().copied()))?)
}

/// Posts like [`post`]. Twilio first asks the service's pre-event webhook, which can reject the request.
pub(crate) fn post_asking<T: DeserializeOwned>(url: &str, fields: &[(&str, &str)]) -> Result<T, Refusal> {
    let request = http::post(url).form(fields.iter().copied()).header("x-twilio-webhook-enabled", "true");
    read(&sent(request)?)
}

pub(crate) fn delete(url: &str) -> Result<(), Refusal> {
    sent(http::request("DELETE", url)).map(|_| ())
}

/// Uploads a file, which the gateway streams.
pub(crate) fn upload<T: DeserializeOwned>(url: &str, file: &Attachment) -> Result<T, Refusal> {
    let kind = Some(file.content_type.as_str()).filter(|kind| !kind.is_empty());
    let request = http::post(url).header("content-type", kind.unwrap_or("application/octet-stream"));
    read(&judged(request.upload(&file.id))?)
}

fn sent(request: Request) -> Result<http::Response, Refusal> {
    judged(request.send())
}

fn judged(answer: Result<http::Response, http::Error>) -> Result<http::Response, Refusal> {
    let response = answered(TWILIO, answer)?;
    let problem: Option<Problem> = serde_json::from_slice(&response.body).ok();
    let code = problem.as_ref().and_then(|problem| problem.code);
    match (response.status, code) {
        (200..=299, _) => Ok(response),
        // A pre-event webhook rejected the request. [?] Whether the status is 403.
        (401 | 403, code) if code != Some(REJECTED) => Err(Refusal::Credentials),
        // The conversation is being created, or another request is changing it.
        (429, _) | (_, Some(50386 | 50391)) => Err(Unanswered::later(TWILIO).into()),
        (status @ 400..=499, _) if status != 404 || code.is_some() => {
            Err(Refusal::ForGood { status, code, message: problem.map(|problem| problem.message).unwrap_or_default() })
        }
        // Failures of Twilio, and responses from other systems.
        (status, _) => Err(Unanswered::of_status(TWILIO, status).into()),
    }
}

fn read<T: DeserializeOwned>(response: &http::Response) -> Result<T, Refusal> {
    Ok(parsed(TWILIO, response)?)
}

#[cfg(test)]
mod tests {
    use frontgate_sdk::http::Response;
    use frontgate_sdk::testing;
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_check_tells_refused_credentials_from_an_outage() {
        let refused = Error::Forbidden(CREDENTIALS.to_owned());
        let down = Error::unavailable("Twilio returned status 503");
        for (status, want) in [(200, Ok(())), (401, Err(refused)), (503, Err(down))] {
            testing::answers([Ok(Response::new(status, "{}"))]);
            assert_eq!(check("https://x.example.com"), want);
        }
    }

    #[test]
    fn each_response_is_final_or_retryable() {
        let answer = |status, body: &str| Ok(Response::new(status, body));
        let passes = |why: &str| Error::unavailable(why);
        let table = [
            (answer(401, ""), passes("Twilio rejected the credentials")),
            (answer(403, r#"{"code":20003}"#), passes("Twilio rejected the credentials")),
            (answer(429, r#"{"code":20429}"#), passes("Twilio asks to retry later")),
            (answer(409, r#"{"code":50391}"#), passes("Twilio asks to retry later")),
            (answer(503, ""), passes("Twilio returned status 503")),
            (answer(307, ""), passes("Twilio returned status 307")),
            (answer(404, "<html>"), passes("Twilio returned status 404")),
            (answer(200, "<html>"), passes("failed to parse Twilio's response")),
            (Err(http::Error::Timeout), passes("the request to Twilio timed out")),
            (Err(http::Error::Forbidden("no".to_owned())), passes("no")),
            (Err(http::Error::Interrupted("cut".to_owned())), passes("cut")),
            (Err(http::Error::TooLarge), Error::invalid("A file exceeds this channel's limit.")),
            (
                answer(404, r#"{"code":20404,"message":"+12025550107"}"#),
                Error::invalid("Twilio does not have this conversation, or it was deleted (Twilio error 20404)."),
            ),
            (answer(400, r#"{"code":99999}"#), Error::invalid("Twilio rejected the message (error 99999).")),
            (answer(413, "too large"), Error::invalid("Twilio rejected the message (status 413).")),
        ];
        for (answer, want) in table {
            testing::answers([answer.clone()]);
            assert_eq!(get::<Value>("https://x.example.com").map_err(Error::from), Err(want), "{answer:?}");
        }
    }
}
