//! Values of placeholders: the conversation's customer, and the requesting worker.

use frontgate_sdk::{Customer, address};

use crate::text::Placeholder;

/// Customer and worker of a conversation.
pub(crate) struct People {
    customer: Option<Customer>,
    identity: String,
    worker: String,
}

impl People {
    /// Creates the values. A worker without a configured name gets the name in the worker's identity.
    pub(crate) fn new(customer: Option<Customer>, identity: &str, name: Option<&str>) -> Self {
        let worker = name.map_or_else(|| name_in(identity), str::to_owned);
        Self { customer, identity: identity.to_owned(), worker }
    }

    /// Returns a placeholder's value, or `None` without a customer or for a blank value.
    pub(crate) fn value(&self, placeholder: Placeholder) -> Option<&str> {
        let customer = self.customer.as_ref();
        let value = match placeholder {
            Placeholder::CustomerName => &customer?.display_name,
            Placeholder::CustomerFirstName => first(&customer?.display_name),
            Placeholder::CustomerId => &customer?.customer_id,
            Placeholder::WorkerName => &self.worker,
            Placeholder::WorkerFirstName => first(&self.worker),
            Placeholder::WorkerIdentity => &self.identity,
        };
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// Returns the customer's first phone number, in E.164.
    pub(crate) fn customers_number(&self) -> Option<&str> {
        let channels = &self.customer.as_ref()?.channels;
        let values = channels.iter().map(|channel| channel.value.as_str());
        values.map(address::number).find(|value| value.starts_with('+'))
    }
}

fn first(name: &str) -> &str {
    name.split_whitespace().next().unwrap_or_default()
}

/// Derives a name from an identity: `ana.mora-lind@example.org` is Ana Mora Lind.
fn name_in(identity: &str) -> String {
    let name = identity.split('@').next().unwrap_or_default();
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    };
    let words: Vec<String> = name.split(['.', '_', '-', ' ']).filter(|word| !word.is_empty()).map(capital).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_has_the_name_in_their_identity() {
        let table = [
            ("ana@example.org", "Ana"),
            ("ana.mora-lind@example.org", "Ana Mora Lind"),
            ("otto_VALE", "Otto VALE"),
            ("émile..b@example.org", "Émile B"),
            ("@example.org", ""),
        ];
        for (identity, want) in table {
            assert_eq!(name_in(identity), want, "{identity}");
        }
    }
}
