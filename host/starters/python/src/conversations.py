"""Role `conversations`: events of Twilio's conversations."""

from wit_world import exports
from wit_world.exports.conversations import ConversationChanges, MessageVerdict_Accept, ParticipantChanges
from wit_world.imports import log

import customers


class Conversations(exports.Conversations):
    def on_conversation_add(self, event):
        for address in event.addresses:
            customer = customers.by_address(address)
            if customer is not None:
                return ConversationChanges(customer.display_name, customer.avatar)
        return ConversationChanges(None, None)

    def on_participant_added(self, event):
        customer = customers.by_address(event.address) if event.address else None
        if customer is None:
            return None
        return ParticipantChanges(customer.customer_id, customer.display_name, customer.avatar)

    def on_message_add(self, event):
        # Or MessageVerdict_Change, or MessageVerdict_Reject("why").
        return MessageVerdict_Accept()

    def on_event(self, event):
        # Never log customers' names, numbers or texts.
        log.write(log.Level.DEBUG, f"{event.event_type} occurred")
