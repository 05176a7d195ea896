//! What a plugin's requests are answered with.

mod exchange;

use std::cell::RefCell;
use std::collections::VecDeque;

pub use self::exchange::{Exchange, expect};
use crate::bindings::http_client::{Content, OutboundRequest, UploadBody};
use crate::http::{Error, Response};
use crate::testing::files;

type Answer = Result<Response, Error>;

/// Who answers what nobody wrote an answer down for.
type Answering = Box<dyn FnMut(&OutboundRequest) -> Answer>;

thread_local! {
    static ANSWERING: RefCell<Option<Answering>> = const { RefCell::new(None) };
    static ANSWERS: RefCell<VecDeque<Answer>> = const { RefCell::new(VecDeque::new()) };
    static REQUESTS: RefCell<Vec<OutboundRequest>> = const { RefCell::new(Vec::new()) };
    static SCRIPT: RefCell<Option<Vec<Exchange>>> = const { RefCell::new(None) };
}

/// Says what requests come, and what each is answered with. Each is for one request, in any order; of several that
/// fit, the first. A request that is not expected fails the test at once, and one that does not come when the
/// [`Server`] is dropped: at the end of the test, or earlier.
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
/// // the test expects requests that the plugin has not sent:
/// //   GET https://crm.example.com/people/7
/// drop(crm);
/// ```
pub fn serve(exchanges: impl IntoIterator<Item = Exchange>) -> Server {
    SCRIPT.set(Some(exchanges.into_iter().collect()));
    Server { _private: () }
}

/// The script of [`serve`], for as long as it counts.
///
/// ```
/// # use frontgate_sdk::{http, testing::{self, expect}};
/// let crm = testing::serve([expect(http::get("https://crm.example.com/"))]);
/// http::get("https://crm.example.com/").send()?;
/// drop(crm);
/// assert!(http::get("https://crm.example.com/").send().is_err(), "nothing is granted now");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "what is expected counts until it is dropped"]
pub struct Server {
    _private: (),
}

impl Drop for Server {
    fn drop(&mut self) {
        let left = SCRIPT.take().unwrap_or_default();
        if left.is_empty() || std::thread::panicking() {
            return;
        }
        panic!("the test expects requests that the plugin has not sent:\n{}", lines(&left));
    }
}

fn lines(exchanges: &[Exchange]) -> String {
    exchanges.iter().map(|exchange| format!("  {exchange}\n")).collect()
}

/// Sets what requests are answered with, whatever they ask for, one after the other. Further ones are for
/// [`answer_with`], or refused, as without a grant.
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
}

/// Sets who answers requests that none of [`answers`] is left for: a stand-in for the system behind the plugin,
/// which sees what each of them asks for.
///
/// ```
/// use frontgate_sdk::{http, testing};
///
/// testing::answer_with(|request| Ok(http::Response::new(if request.method == "GET" { 200 } else { 405 }, "")));
/// assert_eq!(http::get("https://crm.example.com/").send()?.status, 200);
/// assert_eq!(http::post("https://crm.example.com/").send()?.status, 405);
/// # Ok::<(), http::Error>(())
/// ```
pub fn answer_with(answer: impl FnMut(&OutboundRequest) -> Result<Response, Error> + 'static) {
    ANSWERING.set(Some(Box::new(answer)));
}

/// Takes the requests that were sent. The body of an upload is the file's, or one line for each part of
/// its form: the name, `=`, and what it holds.
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
    REQUESTS.take()
}

pub(super) fn reset() {
    ANSWERING.take();
    ANSWERS.take();
    REQUESTS.take();
    SCRIPT.take();
}

pub(crate) fn send(request: OutboundRequest) -> Answer {
    REQUESTS.with_borrow_mut(|all| all.push(request.clone()));
    if let Some(answer) = scripted(&request) {
        return answer;
    }
    let answer = ANSWERS.with_borrow_mut(VecDeque::pop_front);
    let answer = answer.or_else(|| ANSWERING.with_borrow_mut(|answering| Some(answering.as_mut()?(&request))));
    answer.unwrap_or_else(|| Err(Error::Forbidden("no outbound host is granted to this plugin".to_owned())))
}

/// None where there is no script.
fn scripted(request: &OutboundRequest) -> Option<Answer> {
    let found = SCRIPT.with_borrow_mut(|script| {
        let script = script.as_mut()?;
        let at = script.iter().position(|exchange| exchange.differs(request).is_none());
        Some(at.map(|at| script.remove(at)).ok_or_else(|| unexpected(script, request)))
    });
    match found? {
        Ok(exchange) => Some(exchange.take_place(request)),
        Err(problem) => panic!("{problem}"),
    }
}

fn unexpected(script: &[Exchange], request: &OutboundRequest) -> String {
    let near = script.iter().find(|exchange| exchange.is_for(request));
    let why = match near.and_then(|exchange| exchange.differs(request)) {
        Some(difference) => format!("one to this URL is expected, but {difference}\n"),
        None if script.is_empty() => "nothing else is expected\n".to_owned(),
        None => format!("what is expected:\n{}", lines(script)),
    };
    format!("the plugin has sent a request that the test does not expect: {} {}\n{why}", request.method, request.url)
}

pub(crate) fn upload(mut request: OutboundRequest, body: &UploadBody) -> Answer {
    let file = |id: &String| {
        let found = files::file(id);
        found.ok_or_else(|| Error::NotConnected(format!("the message has no file {id}")))
    };
    match body {
        UploadBody::Attachment(id) => request.body = file(id)?,
        UploadBody::Form(parts) => {
            for part in parts {
                request.body.extend(format!("{}=", part.name).bytes());
                match &part.content {
                    Content::Bytes(bytes) => request.body.extend(bytes),
                    Content::Attachment(id) => request.body.extend(file(id)?),
                }
                request.body.push(b'\n');
            }
        }
    }
    send(request)
}
