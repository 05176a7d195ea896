//! Contacts and their JSON.

use serde_json::{Value, json};

/// A person or a company. Unknown fields are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// The id: lower-case letters, digits and hyphens.
    pub id: String,
    /// The name. Empty if only the company is known.
    pub name: String,
    /// The company.
    pub company: String,
    /// The email address, as typed by a user.
    pub email: String,
    /// The email address of the owner.
    pub owner: String,
    /// The numbers, as typed by a user.
    pub phones: Vec<Phone>,
    /// The URL of a picture.
    pub avatar_url: String,
    /// A note, possibly of several lines.
    pub notes: String,
}

/// A phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// The label, such as `mobile` or `office`.
    pub label: String,
    /// The number as typed by a user, often not E.164.
    pub number: String,
    /// Whether the number has WhatsApp.
    pub whatsapp: bool,
}

impl Phone {
    pub(crate) fn new(label: &str, number: &str, whatsapp: bool) -> Self {
        Self { label: label.to_owned(), number: number.to_owned(), whatsapp }
    }
}

impl Contact {
    /// Returns the sort key of the contact.
    pub(crate) fn order(&self) -> (String, &str) {
        let shown = if self.name.is_empty() { &self.company } else { &self.name };
        (shown.to_lowercase(), &self.id)
    }

    /// Returns true if a search for this lower-case text finds the contact.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let fields = [&self.name, &self.company, &self.email];
        fields.iter().any(|field| field.to_lowercase().contains(text))
    }

    /// Returns true if the contact has this number in any format.
    pub(crate) fn has_number(&self, e164: &str) -> bool {
        self.phones.iter().any(|phone| phone.number.starts_with('+') && digits(&phone.number) == digits(e164))
    }

    pub(crate) fn json(&self) -> Value {
        let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let phones = self
            .phones
            .iter()
            .map(|phone| json!({ "label": phone.label, "number": phone.number, "whatsapp": phone.whatsapp }));
        json!({
            "id": self.id,
            "name": known(&self.name),
            "company": known(&self.company),
            "email": known(&self.email),
            "owner": known(&self.owner),
            "phones": phones.collect::<Value>(),
            "avatar_url": known(&self.avatar_url),
            "notes": known(&self.notes),
            "url": format!("https://crm.example.com/app/contacts/{}", self.id),
        })
    }
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
