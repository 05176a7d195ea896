//! A contact of the CRM, and its conversion to a customer.

use frontgate_sdk::{Customer, CustomerSummary, address, warn};
use serde::Deserialize;

/// A contact as the CRM returns it. Unknown values are null.
#[derive(Deserialize)]
pub(crate) struct Contact {
    id: String,
    name: Option<String>,
    company: Option<String>,
    email: Option<String>,
    pub(crate) owner: Option<String>,
    phones: Vec<Phone>,
    avatar_url: Option<String>,
    notes: Option<String>,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Phone {
    number: String,
    whatsapp: bool,
}

impl Contact {
    /// Converts the contact to a row of the list.
    pub(crate) fn summary(self) -> CustomerSummary {
        self.head().into()
    }

    /// Converts the contact to a customer with all details.
    pub(crate) fn customer(self) -> Customer {
        let mut customer = self.head();
        for phone in self.phones.iter().filter(|phone| address::is_e164(&phone.number)) {
            customer = customer.sms(&phone.number);
            if phone.whatsapp {
                customer = customer.whatsapp(&phone.number);
            }
        }
        let odd = self.phones.iter().filter(|phone| !address::is_e164(&phone.number)).count();
        if odd > 0 {
            warn!("omitted phone numbers that are not in E.164: {odd}");
        }
        if let Some(url) = self.url {
            customer = customer.link("CRM", url, "Open in the CRM");
        }
        if let Some(email) = self.email {
            customer = customer.link("Mail", format!("mailto:{email}"), email);
        }
        if let Some(notes) = self.notes {
            customer = customer.details("Notes", notes);
        }
        Customer { worker: self.owner, ..customer }
    }

    /// Returns the fields that lists show. Some contacts are companies without a person.
    fn head(&self) -> Customer {
        let name = self.name.as_ref().or(self.company.as_ref()).unwrap_or(&self.id);
        Customer { avatar: self.avatar_url.clone(), ..Customer::new(&self.id, name) }
    }
}
