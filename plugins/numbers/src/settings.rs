//! The operator's settings: numbers, and who uses which.

use std::cmp::Reverse;

use frontgate_sdk::{ContactChannel, Error, Result, address, settings};

/// Channels of Frontline. It may use others, which the operator names with a number.
const CHANNELS: [&str; 4] = ["sms", "whatsapp", "voice", "chat"];

/// The settings of one call.
pub(crate) struct Settings {
    /// Whether workers write only to customers that they may see, at their known addresses.
    pub(crate) own_customers_only: bool,
    numbers: Vec<Number>,
}

/// One of the company's numbers.
struct Number {
    whose: Whose,
    /// The channel's kind.
    channel: String,
    /// In E.164, without a prefix. For the channel `chat`, an identity.
    number: String,
}

/// The users of a number. Greater values take precedence; of two matching calling codes, the longer one is greater.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    /// All others.
    Everybody,
    /// Customers whose number starts with this code.
    Country(String),
    /// A worker, by identity.
    Worker(String),
}

impl Settings {
    pub(crate) fn read(other_keys: &[&str]) -> Result<Self> {
        let own_customers_only = settings::flag("own_customers_only", true)?;
        let all = settings::all();
        // Another channel needs a number: without a digit the setting is mistyped.
        let named =
            all.iter().filter(|(key, value)| !key.contains('.') && value.contains(|c: char| c.is_ascii_digit()));
        let named = named.filter(|(key, _)| !other_keys.contains(&key.as_str()));
        let mut channels = CHANNELS.to_vec();
        channels.extend(named.map(|(key, _)| key.as_str()).filter(|key| !CHANNELS.contains(key)));
        let mut known = vec!["own_customers_only", "workers.*", "countries.*"];
        known.extend(&channels);
        known.extend(other_keys);
        settings::only(&known)?;

        let numbers = all.iter().filter(|(key, _)| key != "own_customers_only" && !other_keys.contains(&key.as_str()));
        let numbers = numbers.map(|(key, value)| Number::read(key, value, &channels)).collect::<Result<_>>()?;
        Ok(Self { own_customers_only, numbers })
    }

    /// Returns the numbers from which this worker can write to this address, the best first.
    pub(crate) fn numbers(&self, worker: &str, to: &ContactChannel) -> Vec<&str> {
        let fits = |number: &&Number| {
            number.channel == to.kind
                && match &number.whose {
                    Whose::Everybody => true,
                    Whose::Country(code) => address::number(&to.value).starts_with(code),
                    Whose::Worker(identity) => identity.eq_ignore_ascii_case(worker),
                }
        };
        let mut numbers: Vec<&Number> = self.numbers.iter().filter(fits).collect();
        numbers.sort_by_key(|number| Reverse(&number.whose));
        numbers.into_iter().map(|number| number.number.as_str()).collect()
    }
}

impl Number {
    /// Parses a key such as `workers.ana@example.org.sms`, `countries.+44.sms` or `sms`.
    fn read(key: &str, value: &str, channels: &[&str]) -> Result<Self> {
        // Identities contain dots, channels do not.
        let (whose, channel) = match key.rsplit_once('.') {
            Some((whose, channel)) => (Whose::read(key, whose)?, channel),
            None => (Whose::Everybody, key),
        };
        if !channels.contains(&channel) {
            let channels = channels.join(", ");
            return Err(Error::Failed(format!("setting `{key}` must end in a channel: {channels}")));
        }
        let number = if channel == "whatsapp" { address::number(value) } else { value };
        if channel != "chat" && !address::is_e164(number) {
            let problem = format!("setting `{key}` is not an E.164 number; write for example \"+12025550199\"");
            return Err(Error::Failed(problem));
        }
        Ok(Self { whose, channel: channel.to_owned(), number: number.to_owned() })
    }
}

impl Whose {
    fn read(key: &str, whose: &str) -> Result<Self> {
        match whose.split_once('.') {
            Some(("workers", identity)) => Ok(Self::Worker(identity.to_owned())),
            Some(("countries", code)) if address::is_calling_code(code) => Ok(Self::Country(code.to_owned())),
            Some(_) => {
                let problem = format!("setting `{key}`: no calling code; write for example `countries.+44.sms`");
                Err(Error::Failed(problem))
            }
            None => {
                let forms = "`sms`, `countries.+44.sms` or `workers.IDENTITY.sms`";
                Err(Error::Failed(format!("setting `{key}`: write {forms}")))
            }
        }
    }
}
