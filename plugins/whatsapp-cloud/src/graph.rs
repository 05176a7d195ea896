//! Sends requests to the Graph API and interprets its errors. The gateway adds the access token.

use channel_values::{Unanswered, answered, parsed};
use frontgate_sdk::channel::Attachment;
use frontgate_sdk::http::{self, Part, Request};
use frontgate_sdk::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::meaning::MEANINGS;
use crate::settings::Settings;

/// The name in errors.
const META: &str = "Meta";

/// The text for a rejected access token.
const CREDENTIALS: &str = "Meta rejected the access token";

/// The subcode of a resource that does not exist, or that the token does not cover.
const NO_SUCH_OBJECT: u64 = 33;

/// The reason for a failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Meta rejected the request; a retry would fail again.
    ForGood {
        /// The status, from 400 to 499.
        status: u16,
        /// Meta's code.
        code: Option<u64>,
        /// Whether the resource does not exist, or the token does not cover it.
        is_missing: bool,
    },
    /// Meta does not accept the access token; a retry succeeds after an operator's fix.
    Credentials,
    /// Meta did not answer, or cannot at the moment.
    Unanswered(Unanswered),
}

#[derive(Deserialize)]
struct Answer {
    error: Problem,
}

/// Meta's error. Its texts can contain customers' numbers, and are not passed on.
#[derive(Deserialize)]
struct Problem {
    code: u64,
    #[serde(default)]
    error_subcode: Option<u64>,
}

/// A page of a list.
#[derive(Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) data: Vec<T>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    cursors: Option<Cursors>,
    /// The URL of the next page. Absent on the last page, which still has cursors.
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Cursors {
    #[serde(default)]
    after: Option<String>,
}

impl<T> Page<T> {
    /// Returns the cursor of the next page.
    pub(crate) fn next(&self) -> Option<String> {
        let paging = self.paging.as_ref().filter(|paging| paging.next.is_some())?;
        paging.cursors.as_ref()?.after.clone()
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

impl Refusal {
    /// Converts the refusal of a request that admins and operators depend on, not one message.
    pub(crate) fn of_account(self) -> Error {
        match self {
            Self::Credentials => Error::forbidden(CREDENTIALS),
            Self::ForGood { is_missing: true, .. } => {
                Error::forbidden("Meta does not have this number or account, or the access token does not cover it")
            }
            Self::ForGood { status, code, .. } => {
                let code = code.map_or_else(|| format!("status {status}"), |code| format!("error {code}"));
                Error::failed(format!("Meta rejected the request ({code})"))
            }
            other => other.into(),
        }
    }
}

/// Reads one page of a list of the account.
pub(crate) fn page<T: DeserializeOwned>(
    settings: &Settings,
    list: &str,
    fields: &str,
    page_size: usize,
    after: Option<&str>,
) -> Result<Page<T>, Refusal> {
    let request = http::get(&settings.account_url(list)).query("fields", fields).query("limit", page_size);
    read(request_of(request, after))
}

fn request_of(request: Request, after: Option<&str>) -> Result<http::Response, http::Error> {
    match after {
        Some(after) => request.query("after", after).send(),
        None => request.send(),
    }
}

pub(crate) fn get<T: DeserializeOwned>(url: &str) -> Result<T, Refusal> {
    read(http::get(url).send())
}

pub(crate) fn post<T: DeserializeOwned>(url: &str, body: &impl Serialize) -> Result<T, Refusal> {
    read(http::post(url).json(body).send())
}

/// Uploads a file, which the gateway streams.
pub(crate) fn upload<T: DeserializeOwned>(url: &str, file: &Attachment, content_type: &str) -> Result<T, Refusal> {
    let mut bytes = Part::attachment("file", file);
    bytes.content_type = Some(content_type.to_owned());
    let parts = [Part::text("messaging_product", "whatsapp"), Part::text("type", content_type), bytes];
    read(http::post(url).upload_form(parts))
}

fn read<T: DeserializeOwned>(answer: Result<http::Response, http::Error>) -> Result<T, Refusal> {
    Ok(parsed(META, &judged(answer)?)?)
}

fn judged(answer: Result<http::Response, http::Error>) -> Result<http::Response, Refusal> {
    let response = answered(META, answer)?;
    let problem = serde_json::from_slice::<Answer>(&response.body).ok().map(|answer| answer.error);
    let code = problem.as_ref().map(|problem| problem.code);
    match (response.status, code) {
        (200..=299, _) => Ok(response),
        // No valid token; the app lacks a permission.
        (401 | 403, None) | (_, Some(0 | 3 | 10 | 190 | 200..=299)) => Err(Refusal::Credentials),
        // Limits of the app, the account, the number, and the pair of numbers.
        (429, _) | (_, Some(4 | 80_007 | 130_429 | 131_056 | 133_016)) => Err(Unanswered::later(META).into()),
        // Outages and maintenance.
        (_, Some(code @ (2 | 131_000 | 131_016 | 131_057))) => {
            Err(Unanswered::Passing(format!("Meta is not available (error {code})")).into())
        }
        (status @ 400..=499, _) if status != 404 || code.is_some() => {
            let is_missing = problem.is_some_and(|problem| problem.error_subcode == Some(NO_SUCH_OBJECT));
            // [?] Error 33 is documented with and without the general code 100.
            Err(Refusal::ForGood { status, code, is_missing: is_missing || code == Some(NO_SUCH_OBJECT) })
        }
        // Failures of Meta, and responses from other systems.
        (status, _) => Err(Unanswered::of_status(META, status).into()),
    }
}
