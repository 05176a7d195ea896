//! Twilio's callbacks: decodes forms into the contract's types, and encodes the contract's types as JSON.
//!
//! Only this crate knows both Twilio's wire format and the contract's types. Each callback has a module with `decode`
//! and `encode`; [`CallbackResponse`] is the encoded JSON. The crate is pure: no clock, no IO. See "Flow of a callback"
//! in ARCHITECTURE.md, steps 3 and 6.

pub mod actions;
pub mod conversations;
pub mod crm;
pub mod error;
mod fields;
pub mod outgoing;
pub mod routing;
mod sanitize;
pub mod templates;
pub mod voice;

use frontgate_twilio::form::Form;
use serde::Serialize;

use self::error::DecodeError;
use self::fields::Fields;

/// Maximum bytes of a response; Frontline rejects larger responses (Twilio's error 48003).
pub const RESPONSE_BYTES_MAX: usize = 64 * 1024;

/// A response to Twilio, with the number of values that were left out.
#[derive(Debug, PartialEq, Eq)]
pub struct CallbackResponse {
    /// The body: JSON, or XML for a call.
    pub body: Vec<u8>,
    /// Number of values that were left out because Twilio would reject them: rows without an id, pictures and links
    /// that are not usable URLs, channels that are not E.164, attributes that are not JSON.
    pub left_out: usize,
    /// Whether rows or text were cut to stay within [`RESPONSE_BYTES_MAX`].
    pub shortened: bool,
}

impl CallbackResponse {
    /// Returns a response to a callback about a call.
    pub fn xml(text: &str) -> Self {
        Self::whole(text.as_bytes().to_vec())
    }

    /// Returns a response with a complete body.
    fn whole(body: Vec<u8>) -> Self {
        Self { body, left_out: 0, shortened: false }
    }
}

/// Returns the operation that a Frontline callback names.
fn location<'f>(form: &'f Form<'_>, query: Option<&str>) -> Result<&'f str, DecodeError> {
    form.get("Location").ok_or_else(|| {
        let version1 = form.get("Token").is_some() || query.is_some_and(crm::is_version1);
        if version1 { DecodeError::Version1 } else { DecodeError::MissingParameter("Location") }
    })
}

fn required<'f>(form: &'f Form<'_>, name: &'static str) -> Result<&'f str, DecodeError> {
    form.get(name).ok_or(DecodeError::MissingParameter(name))
}

/// Returns the identity of the app's user. Frontline always sends it; tools that send callbacks by hand may not.
fn worker(form: &Form<'_>, default_worker: Option<&str>) -> String {
    form.get("Worker").or(default_worker).unwrap_or_default().to_owned()
}

/// Checks a SID, since it becomes part of a URL.
fn sid(text: &str, prefix: &str, name: &'static str) -> Result<String, DecodeError> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if text.starts_with(prefix) && text.len() <= 64 && plain {
        return Ok(text.to_owned());
    }
    Err(DecodeError::InvalidParameter(name, "not a valid SID"))
}

/// The participants of a new conversation.
struct People {
    /// Addresses of customers, starting with the author.
    customers: Vec<String>,
    /// The tenant's own number.
    own: Option<String>,
    /// The customer who wrote first.
    author: Option<String>,
    is_group: bool,
    /// All addresses, including the tenant's own number.
    all: Vec<String>,
}

impl People {
    /// Marks the fields as read that these people fully represent.
    fn mark(&self, fields: &mut Fields<'_>) {
        fields.mark("MessagingBinding.Address", |_| true);
        fields.mark("MessagingBinding.AuthorAddress", |value| self.author.as_deref() == Some(value));
        for name in OWN {
            fields.mark(name, |value| self.own.as_deref() == Some(value));
        }
    }
}

/// Names of the fields with the tenant's own number.
const OWN: [&str; 2] = ["MessagingBinding.ProjectedAddress", "MessagingBinding.ProxyAddress"];

/// Reads the participants. In a group, `MessagingBinding.Address` is repeated or a comma-separated list, and may
/// contain the tenant's own number.
fn people(form: &Form<'_>, numbers: &[String]) -> People {
    let author =
        form.get("MessagingBinding.AuthorAddress").and_then(|value| addresses(value).next()).map(str::to_owned);
    let mut all: Vec<String> = author.iter().cloned().collect();
    for (_, value) in form.pairs().filter(|(name, _)| *name == "MessagingBinding.Address") {
        for address in addresses(value) {
            if all.iter().all(|known| known != address) {
                all.push(address.to_owned());
            }
        }
    }
    let is_group = all.len() > 1;
    let ours = |address: &&String| {
        let number = address.strip_prefix("whatsapp:").unwrap_or(address);
        numbers.iter().any(|own| own == number)
    };
    let own = OWN.iter().find_map(|name| addresses(form.get(name)?).next()).map(str::to_owned);
    let own = own.or_else(|| all.iter().filter(|_| is_group).find(ours).cloned());
    let customers = all.iter().filter(|address| own.as_ref() != Some(*address)).cloned().collect();
    People { customers, own, author, is_group, all }
}

/// Returns the addresses of a field, which may be a comma-separated list.
fn addresses(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|address| !address.is_empty())
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("these types have no map keys and no fallible fields")
}

#[cfg(test)]
mod tests;
