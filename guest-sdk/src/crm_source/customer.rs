//! Builders for customers of the index, and for who sees them.

use crate::{Audience, Customer, SourceCustomer, Visibility};

impl SourceCustomer {
    /// Creates a customer that no worker sees yet. Its owner, [`Customer::owned_by`], is used for routing.
    ///
    /// ```
    /// use frontgate_sdk::{Audience, Customer, SourceCustomer, Visibility};
    ///
    /// let customer = Customer::new("7", "Mora Lind").sms("+12025550107").owned_by("ana@example.org");
    /// let customer = SourceCustomer::new(customer)
    ///     .seen_by_owner()
    ///     .seen_by([Audience::team("sales")])
    ///     .company("Lind Boats")
    ///     .email("mora@example.com")
    ///     .number("(202) 555-0108")
    ///     .version(12);
    /// let audience = vec![Audience::worker("ana@example.org"), Audience::team("sales")];
    /// assert_eq!(customer.seen_by, Visibility::Only(audience));
    /// ```
    pub fn new(customer: Customer) -> Self {
        Self {
            customer,
            seen_by: Visibility::Only(Vec::new()),
            company: None,
            emails: Vec::new(),
            numbers: Vec::new(),
            version: None,
            is_complete: true,
        }
    }

    /// Lets the owner see the customer. Without an owner, this changes nothing.
    ///
    /// ```
    /// use frontgate_sdk::{Audience, Customer, SourceCustomer, Visibility};
    ///
    /// let mora = SourceCustomer::new(Customer::new("7", "Mora Lind").owned_by("ana@example.org")).seen_by_owner();
    /// assert_eq!(mora.seen_by, Visibility::Only(vec![Audience::worker("ana@example.org")]));
    /// let unowned = SourceCustomer::new(Customer::new("8", "Tove Dahl")).seen_by_owner();
    /// assert_eq!(unowned.seen_by, Visibility::Only(vec![]));
    /// ```
    #[must_use]
    pub fn seen_by_owner(self) -> Self {
        let owner = self.customer.worker.clone().map(Audience::Worker);
        self.seen_by(owner)
    }

    /// Lets every worker of the tenant see the customer.
    ///
    /// ```
    /// use frontgate_sdk::{Customer, SourceCustomer, Visibility};
    ///
    /// let mora = SourceCustomer::new(Customer::new("7", "Mora Lind")).seen_by_everyone();
    /// assert_eq!(mora.seen_by, Visibility::Everyone);
    /// ```
    #[must_use]
    pub fn seen_by_everyone(self) -> Self {
        Self { seen_by: Visibility::Everyone, ..self }
    }

    /// Lets these workers and teams see the customer, too.
    ///
    /// ```
    /// use frontgate_sdk::{Audience, Customer, SourceCustomer, Visibility};
    ///
    /// let mora = SourceCustomer::new(Customer::new("7", "Mora Lind")).seen_by([Audience::team("sales")]);
    /// assert_eq!(mora.seen_by, Visibility::Only(vec![Audience::team("sales")]));
    /// ```
    #[must_use]
    pub fn seen_by(mut self, audience: impl IntoIterator<Item = Audience>) -> Self {
        if let Visibility::Only(all) = &mut self.seen_by {
            all.extend(audience);
        }
        self
    }

    /// Sets the company. Searched together with the name.
    ///
    /// ```
    /// # use frontgate_sdk::{Customer, SourceCustomer};
    /// let mora = SourceCustomer::new(Customer::new("7", "Mora Lind")).company("Lind Boats");
    /// assert_eq!(mora.company.as_deref(), Some("Lind Boats"));
    /// ```
    #[must_use]
    pub fn company(self, company: impl Into<String>) -> Self {
        Self { company: Some(company.into()), ..self }
    }

    /// Adds an e-mail address. Searched only.
    ///
    /// ```
    /// # use frontgate_sdk::{Customer, SourceCustomer};
    /// let mora = SourceCustomer::new(Customer::new("7", "Mora Lind")).email("mora@example.com");
    /// assert_eq!(mora.emails, ["mora@example.com"]);
    /// ```
    #[must_use]
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.emails.push(address.into());
        self
    }

    /// Adds a number that is not a channel, as people write it.
    ///
    /// ```
    /// # use frontgate_sdk::{Customer, SourceCustomer};
    /// let mora = SourceCustomer::new(Customer::new("7", "Mora Lind")).number("(202) 555-0108");
    /// assert_eq!(mora.numbers, ["(202) 555-0108"]);
    /// ```
    #[must_use]
    pub fn number(mut self, number: impl Into<String>) -> Self {
        self.numbers.push(number.into());
        self
    }

    /// Sets the version, which grows with every change of the customer.
    ///
    /// ```
    /// # use frontgate_sdk::{Customer, SourceCustomer};
    /// assert_eq!(SourceCustomer::new(Customer::new("7", "Mora Lind")).version(12).version, Some(12));
    /// ```
    #[must_use]
    pub fn version(self, version: u64) -> Self {
        Self { version: Some(version), ..self }
    }

    /// Declares that links or details are missing. The gateway calls `fetch` when a worker opens the page.
    ///
    /// ```
    /// # use frontgate_sdk::{Customer, SourceCustomer};
    /// assert!(!SourceCustomer::new(Customer::new("7", "Mora Lind")).incomplete().is_complete);
    /// ```
    #[must_use]
    pub fn incomplete(self) -> Self {
        Self { is_complete: false, ..self }
    }
}

impl Audience {
    /// Creates an audience of one worker.
    ///
    /// ```
    /// use frontgate_sdk::Audience;
    ///
    /// assert_eq!(Audience::worker("ana@example.org"), Audience::Worker("ana@example.org".to_owned()));
    /// ```
    pub fn worker(identity: impl Into<String>) -> Self {
        Self::Worker(identity.into())
    }

    /// Creates an audience of a team's workers. Report the team in [`Batch::teams`](crate::Batch::teams).
    ///
    /// ```
    /// use frontgate_sdk::Audience;
    ///
    /// assert_eq!(Audience::team("sales"), Audience::Team("sales".to_owned()));
    /// ```
    pub fn team(id: impl Into<String>) -> Self {
        Self::Team(id.into())
    }
}
