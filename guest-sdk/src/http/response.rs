//! What came back.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::bindings::http_client::OutboundResponse;
use crate::{Error, Result, clock, json};

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

impl Response {
    /// An answer, for tests.
    ///
    /// ```
    /// let answer = frontgate_sdk::http::Response::new(200, "Mora Lind");
    /// assert_eq!(answer.text(), Ok("Mora Lind"));
    /// ```
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// The answer, if its status says that it is one. Otherwise what a role can say: `not-found` of a 404,
    /// `unavailable` where trying again may help (408, 425, 429 and what begins with 5), else `failed`.
    ///
    /// ```
    /// use frontgate_sdk::Error;
    /// use frontgate_sdk::http::Response;
    ///
    /// assert!(Response::new(204, "").success().is_ok());
    /// assert_eq!(Response::new(404, "").success(), Err(Error::NotFound));
    /// assert_eq!(Response::new(401, "").success(), Err(Error::failed("the answer was 401")));
    /// assert_eq!(Response::new(503, "").success(), Err(Error::unavailable("the answer was 503")));
    /// ```
    pub fn success(self) -> Result<Self> {
        match self.status {
            200..=299 => Ok(self),
            404 => Err(Error::NotFound),
            status @ (408 | 425 | 429 | 500..=599) => Err(Error::unavailable(match self.retry_after() {
                Some(time) => format!("the answer was {status}: come again in {} s", time.as_secs()),
                None => format!("the answer was {status}"),
            })),
            status => Err(Error::failed(format!("the answer was {status}"))),
        }
    }

    /// The body, which is JSON. The error names what is missing or what was expected, and never what stands
    /// there.
    ///
    /// ```
    /// use frontgate_sdk::Error;
    /// use frontgate_sdk::http::Response;
    /// use serde::Deserialize;
    ///
    /// #[derive(Debug, PartialEq, Deserialize)]
    /// struct Person {
    ///     name: String,
    /// }
    ///
    /// let answer = Response::new(200, r#"{"id":7,"name":"Mora Lind"}"#);
    /// assert_eq!(answer.json::<Person>()?.name, "Mora Lind");
    /// let problem = "the answer is not what was expected: missing field `name` at line 1 column 8";
    /// assert_eq!(Response::new(200, r#"{"id":7}"#).json::<Person>(), Err(Error::failed(problem)));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        json::read(&self.body, "the answer is not what was expected")
    }

    /// The body as text.
    ///
    /// ```
    /// use frontgate_sdk::http::Response;
    ///
    /// assert!(Response::new(200, [0xff]).text().is_err());
    /// ```
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body).map_err(|_| Error::failed("the answer is no text"))
    }

    /// The first header of this name, in any case.
    ///
    /// ```
    /// let mut answer = frontgate_sdk::http::Response::new(200, "");
    /// answer.headers.push(("etag".to_owned(), "7".to_owned()));
    /// assert_eq!(answer.header("ETag"), Some("7"));
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// After how long to come again, if the answer says so: `Retry-After`, in seconds or as a time.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use frontgate_sdk::http::Response;
    ///
    /// let mut answer = Response::new(429, "");
    /// answer.headers.push(("Retry-After".to_owned(), "Thu, 01 Jan 2026 00:00:10 GMT".to_owned()));
    /// assert_eq!(answer.retry_after(), Some(Duration::from_secs(10)));
    /// answer.headers[0].1 = "5".to_owned();
    /// assert_eq!(answer.retry_after(), Some(Duration::from_secs(5)));
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.header("retry-after")?;
        match text.trim().parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => Some(clock::of_http(text)?.duration_since(clock::now()).unwrap_or_default()),
        }
    }
}

impl From<OutboundResponse> for Response {
    fn from(response: OutboundResponse) -> Self {
        let headers = response.headers.into_iter().map(|field| (field.name, field.value)).collect();
        Self { status: response.status, headers, body: response.body }
    }
}
