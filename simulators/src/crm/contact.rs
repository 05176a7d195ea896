//! A contact, as the CRM keeps it and shows it.

use serde_json::{Value, json};

/// A person or a company. What is not known is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// Lower-case letters, digits and hyphens.
    pub id: String,
    /// Empty where only the company is known.
    pub name: String,
    /// Where the person works.
    pub company: String,
    /// As it was typed.
    pub email: String,
    /// The e-mail address of the colleague whose contact it is.
    pub owner: String,
    /// As they were typed.
    pub phones: Vec<Phone>,
    /// The URL of a picture.
    pub avatar_url: String,
    /// May have several lines.
    pub notes: String,
}

/// A number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// `mobile`, `office` and so on.
    pub label: String,
    /// As it was typed: not everybody writes E.164.
    pub number: String,
    /// Whether it has WhatsApp.
    pub whatsapp: bool,
}

impl Phone {
    pub(crate) fn new(label: &str, number: &str, whatsapp: bool) -> Self {
        Self { label: label.to_owned(), number: number.to_owned(), whatsapp }
    }
}

impl Contact {
    /// What lists are sorted by.
    pub(crate) fn order(&self) -> (String, &str) {
        let shown = if self.name.is_empty() { &self.company } else { &self.name };
        (shown.to_lowercase(), &self.id)
    }

    /// Whether a search for this text, in lower case, finds it.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let fields = [&self.name, &self.company, &self.email];
        fields.iter().any(|field| field.to_lowercase().contains(text))
    }

    /// Whether one of its numbers is this one, however it was typed.
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
