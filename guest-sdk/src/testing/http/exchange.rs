//! One expected request, and its response.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::bindings::http_client::OutboundRequest;
use crate::host::native::clock;
use crate::http::{Error, Request, Response};

/// The gateway's default of `outbound_timeout_ms`.
const TIMEOUT: Duration = Duration::from_millis(3_000);

/// One expected request, and its response: 200 without a body by default.
#[derive(Debug, Clone)]
#[must_use = "pass the exchange to `serve`"]
pub struct Exchange {
    request: OutboundRequest,
    answer: Result<Response, Error>,
    after: Duration,
}

/// Expects a request with this method and URL, with this body if it has one (JSON is compared as JSON), and with these
/// headers. The request may have other headers as well.
///
/// ```
/// use frontgate_sdk::testing::{self, expect};
/// use frontgate_sdk::{Error, http};
///
/// let list = || http::get("https://crm.example.com/people").query("limit", 50);
/// let crm = testing::serve([
///     expect(list().header("accept", "text/csv")).body("Mora\nOtto"),
///     expect(list()).status(429).header("retry-after", "5"),
/// ]);
/// assert_eq!(list().send()?.status, 429);
/// assert_eq!(list().header("Accept", "text/csv").send()?.text()?, "Mora\nOtto");
/// # Ok::<(), Error>(())
/// ```
pub fn expect(request: Request) -> Exchange {
    Exchange { request: request.parts, answer: Ok(Response::new(200, "")), after: Duration::ZERO }
}

impl Exchange {
    /// Sets the response's status.
    ///
    /// ```
    /// # use frontgate_sdk::{http, testing::expect};
    /// let forbidden = expect(http::get("https://crm.example.com/people/7")).status(403);
    /// ```
    pub fn status(mut self, status: u16) -> Self {
        self.answered().status = status;
        self
    }

    /// Adds a header to the response.
    ///
    /// ```
    /// # use frontgate_sdk::{http, testing::expect};
    /// let busy = expect(http::get("https://crm.example.com/")).status(429).header("retry-after", "5");
    /// ```
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.answered().headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the response's body.
    ///
    /// ```
    /// # use frontgate_sdk::{http, testing::expect};
    /// let page = expect(http::get("https://crm.example.com/")).status(502).body("<html>Bad Gateway");
    /// ```
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.answered().body = bytes.into();
        self
    }

    /// Sets the response's body, as JSON.
    ///
    /// ```
    /// # use frontgate_sdk::{http, testing::expect};
    /// let person = serde_json::json!({ "name": "Mora" });
    /// let found = expect(http::get("https://crm.example.com/people/7")).json(&person);
    /// ```
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        let text = serde_json::to_vec(value).expect("the response serializes");
        self.header("content-type", "application/json").body(text)
    }

    /// Fails the request.
    ///
    /// ```
    /// # use frontgate_sdk::{http, testing::expect};
    /// let cut = http::Error::Interrupted("the connection was closed".to_owned());
    /// let broken = expect(http::get("https://crm.example.com/")).fail(cut);
    /// ```
    pub fn fail(mut self, error: Error) -> Self {
        self.answer = Err(error);
        self
    }

    /// Delays the response, on the test's clock. The request times out after its own timeout, or after three seconds.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use frontgate_sdk::{http, testing::{self, expect}};
    /// let url = "https://crm.example.com/";
    /// let crm = testing::serve([expect(http::get(url)).after(Duration::from_secs(4))]);
    /// assert_eq!(http::get(url).send(), Err(http::Error::Timeout));
    /// ```
    pub fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }

    fn answered(&mut self) -> &mut Response {
        self.answer.as_mut().expect("a failed request has no response")
    }

    /// Returns whether method and URL match.
    pub(super) fn is_for(&self, request: &OutboundRequest) -> bool {
        (&self.request.method, &self.request.url) == (&request.method, &request.url)
    }

    /// Describes the first difference between the expected request and this one.
    pub(super) fn difference(&self, request: &OutboundRequest) -> Option<String> {
        if !self.is_for(request) {
            return Some("with another method or URL".to_owned());
        }
        for wanted in &self.request.headers {
            let mut same = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(&wanted.name));
            if !same.clone().any(|header| header.value == wanted.value) {
                let came = same.next().map_or("found none".to_owned(), |header| format!("found `{}`", header.value));
                return Some(format!("with `{}: {}`; {came}", wanted.name, wanted.value));
            }
        }
        let (wanted, came) = (&self.request.body, &request.body);
        if wanted.is_empty() || wanted == came || json(wanted).is_some_and(|wanted| json(came) == Some(wanted)) {
            return None;
        }
        Some(format!("with the body\n  {}\nbut it has\n  {}", text(wanted), text(came)))
    }

    /// Advances the clock and returns the response.
    pub(super) fn answer(self, request: &OutboundRequest) -> Result<Response, Error> {
        let deadline = request.timeout_ms.map_or(TIMEOUT, |ms| Duration::from_millis(ms.into()));
        clock::advance(self.after.min(deadline));
        if self.after > deadline { Err(Error::Timeout) } else { self.answer }
    }
}

