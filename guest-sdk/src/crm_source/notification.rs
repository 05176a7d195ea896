//! Builders for notifications of the CRM and their answers.

use serde::de::DeserializeOwned;

use crate::{News, Notification, NotificationAnswer, Result};

/// Most ids in [`News::Customers`].
const IDS_MAX: usize = 100;

impl Notification {
    /// Creates a request of the CRM, for tests.
    ///
    /// ```
    /// use frontgate_sdk::Notification;
    ///
    /// let request = Notification::post("https://gw.example.net/hooks", "{}").with("X-Signature", "s");
    /// assert_eq!(request.header("x-signature"), Some("s"));
    /// ```
    pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { method: "POST".to_owned(), url: url.into(), headers: Vec::new(), body: body.into() }
    }

    /// Adds a header.
    ///
    /// ```
    /// # use frontgate_sdk::Notification;
    /// let request = Notification::post("https://gw.example.net/hooks", "").with("X-Signature", "s");
    /// assert_eq!(request.headers[0].0, "x-signature");
    /// ```
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Returns the first header with this name, case-insensitively.
    ///
    /// ```
    /// # use frontgate_sdk::Notification;
    /// let request = Notification::post("https://gw.example.net/hooks", "").with("x-signature", "s");
    /// assert_eq!((request.header("X-Signature"), request.header("x-other")), (Some("s"), None));
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Reads the body as JSON. A body of another form is [`Error::Invalid`](crate::Error::Invalid).
    ///
    /// ```
    /// use frontgate_sdk::Notification;
    ///
    /// let ids: Vec<String> = Notification::post("https://gw.example.net/hooks", r#"["7"]"#).json()?;
    /// assert_eq!(ids, ["7"]);
    /// # Ok::<(), frontgate_sdk::Error>(())
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        crate::json::read_request(&self.body)
    }
}

impl NotificationAnswer {
    /// Creates an answer with this status and no news.
    ///
    /// ```
    /// use frontgate_sdk::{News, NotificationAnswer};
    ///
    /// let answer = NotificationAnswer::new(200).body("challenge").news(News::about(["7"]));
    /// assert_eq!(answer.news, News::Customers(vec!["7".to_owned()]));
    /// ```
    pub fn new(status: u16) -> Self {
        Self { status, body: String::new(), news: News::None }
    }

    /// Sets the body, plain text such as the CRM's challenge.
    ///
    /// ```
    /// assert_eq!(frontgate_sdk::NotificationAnswer::new(200).body("challenge").body, "challenge");
    /// ```
    #[must_use]
    pub fn body(self, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Sets what the notification says about customers.
    ///
    /// ```
    /// use frontgate_sdk::{News, NotificationAnswer};
    ///
    /// assert_eq!(NotificationAnswer::new(204).news(News::Something).news, News::Something);
    /// ```
    #[must_use]
    pub fn news(self, news: News) -> Self {
        Self { news, ..self }
    }
}

impl News {
    /// Creates the news that these customers changed or were removed: `Customers` with up to 100 ids, `Something` with
    /// more, `None` without.
    ///
    /// ```
    /// use frontgate_sdk::News;
    ///
    /// assert_eq!(News::about(["7"]), News::Customers(vec!["7".to_owned()]));
    /// assert_eq!(News::about((0..101).map(|id| id.to_string())), News::Something);
    /// assert_eq!(News::about([""; 0]), News::None);
    /// ```
    pub fn about<I: Into<String>>(ids: impl IntoIterator<Item = I>) -> Self {
        let mut ids: Vec<String> = ids.into_iter().map(Into::into).collect();
        ids.sort_unstable();
        ids.dedup();
        match ids.len() {
            0 => Self::None,
            1..=IDS_MAX => Self::Customers(ids),
            _ => Self::Something,
        }
    }
}
