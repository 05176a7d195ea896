//! Requests to the hosts that the operator granted: `outbound` of `[plugins.named.NAME]`. A secret that is
//! bound to a host is put in by the gateway, so a plugin needs none for it.
//!
//! ```
//! use std::time::Duration;
//!
//! use frontgate_sdk::{http, testing};
//!
//! testing::answers([Ok(http::Response::new(200, "Mora Lind"))]);
//! let answer = http::get("https://crm.example.com/customers/7").deadline(Duration::from_secs(1)).send()?;
//! assert_eq!(answer.success()?.text()?, "Mora Lind");
//! assert_eq!(testing::requests()[0].url, "https://crm.example.com/customers/7");
//! # Ok::<(), frontgate_sdk::Error>(())
//! ```

use std::time::Duration;

pub use crate::bindings::http_client::HttpError as Error;
pub use crate::bindings::http_client::{Content, Part, UploadBody};
use crate::bindings::http_client::{Field, OutboundRequest, OutboundResponse};

/// A request before it is sent.
#[derive(Debug, Clone)]
pub struct Request(OutboundRequest);

/// What came back; redirects are not followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// 200 and so on.
    pub status: u16,
    /// Names and values, in the order received.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// A request for what is at a URL.
pub fn get(url: &str) -> Request {
    request("GET", url)
}

/// A request that hands something over: [`Request::body`] or [`Request::json`].
pub fn post(url: &str) -> Request {
    request("POST", url)
}

/// A request with any other method.
pub fn request(method: &str, url: &str) -> Request {
    let (method, url) = (method.to_owned(), url.to_owned());
    Request(OutboundRequest { method, url, headers: Vec::new(), body: Vec::new(), timeout_ms: None })
}

impl Request {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.push(Field { name: name.to_owned(), value: value.to_owned() });
        self
    }

    /// What is handed over.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.body = bytes.into();
        self
    }

    /// The same for a text that is JSON.
    ///
    /// ```
    /// use frontgate_sdk::{http, testing};
    ///
    /// testing::answers([Ok(http::Response::new(201, ""))]);
    /// http::post("https://crm.example.com/notes").json(r#"{"note":"called"}"#).send()?;
    /// assert_eq!(testing::requests()[0].headers[0].value, "application/json");
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn json(self, text: impl Into<String>) -> Self {
        self.header("content-type", "application/json").body(text.into())
    }

    /// How long it may take in all; never longer than what the operator allows and the call has left.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.0.timeout_ms = Some(u32::try_from(time.as_millis()).unwrap_or(u32::MAX));
        self
    }

    /// Sends it, and waits for the whole answer.
    pub fn send(self) -> Result<Response, Error> {
        #[cfg(target_family = "wasm")]
        return crate::bindings::http_client::send(&self.0).map(Response::from);
        #[cfg(not(target_family = "wasm"))]
        return crate::testing::send(self.0);
    }

    /// Sends it with a file of the message that is being sent, raw. The gateway streams it, so it costs the
    /// plugin nothing.
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

    /// Sends it as a form, some parts of which are files of the message that is being sent.
    pub fn upload_form(self, parts: impl IntoIterator<Item = Part>) -> Result<Response, Error> {
        self.uploaded(&UploadBody::Form(parts.into_iter().collect()))
    }

    fn uploaded(self, body: &UploadBody) -> Result<Response, Error> {
        #[cfg(target_family = "wasm")]
        return crate::bindings::http_client::upload(&self.0, body).map(Response::from);
        #[cfg(not(target_family = "wasm"))]
        return crate::testing::upload(self.0, body);
    }
}

impl Part {
    /// A field.
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        let content = Content::Bytes(value.into().into_bytes());
        Self { name: name.into(), filename: None, content_type: None, content }
    }

    /// A file of the message that is being sent.
    pub fn attachment(name: impl Into<String>, attachment: &crate::channel::Attachment) -> Self {
        Self {
            name: name.into(),
            filename: Some(attachment.filename.clone()),
            content_type: Some(attachment.content_type.clone()),
            content: Content::Attachment(attachment.id.clone()),
        }
    }
}

impl Response {
    /// An answer, for tests.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// The answer, if its status says that it is one.
    ///
    /// ```
    /// use frontgate_sdk::Error;
    /// use frontgate_sdk::http::Response;
    ///
    /// assert!(Response::new(204, "").success().is_ok());
    /// assert_eq!(Response::new(404, "").success(), Err(Error::NotFound));
    /// assert!(matches!(Response::new(503, "").success(), Err(Error::Unavailable(_))));
    /// ```
    pub fn success(self) -> crate::Result<Self> {
        match self.status {
            200..=299 => Ok(self),
            404 => Err(crate::Error::NotFound),
            429 | 500..=599 => Err(crate::Error::unavailable(format!("the answer was {}", self.status))),
            status => Err(crate::Error::failed(format!("the answer was {status}"))),
        }
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> crate::Result<&str> {
        std::str::from_utf8(&self.body).map_err(|_| crate::Error::failed("the answer is no text"))
    }
}

impl From<OutboundResponse> for Response {
    fn from(response: OutboundResponse) -> Self {
        let headers = response.headers.into_iter().map(|field| (field.name, field.value)).collect();
        Self { status: response.status, headers, body: response.body }
    }
}

/// What the plugin says when it does not know better: trying again may help, or an operator has to look.
impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Timeout => Self::unavailable("no answer in time"),
            Error::NotConnected(text) | Error::Interrupted(text) => Self::Unavailable(text),
            Error::Forbidden(text) => Self::Failed(text),
            Error::TooLarge => Self::failed("the request or its answer is too large"),
        }
    }
}
