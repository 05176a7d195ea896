//! Native implementation of a signed list callback: the baseline for the gateway and its plugin. Its responses are
//! byte-identical to those of the gateway, which the benchmark checks.

use std::borrow::Cow;
use std::hint::black_box;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

const FIRST: [&str; 10] = ["Ada", "Boris", "Chen", "Dora", "Emil", "Farah", "Gus", "Hana", "Ivo", "Jun"];
const LAST: [&str; 10] = ["Adler", "Brown", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Haas", "Ito", "Jansen"];

/// Worker without customers.
const NOBODY: &str = "nobody@example.org";

/// The callback at one URL, with a signing key.
pub struct Callback {
    mac: Hmac<Sha1>,
}

impl Callback {
    /// Creates the callback at a URL, signed with a token.
    pub fn new(token: &str, url: &str) -> Self {
        let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(url.as_bytes());
        Self { mac }
    }

    /// Returns the response to a form; `None` if the signature is invalid or the operation is not the list.
    pub fn answer(&self, form: &[u8], signature: &[u8]) -> Option<Vec<u8>> {
        let mut fields: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(form).collect();
        fields.sort_unstable();
        let mut mac = self.mac.clone();
        for (name, value) in &fields {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
        let expected = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        if !bool::from(expected.as_bytes().ct_eq(signature)) {
            return None;
        }
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
        let page_size = field("PageSize")?.parse().ok()?;
        (field("Location") == Some("GetCustomersList")).then(|| list(field("Worker").unwrap_or_default(), page_size))
    }
}

/// A customer record.
pub struct Customer {
    /// Unique id.
    pub customer_id: String,
    /// First and last name.
    pub display_name: String,
    /// URL of a picture.
    pub avatar: Option<String>,
    /// Ways to reach the customer.
    pub channels: Vec<Channel>,
}

/// A way to reach a customer.
pub struct Channel {
    /// Type of the channel, in Frontline's terms.
    pub kind: String,
    /// Address with the prefix of the channel's type, such as a phone number.
    pub value: String,
}

#[derive(Serialize)]
struct Row {
    customer_id: String,
    display_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
}

#[derive(Serialize)]
struct Page {
    customers: Vec<Row>,
    searchable: bool,
}

#[derive(Serialize)]
struct Objects {
    objects: Page,
}

/// Returns a page of customers in Frontline's format. Builds complete records, as a real plugin does.
pub fn list(worker: &str, page_size: usize) -> Vec<u8> {
    let count = if worker == NOBODY { 0 } else { page_size };
    let row = |customer: Customer| Row {
        customer_id: customer.customer_id,
        display_name: customer.display_name,
        avatar: customer.avatar,
    };
    let customers = (0..count).map(|number| row(black_box(customer(number)))).collect();
    let answer = Objects { objects: Page { customers, searchable: true } };
    serde_json::to_vec(&answer).expect("these types have no map keys and no fallible fields")
}

/// Generates the customer with this number.
pub fn customer(number: usize) -> Customer {
    let phone = format!("+1202555{number:04}");
    let whatsapp = Channel { kind: "whatsapp".to_owned(), value: format!("whatsapp:{phone}") };
    Customer {
        customer_id: number.to_string(),
        display_name: format!("{} {}", FIRST[number % 10], LAST[number / 10 % 10]),
        avatar: None,
        channels: vec![whatsapp, Channel { kind: "sms".to_owned(), value: phone }],
    }
}
