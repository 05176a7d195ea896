//! The operator's settings: words. The other settings are those of the plugin `numbers`.

use frontgate_sdk::{Error, Result, settings};

/// The keys of this plugin.
pub(crate) const KEYS: [&str; 3] = ["opt_out_words", "opt_in_words", "default_words"];

/// The words by which Twilio's own opt-out handling recognizes an opt-out, as of 2025.
const OPT_OUT: [&str; 8] = ["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"];
/// The words by which it recognizes an opt-in.
const OPT_IN: [&str; 3] = ["start", "yes", "unstop"];

/// The wish of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    OptOut,
    OptIn,
}

/// The settings of one call.
pub(crate) struct Settings {
    opt_out: Vec<String>,
    opt_in: Vec<String>,
}

impl Settings {
    pub(crate) fn read() -> Result<Self> {
        let has_defaults = settings::flag("default_words", true)?;
        let words = |key: &str, defaults: &[&str]| -> Result<Vec<String>> {
            let own = settings::get(key).unwrap_or_default();
            let own = own.split(',').map(plain).filter(|word| !word.is_empty());
            let all: Vec<String> =
                defaults.iter().filter(|_| has_defaults).map(|word| plain(word)).chain(own).collect();
            match all.is_empty() {
                true => Err(Error::failed(format!("setting `{key}` is empty, and default_words is false"))),
                false => Ok(all),
            }
        };
        let (opt_out, opt_in) = (words("opt_out_words", &OPT_OUT)?, words("opt_in_words", &OPT_IN)?);
        if let Some(word) = opt_out.iter().find(|word| opt_in.contains(word)) {
            return Err(Error::failed(format!("`{word}` is both an opt-out word and an opt-in word")));
        }
        Ok(Self { opt_out, opt_in })
    }

    /// Returns the wish of a customer whose whole message is one of the words.
    pub(crate) fn wish(&self, message: &str) -> Option<Wish> {
        let message = plain(message);
        if self.opt_out.contains(&message) {
            Some(Wish::OptOut)
        } else if self.opt_in.contains(&message) {
            Some(Wish::OptIn)
        } else {
            None
        }
    }
}

/// Returns a word without case, surrounding spaces and punctuation.
fn plain(word: &str) -> String {
    word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase()
}
