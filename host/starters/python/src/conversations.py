"""Role `conversations`: events of Twilio's conversations."""

from wit_world import exports
from wit_world.exports.conversations import (
    ConversationChanges,
    ConversationUpdateVerdict_Accept,
    ConversationVerdict_Accept,
    ConversationVerdict_Change,
    MessageVerdict_Accept,
    ParticipantChanges,
    Verdict_Accept,
)
from wit_world.imports import log

import customers


class Conversations(exports.Conversations):
    def on_conversation_add(self, event):
        for address in event.addresses:
            customer = customers.by_address(address)
            if customer is not None:
                # Or ConversationVerdict_Reject("why").
                return ConversationVerdict_Change(ConversationChanges(customer.display_name, customer.avatar))
        return ConversationVerdict_Accept()

    def on_conversation_update(self, event):
        # Or ConversationUpdateVerdict_Change, or ConversationUpdateVerdict_Reject("why").
        return ConversationUpdateVerdict_Accept()

    def on_conversation_remove(self, event):
        # Or Verdict_Reject("why").
        return Verdict_Accept()

    def on_participant_add(self, event):
        return Verdict_Accept()

    def on_participant_update(self, event):
        return Verdict_Accept()

    def on_participant_remove(self, event):
        return Verdict_Accept()

    def on_participant_added(self, event):
        customer = customers.by_address(event.address) if event.address else None
        if customer is None:
            return None
        # With `overwrite`, these values replace attributes that are already set.
        return ParticipantChanges(customer.customer_id, customer.display_name, customer.avatar, overwrite=False)

    def on_message_add(self, event):
        # Or MessageVerdict_Change, or MessageVerdict_Reject("why").
        return MessageVerdict_Accept()

    def on_message_update(self, event):
        # Check the text here too: a message can be edited after it was sent.
        return MessageVerdict_Accept()

    def on_message_remove(self, event):
        return Verdict_Accept()

    def on_user_update(self, event):
        return Verdict_Accept()

    def on_event(self, event):
        # Never log customers' names, numbers or texts.
        log.write(log.Level.DEBUG, f"{event.event_type} occurred")
