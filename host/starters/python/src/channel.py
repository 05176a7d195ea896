"""Role `channel`: messages between Front and a provider. This example has no provider: `send` only returns ids, and
`receive` accepts a text with two headers."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.channel import (
    Address,
    AddressPage,
    Body_Plain,
    ChannelEvent_Inbound,
    HttpResponse,
    InboundMessage,
    Party,
    SendReceipt,
    SendStatus_Unknown,
    TemplatePage,
    WebhookResult,
)
from wit_world.imports import log
from wit_world.imports.plugin_types import Error_Invalid


class Channel(exports.Channel):
    def connect(self, connection):
        # Check the credential here, and register `webhook_url` with the provider.
        log.write(log.Level.INFO, f"channel {connection.channel_id} is connected")

    def list_addresses(self, credential, page_token):
        return AddressPage([Address("+12025550199", "Main number")], None)

    def list_templates(self, connection, page_token):
        # Return the provider's approved messages, if it has any. Teammates can choose them in Front.
        return TemplatePage([], None)

    def send(self, connection, message):
        # Call the provider's API here, with the idempotency key if it accepts one. `unavailable` is retried; every
        # other error is final, and the teammate sees its text.
        if message.conversation_ids:
            conversation = message.conversation_ids[0]
        elif message.to:
            conversation = message.to[0].handle
        else:
            raise Err(Error_Invalid("the message has no recipient"))
        return SendReceipt(f"sent-{message.idempotency_key}", conversation, [])

    def check_sent(self, connection, message):
        # Ask the provider whether it has the message. Otherwise the status is unknown.
        return SendStatus_Unknown()

    def receive(self, connection, request):
        # First verify the provider's signature (`webhook_signatures`): anyone can send this request.
        headers = {header.name: header.value for header in request.headers}
        message_id, sender = headers.get("message-id"), headers.get("from")
        try:
            body = request.body.decode()
        except UnicodeDecodeError:
            body = None
        if not message_id or not sender or body is None:
            return WebhookResult(HttpResponse(400, [], b""), [])
        # Use `Body_Plain` for text that a person typed: Front shows it literally, never as HTML.
        message = InboundMessage(
            message_id, sender, None, Party(sender, None, None), None, Body_Plain(body), None, []
        )
        return WebhookResult(HttpResponse(204, [], b""), [ChannelEvent_Inbound(message)])

    def disconnect(self, connection):
        pass

    def check(self, connection):
        pass
