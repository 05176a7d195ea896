//! Builders for the types that roles share.

use std::fmt::Display;

use crate::{ContactChannel, Customer, CustomerPage, CustomerSummary, Details, Error, Link, ListRequest, Position};

impl Customer {
    /// Creates a customer from an id and a name.
    ///
    /// ```
    /// use frontgate_sdk::Customer;
    ///
    /// let customer = Customer::new("7", "Mora Lind")
    ///     .sms("+12025550107")
    ///     .link("CRM", "https://crm.example.com/7", "Open in CRM")
    ///     .details("Account", "Tier: gold\nSince: 2019")
    ///     .owned_by("ana@example.org");
    /// assert_eq!(customer.links.len(), 1);
    /// ```
    pub fn new(customer_id: impl Into<String>, display_name: impl Into<String>) -> Self {
        Self {
            customer_id: customer_id.into(),
            display_name: display_name.into(),
            avatar: None,
            channels: Vec::new(),
            links: Vec::new(),
            details: None,
            worker: None,
        }
    }

    /// Adds an SMS number, in E.164.
    ///
    /// ```
    /// let customer = frontgate_sdk::Customer::new("7", "Mora Lind").sms("+12025550107");
    /// assert_eq!(customer.channels[0].kind, "sms");
    /// ```
    pub fn sms(mut self, number: impl Into<String>) -> Self {
        self.channels.push(ContactChannel { kind: "sms".to_owned(), value: number.into() });
        self
    }

    /// Adds a WhatsApp number, in E.164. The prefix `whatsapp:` is added.
    ///
    /// ```
    /// let customer = frontgate_sdk::Customer::new("7", "Mora Lind").whatsapp("+12025550107");
    /// assert_eq!(customer.channels[0].value, "whatsapp:+12025550107");
    /// ```
    pub fn whatsapp(mut self, number: impl Display) -> Self {
        self.channels.push(ContactChannel { kind: "whatsapp".to_owned(), value: format!("whatsapp:{number}") });
        self
    }

    /// Adds a chat identity.
    ///
    /// ```
    /// let customer = frontgate_sdk::Customer::new("7", "Mora Lind").chat("mora");
    /// assert_eq!(customer.channels[0].kind, "chat");
    /// ```
    pub fn chat(mut self, identity: impl Into<String>) -> Self {
        self.channels.push(ContactChannel { kind: "chat".to_owned(), value: identity.into() });
        self
    }

    /// Adds a link: the plugin's own label, an `https://` or `mailto:` URL, and the text that the worker sees.
    ///
    /// ```
    /// let customer = frontgate_sdk::Customer::new("7", "Mora Lind").link("Mail", "mailto:m@example.org", "Write");
    /// assert_eq!(customer.links[0].display_name, "Write");
    /// ```
    pub fn link(mut self, kind: impl Into<String>, url: impl Into<String>, name: impl Into<String>) -> Self {
        self.links.push(Link { kind: kind.into(), value: url.into(), display_name: name.into() });
        self
    }

    /// Sets the text block on the customer's page.
    ///
    /// ```
    /// let customer = frontgate_sdk::Customer::new("7", "Mora Lind").details("Account", "Tier: gold\nSince: 2019");
    /// assert!(customer.details.is_some());
    /// ```
    pub fn details(mut self, title: impl Into<String>, content: impl Into<String>) -> Self {
        self.details = Some(Details { title: title.into(), content: content.into() });
        self
    }

    /// Sets the picture, by its absolute URL.
    ///
    /// ```
    /// let customer = frontgate_sdk::Customer::new("7", "Mora Lind").avatar("https://img.example.com/7.png");
    /// assert!(customer.avatar.is_some());
    /// ```
    pub fn avatar(mut self, url: impl Into<String>) -> Self {
        self.avatar = Some(url.into());
        self
    }

    /// Sets the worker who owns the customer.
    ///
    /// ```
    /// let customer = frontgate_sdk::Customer::new("7", "Mora Lind").owned_by("ana@example.org");
    /// assert_eq!(customer.worker.as_deref(), Some("ana@example.org"));
    /// ```
    pub fn owned_by(mut self, worker: impl Into<String>) -> Self {
        self.worker = Some(worker.into());
        self
    }
}

impl CustomerSummary {
    /// Creates a row of the list from an id and a name.
    ///
    /// ```
    /// let row = frontgate_sdk::CustomerSummary::new("7", "Mora Lind").avatar("https://img.example.com/7.png");
    /// assert_eq!(row.customer_id, "7");
    /// ```
    pub fn new(customer_id: impl Into<String>, display_name: impl Into<String>) -> Self {
        Self { customer_id: customer_id.into(), display_name: display_name.into(), avatar: None }
    }

    /// Sets the picture, by its absolute URL.
    ///
    /// ```
    /// let row = frontgate_sdk::CustomerSummary::new("7", "Mora Lind").avatar("https://img.example.com/7.png");
    /// assert!(row.avatar.is_some());
    /// ```
    pub fn avatar(mut self, url: impl Into<String>) -> Self {
        self.avatar = Some(url.into());
        self
    }
}

