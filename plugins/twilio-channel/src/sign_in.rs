//! The sign-in of a person who connects a channel with OAuth: the account is checked with Twilio, and a number is chosen.
//!
//! What the person enters proves that the account is theirs. It is not kept: the channel works with the credentials of the
//! operator, so its own credential is the number.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_sdk::channel_login::{Account, Choice, Choices, Event, Field, Form, Step};
use frontgate_sdk::http::{self, Response};
use frontgate_sdk::{Error, Result};
use serde::Deserialize;

use crate::number;
use crate::settings::Settings;

/// The state of a person who has signed in.
const SIGNED_IN: &[u8] = b"signed in";

/// Twilio's description of an account.
#[derive(Deserialize)]
struct Described {
    sid: String,
    status: String,
}

/// Makes one step.
pub(crate) fn advance(state: &[u8], event: &Event) -> Result<Step> {
    let settings = Settings::read()?;
    let Some(account) = settings.account_sid.clone() else {
        return Err(Error::failed("setting `account_sid` missing; set it to the SID of the account (AC...)"));
    };
    match event {
        Event::Submitted(_) => submitted(&settings, &account, event),
        Event::Chosen(chosen) if state == SIGNED_IN && settings.numbers.contains(chosen) => {
            Ok(connected(&account, chosen).into())
        }
        Event::Started | Event::Returned(_) | Event::Chosen(_) => Ok(form(None).into()),
    }
}

fn submitted(settings: &Settings, account: &str, event: &Event) -> Result<Step> {
    let values = ["account", "key", "secret"].map(|name| event.field(name).map(str::trim));
    let [Some(entered), key, Some(secret)] = values else { return Ok(form(None).into()) };
    let again = |problem: &str| Ok(form(Some(entered)).problem(problem).into());
    if !is_sid(entered, "AC") || key.is_some_and(|key| !is_sid(key, "SK")) {
        return again("An account SID has 34 characters and begins with AC, an API key with SK.");
    }
    if entered != account {
        return again("This account does not have the numbers of this service.");
    }
    match described(settings, entered, key.unwrap_or(entered), secret)? {
        Some(Described { sid, status }) if sid == account && status == "active" => {}
        Some(_) => return Ok(Step::refused("This Twilio account is suspended or closed.")),
        None => return again("Twilio does not accept this SID and secret."),
    }
    match settings.numbers.as_slice() {
        [only] => Ok(connected(account, only).into()),
        numbers => {
            let choice = |number: &String| Choice::new(number, number::name(number));
            let choices = Choices::new("Choose a number", numbers.iter().map(choice));
            Ok(Step::from(choices.text("Teammates answer the customers of this number in Front.")).state(SIGNED_IN))
        }
    }
}

/// Asks Twilio about an account. Returns `None` if Twilio rejects the credentials.
fn described(settings: &Settings, account: &str, user: &str, secret: &str) -> Result<Option<Described>> {
    let url = format!("{}/2010-04-01/Accounts/{account}.json", settings.api_url);
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{secret}")));
    let response: Response = http::get(&url).header("authorization", &basic).send()?;
    match response.status {
        200 => Ok(Some(response.json()?)),
        401 | 403 | 404 => Ok(None),
        status => Err(Error::unavailable(format!("Twilio returned status {status}"))),
    }
}

fn connected(account: &str, number: &str) -> Account {
    Account::new(number, format!("{account} {number}"), number::name(number), number)
}

fn form(account: Option<&str>) -> Form {
    let sid = Field::text("account", "Account SID").help("On the start page of Twilio's console, beginning with AC.");
    let sid = match account {
        Some(account) => sid.value(account),
        None => sid,
    };
    let key = Field::text("key", "API key SID").optional();
    let key = key.help("Begins with SK. Leave it empty to sign in with the auth token of the account.");
    let secret = Field::password("secret", "API key secret or auth token");
    let secret = secret.help("Only sent to Twilio, and not kept.");
    Form::new("Sign in to Twilio", "Sign in").field(sid).field(key).field(secret)
}

fn is_sid(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}
