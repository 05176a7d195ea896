//! Groups that a teammate begins: a group MMS of several customers and the company's number.

use std::collections::BTreeSet;

use frontgate_sdk::{Error, Result};

use super::{Added, Open, own, remove, taken};
use crate::hooks;
use crate::number::{self, Kind};
use crate::people::People;
use crate::settings::Channel;
use crate::twilio::{self, Refusal};

/// Twilio's limit on the members of a group, the company's number included.
const MEMBERS_MAX: usize = 10;

/// Returns the group of these customers, and creates it if necessary.
pub(super) fn with(channel: &Channel, customers: &BTreeSet<String>, key: &str) -> Result<Open> {
    if Kind::of(&channel.number) != Kind::Sms {
        return Err(Error::invalid("Only SMS has groups. Write to each customer separately."));
    }
    if customers.len() >= MEMBERS_MAX {
        let most = MEMBERS_MAX - 1;
        return Err(Error::invalid(format!("A group has at most {most} customers.")));
    }
    let (own, is_new) = own(channel, key)?;
    let present = if is_new { People::default() } else { People::of(channel, &own)? };
    let (sid, is_new) = match complete(channel, &own, customers, &present) {
        Ok(()) => (own, is_new),
        // These customers have a group already.
        Err(refusal) if refusal.is(50438) => {
            let other = taken(&refusal);
            if is_new {
                remove(channel, &own);
            }
            let unknown = "These customers are in a group with this number already. Write in its conversation.";
            (other.ok_or_else(|| Error::invalid(unknown))?, false)
        }
        Err(refusal) => {
            if is_new && matches!(refusal, Refusal::ForGood { .. }) {
                remove(channel, &own);
            }
            return Err(refusal.into());
        }
    };
    hooks::attach(channel, &sid)?;
    Ok(Open { sid, author: Some(channel.number.clone()), is_new, is_checked: true })
}

/// Adds the members that are missing. The company's number is the last one, and activates the group.
fn complete(
    channel: &Channel,
    conversation: &str,
    customers: &BTreeSet<String>,
    present: &People,
) -> Result<(), Refusal> {
    let url = channel.url(&format!("Conversations/{conversation}/Participants"));
    let missing =
        customers.iter().filter(|customer| !present.customers().any(|known| number::is_same(known, customer)));
    for customer in missing {
        let _: Added = twilio::post(&url, &[("MessagingBinding.Address", customer)])?;
    }
    if !present.is_group_of(&channel.number) {
        let _: Added = twilio::post(&url, &[("MessagingBinding.ProjectedAddress", &channel.number)])?;
    }
    Ok(())
}
