//! Who is in a conversation.

use serde::Deserialize;

use crate::number;
use crate::settings::Channel;
use crate::twilio::{self, Refusal};

/// As many as a group can have outside of chat, and more.
const PAGE: &str = "PageSize=100";

/// Everybody.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct People {
    participants: Vec<Participant>,
}

#[derive(Debug, Deserialize)]
struct Participant {
    messaging_binding: Option<Binding>,
}

/// Somebody outside of chat.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Binding {
    /// The customer's.
    pub(crate) address: Option<String>,
    /// The company's, which the customer writes to.
    pub(crate) proxy_address: Option<String>,
    /// The company's in a group, where all see all numbers.
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

    /// The customers' addresses.
    pub(crate) fn customers(&self) -> impl Iterator<Item = &str> {
        self.bindings().filter_map(|binding| binding.address.as_deref())
    }

    /// Whether somebody is one of the customers, however their number is written.
    pub(crate) fn has(&self, handle: &str) -> bool {
        self.customers().any(|address| number::is_same(address, handle))
    }

    /// Whether the company's number is in it.
    pub(crate) fn reaches(&self, company: &str) -> bool {
        self.bindings().any(|binding| binding.proxy_address.as_deref() == Some(company)) || self.is_group_of(company)
    }

    /// Whether it is a group in which the company speaks as this number.
    pub(crate) fn is_group_of(&self, company: &str) -> bool {
        self.bindings().any(|binding| binding.projected_address.as_deref() == Some(company))
    }
}
