//! HTTP requests to the hosts that the operator granted: `outbound` of `[plugins.named.NAME]`. The gateway adds secrets
//! that are bound to a host.
//!
//! ```
//! use frontgate_sdk::testing::{self, expect};
//! use frontgate_sdk::{Error, Result, http};
//! use serde::{Deserialize, Serialize};
//! use serde_json::json;
//!
//! #[derive(Deserialize)]
//! struct Person {
//!     id: u64,
//!     name: String,
//! }
//!
//! #[derive(Serialize)]
//! struct Note<'t> {
//!     text: &'t str,
//! }
//!
//! fn greet(email: &str) -> Result<String> {
//!     let response = http::get("https://crm.example.com/people").query("email", email).send()?;
//!     let [person]: [Person; 1] = response.success()?.json()?;
//!     let notes = format!("https://crm.example.com/people/{}/notes", person.id);
//!     http::post(&notes).json(&Note { text: "greeted" }).send()?.success()?;
//!     Ok(format!("Hello {}!", person.name))
//! }
//!
//! // Simulate the CRM; see `testing`.
//! let crm = testing::serve([
//!     expect(http::get("https://crm.example.com/people?email=mora%2Blind%40example.org"))
//!         .json(&json!([{ "id": 7, "name": "Mora Lind" }])),
//!     expect(http::post("https://crm.example.com/people/7/notes").json(&json!({ "text": "greeted" }))).status(201),
//! ]);
//! assert_eq!(greet("mora+lind@example.org")?, "Hello Mora Lind!");
//! # drop(crm);
//! # Ok::<(), Error>(())
//! ```
//!
//! - A request times out after [`Request::timeout`], by default after the operator's `outbound_timeout_ms` (3 seconds
//!   unless changed), and never later than the call.
//! - Redirects are not followed: the plugin gets the response with its 3xx status.
//! - Every status is a response; [`Response::success`] turns those other than 2xx into errors.

mod encoding;
mod response;

use std::fmt::Display;
use std::time::Duration;

use serde::Serialize;

pub use self::encoding::segment;
pub use self::response::Response;
pub use crate::bindings::http_client::HttpError as Error;
pub use crate::bindings::http_client::{Content, Part, UploadBody};
use crate::bindings::http_client::{Header, OutboundRequest};
use crate::host;

/// A request that is being built.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing before it is sent"]
pub struct Request {
    pub(crate) parts: OutboundRequest,
    /// The first error of the builder; `send` returns it.
    invalid: Option<String>,
}

/// Builds a GET request.
///
/// ```
/// use frontgate_sdk::{Error, Result, http};
///
/// fn name(id: &str) -> Result<String> {
///     let url = format!("https://crm.example.com/people/{}/name", http::segment(id));
///     Ok(http::get(&url).send()?.success()?.text()?.to_owned())
/// }
/// # use frontgate_sdk::testing::{self, expect};
/// # let _crm = testing::serve([expect(http::get("https://crm.example.com/people/a%2Fb/name")).body("Mora")]);
/// # assert_eq!(name("a/b")?, "Mora");
/// # Ok::<(), Error>(())
/// ```
pub fn get(url: &str) -> Request {
    request("GET", url)
}

/// Builds a POST request, with [`Request::json`], [`Request::form`] or [`Request::body`].
///
/// ```
/// # use frontgate_sdk::{http, testing::{self, expect}};
/// # let url = "https://crm.example.com/notes";
/// # let _crm = testing::serve([expect(http::post(url).body("called")).status(201)]);
/// let response = http::post(url).body("called").send()?;
/// assert_eq!(response.status, 201);
/// # Ok::<(), http::Error>(())
/// ```
pub fn post(url: &str) -> Request {
    request("POST", url)
}

/// Builds a request with any method.
///
/// ```
/// # use frontgate_sdk::{http, testing::{self, expect}};
/// # let url = "https://crm.example.com/notes/7";
/// # let _crm = testing::serve([expect(http::request("DELETE", url)).status(204)]);
/// assert_eq!(http::request("DELETE", url).send()?.status, 204);
/// # Ok::<(), http::Error>(())
/// ```
pub fn request(method: &str, url: &str) -> Request {
    let (method, url) = (method.to_owned(), url.to_owned());
    let parts = OutboundRequest { method, url, headers: Vec::new(), body: Vec::new(), timeout_ms: None };
    Request { parts, invalid: None }
}

