//! Pages of contacts: parses a query, selects the page, and returns the cursor of the next one.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::crm::contact::Contact;

/// The maximum and default number of contacts per page.
pub(crate) const LIMIT_MAX: usize = 50;
const LIMIT: usize = 20;
/// The maximum length of a search text, in characters.
const QUERY_CHARS_MAX: usize = 200;
/// The prefix of a decoded cursor. The id of the previous contact follows.
const CURSOR: &str = "behind:";

/// A parsed query.
#[derive(Debug, Default)]
pub(crate) struct Query {
    owner: Option<String>,
    query: Option<String>,
    phone: Option<String>,
    limit: usize,
    behind: Option<String>,
}

impl Query {
    /// Parses a query string. The error describes the problem.
    pub(crate) fn parse(query: &str) -> Result<Self, String> {
        let mut wanted = Self { limit: LIMIT, ..Self::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let text = Some(value.clone().into_owned());
            match &*name {
                "owner" => wanted.owner = text,
                "q" if value.chars().count() > QUERY_CHARS_MAX => {
                    return Err(format!("q has more than {QUERY_CHARS_MAX} characters"));
                }
                "q" => wanted.query = Some(value.to_lowercase()),
                "phone" if !is_e164(&value) => return Err("phone is not in E.164".to_owned()),
                "phone" => wanted.phone = text,
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                    wanted.limit = limit.ok_or(format!("limit is not between 1 and {LIMIT_MAX}"))?;
                }
                "cursor" | "after" if wanted.behind.is_some() => {
                    return Err("cursor and after are mutually exclusive".to_owned());
                }
                "cursor" => wanted.behind = Some(behind(&value).ok_or("unknown cursor")?),
                "after" => wanted.behind = text,
                _ => return Err("unknown parameter".to_owned()),
            }
        }
        Ok(wanted)
    }

    /// Selects the page from all contacts.
    pub(crate) fn page(&self, all: &[Contact]) -> Value {
        let wanted = all.iter().filter(|contact| self.wants(contact));
        let mut rest: Vec<&Contact> = match &self.behind {
            Some(id) => wanted.skip_while(|contact| contact.id != *id).skip(1).collect(),
            None => wanted.collect(),
        };
        let is_last = rest.len() <= self.limit;
        rest.truncate(self.limit);
        let cursor = rest.last().filter(|_| !is_last);
        let cursor = cursor.map(|contact| BASE64_URL_SAFE_NO_PAD.encode(format!("{CURSOR}{}", contact.id)));
        let contacts: Vec<Value> = rest.into_iter().map(Contact::json).collect();
        json!({ "contacts": contacts, "next_cursor": cursor })
    }

    fn wants(&self, contact: &Contact) -> bool {
        self.owner.as_ref().is_none_or(|owner| contact.owner == *owner)
            && self.query.as_ref().is_none_or(|query| contact.matches(query))
            && self.phone.as_ref().is_none_or(|phone| contact.has_number(phone))
    }
}

/// Decodes a cursor to the id of the previous contact.
fn behind(cursor: &str) -> Option<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.strip_prefix(CURSOR).map(str::to_owned)
}

fn is_e164(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}
