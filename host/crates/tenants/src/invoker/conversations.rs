//! Answers Conversations webhooks with the tenant's plugin. If the tenant has no plugin for them, conversations and
//! participants get the name of the customer in the CRM.

use frontgate_contract::Role;
use frontgate_contract::bindings::conversations::{
    ConversationAdd, ConversationChanges, ConversationVerdict, ParticipantAdded, ParticipantChanges,
};
use frontgate_contract::bindings::plugin_types::Customer;
use frontgate_runtime::CallError;

use super::PluginInvoker;

/// Maximum number of customers to look up for one conversation; a group message has at most ten participants.
const PEOPLE_MAX: usize = 10;

impl PluginInvoker {
    /// Returns the role that answers the tenant's webhooks, if any.
    pub fn conversations_role(&self) -> Option<Role> {
        [Role::Conversations, Role::Crm, Role::CrmSource].into_iter().find(|role| self.has(*role))
    }

    /// Decides about a new conversation: its name and picture.
    pub async fn conversation_add(&self, event: ConversationAdd) -> Result<ConversationVerdict, CallError> {
        if self.has(Role::Conversations) {
            let plugin = self.plugin(Role::Conversations)?;
            return self.call(&plugin, Role::Conversations).on_conversation_add(event).await;
        }
        // Without a proxy address, an address that belongs to no customer may be the tenant's own number. Then only the
        // first is shown.
        let is_shown = |address: &String| event.proxy_address.is_some() || event.addresses.first() == Some(address);
        let (mut names, mut avatar) = (Vec::new(), None);
        for address in event.addresses.iter().take(PEOPLE_MAX) {
            match self.customer(address).await? {
                Some(customer) => {
                    names.push(customer.display_name);
                    avatar = avatar.or(customer.avatar);
                }
                None if is_shown(address) => names.push(address.clone()),
                None => {}
            }
        }
        // One person's picture does not represent several people.
        let avatar = avatar.filter(|_| names.len() == 1);
        let friendly_name = (!names.is_empty()).then(|| names.join(", "));
        Ok(ConversationVerdict::Change(ConversationChanges { friendly_name, avatar }))
    }

    /// Returns the attributes of a new participant.
    pub async fn participant_added(&self, event: ParticipantAdded) -> Result<Option<ParticipantChanges>, CallError> {
        if self.has(Role::Conversations) {
            let plugin = self.plugin(Role::Conversations)?;
            return self.call(&plugin, Role::Conversations).on_participant_added(event).await;
        }
        let customer = match (&event.address, &event.identity) {
            (Some(address), None) => self.customer(address).await?,
            (None, Some(identity)) => self.chat_customer(identity).await?,
            _ => None,
        };
        Ok(customer.map(|customer| ParticipantChanges {
            customer_id: customer.customer_id,
            display_name: Some(customer.display_name),
            avatar: customer.avatar,
            overwrite: false,
        }))
    }

    /// Returns the customer with an identity. A worker has an identity too, so the CRM must have this one as a chat
    /// address. A CRM may reject what is no number.
    async fn chat_customer(&self, identity: &str) -> Result<Option<Customer>, CallError> {
        match self.customer(identity).await {
            Err(CallError::Invalid(_) | CallError::Forbidden(_)) => Ok(None),
            found => Ok(found?.filter(|customer| chats_as(customer, identity))),
        }
    }

    /// Returns the customer with an address, or `None` if there is no such customer or no CRM.
    async fn customer(&self, address: &str) -> Result<Option<Customer>, CallError> {
        if !self.has(Role::Crm) && self.plugins.customers.of(&self.tenant.name).is_none() {
            return Ok(None);
        }
        match self.find_customer(address.to_owned()).await {
            Err(CallError::NotFound) => Ok(None),
            found => found,
        }
    }
}

/// Returns whether a customer has this identity in chats.
fn chats_as(customer: &Customer, identity: &str) -> bool {
    customer.channels.iter().any(|channel| channel.kind == "chat" && channel.value == identity)
}
