//! What the operator configured: which numbers there are, and for whom.

use std::cmp::Reverse;

use frontgate_sdk::{Channel, Error, Result, address, settings};

/// Channels that Frontline has. It may send others, which the operator names with a number.
const CHANNELS: [&str; 3] = ["sms", "whatsapp", "voice"];

/// The settings of one call.
pub(crate) struct Settings {
    /// Whether a worker writes only to customers that they may see, at their known addresses.
    pub(crate) own_customers_only: bool,
    numbers: Vec<Number>,
}

/// A number of the company.
struct Number {
    whose: Whose,
    /// The kind of the channel.
    channel: String,
    /// In E.164, without a prefix.
    number: String,
}

/// For whom a number is. What is greater goes first; of two codes that one number begins with, the longer
/// one is greater.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    /// Everybody else.
    Everybody,
    /// Customers whose number begins with this.
    Country(String),
    /// The worker who writes, by identity.
    Worker(String),
}

impl Settings {
    pub(crate) fn read() -> Result<Self> {
        let own_customers_only = settings::flag("own_customers_only", true)?;
        let all = settings::all();
        // Any other channel has a number beside it: what has no digit is a mistyped setting.
        let named =
            all.iter().filter(|(key, value)| !key.contains('.') && value.contains(|c: char| c.is_ascii_digit()));
        let mut channels = CHANNELS.to_vec();
        channels.extend(named.map(|(key, _)| key.as_str()).filter(|key| !CHANNELS.contains(key)));
        let mut known = vec!["own_customers_only", "workers.*", "countries.*"];
        known.extend(&channels);
        settings::only(&known)?;

        let numbers = all.iter().filter(|(key, _)| key != "own_customers_only");
        let numbers = numbers.map(|(key, value)| Number::read(key, value, &channels)).collect::<Result<_>>()?;
        Ok(Self { own_customers_only, numbers })
    }

    /// The numbers from which this worker can write to this address, the best first.
    pub(crate) fn numbers(&self, worker: &str, to: &Channel) -> Vec<&str> {
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
    /// A setting such as `workers.ana@example.org.sms`, `countries.+44.sms` or `sms`.
    fn read(key: &str, value: &str, channels: &[&str]) -> Result<Self> {
        // Identities have dots, channels have none.
        let (whose, channel) = match key.rsplit_once('.') {
            Some((whose, channel)) => (Whose::read(key, whose)?, channel),
            None => (Whose::Everybody, key),
        };
        if !channels.contains(&channel) {
            let channels = channels.join(", ");
            return Err(Error::Failed(format!("the setting `{key}` does not end in a channel: {channels}")));
        }
        let number = if channel == "whatsapp" { address::number(value) } else { value };
        if !address::is_e164(number) {
            let problem = format!("the setting `{key}` is no number in E.164, such as \"+12025550199\"");
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
            Some(_) => Err(Error::Failed(format!("the setting `{key}` names no calling code, such as \"+44\""))),
            None => Err(Error::Failed(format!("the setting `{key}` lacks the channel, or whose number it is"))),
        }
    }
}
