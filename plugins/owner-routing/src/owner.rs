//! Finds the owner of a conversation's customer.

use frontgate_sdk::{Customer, Error, InboundConversation, Result, warn};

use crate::settings::{Settings, WithoutCrm};

/// Returns the first owner of a customer in the conversation who is on duty. The author's owner comes first.
pub(crate) fn of_customer(
    conversation: &InboundConversation,
    settings: &Settings,
    is_on_duty: impl Fn(&str) -> bool,
    find: impl Fn(&str) -> Result<Option<Customer>>,
) -> Result<Option<String>> {
    let author = conversation.author.as_ref();
    let others = conversation.addresses.iter().filter(|address| Some(*address) != author);
    for address in author.into_iter().chain(others) {
        let customer = match find(address) {
            Ok(customer) => customer,
            // Permanent errors: treat the customer as one without an owner, since a retry would not help.
            Err(Error::NotFound | Error::Forbidden(_) | Error::Invalid(_)) => None,
            Err(_) if settings.without_crm == WithoutCrm::Continue => {
                warn!("the CRM is unavailable: continuing without the customer's owner");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let owner = customer.and_then(|customer| customer.worker);
        if let Some(worker) = owner.and_then(|owner| settings.assignable(&owner, "the customer's owner"))
            && is_on_duty(&worker)
        {
            return Ok(Some(worker));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use frontgate_sdk::testing;

    use super::*;

    #[test]
    fn a_failing_crm_is_retried_or_skipped() {
        let conversation = InboundConversation::of("+12025550107");
        let table = [
            ("wait", Error::unavailable("down"), Err(Error::unavailable("down")), 0),
            ("wait", Error::failed("broken"), Err(Error::failed("broken")), 0),
            ("wait", Error::Invalid("no number".to_owned()), Ok(None), 0),
            ("wait", Error::NotFound, Ok(None), 0),
            ("wait", Error::Forbidden("no".to_owned()), Ok(None), 0),
            ("continue", Error::unavailable("down"), Ok(None), 1),
            ("continue", Error::failed("broken"), Ok(None), 1),
            ("continue", Error::NotFound, Ok(None), 0),
        ];
        for (without_crm, error, want, warnings) in table {
            testing::settings([("without_crm", without_crm)]);
            let settings = Settings::read().expect("settings");
            let found = of_customer(&conversation, &settings, |_| true, |_| Err(error.clone()));
            assert_eq!(found, want, "{without_crm} {error:?}");
            assert_eq!(testing::logged().len(), warnings, "{without_crm} {error:?}");
        }
    }
}
