//! The setting `teammates`: who in Front is who in Twilio.

use frontgate_sdk::channel::Author;
use frontgate_sdk::{Error, Result, settings};

/// The table's name in the settings, with the dot before its keys.
const TABLE: &str = "teammates.";

/// Prefix of the alias of a teammate's e-mail address in Front.
const BY_EMAIL: &str = "alt:email:";

/// Pairs of an identity in Twilio and a teammate in Front: `tea_...`, or `alt:email:...`.
#[derive(Debug, Default)]
pub(crate) struct Teammates(Vec<(String, String)>);

impl Teammates {
    pub(crate) fn read() -> Result<Self> {
        let entry =
            |(key, value): (String, String)| Some((key.strip_prefix(TABLE)?.to_owned(), value.trim().to_owned()));
        let all: Vec<_> = settings::all().into_iter().filter_map(entry).collect();
        let wrong = |(_, id): &&(String, String)| !id.starts_with("tea_") && !id.starts_with(BY_EMAIL);
        match all.iter().find(wrong) {
            None => Ok(Self(all)),
            Some((identity, _)) => Err(Error::failed(format!(
                "the setting `{TABLE}{identity}` is no teammate of Front; write tea_... or alt:email:ana@example.com"
            ))),
        }
    }

    /// Returns the teammate with an identity.
    pub(crate) fn id(&self, identity: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == identity).map(|(_, id)| id.as_str())
    }

    /// Returns the identity of an author.
    pub(crate) fn identity(&self, author: &Author) -> Option<&str> {
        let is = |id: &str| {
            let email = id.strip_prefix(BY_EMAIL);
            author.id.as_deref() == Some(id) || email.is_some() && email == author.handle.as_deref()
        };
        self.0.iter().find(|(_, id)| is(id)).map(|(identity, _)| identity.as_str())
    }
}

#[cfg(test)]
mod tests {
    use frontgate_sdk::testing;

    use super::*;

    #[test]
    fn a_teammate_is_found_in_both_directions() {
        testing::settings([("teammates.ana", "tea_1"), ("teammates.otto", "alt:email:otto@example.org")]);
        let teammates = Teammates::read().expect("settings");
        assert_eq!((teammates.id("ana"), teammates.id("kim")), (Some("tea_1"), None));
        let identity = |id, handle| teammates.identity(&Author::teammate(id, handle)).map(str::to_owned);
        assert_eq!(identity("tea_1", "ana@example.org").as_deref(), Some("ana"));
        assert_eq!(identity("tea_2", "otto@example.org").as_deref(), Some("otto"));
        assert_eq!(identity("tea_3", "kim@example.org"), None);
    }

    #[test]
    fn a_mistyped_teammate_is_an_error() {
        testing::settings([("teammates.ana", "ana@example.org")]);
        let error = Teammates::read().expect_err("it is no teammate");
        assert!(error.to_string().contains("`teammates.ana`"), "{error}");
    }
}
