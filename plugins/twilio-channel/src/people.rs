//! Participants of a conversation.

use serde::Deserialize;

use crate::number;
use crate::settings::Channel;
use crate::twilio::{self, Refusal};

/// The query for a page of participants, larger than the limit for groups outside of chat.
const PAGE: &str = "PageSize=100";

/// The participants of a conversation.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct People {
    participants: Vec<Participant>,
}

#[derive(Debug, Deserialize)]
struct Participant {
    messaging_binding: Option<Binding>,
}

/// A participant's addresses outside of chat.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Binding {
    /// The customer's address.
    pub(crate) address: Option<String>,
    /// The company's number that the customer writes to.
    pub(crate) proxy_address: Option<String>,
    /// The company's number in a group, where all participants see all numbers.
    #[serde(default)]
    pub(crate) projected_address: Option<String>,
}

impl People {
    pub(crate) fn of(channel: &Channel, conversation: &str) -> Result<Self, Refusal> {
        twilio::get(&channel.url(&format!("Conversations/{conversation}/Participants?{PAGE}")))
    }

    fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.participants.iter().filter_map(|participant| participant.messaging_binding.as_ref())
    }

    /// Returns the customers' addresses.
    pub(crate) fn customers(&self) -> impl Iterator<Item = &str> {
        self.bindings().filter_map(|binding| binding.address.as_deref())
    }

    /// Returns whether this is one of the customers, in any notation of the number.
    pub(crate) fn has(&self, handle: &str) -> bool {
        self.customers().any(|address| number::is_same(address, handle))
    }

    /// Returns whether the company's number is in the conversation.
    pub(crate) fn reaches(&self, company: &str) -> bool {
        self.bindings().any(|binding| binding.proxy_address.as_deref() == Some(company)) || self.is_group_of(company)
    }

    /// Returns whether this is a group with the company's number.
    pub(crate) fn is_group_of(&self, company: &str) -> bool {
        self.bindings().any(|binding| binding.projected_address.as_deref() == Some(company))
    }
}