impl Request {
    /// Adds a header.
    ///
    /// ```
    /// let request = frontgate_sdk::http::get("https://crm.example.com/").header("accept", "text/csv");
    /// # assert!(format!("{request:?}").contains("text/csv"));
    /// ```
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.parts.headers.push(Header { name: name.to_owned(), value: value.to_owned() });
        self
    }

    /// Adds the header `authorization: Bearer ...`. Prefer a token that the operator binds to the host
    /// (`bound_secrets`): the gateway adds it, and the plugin never sees it.
    ///
    /// ```
    /// # use frontgate_sdk::{http, testing::{self, expect}};
    /// # let url = "https://crm.example.com/";
    /// # let _crm = testing::serve([expect(http::get(url).header("authorization", "Bearer made-up"))]);
    /// http::get(url).bearer("made-up").send()?;
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Adds a query parameter to the URL, percent-encoded.
    ///
    /// ```
    /// # use frontgate_sdk::{http, testing::{self, expect}};
    /// # let want = "https://crm.example.com/people?all&name=Zo%C3%AB%20%26%20Co&limit=50";
    /// # let _crm = testing::serve([expect(http::get(want))]);
    /// // https://crm.example.com/people?all&name=Zo%C3%AB%20%26%20Co&limit=50
    /// http::get("https://crm.example.com/people?all").query("name", "Zoë & Co").query("limit", 50).send()?;
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        let url = &mut self.parts.url;
        let end = url.find('#').unwrap_or(url.len());
        let sign = match url[..end].split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        let parameter = format!("{sign}{}={}", segment(name), segment(&value.to_string()));
        url.insert_str(end, &parameter);
        self
    }

    /// Sets the body.
    ///
    /// ```
    /// let request = frontgate_sdk::http::post("https://crm.example.com/notes").body("called");
    /// # assert!(format!("{request:?}").contains("99, 97, 108"));
    /// ```
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.parts.body = bytes.into();
        self
    }

    /// Sets a JSON body. A value that cannot be written as JSON, such as a map with non-text keys, fails in `send`.
    ///
    /// ```
    /// use frontgate_sdk::http;
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// struct Note {
    ///     text: String,
    /// }
    ///
    /// # use frontgate_sdk::testing::{self, expect};
    /// # let url = "https://crm.example.com/notes";
    /// # let want = http::post(url).header("content-type", "application/json").body(r#"{"text":"called"}"#);
    /// # let _crm = testing::serve([expect(want)]);
    /// http::post(url).json(&Note { text: "called".to_owned() }).send()?;
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.header("content-type", "application/json").body(bytes),
            Err(error) => {
                self.invalid = Some(format!("failed to write the body as JSON: {error}"));
                self
            }
        }
    }

    /// Sets a body of type `application/x-www-form-urlencoded`.
    ///
    /// ```
    /// # use frontgate_sdk::{http, testing::{self, expect}};
    /// # let url = "https://crm.example.com/notes";
    /// # let want = http::post(url).header("content-type", "application/x-www-form-urlencoded");
    /// # let _crm = testing::serve([expect(want.body("Text=a%20%26%20b&To=%2B12025550107"))]);
    /// http::post(url).form([("Text", "a & b"), ("To", "+12025550107")]).send()?;
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn form<N: AsRef<str>, V: AsRef<str>>(self, fields: impl IntoIterator<Item = (N, V)>) -> Self {
        let pairs =
            fields.into_iter().map(|(name, value)| format!("{}={}", segment(name.as_ref()), segment(value.as_ref())));
        let body = pairs.collect::<Vec<_>>().join("&");
        self.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// Sets the timeout of the whole request. The operator's limit and the time left to the call still apply.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use frontgate_sdk::http;
    /// # use frontgate_sdk::testing::{self, expect};
    /// # let url = "https://crm.example.com/";
    /// # let _crm = testing::serve([expect(http::get(url)).after(Duration::from_secs(2))]);
    /// assert_eq!(http::get(url).timeout(Duration::from_secs(1)).send(), Err(http::Error::Timeout));
    /// ```
    pub fn timeout(mut self, time: Duration) -> Self {
        self.parts.timeout_ms = Some(u32::try_from(time.as_millis()).unwrap_or(u32::MAX));
        self
    }

    /// Sends the request, and waits for the whole response.
    ///
    /// ```
    /// # use frontgate_sdk::{http, testing::{self, expect}};
    /// # let url = "https://crm.example.com/people/7";
    /// # let _crm = testing::serve([expect(http::get(url)).status(404)]);
    /// match http::get(url).send() {
    ///     Ok(response) => assert_eq!(response.status, 404),
    ///     Err(http::Error::Forbidden(reason)) => panic!("the operator must grant it: {reason}"),
    ///     Err(error) => panic!("no response: {error:?}"),
    /// }
    /// ```
    pub fn send(self) -> Result<Response, Error> {
        host::http::send(&self.valid()?).map(Response::from)
    }

    /// Sends an attachment of the current message as the body. The gateway streams its bytes; they do not pass through
    /// the plugin.
    ///
    /// ```
    /// use frontgate_sdk::{http, testing};
    ///
    /// testing::files([("fil_1", "a small text")]);
    /// testing::answers([Ok(http::Response::new(201, ""))]);
    /// http::post("https://media.example.com/").header("content-type", "text/plain").upload("fil_1")?;
    /// assert_eq!(testing::requests()[0].body, b"a small text");
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn upload(self, attachment_id: &str) -> Result<Response, Error> {
        self.uploaded(&UploadBody::Attachment(attachment_id.to_owned()))
    }

    /// Sends a `multipart/form-data` body whose parts may be attachments of the current message.
    ///
    /// ```
    /// use frontgate_sdk::http::{self, Part};
    /// use frontgate_sdk::testing;
    ///
    /// testing::answers([Ok(http::Response::new(201, ""))]);
    /// http::post("https://media.example.com/").upload_form([Part::text("note", "no file")])?;
    /// assert_eq!(testing::requests()[0].body, b"note=no file\n");
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn upload_form(self, parts: impl IntoIterator<Item = Part>) -> Result<Response, Error> {
        self.uploaded(&UploadBody::Form(parts.into_iter().collect()))
    }

    fn uploaded(self, body: &UploadBody) -> Result<Response, Error> {
        host::http::upload(&self.valid()?, body).map(Response::from)
    }

    fn valid(self) -> Result<OutboundRequest, Error> {
        match self.invalid {
            Some(problem) => Err(Error::NotConnected(problem)),
            None => Ok(self.parts),
        }
    }
}

