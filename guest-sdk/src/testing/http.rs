//! Responses to a plugin's requests.

mod exchange;

use std::cell::RefCell;
use std::collections::VecDeque;

pub use self::exchange::{Exchange, expect};
use crate::bindings::http_client::{Header, OutboundRequest, OutboundResponse};
use crate::host::native::http as host;
use crate::http::{Error, Response};

type Answer = Result<Response, Error>;

type Handler = Box<dyn FnMut(&OutboundRequest) -> Answer>;

thread_local! {
    static ANSWERS: RefCell<VecDeque<Answer>> = const { RefCell::new(VecDeque::new()) };
    static HANDLER: RefCell<Option<Handler>> = const { RefCell::new(None) };
    static SCRIPT: RefCell<Option<Vec<Exchange>>> = const { RefCell::new(None) };
}

/// Expects requests and responds to them. Every exchange is for one request, in any order. If several exchanges match,
/// the first one is used.
///
/// - An unexpected request fails the test at once.
/// - A missing request fails the test when the [`Server`] is dropped.
///
/// ```
/// use frontgate_sdk::testing::{self, expect};
/// use frontgate_sdk::{Error, http};
/// use serde_json::json;
///
/// let crm = testing::serve([
///     expect(http::get("https://crm.example.com/people/7")).json(&json!({ "name": "Mora" })),
///     expect(http::post("https://crm.example.com/notes").json(&json!({ "text": "called" }))).status(201),
///     expect(http::get("https://crm.example.com/people/8")).fail(http::Error::Timeout),
/// ]);
/// http::post("https://crm.example.com/notes").json(&json!({ "text": "called" })).send()?.success()?;
/// let person: serde_json::Value = http::get("https://crm.example.com/people/7").send()?.json()?;
/// assert_eq!(person["name"], "Mora");
/// assert_eq!(http::get("https://crm.example.com/people/8").send(), Err(http::Error::Timeout));
/// drop(crm);
/// # Ok::<(), Error>(())
/// ```
///
/// ```should_panic
/// # use frontgate_sdk::testing::{self, expect};
/// # use frontgate_sdk::http;
/// let crm = testing::serve([expect(http::get("https://crm.example.com/people/7"))]);
/// // expected requests were not sent:
/// //   GET https://crm.example.com/people/7
/// drop(crm);
/// ```
pub fn serve(exchanges: impl IntoIterator<Item = Exchange>) -> Server {
    SCRIPT.set(Some(exchanges.into_iter().collect()));
    host::handle_with(answer);
    Server { _private: () }
}

/// The script of [`serve`], which ends when this value is dropped.
///
/// ```
/// # use frontgate_sdk::{http, testing::{self, expect}};
/// let crm = testing::serve([expect(http::get("https://crm.example.com/"))]);
/// http::get("https://crm.example.com/").send()?;
/// drop(crm);
/// assert!(http::get("https://crm.example.com/").send().is_err(), "no host is granted now");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "the script ends when this value is dropped"]
pub struct Server {
    _private: (),
}

impl Drop for Server {
    fn drop(&mut self) {
        let left = SCRIPT.take().unwrap_or_default();
        if left.is_empty() || std::thread::panicking() {
            return;
        }
        panic!("expected requests were not sent:\n{}", lines(&left));
    }
}

fn lines(exchanges: &[Exchange]) -> String {
    exchanges.iter().map(|exchange| format!("  {exchange}\n")).collect()
}

/// Answers the next requests in order, regardless of their content. Later requests go to [`answer_with`], or are
/// rejected as forbidden.
///
/// ```
/// use frontgate_sdk::{http, testing};
///
/// testing::answers([Ok(http::Response::new(204, "")), Err(http::Error::Timeout)]);
/// assert_eq!(http::get("https://crm.example.com/").send()?.status, 204);
/// assert_eq!(http::get("https://crm.example.com/").send(), Err(http::Error::Timeout));
/// # Ok::<(), http::Error>(())
/// ```
pub fn answers(answers: impl IntoIterator<Item = Result<Response, Error>>) {
    ANSWERS.set(answers.into_iter().collect());
    host::handle_with(answer);
}

/// Sets a handler that simulates the plugin's backend. Requests go to it after those of [`answers`].
///
/// ```
/// use frontgate_sdk::{http, testing};
///
/// testing::answer_with(|request| Ok(http::Response::new(if request.method == "GET" { 200 } else { 405 }, "")));
/// assert_eq!(http::get("https://crm.example.com/").send()?.status, 200);
/// assert_eq!(http::post("https://crm.example.com/").send()?.status, 405);
/// # Ok::<(), http::Error>(())
/// ```
pub fn answer_with(handler: impl FnMut(&OutboundRequest) -> Result<Response, Error> + 'static) {
    HANDLER.set(Some(Box::new(handler)));
    host::handle_with(answer);
}

/// Removes and returns the sent requests. The body of an upload consists of the file's bytes, or of one line for each
/// part of the form: name, `=` and content.
///
/// ```
/// use frontgate_sdk::{http, testing};
///
/// testing::answers([Ok(http::Response::new(200, ""))]);
/// http::get("https://crm.example.com/people").query("limit", 2).send()?;
/// assert_eq!(testing::requests()[0].url, "https://crm.example.com/people?limit=2");
/// # Ok::<(), http::Error>(())
/// ```
pub fn requests() -> Vec<OutboundRequest> {
    host::take_requests()
}

pub(super) fn reset() {
    ANSWERS.take();
    HANDLER.take();
    SCRIPT.take();
}

/// Answers a request from the script, else from [`answers`], else from [`answer_with`].
fn answer(request: &OutboundRequest) -> Result<OutboundResponse, Error> {
    let answer = scripted(request)
        .or_else(|| ANSWERS.with_borrow_mut(VecDeque::pop_front))
        .or_else(|| HANDLER.with_borrow_mut(|handler| Some(handler.as_mut()?(request))));
    match answer {
        Some(answer) => answer.map(OutboundResponse::from),
        None => host::forbidden(request),
    }
}

impl From<Response> for OutboundResponse {
    fn from(response: Response) -> Self {
        let headers = response.headers.into_iter().map(|(name, value)| Header { name, value }).collect();
        Self { status: response.status, headers, body: response.body }
    }
}

/// Returns the script's answer, or `None` without a script.
fn scripted(request: &OutboundRequest) -> Option<Answer> {
    let found = SCRIPT.with_borrow_mut(|script| {
        let script = script.as_mut()?;
        let at = script.iter().position(|exchange| exchange.difference(request).is_none());
        Some(at.map(|at| script.remove(at)).ok_or_else(|| unexpected(script, request)))
    });
    match found? {
        Ok(exchange) => Some(exchange.answer(request)),
        Err(problem) => panic!("{problem}"),
    }
}

fn unexpected(script: &[Exchange], request: &OutboundRequest) -> String {
    let near = script.iter().find(|exchange| exchange.is_for(request));
    let expected = match near.and_then(|exchange| exchange.difference(request)) {
        Some(difference) => format!("a request to this URL is expected {difference}\n"),
        None if script.is_empty() => "no further request is expected\n".to_owned(),
        None => format!("expected:\n{}", lines(script)),
    };
    format!("unexpected request: {} {}\n{expected}", request.method, request.url)
}
