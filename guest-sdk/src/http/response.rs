//! HTTP responses, and their conversion to values and errors.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::bindings::http_client::OutboundResponse;
use crate::{Error, Result, clock, json};

/// An HTTP response. Redirects are not followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names and values, in the order received.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Response {
    /// Creates a response, for tests.
    ///
    /// ```
    /// let response = frontgate_sdk::http::Response::new(200, "Mora Lind");
    /// assert_eq!(response.text(), Ok("Mora Lind"));
    /// ```
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// Returns the response if its status is 2xx, otherwise a role's error:
    ///
    /// | status | error |
    /// |---|---|
    /// | 404 | [`Error::NotFound`] |
    /// | 408, 425, 429, 5xx | [`Error::Unavailable`]: a retry may succeed |
    /// | others | [`Error::Failed`] |
    ///
    /// ```
    /// use frontgate_sdk::Error;
    /// use frontgate_sdk::http::Response;
    ///
    /// assert!(Response::new(204, "").success().is_ok());
    /// assert_eq!(Response::new(404, "").success(), Err(Error::NotFound));
    /// assert_eq!(Response::new(401, "").success(), Err(Error::failed("status 401")));
    /// assert_eq!(Response::new(503, "").success(), Err(Error::unavailable("status 503")));
    /// ```
    pub fn success(self) -> Result<Self> {
        match self.status {
            200..=299 => Ok(self),
            404 => Err(Error::NotFound),
            status @ (408 | 425 | 429 | 500..=599) => Err(Error::unavailable(match self.retry_after() {
                Some(time) => format!("status {status}, retry after {} s", time.as_secs()),
                None => format!("status {status}"),
            })),
            status => Err(Error::failed(format!("status {status}"))),
        }
    }

    /// Reads the body as JSON. The error names missing fields and expected types, and contains no values.
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
    /// let response = Response::new(200, r#"{"id":7,"name":"Mora Lind"}"#);
    /// assert_eq!(response.json::<Person>()?.name, "Mora Lind");
    /// let problem = "unexpected response: missing field `name` at line 1 column 8";
    /// assert_eq!(Response::new(200, r#"{"id":7}"#).json::<Person>(), Err(Error::failed(problem)));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        json::read(&self.body, "unexpected response")
    }

    /// Returns the body as text.
    ///
    /// ```
    /// use frontgate_sdk::http::Response;
    ///
    /// assert!(Response::new(200, [0xff]).text().is_err());
    /// ```
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body).map_err(|_| Error::failed("the response is not UTF-8"))
    }

    /// Returns the first header with this name, case-insensitively.
    ///
    /// ```
    /// let mut response = frontgate_sdk::http::Response::new(200, "");
    /// response.headers.push(("etag".to_owned(), "7".to_owned()));
    /// assert_eq!(response.header("ETag"), Some("7"));
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns the value of `Retry-After`, which is in seconds or a date.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use frontgate_sdk::http::Response;
    ///
    /// let mut response = Response::new(429, "");
    /// response.headers.push(("Retry-After".to_owned(), "Thu, 01 Jan 2026 00:00:10 GMT".to_owned()));
    /// assert_eq!(response.retry_after(), Some(Duration::from_secs(10)));
    /// response.headers[0].1 = "5".to_owned();
    /// assert_eq!(response.retry_after(), Some(Duration::from_secs(5)));
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.header("retry-after")?;
        match text.trim().parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => {
                let time = httpdate::parse_http_date(text.trim()).ok()?;
                Some(time.duration_since(clock::now()).unwrap_or_default())
            }
        }
    }
}

impl From<OutboundResponse> for Response {
    fn from(response: OutboundResponse) -> Self {
        let headers = response.headers.into_iter().map(|field| (field.name, field.value)).collect();
        Self { status: response.status, headers, body: response.body }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::testing;

    #[test]
    fn retry_after_reads_the_dates_of_http() {
        testing::now(SystemTime::UNIX_EPOCH);
        let table = [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400)),
            ("Thu, 01 Jan 2026 00:00:00 GMT", Some(1_767_225_600)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Nov 1994 +8:49:37 GMT", None),
            ("Sun, 32 Nov 1994 08:49:37 GMT", None),
            ("", None),
        ];
        for (text, seconds) in table {
            let mut response = Response::new(503, "");
            response.headers.push(("retry-after".to_owned(), text.to_owned()));
            assert_eq!(response.retry_after(), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
