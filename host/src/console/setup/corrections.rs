//! The correction of a refused request, from the explanation of its signature.

use frontgate_console_pages::pages::Fix;
use frontgate_twilio::explain::public_url_in;

/// The sender of a request, and the table with its keys.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sender<'s> {
    /// Twilio, for a tenant.
    Twilio { tenant: &'s str },
    /// Front, for an app of a tenant.
    Front { tenant: &'s str, app: &'s str },
}

impl Sender<'_> {
    /// Returns the correction that adds another key.
    fn another_key(self) -> Fix {
        let text = match self {
            Self::Twilio { tenant } => {
                format!("Add the auth token of the account that sends to auth_tokens in [tenants.{tenant}.twilio]:")
            }
            Self::Front { tenant, app } => {
                format!("Add the secret of the app that sends to app_secrets in [tenants.{tenant}.front.{app}]:")
            }
        };
        Fix { text, line: Some("{ file = \"PATH\" }".to_owned()) }
    }
}

/// Returns what corrects a refusal, if the explanation says it. `url` is the address that belongs at the platform.
pub(super) fn of(explanation: &str, sender: Sender<'_>, url: &str) -> Option<Fix> {
    let only = |text: String| Some(Fix { text, line: None });
    if let Some(public_url) = public_url_in(explanation) {
        let text = "Set the address under which the platform calls the gateway, then reload:".to_owned();
        return Some(Fix { text, line: Some(format!("[server]\npublic_url = {public_url:?}")) });
    }
    if explanation.contains("if the URL at Twilio ") {
        return only(format!("Enter exactly this URL at Twilio: {url}"));
    }
    if explanation.contains("without the query string") || explanation.contains("if the query were sorted") {
        return only("Change the proxy before the gateway: it must not change the query.".to_owned());
    }
    if explanation.contains("with the keys of ") {
        return only(
            "The request belongs to the tenant or app that the reason names: enter that one's URL at the platform."
                .to_owned(),
        );
    }
    if ["no key configured", "is this the auth token", "is this the secret"]
        .iter()
        .any(|words| explanation.contains(words))
    {
        return Some(sender.another_key());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://gw.example.org/x";

    fn found(explanation: &str) -> Option<Fix> {
        of(explanation, Sender::Twilio { tenant: "acme" }, URL)
    }

    #[test]
    fn a_wrong_public_url_is_corrected_by_its_line() {
        let explanation = "tried https://a/x with auth_tokens[0]; it would match if public_url were https://b";
        let fix = found(explanation).expect("a correction");
        assert_eq!(fix.line.as_deref(), Some("[server]\npublic_url = \"https://b\""));
    }

    #[test]
    fn an_unknown_key_is_corrected_in_the_table_of_its_tenant() {
        let fix = found("no single change would match: is this the auth token of the account that sends?");
        assert!(fix.is_some_and(|fix| fix.text.ends_with("auth_tokens in [tenants.acme.twilio]:")));
    }

    #[test]
    fn a_url_with_another_end_is_corrected_at_twilio() {
        let fix = found("it would match if the URL at Twilio ended with a slash");
        assert!(fix.is_some_and(|fix| fix.text.ends_with(URL) && fix.line.is_none()));
    }
}
