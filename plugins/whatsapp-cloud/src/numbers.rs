//! The company's numbers: the ones that can be connected, and the one of a channel.

use std::time::Duration;

use frontgate_sdk::channel::{Address, AddressPage};
use frontgate_sdk::{Error, Result, http};
use serde::Deserialize;

use crate::graph::{self, Refusal};
use crate::memory;
use crate::settings::Settings;

/// The number of numbers in one page.
const PAGE_SIZE: usize = 100;

/// The maximum number of pages that are searched for a number.
const PAGES_MAX: usize = 10;

/// The maximum length of what an admin enters.
const CREDENTIAL_LENGTH_MAX: usize = 64;

/// The time for which the id of a number is remembered. A number keeps its id.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

const FIELDS: &str = "id,display_phone_number,verified_name";

#[derive(Deserialize)]
struct Number {
    id: String,
    /// Such as `+1 555-078-3881`.
    display_phone_number: String,
    #[serde(default)]
    verified_name: Option<String>,
}

/// A resource of which only the existence matters.
#[derive(Deserialize)]
struct Existing {}

/// Returns the digits of a number.
pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Returns a page of the account's numbers.
pub(crate) fn list(settings: &Settings, page_token: Option<String>) -> Result<AddressPage> {
    let page = page(settings, page_token.as_deref()).map_err(Refusal::of_account)?;
    let next_page_token = page.next();
    let show = |number: Number| Address {
        value: format!("+{}", digits(&number.display_phone_number)),
        name: number.verified_name,
    };
    Ok(AddressPage { addresses: page.data.into_iter().map(show).collect(), next_page_token })
}

fn page(settings: &Settings, after: Option<&str>) -> Result<graph::Page<Number>, Refusal> {
    graph::page(settings, "phone_numbers", FIELDS, PAGE_SIZE, after)
}

fn all(settings: &Settings) -> Result<Vec<Number>, Refusal> {
    let (mut all, mut after) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let page = page(settings, after.as_deref())?;
        after = page.next();
        all.extend(page.data);
        if after.is_none() {
            break;
        }
    }
    Ok(all)
}

/// Checks what an admin entered, with a request.
pub(crate) fn verify(settings: &Settings, credential: Option<&str>) -> Result<()> {
    find(settings, &typed(credential)?).map(|_| ())
}

/// Returns the id of the channel's number.
pub(crate) fn resolve(settings: &Settings, credential: Option<&str>) -> Result<String> {
    let typed = typed(credential)?;
    let key = format!("number/{}/{typed}", settings.business_account_id);
    if let Some(known) = memory::recall(&key)? {
        return Ok(known);
    }
    let id = find(settings, &typed).map_err(|error| match error {
        // A message waits until the operator has fixed it.
        Error::Forbidden(why) | Error::Failed(why) => Error::Unavailable(why),
        other => other,
    })?;
    memory::remember(&key, &id, REMEMBERED)?;
    Ok(id)
}

/// Asks Meta for the channel's number, and for nothing that was remembered.
pub(crate) fn check(settings: &Settings, credential: Option<&str>) -> Result<()> {
    let number = find(settings, &typed(credential)?).map_err(|error| match error {
        Error::Invalid(why) => Error::Forbidden(why),
        other => other,
    })?;
    let found: Result<Existing, _> = graph::get(&settings.url(&format!("{}?fields=id", http::segment(&number))));
    found.map(|_| ()).map_err(Refusal::of_account)
}

/// Returns what the admin entered: a number without separators, an id, or nothing.
fn typed(credential: Option<&str>) -> Result<String> {
    let typed = credential.unwrap_or_default().trim();
    let is_number = typed.chars().all(|letter| letter.is_ascii_digit() || " +-().".contains(letter));
    if !is_number || typed.len() > CREDENTIAL_LENGTH_MAX {
        return Err(Error::invalid("Enter a number of the WhatsApp Business account, or its id, or nothing."));
    }
    Ok(digits(typed))
}

fn find(settings: &Settings, typed: &str) -> Result<String> {
    let numbers = all(settings).map_err(Refusal::of_account)?;
    let is_it = |number: &&Number| number.id == typed || digits(&number.display_phone_number) == typed;
    match (typed, numbers.as_slice()) {
        ("", [only]) => Ok(only.id.clone()),
        ("", []) => Err(Error::invalid("The WhatsApp Business account has no number.")),
        _ => match numbers.iter().find(is_it) {
            Some(number) => Ok(number.id.clone()),
            None => {
                let known: Vec<_> = numbers.iter().map(|number| number.display_phone_number.as_str()).collect();
                Err(Error::Invalid(format!("Enter one of the account's numbers: {}", known.join(", "))))
            }
        },
    }
}

/// Returns whether an event for this number belongs to the channel.
pub(crate) fn is_for(settings: &Settings, credential: Option<&str>, id: &str, display: &str) -> Result<bool> {
    let typed = typed(credential)?;
    if typed.is_empty() {
        return Ok(resolve(settings, credential)? == id);
    }
    Ok(typed == id || typed == digits(display))
}
