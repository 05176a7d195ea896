"""Role `channel`: messages between Front and a provider. There is no provider here: what goes out is said to be sent,
and what comes in is a text with two headers."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.channel import (
    Address,
    AddressPage,
    Body_Plain,
    ChannelEvent_Inbound,
    SendStatus_Unknown,
    HttpResponse,
    InboundMessage,
    Party,
    SendReceipt,
    WebhookResult,
)
from wit_world.imports import log
from wit_world.imports.plugin_types import Error_Invalid


class Channel(exports.Channel):
    def connect(self, connection):
        # A good place to try the credential, and to tell the provider about `webhook_url`.
        log.write(log.Level.INFO, f"channel {connection.channel_id} is connected")

    def list_addresses(self, credential, page_token):
        return AddressPage([Address("+12025550199", "Main number")], None)

    def send(self, connection, message):
        # Here the provider's API is called, with the idempotency key if it takes one. `unavailable` is tried again;
        # every other error is for good, and its text is shown to the teammate.
        if message.conversation_ids:
            conversation = message.conversation_ids[0]
        elif message.to:
            conversation = message.to[0].handle
        else:
            raise Err(Error_Invalid("the message has no recipient"))
        return SendReceipt(f"sent-{message.idempotency_key}", conversation, [])

    def check_sent(self, connection, message):
        # Ask the provider whether it has the message; without an answer nobody can tell.
        return SendStatus_Unknown()

    def receive(self, connection, request):
        # First of all, check the provider's signature (`webhook_signatures`): anybody may have sent this.
        headers = {header.name: header.value for header in request.headers}
        message_id, sender = headers.get("message-id"), headers.get("from")
        try:
            body = request.body.decode()
        except UnicodeDecodeError:
            body = None
        if not message_id or not sender or body is None:
            return WebhookResult(HttpResponse(400, [], b""), [])
        # What a person typed is `Body_Plain`: Front shows it letter for letter, and never as HTML.
        message = InboundMessage(message_id, sender, Party(sender, None, None), None, Body_Plain(body), None, [])
        return WebhookResult(HttpResponse(204, [], b""), [ChannelEvent_Inbound(message)])

    def disconnect(self, connection):
        pass