impl From<Customer> for CustomerSummary {
    fn from(customer: Customer) -> Self {
        Self { customer_id: customer.customer_id, display_name: customer.display_name, avatar: customer.avatar }
    }
}

impl ListRequest {
    /// Creates a request for the first page, for tests.
    ///
    /// ```
    /// use frontgate_sdk::{ListRequest, Position};
    ///
    /// let request = ListRequest::first("ana@example.org", 30).search("Lind").after("7");
    /// assert_eq!(request.position, Position::After("7".to_owned()));
    /// ```
    pub fn first(worker: impl Into<String>, page_size: u32) -> Self {
        Self { worker: worker.into(), page_size, position: Position::First, query: None }
    }

    /// Requests the page after this customer.
    ///
    /// ```
    /// let request = frontgate_sdk::ListRequest::first("ana@example.org", 30).after("7");
    /// # assert_ne!(request.position, frontgate_sdk::Position::First);
    /// ```
    pub fn after(mut self, customer_id: impl Into<String>) -> Self {
        self.position = Position::After(customer_id.into());
        self
    }

    /// Requests the page at this token.
    ///
    /// ```
    /// let request = frontgate_sdk::ListRequest::first("ana@example.org", 30).at("7");
    /// # assert_ne!(request.position, frontgate_sdk::Position::First);
    /// ```
    pub fn at(mut self, next_page_token: impl Into<String>) -> Self {
        self.position = Position::Token(next_page_token.into());
        self
    }

    /// Sets the search text.
    ///
    /// ```
    /// let request = frontgate_sdk::ListRequest::first("ana@example.org", 30).search("Lind");
    /// assert_eq!(request.query.as_deref(), Some("Lind"));
    /// ```
    pub fn search(mut self, query: impl Into<String>) -> Self {
        self.query = Some(query.into());
        self
    }
}

impl CustomerPage {
    /// Creates an empty page, for example for an unknown position.
    ///
    /// ```
    /// let page = frontgate_sdk::CustomerPage::empty();
    /// assert!(page.customers.is_empty() && page.next_page_token.is_none());
    /// ```
    pub fn empty() -> Self {
        Self { customers: Vec::new(), next_page_token: None }
    }

    /// Creates the last page.
    ///
    /// ```
    /// use frontgate_sdk::{Customer, CustomerPage};
    ///
    /// let page = CustomerPage::last([Customer::new("7", "Mora Lind")]);
    /// assert_eq!(page.next_page_token, None);
    /// ```
    pub fn last<C: Into<CustomerSummary>>(customers: impl IntoIterator<Item = C>) -> Self {
        Self { customers: customers.into_iter().map(Into::into).collect(), next_page_token: None }
    }

    /// Sets the token of the next page.
    ///
    /// ```
    /// use frontgate_sdk::{Customer, CustomerPage};
    ///
    /// let page = CustomerPage::last([Customer::new("7", "Mora Lind")]).then("7");
    /// assert_eq!(page.next_page_token.as_deref(), Some("7"));
    /// ```
    pub fn then(mut self, next_page_token: impl Into<String>) -> Self {
        self.next_page_token = Some(next_page_token.into());
        self
    }
}

impl Error {
    /// Creates the error for an action that the worker may not take. The text is for the operator.
    ///
    /// ```
    /// use frontgate_sdk::Error;
    ///
    /// assert_eq!(Error::forbidden("not yours"), Error::Forbidden("not yours".to_owned()));
    /// ```
    pub fn forbidden(why: impl Display) -> Self {
        Self::Forbidden(why.to_string())
    }

    /// Creates the error for a request that the plugin cannot process.
    ///
    /// ```
    /// use frontgate_sdk::Error;
    ///
    /// assert_eq!(Error::invalid("no number"), Error::Invalid("no number".to_owned()));
    /// ```
    pub fn invalid(why: impl Display) -> Self {
        Self::Invalid(why.to_string())
    }

    /// Creates the error for a backend that is down or slow. The text is for the operator.
    ///
    /// ```
    /// use frontgate_sdk::{Error, Result};
    ///
    /// fn read() -> Result<String> {
    ///     std::fs::read_to_string("/no/such/file").map_err(|error| Error::unavailable(error))
    /// }
    /// assert!(matches!(read(), Err(Error::Unavailable(_))));
    /// ```
    pub fn unavailable(why: impl Display) -> Self {
        Self::Unavailable(why.to_string())
    }

    /// Creates the error for any other failure. The text is for the operator.
    ///
    /// ```
    /// assert_eq!(frontgate_sdk::Error::failed(7), frontgate_sdk::Error::Failed("7".to_owned()));
    /// ```
    pub fn failed(why: impl Display) -> Self {
        Self::Failed(why.to_string())
    }
}
