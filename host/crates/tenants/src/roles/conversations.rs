//! Conversations webhooks: answered by the tenant's plugin, or, without one, by naming conversations
//! and participants after the CRM's customer.

use frontgate_contract::Role;
use frontgate_contract::bindings::conversations::{
    ConversationAdd, ConversationChanges, MessageAdd, MessageVerdict, ParticipantAdded, ParticipantChanges,
};
use frontgate_contract::bindings::plugin_types::Customer;
use frontgate_runtime::CallError;

use super::Asking;

/// Customers that are looked up for one conversation; a group message has at most ten people.
const PEOPLE_MAX: usize = 10;

impl Asking {
    /// Which role answers webhooks of this tenant, if any does.
    pub fn conversations_role(&self) -> Option<Role> {
        [Role::Conversations, Role::Crm].into_iter().find(|role| self.has(*role))
    }

    /// How a conversation shall look.
    pub async fn conversation_add(&self, event: ConversationAdd) -> Result<ConversationChanges, CallError> {
        if self.has(Role::Conversations) {
            let plugin = self.answering(Role::Conversations)?;
            return self.call(&plugin, Role::Conversations).on_conversation_add(event).await;
        }
        // Where it is not known which number is the tenant's own, an unknown one may be it.
        let shown = |address: &String| event.proxy_address.is_some() || event.addresses.first() == Some(address);
        let (mut names, mut avatar) = (Vec::new(), None);
        for address in event.addresses.iter().take(PEOPLE_MAX) {
            match self.customer(address).await? {
                Some(customer) => {
                    names.push(customer.display_name);
                    avatar = avatar.or(customer.avatar);
                }
                None if shown(address) => names.push(address.clone()),
                None => {}
            }
        }
        // The picture of one of several people would stand for all of them.
        let avatar = avatar.filter(|_| names.len() == 1);
        Ok(ConversationChanges { friendly_name: (!names.is_empty()).then(|| names.join(", ")), avatar })
    }

    /// What a participant's attributes shall say.
    pub async fn participant_added(&self, event: ParticipantAdded) -> Result<Option<ParticipantChanges>, CallError> {
        if self.has(Role::Conversations) {
            let plugin = self.answering(Role::Conversations)?;
            return self.call(&plugin, Role::Conversations).on_participant_added(event).await;
        }
        let Some(address) = event.address else {
            return Ok(None);
        };
        Ok(self.customer(&address).await?.map(|customer| ParticipantChanges {
            customer_id: customer.customer_id,
            display_name: Some(customer.display_name),
            avatar: customer.avatar,
        }))
    }

    /// What becomes of a message.
    pub async fn message_add(&self, event: MessageAdd) -> Result<MessageVerdict, CallError> {
        if !self.has(Role::Conversations) {
            return Ok(MessageVerdict::Accept);
        }
        let plugin = self.answering(Role::Conversations)?;
        self.call(&plugin, Role::Conversations).on_message_add(event).await
    }

    /// The customer behind an address; nobody without a CRM.
    async fn customer(&self, address: &str) -> Result<Option<Customer>, CallError> {
        if !self.has(Role::Crm) {
            return Ok(None);
        }
        let crm = self.answering(Role::Crm)?;
        match self.call(&crm, Role::Crm).find_customer(address.to_owned()).await {
            Err(CallError::NotFound) => Ok(None),
            found => found,
        }
    }
}