impl Part {
    /// Creates a text field.
    ///
    /// ```
    /// let part = frontgate_sdk::http::Part::text("note", "a picture");
    /// assert_eq!(part.filename, None);
    /// ```
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        let content = Content::Bytes(value.into().into_bytes());
        Self { name: name.into(), filename: None, content_type: None, content }
    }

    /// Creates a part with an attachment of the current message.
    ///
    /// ```
    /// use frontgate_sdk::channel::Attachment;
    /// use frontgate_sdk::http::Part;
    ///
    /// let picture = Attachment::new("fil_1", "a.png", "image/png");
    /// assert_eq!(Part::attachment("file", &picture).content_type.as_deref(), Some("image/png"));
    /// ```
    pub fn attachment(name: impl Into<String>, attachment: &crate::channel::Attachment) -> Self {
        Self {
            name: name.into(),
            filename: Some(attachment.filename.clone()),
            content_type: Some(attachment.content_type.clone()),
            content: Content::Attachment(attachment.id.clone()),
        }
    }
}

/// Converts errors for `?` in a role's function: to `unavailable` if a retry may succeed, otherwise to `failed`.
impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Timeout => Self::unavailable("the request timed out"),
            Error::NotConnected(text) | Error::Interrupted(text) => Self::Unavailable(text),
            Error::Forbidden(text) => Self::Failed(text),
            Error::TooLarge => Self::failed("the request or its response is too large"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn query_parameters_are_inserted_before_the_fragment() {
        let table = [
            ("https://a.test/b", "https://a.test/b?q=1"),
            ("https://a.test/b?", "https://a.test/b?q=1"),
            ("https://a.test/b?c", "https://a.test/b?c&q=1"),
            ("https://a.test/b#d?e", "https://a.test/b?q=1#d?e"),
        ];
        for (url, want) in table {
            assert_eq!(get(url).query("q", 1).parts.url, want);
        }
    }

    #[test]
    fn a_body_that_is_not_json_is_not_sent() {
        let pairs = BTreeMap::from([((1, 2), 3)]);
        let problem = "failed to write the body as JSON: key must be a string";
        let response = post("https://a.test/").json(&pairs).send();
        assert_eq!(response, Err(Error::NotConnected(problem.to_owned())));
    }
}
