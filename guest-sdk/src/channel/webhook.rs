//! Builders for requests of the provider, and for the responses to them.

use crate::channel::{Event, Header, Request, Response, WebhookResult};
use crate::{Error, Result};

impl WebhookResult {
    /// Creates a result with this response status, without a body or events.
    ///
    /// ```
    /// let forbidden = frontgate_sdk::channel::WebhookResult::status(403);
    /// assert!(forbidden.events.is_empty());
    /// ```
    pub fn status(status: u16) -> Self {
        let response = Response { status, headers: Vec::new(), body: Vec::new() };
        Self { response, events: Vec::new() }
    }

    /// Adds an event.
    ///
    /// ```
    /// use frontgate_sdk::channel::{InboundMessage, WebhookResult};
    ///
    /// let result = WebhookResult::status(204).event(InboundMessage::new("M2", "C7", "+12025550107", "Hello!"));
    /// assert_eq!(result.events.len(), 1);
    /// ```
    pub fn event(mut self, event: impl Into<Event>) -> Self {
        self.events.push(event.into());
        self
    }

    /// Adds a response header.
    ///
    /// ```
    /// let busy = frontgate_sdk::channel::WebhookResult::status(503).header("retry-after", "5");
    /// assert_eq!(busy.response.headers[0].value, "5");
    /// ```
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.response.headers.push(Header { name: name.into(), value: value.into() });
        self
    }

    /// Sets the response body.
    ///
    /// ```
    /// let challenge = frontgate_sdk::channel::WebhookResult::status(200).body("text/plain", "1158201444");
    /// assert_eq!(challenge.response.body, b"1158201444");
    /// ```
    pub fn body(mut self, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        self.response.body = body.into();
        self.header("content-type", content_type)
    }
}

impl Request {
    /// Creates a request of the provider, for tests.
    ///
    /// ```
    /// use frontgate_sdk::channel::Request;
    ///
    /// let request = Request::post("https://gw.example.net/front/sms/k/provider", "{}").with("X-Signature", "s");
    /// assert_eq!(request.header("x-signature"), Some("s"));
    /// ```
    pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { method: "POST".to_owned(), url: url.into(), headers: Vec::new(), body: body.into() }
    }

    /// Adds a header.
    ///
    /// ```
    /// # use frontgate_sdk::channel::Request;
    /// let request = Request::post("https://gw.example.net/", "").with("X-Signature", "s");
    /// assert_eq!(request.headers[0].name, "x-signature");
    /// ```
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(Header { name: name.to_ascii_lowercase(), value: value.into() });
        self
    }

    /// Returns the first header with this name, case-insensitively.
    ///
    /// ```
    /// # use frontgate_sdk::channel::Request;
    /// let request = Request::post("https://gw.example.net/", "").with("x-signature", "s");
    /// assert_eq!((request.header("X-Signature"), request.header("x-other")), (Some("s"), None));
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.as_str())
    }

    /// Returns the body as text.
    ///
    /// ```
    /// # use frontgate_sdk::channel::Request;
    /// assert_eq!(Request::post("https://gw.example.net/", "Hello!").text()?, "Hello!");
    /// # Ok::<(), frontgate_sdk::Error>(())
    /// ```
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body).map_err(|_| Error::invalid("the body is not UTF-8"))
    }

    /// Reads the body as JSON.
    ///
    /// ```
    /// use frontgate_sdk::channel::Request;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Webhook {
    ///     text: String,
    /// }
    ///
    /// let webhook: Webhook = Request::post("https://gw.example.net/", r#"{"text":"Hello!"}"#).json()?;
    /// assert_eq!(webhook.text, "Hello!");
    /// # Ok::<(), frontgate_sdk::Error>(())
    /// ```
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        crate::json::read_request(&self.body)
    }
}
