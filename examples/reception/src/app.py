"""A bot before routing: asks new customers who they want to talk to, hands over, and stays silent afterwards."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.conversations import (
    ConversationAdd,
    ConversationChanges,
    ConversationRemove,
    ConversationUpdate,
    ConversationUpdateVerdict_Accept,
    ConversationVerdict_Accept,
    ConversationVerdict_Change,
    MessageAdd,
    MessageRemove,
    MessageUpdate,
    MessageVerdict_Accept,
    OtherEvent,
    ParticipantAdd,
    ParticipantAdded,
    ParticipantChanges,
    ParticipantRemove,
    ParticipantUpdate,
    UserUpdate,
    Verdict_Accept,
)
from wit_world.exports.routing import Assignment_Worker, InboundConversation
from wit_world.imports import actions, directory, log
from wit_world.imports.actions import ActionError_Invalid, NewMessage
from wit_world.imports.plugin_types import Error_Failed, Error_Unavailable

import memory
import options
from memory import Memory
from options import Options


class Routing(exports.Routing):
    def route(self, conversation: InboundConversation) -> Assignment_Worker:
        settings, sid = options.read(), conversation.conversation_sid
        known = memory.read(sid)
        if known is not None and known.worker is not None:
            return Assignment_Worker(known.worker)
        # Otherwise this is a repeated routing, and the customer has the question.
        if known is None:
            post(settings, sid, settings.question)
            memory.write(sid, Memory())
        return Assignment_Worker(settings.bot)


class Conversations(exports.Conversations):
    def on_event(self, event: OtherEvent) -> None:
        # Names may repeat; the first value is used.
        fields = dict(reversed(event.fields))
        sid, author = fields.get("ConversationSid"), fields.get("Author")
        if event.event_type != "onMessageAdded" or not sid or not author:
            return
        settings = options.read()
        if author in (settings.bot, "system"):
            return
        known = memory.read(sid)
        if known is None:
            choice = settings.choice(fields.get("Body", ""))
            # A first message that names a choice: the routing that follows needs no question.
            if choice is not None and fields.get("Index") == "0" and is_customer(author):
                memory.write(sid, Memory(worker=choice))
        elif known.worker is None and is_customer(author):
            reply(settings, sid, known, fields)
        elif known.worker is None:
            # A worker has stepped in.
            act(actions.remove_participant, sid, settings.bot)
            known.worker = author
            memory.write(sid, known)

    # The other functions do what the gateway does without this plugin.

    def on_conversation_add(self, event: ConversationAdd) -> ConversationVerdict_Accept | ConversationVerdict_Change:
        names, avatars = [], []
        try:
            for place, address in enumerate(event.addresses):
                customer = directory.find_customer(address)
                if customer is not None:
                    names.append(customer.display_name)
                    avatars.append(customer.avatar)
                elif event.proxy_address is not None or place == 0:
                    # Without a proxy address, any unknown address except the first may be the company's own.
                    names.append(address)
        except Err:
            continue_without_crm()
            return ConversationVerdict_Accept()
        # A group must not have the picture of one person.
        avatar = avatars[0] if avatars and len(names) == 1 else None
        return ConversationVerdict_Change(ConversationChanges(", ".join(names) or None, avatar))

    def on_participant_added(self, event: ParticipantAdded) -> ParticipantChanges | None:
        try:
            customer = directory.find_customer(event.address) if event.address else None
        except Err:
            continue_without_crm()
            return None
        if customer is None:
            return None
        return ParticipantChanges(customer.customer_id, customer.display_name, customer.avatar, False)

    def on_conversation_update(self, event: ConversationUpdate) -> ConversationUpdateVerdict_Accept:
        return ConversationUpdateVerdict_Accept()

    def on_conversation_remove(self, event: ConversationRemove) -> Verdict_Accept:
        return Verdict_Accept()

    def on_participant_add(self, event: ParticipantAdd) -> Verdict_Accept:
        return Verdict_Accept()

    def on_participant_update(self, event: ParticipantUpdate) -> Verdict_Accept:
        return Verdict_Accept()

    def on_participant_remove(self, event: ParticipantRemove) -> Verdict_Accept:
        return Verdict_Accept()

    def on_message_add(self, event: MessageAdd) -> MessageVerdict_Accept:
        return MessageVerdict_Accept()

    def on_message_update(self, event: MessageUpdate) -> MessageVerdict_Accept:
        return MessageVerdict_Accept()

    def on_message_remove(self, event: MessageRemove) -> Verdict_Accept:
        return Verdict_Accept()

    def on_user_update(self, event: UserUpdate) -> Verdict_Accept:
        return Verdict_Accept()


def continue_without_crm() -> None:
    """Raises the CRM's error again, unless the settings say otherwise: the bot's question waits for these events."""
    if not options.read().skips_crm:
        raise
    log.write(log.Level.WARN, "the CRM is unavailable: continuing without the customer's name")


def reply(settings: Options, sid: str, known: Memory, fields: dict[str, str]) -> None:
    """Reads a message of a customer who is with the bot."""
    message_sid = fields.get("MessageSid")
    if message_sid is not None and message_sid == known.message_sid:
        return
    worker = settings.choice(fields.get("Body", ""))
    # The routing was faster than the event of the message that caused it, which is no reply.
    is_unclear = worker is None and fields.get("Index") != "0"
    unclear = known.unclear + is_unclear
    if unclear >= settings.tries and is_unclear:
        worker = settings.otherwise
    if worker is not None:
        if settings.handed_over is not None:
            post(settings, sid, settings.handed_over)
        act(actions.transfer, sid, settings.bot, worker)
    elif is_unclear:
        post(settings, sid, settings.again)
    memory.write(sid, Memory(worker, unclear, message_sid))


def post(settings: Options, sid: str, text: str) -> None:
    act(actions.post_message, sid, NewMessage(settings.bot, text, None, None, [], None))


def act(action, *arguments) -> None:
    """Asks the gateway for an action, which it makes after the call."""
    try:
        action(*arguments)
    except Err as error:
        match error.value:
            case ActionError_Invalid(why):
                raise Err(Error_Failed(f"invalid action: {why}")) from None
            case actions.ActionError_Unavailable():
                raise Err(Error_Unavailable("actions are not available")) from None
            case other:
                raise Err(Error_Failed(f"action not accepted: {type(other).__name__}")) from None


def is_customer(author: str) -> bool:
    """Returns whether an author is a customer: an address instead of an identity."""
    return author.startswith("+") or ":+" in author
