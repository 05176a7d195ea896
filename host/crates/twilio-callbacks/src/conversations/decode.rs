//! Decodes webhooks into the contract's records.

use frontgate_contract::bindings::conversations::{
    ConversationAdd, ConversationRemove, ConversationUpdate, MessageAdd, MessageRemove, MessageUpdate, OtherEvent,
    ParticipantAdd, ParticipantAdded, ParticipantRemove, ParticipantUpdate, UserUpdate,
};
use frontgate_twilio::form::Form;

use super::super::error::DecodeError;
use super::super::fields::Fields;
use super::super::people;
use super::{Event, PreEvent};

/// Builds a record from its own fields, the fields of every event, and the fields that remain.
macro_rules! record {
    ($record:ident, $fields:ident, { $($field:ident: $value:expr,)* }) => {
        $record {
            $($field: $value,)*
            chat_service_sid: $fields.text("ChatServiceSid"),
            account_sid: $fields.text("AccountSid"),
            source: $fields.text("Source"),
            client_identity: $fields.text("ClientIdentity"),
            more: $fields.rest(),
        }
    };
}

/// Builds a record of a conversation that exists.
macro_rules! conversation {
    ($record:ident, $fields:ident) => {
        record!($record, $fields, {
            conversation_sid: $fields.sid("CH", "ConversationSid")?,
            friendly_name: $fields.text("FriendlyName"),
            unique_name: $fields.text("UniqueName"),
            attributes: $fields.attributes(),
            state: $fields.text("State"),
            date_created: $fields.text("DateCreated"),
            date_updated: $fields.text("DateUpdated"),
            messaging_service_sid: $fields.text("MessagingServiceSid"),
        })
    };
}

/// Builds a record of a participant, with the fields that only some of these records have.
macro_rules! participant {
    ($record:ident, $fields:ident, { $($field:ident: $value:expr,)* }) => {
        record!($record, $fields, {
            conversation_sid: $fields.sid("CH", "ConversationSid")?,
            identity: $fields.text("Identity"),
            address: $fields.text("MessagingBinding.Address"),
            proxy_address: $fields.text("MessagingBinding.ProxyAddress"),
            projected_address: $fields.text("MessagingBinding.ProjectedAddress"),
            binding_type: $fields.text("MessagingBinding.Type"),
            role_sid: $fields.text("RoleSid"),
            attributes: $fields.attributes(),
            $($field: $value,)*
        })
    };
}

/// Builds a record of a participant who is in the conversation.
macro_rules! present_participant {
    ($record:ident, $fields:ident) => {
        participant!($record, $fields, {
            participant_sid: $fields.sid("MB", "ParticipantSid")?,
            last_read_message_index: $fields.parsed("LastReadMessageIndex"),
            date_created: $fields.text("DateCreated"),
            date_updated: $fields.text("DateUpdated"),
        })
    };
}

/// Builds a record of a message, with the fields that only some of these records have.
macro_rules! message {
    ($record:ident, $fields:ident, { $($field:ident: $value:expr,)* }) => {
        record!($record, $fields, {
            conversation_sid: $fields.sid("CH", "ConversationSid")?,
            author: $fields.text("Author").unwrap_or_default(),
            body: $fields.text("Body").unwrap_or_default(),
            media: $fields.media(),
            attributes: $fields.attributes(),
            participant_sid: $fields.text("ParticipantSid"),
            messaging_service_sid: $fields.text("MessagingServiceSid"),
            $($field: $value,)*
        })
    };
}

/// Builds a record of a message that is in the conversation.
macro_rules! present_message {
    ($record:ident, $fields:ident) => {
        message!($record, $fields, {
            message_sid: $fields.sid("IM", "MessageSid")?,
            index: $fields.parsed("Index"),
            date_created: $fields.text("DateCreated"),
            date_updated: $fields.text("DateUpdated"),
        })
    };
}

/// Decodes a webhook. `numbers` are the tenant's own numbers.
pub fn decode(form: &Form<'_>, numbers: &[String]) -> Result<Event, DecodeError> {
    let mut fields = Fields::new(form);
    Ok(Event::Pre(match form.get("EventType").unwrap_or_default() {
        "onConversationAdd" => return Ok(Event::ConversationAdd(conversation_add(form, &mut fields, numbers))),
        "onConversationUpdate" => PreEvent::ConversationUpdate(conversation!(ConversationUpdate, fields)),
        "onConversationRemove" => PreEvent::ConversationRemove(conversation!(ConversationRemove, fields)),
        "onParticipantAdd" => PreEvent::ParticipantAdd(participant!(ParticipantAdd, fields, {})),
        "onParticipantUpdate" => PreEvent::ParticipantUpdate(present_participant!(ParticipantUpdate, fields)),
        "onParticipantRemove" => PreEvent::ParticipantRemove(present_participant!(ParticipantRemove, fields)),
        "onMessageAdd" => PreEvent::MessageAdd(message!(MessageAdd, fields, {})),
        "onMessageUpdate" => PreEvent::MessageUpdate(present_message!(MessageUpdate, fields)),
        "onMessageRemove" => PreEvent::MessageRemove(present_message!(MessageRemove, fields)),
        "onUserUpdate" => PreEvent::UserUpdate(user_update(&mut fields)?),
        "onParticipantAdded" => {
            let added = participant!(ParticipantAdded, fields, {
                participant_sid: fields.sid("MB", "ParticipantSid")?,
                date_created: fields.text("DateCreated"),
            });
            return Ok(Event::ParticipantAdded(added));
        }
        event_type => {
            let fields = form.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            return Ok(Event::Other(OtherEvent { event_type: event_type.to_owned(), fields }));
        }
    }))
}

fn conversation_add(form: &Form<'_>, fields: &mut Fields<'_>, numbers: &[String]) -> ConversationAdd {
    let people = people(form, numbers);
    people.mark(fields);
    record!(ConversationAdd, fields, {
        addresses: people.customers,
        proxy_address: people.own,
        author: people.author,
        message_body: fields.text("MessageBody"),
        media: fields.media(),
        attributes: fields.attributes(),
        friendly_name: fields.text("FriendlyName"),
        unique_name: fields.text("UniqueName"),
        state: fields.text("State"),
        messaging_service_sid: fields.text("MessagingServiceSid"),
    })
}

fn user_update(fields: &mut Fields<'_>) -> Result<UserUpdate, DecodeError> {
    Ok(record!(UserUpdate, fields, {
        user_sid: fields.sid("US", "UserSid")?,
        identity: fields.text("Identity"),
        friendly_name: fields.text("FriendlyName"),
        attributes: fields.attributes(),
        role_sid: fields.text("RoleSid"),
        is_online: fields.parsed("isOnline"),
        is_notifiable: fields.parsed("isNotifiable"),
        date_created: fields.text("DateCreated"),
        date_updated: fields.text("DateUpdated"),
    }))
}
