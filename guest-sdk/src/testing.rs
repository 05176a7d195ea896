//! Stands in for the gateway when a plugin is tested natively, with plain `cargo test`. Each test
//! thread has its own settings and log.
//!
//! ```
//! use frontgate_sdk::{settings, testing};
//!
//! testing::settings([("customers", "customers.csv")]);
//! assert_eq!(settings::get("customers").as_deref(), Some("customers.csv"));
//! ```
#![cfg(not(target_family = "wasm"))]

pub(crate) mod state;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

pub use self::state::{pass, state};
use crate::bindings::http_client::{Content, OutboundRequest, UploadBody};
use crate::log::Level;
use crate::{Customer, Error, Result, address, http};

/// What the next requests are answered with.
type Answers = VecDeque<std::result::Result<http::Response, http::Error>>;

/// Who answers what nobody wrote an answer down for.
type Answering = Box<dyn FnMut(&OutboundRequest) -> std::result::Result<http::Response, http::Error>>;

thread_local! {
    static ANSWERING: RefCell<Option<Answering>> = const { RefCell::new(None) };
    static ANSWERS: RefCell<Answers> = const { RefCell::new(VecDeque::new()) };
    static REQUESTS: RefCell<Vec<OutboundRequest>> = const { RefCell::new(Vec::new()) };
    static CUSTOMERS: RefCell<Vec<Customer>> = const { RefCell::new(Vec::new()) };
    static FILES: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
    static INSTANCE: Cell<u64> = const { Cell::new(0) };
    static SETTINGS: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
    static LOGGED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static UUIDS: RefCell<u64> = const { RefCell::new(0) };
}

/// Sets what the operator would have written, in place of what was set before. What comes next happens in
/// another instance, as it does when an operator changes something.
pub fn settings<K: Into<String>, V: Into<String>>(settings: impl IntoIterator<Item = (K, V)>) {
    let settings = settings.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    SETTINGS.with(|all| all.replace(settings));
    INSTANCE.set(instance() + 1);
}

pub(crate) fn instance() -> u64 {
    INSTANCE.get()
}

/// Sets whom the tenant's CRM knows, in place of whom it knew before. A worker sees the customers of
/// their own and those of nobody.
pub fn customers(customers: impl IntoIterator<Item = Customer>) {
    CUSTOMERS.with(|all| all.replace(customers.into_iter().collect()));
}

/// Sets what [`http`] requests are answered with, one after the other. Further ones are for [`answer_with`], or
/// refused, as without a grant.
pub fn answers(answers: impl IntoIterator<Item = std::result::Result<http::Response, http::Error>>) {
    ANSWERS.with(|all| all.replace(answers.into_iter().collect()));
}

/// Sets who answers [`http`] requests that none of [`answers`] is left for: a stand-in for the system behind the
/// plugin, which sees what each of them asks for.
///
/// ```
/// use frontgate_sdk::{http, testing};
///
/// testing::answer_with(|request| Ok(http::Response::new(if request.method == "GET" { 200 } else { 405 }, "")));
/// assert_eq!(http::get("https://crm.example.com/").send()?.status, 200);
/// assert_eq!(http::post("https://crm.example.com/").send()?.status, 405);
/// # Ok::<(), http::Error>(())
/// ```
pub fn answer_with(answer: impl FnMut(&OutboundRequest) -> std::result::Result<http::Response, http::Error> + 'static) {
    ANSWERING.with(|answering| answering.replace(Some(Box::new(answer))));
}

/// Sets the files of the message that is being sent, by their ids, in place of those before.
pub fn files<I: Into<String>, B: Into<Vec<u8>>>(files: impl IntoIterator<Item = (I, B)>) {
    let files = files.into_iter().map(|(id, bytes)| (id.into(), bytes.into())).collect();
    FILES.with(|all| all.replace(files));
}

/// Takes the requests that were sent. The body of an upload is the file's, or one line for each part of
/// its form: the name, `=`, and what it holds.
pub fn requests() -> Vec<OutboundRequest> {
    REQUESTS.with(RefCell::take)
}

/// Takes the lines that were logged, each with its level in front.
pub fn logged() -> Vec<String> {
    LOGGED.with(RefCell::take)
}

pub(crate) fn get(key: &str) -> Option<String> {
    SETTINGS.with_borrow(|all| all.get(key).cloned())
}

pub(crate) fn all() -> Vec<(String, String)> {
    SETTINGS.with_borrow(|all| all.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
}

pub(crate) fn get_customer(worker: &str, customer_id: &str) -> Result<Customer> {
    let sees = |customer: &&Customer| customer.worker.as_deref().is_none_or(|owner| owner == worker);
    CUSTOMERS.with_borrow(|all| {
        let found = all.iter().filter(sees).find(|customer| customer.customer_id == customer_id);
        found.cloned().ok_or(Error::NotFound)
    })
}

pub(crate) fn find_customer(address: &str) -> Result<Option<Customer>> {
    let number = address::number(address);
    let has = |customer: &&Customer| {
        let mut channels = customer.channels.iter();
        channels.any(|channel| address::number(&channel.value) == number)
    };
    CUSTOMERS.with_borrow(|all| Ok(all.iter().find(has).cloned()))
}

pub(crate) fn send(request: OutboundRequest) -> std::result::Result<http::Response, http::Error> {
    REQUESTS.with_borrow_mut(|all| all.push(request.clone()));
    let answer = ANSWERS.with_borrow_mut(VecDeque::pop_front);
    let answer = answer.or_else(|| ANSWERING.with_borrow_mut(|answering| Some(answering.as_mut()?(&request))));
    answer.unwrap_or_else(|| Err(http::Error::Forbidden("no outbound host is granted to this plugin".to_owned())))
}

pub(crate) fn piece(id: &str, offset: u64, most: u32) -> Result<Vec<u8>> {
    FILES.with_borrow(|all| {
        let file = all.get(id).ok_or(Error::NotFound)?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(file.len());
        Ok(file[from..].iter().take(most as usize).copied().collect())
    })
}

pub(crate) fn upload(
    mut request: OutboundRequest,
    body: &UploadBody,
) -> std::result::Result<http::Response, http::Error> {
    let file = |id: &String| {
        let found = FILES.with_borrow(|all| all.get(id).cloned());
        found.ok_or_else(|| http::Error::NotConnected(format!("the message has no file {id}")))
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

pub(crate) fn note(level: Level, message: &str) {
    let level = match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    LOGGED.with_borrow_mut(|lines| lines.push(format!("{level}: {message}")));
}

pub(crate) fn uuid() -> String {
    let number = UUIDS.with_borrow_mut(|next| {
        *next += 1;
        *next
    });
    format!("00000000-0000-4000-8000-{number:012x}")
}
