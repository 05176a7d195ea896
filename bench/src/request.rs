//! Signed requests as bytes, built once and sent repeatedly.

use frontgate_tests::{PUBLIC_URL, TOKEN, sign};
use url::form_urlencoded;

/// Kind of list that is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// A page of twenty customers.
    List,
    /// An empty page.
    Nothing,
    /// A request and its answer, as they were exchanged once.
    Fixed(&'static Exchange),
}

/// A request and its answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) request: Vec<u8>,
    /// The body of the correct answer.
    pub(crate) expected: Vec<u8>,
}

/// Number of customers on a page.
pub(crate) const PAGE_SIZE: usize = 20;

impl Question {
    /// Returns the worker who requests the list.
    pub(crate) fn worker(self) -> &'static str {
        match self {
            Self::List => "ana@example.org",
            Self::Nothing | Self::Fixed(_) => "nobody@example.org",
        }
    }

    /// Returns the body of the correct answer.
    pub(crate) fn answer(self) -> Vec<u8> {
        if let Self::Fixed(exchange) = self {
            return exchange.expected.clone();
        }
        frontgate_bench_answer::list(self.worker(), PAGE_SIZE)
    }

    /// Returns the bytes of a request to a tenant's callback, in Twilio's format.
    pub(crate) fn request(self, prefix: &str) -> Vec<u8> {
        if let Self::Fixed(exchange) = self {
            return exchange.request.clone();
        }
        let path = format!("{prefix}/callbacks/crm");
        let page_size = PAGE_SIZE.to_string();
        let form = [
            ("AccountSid", "AC0123456789abcdef0123456789abcdef"),
            ("Anchor", ""),
            ("InstanceSid", "IS0123456789abcdef0123456789abcdef"),
            ("Location", "GetCustomersList"),
            ("PageSize", &page_size),
            ("Query", ""),
            ("Source", "frontline"),
            ("Worker", self.worker()),
        ];
        request(&path, &form)
    }
}

/// Returns the bytes of a signed request, in Twilio's format.
pub(crate) fn request(path: &str, form: &[(&str, &str)]) -> Vec<u8> {
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}{path}"), form);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let host = PUBLIC_URL.trim_start_matches("https://");
    let head = [
        format!("POST {path} HTTP/1.1"),
        format!("host: {host}"),
        "user-agent: TwilioProxy/1.1".to_owned(),
        "accept: */*".to_owned(),
        "content-type: application/x-www-form-urlencoded; charset=UTF-8".to_owned(),
        format!("content-length: {}", body.len()),
        format!("x-twilio-signature: {signature}"),
    ];
    format!("{}\r\n\r\n{body}", head.join("\r\n")).into_bytes()
}