fn json(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.request.method, self.request.url)?;
        for header in &self.request.headers {
            write!(f, "\n    {}: {}", header.name, header.value)?;
        }
        match self.request.body.as_slice() {
            [] => Ok(()),
            body => write!(f, "\n    {}", text(body)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use serde_json::json;

    use super::*;
    use crate::{http, testing};

    const URL: &str = "https://crm.example.com/notes";

    fn complaint(sent: Request) -> String {
        let panicked = catch_unwind(|| {
            let _crm = testing::serve([expect(http::post(URL).bearer("made-up").json(&json!({ "a": 1, "b": [2] })))]);
            let _ = sent.send();
        });
        panicked.map_or_else(|cause| cause.downcast_ref::<String>().expect("a message").clone(), |()| String::new())
    }

    #[test]
    fn an_unexpected_request_is_reported_with_its_difference() {
        let head = |method| format!("unexpected request: {method} {URL}\n");
        let json = |text: &str| http::post(URL).bearer("made-up").header("content-type", "application/json").body(text);
        let table = [
            (json(r#"{ "b": [2], "a": 1 }"#), String::new()),
            (
                json(r#"{"a":1}"#),
                head("POST")
                    + "a request to this URL is expected with the body\n  {\"a\":1,\"b\":[2]}\nbut it has\n  {\"a\":1}\n",
            ),
            (
                http::post(URL).bearer("other"),
                head("POST")
                    + "a request to this URL is expected with `authorization: Bearer made-up`; found `Bearer other`\n",
            ),
            (
                http::get(URL),
                head("GET")
                    + &format!(
                        "expected:\n  POST {URL}\n    authorization: Bearer made-up\n    \
                         content-type: application/json\n    {{\"a\":1,\"b\":[2]}}\n"
                    ),
            ),
        ];
        for (request, want) in table {
            assert_eq!(complaint(request), want);
        }
    }

    #[test]
    fn missing_requests_are_reported_at_the_end() {
        let panicked = catch_unwind(|| drop(testing::serve([expect(http::get(URL)), expect(http::get(URL))])));
        let cause = panicked.expect_err("nothing was sent");
        let want = format!("expected requests were not sent:\n  GET {URL}\n  GET {URL}\n");
        assert_eq!(cause.downcast_ref(), Some(&want));
    }

    #[test]
    fn a_slow_response_times_out_and_advances_the_clock() {
        let slow = || expect(http::get(URL)).after(Duration::from_secs(2));
        let _crm = testing::serve([slow(), slow()]);
        let before = crate::clock::seconds();
        assert!(http::get(URL).send().is_ok());
        assert_eq!(http::get(URL).timeout(Duration::from_secs(1)).send(), Err(Error::Timeout));
        assert_eq!(crate::clock::seconds(), before + 3);
    }
}
