"""Uses Twilio's official client against the Twilio simulator, and checks the typed results.

Usage: rest.py SUBJECT URL ACCOUNT_SID KEY SECRET SERVICE_SID
"""

import json
import re
import sys
from datetime import datetime

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from twilio.rest.conversations.v1.address_configuration import AddressConfigurationInstance
from twilio.rest.conversations.v1.conversation.webhook import WebhookInstance as Webhook

ANA = "ana@example.org"
CUSTOMER = "+12025550107"
NUMBER = "+12025550199"
URL = "https://gw.example.org/hook"
WEBHOOKS = "true"


class SimulatorHttpClient(TwilioHttpClient):
    """Sends requests for Twilio's hosts to the simulator."""

    def __init__(self, simulator):
        super().__init__(timeout=20)
        self.hosts = {
            "https://conversations.twilio.com": simulator,
            "https://frontline-api.twilio.com": f"{simulator}/frontline",
        }

    def request(self, method, url, **rest):
        for host, replacement in self.hosts.items():
            if url.startswith(host):
                url = replacement + url[len(host) :]
        assert url.startswith("http://127.0.0.1:"), f"{url} is not the simulator"
        return super().request(method, url, **rest)


def fails(call, status, code):
    """Checks that a call fails with a status and a code of Twilio."""
    try:
        call()
    except TwilioRestException as failure:
        assert (failure.status, failure.code) == (status, code), failure
        return
    raise AssertionError(f"no exception; expected {status} {code}")


def same(actual, expected):
    assert actual == expected, f"{actual!r} instead of {expected!r}"


def is_sid(prefix, text):
    assert re.fullmatch(f"{prefix}[0-9a-f]{{32}}", text), f"{text} is no {prefix}..."


def conversations(client, service):
    everything = client.conversations.v1.conversations
    created = everything.create(friendly_name="Mora Lind", unique_name="order-7", attributes='{"order": 7}')
    is_sid("CH", created.sid)
    is_sid("MG", created.messaging_service_sid)
    same((created.state, created.chat_service_sid), ("active", service))
    same(json.loads(created.attributes), {"order": 7})
    assert isinstance(created.date_created, datetime), created.date_created
    same(set(created.links), {"participants", "messages", "webhooks"})
    same(everything("order-7").fetch().sid, created.sid)
    updated = created.update(friendly_name="Mora L.", state="inactive", timers_closed="PT1H")
    same((updated.friendly_name, updated.state, updated.unique_name), ("Mora L.", "inactive", "order-7"))
    others = [everything.create(friendly_name=f"number {number}").sid for number in range(4)]
    same([found.sid for found in everything.list(page_size=2)], [created.sid, *others])
    same(len(everything.list(limit=3, page_size=2)), 3)
    within = client.conversations.v1.services(service).conversations
    same(within(created.sid).fetch().chat_service_sid, service)
    same(within.create(friendly_name="in the service").delete(), True)
    same(created.delete(), True)
    fails(created.fetch, 404, 20404)
    fails(lambda: everything.create(attributes="no JSON"), 400, 50306)


def participants(client, service):
    conversation = client.conversations.v1.conversations.create()
    worker = conversation.participants.create(identity=ANA)
    is_sid("MB", worker.sid)
    is_sid("RL", worker.role_sid)
    same((worker.identity, worker.messaging_binding, worker.attributes), (ANA, None, "{}"))
    customer = conversation.participants.create(
        messaging_binding_address=CUSTOMER, messaging_binding_proxy_address=NUMBER
    )
    binding = {"type": "sms", "address": CUSTOMER, "proxy_address": NUMBER, "projected_address": None}
    same((customer.identity, customer.messaging_binding), (None, binding))
    same(conversation.participants(ANA).fetch().sid, worker.sid)
    updated = worker.update(attributes='{"seen": true}', last_read_message_index=3)
    same((json.loads(updated.attributes), updated.last_read_message_index), ({"seen": True}, 3))
    assert isinstance(updated.date_updated, datetime), updated.date_updated
    same([found.sid for found in conversation.participants.list(page_size=1)], [worker.sid, customer.sid])
    found = client.conversations.v1.participant_conversations.list(address=CUSTOMER)
    same([one.conversation_sid for one in found], [conversation.sid])
    fails(lambda: conversation.participants.create(identity=ANA), 409, 50433)
    other = client.conversations.v1.conversations.create()
    pair = {"messaging_binding_address": CUSTOMER, "messaging_binding_proxy_address": NUMBER}
    fails(lambda: other.participants.create(**pair), 409, 50416)
    same(worker.delete(), True)
    same([found.sid for found in conversation.participants.list()], [customer.sid])
    within = client.conversations.v1.services(service).conversations(conversation.sid)
    same(within.participants(customer.sid).fetch().account_sid, conversation.account_sid)


def messages(client, service):
    conversation = client.conversations.v1.conversations.create()
    worker = conversation.participants.create(identity=ANA)
    texts = [conversation.messages.create(author=ANA, body=f"text {number}") for number in range(3)]
    same([text.index for text in texts], [0, 1, 2])
    is_sid("IM", texts[0].sid)
    same((texts[0].participant_sid, texts[0].media, texts[0].delivery), (worker.sid, None, None))
    newest_first = conversation.messages.list(order="desc", page_size=1)
    same([found.body for found in newest_first], ["text 2", "text 1", "text 0"])
    updated = texts[1].update(body="changed", attributes='{"edited": true}')
    same((updated.body, updated.author, json.loads(updated.attributes)), ("changed", ANA, {"edited": True}))
    assert updated.date_updated >= updated.date_created
    same(conversation.messages(texts[1].sid).fetch().body, "changed")
    same(texts[2].delete(), True)
    fails(texts[2].fetch, 404, 20404)
    same(conversation.messages.create(body="later").index, 3)
    same(texts[0].delivery_receipts.list(), [])
    within = client.conversations.v1.services(service).conversations(conversation.sid)
    same(within.messages(texts[0].sid).update(body="in the service").body, "in the service")
    conversation.update(state="closed")
    fails(lambda: conversation.messages.create(body="too late"), 409, 50377)


def scoped_webhooks(client, service):
    conversation = client.conversations.v1.conversations.create()
    hooks = conversation.webhooks
    filters = ["onMessageAdded", "onDeliveryUpdated"]
    created = hooks.create(
        target="webhook", configuration_url=URL, configuration_method=Webhook.Method.POST, configuration_filters=filters
    )
    is_sid("WH", created.sid)
    same((created.target, created.configuration["url"], created.configuration["filters"]), ("webhook", URL, filters))
    updated = created.update(configuration_url=f"{URL}/2", configuration_filters=["onMessageAdded"])
    same((updated.configuration["url"], updated.configuration["filters"]), (f"{URL}/2", ["onMessageAdded"]))
    same(hooks(created.sid).fetch().configuration, updated.configuration)
    within = client.conversations.v1.services(service).conversations(conversation.sid).webhooks
    same(within(created.sid).fetch().chat_service_sid, service)
    for _ in range(4):
        hooks.create(target="webhook", configuration_url=URL)
    same(len(hooks.list()), 5)
    fails(lambda: hooks.create(target="webhook", configuration_url=URL), 400, 50361)
    same(created.delete(), True)
    fails(created.fetch, 404, 20404)


def webhook_configuration(client, service):
    same(client.conversations.v1.configuration().fetch().default_chat_service_sid, service)
    account = client.conversations.v1.configuration.webhooks()
    events = ["onMessageAdd", "onUserAdded"]
    updated = account.update(
        pre_webhook_url=URL, post_webhook_url=f"{URL}/post", filters=events, method="GET", target="webhook"
    )
    found = account.fetch()
    for webhooks in (updated, found):
        same((webhooks.pre_webhook_url, webhooks.post_webhook_url), (URL, f"{URL}/post"))
        same((webhooks.filters, webhooks.method, webhooks.target), (events, "GET", "webhook"))
    same(account.update(pre_webhook_url="").pre_webhook_url, None)
    own = client.conversations.v1.services(service).configuration.webhooks()
    same(own.fetch().pre_webhook_url, None)
    updated = own.update(pre_webhook_url=URL, filters=["onMessageAdd"], method="POST")
    same((updated.pre_webhook_url, updated.filters, updated.method), (URL, ["onMessageAdd"], "POST"))
    same(updated.chat_service_sid, service)
    fails(lambda: account.update(method="PUT"), 400, 20001)


def addresses(client, service):
    everything = client.conversations.v1.address_configurations
    created = everything.create(
        type="sms",
        address=NUMBER,
        auto_creation_enabled=True,
        auto_creation_type="webhook",
        auto_creation_conversation_service_sid=service,
        auto_creation_webhook_url=URL,
        auto_creation_webhook_method=AddressConfigurationInstance.Method.POST,
        auto_creation_webhook_filters=["onMessageAdded"],
    )
    is_sid("IG", created.sid)
    same((created.address, created.type), (NUMBER, "sms"))
    same((created.auto_creation["enabled"], created.auto_creation["webhook_url"]), (True, URL))
    same(created.update(auto_creation_enabled=False).auto_creation["enabled"], False)
    same(everything(created.sid).fetch().address, NUMBER)
    same([found.sid for found in everything.list()], [created.sid])
    same(created.delete(), True)
    same(everything.list(), [])


def users(client, service):
    user = client.frontline_api.v1.users(ANA).fetch()
    is_sid("US", user.sid)
    same((user.identity, user.state, user.is_available), (ANA, "active", False))
    updated = user.update(friendly_name="Ana", is_available=True)
    same((updated.friendly_name, updated.is_available), ("Ana", True))
    same(client.frontline_api.v1.users(user.sid).fetch().is_available, True)
    same(user.update(state="deactivated").state, "deactivated")
    fails(client.frontline_api.v1.users("nemo@example.org").fetch, 404, 20404)


def credentials(client, service):
    fails(lambda: client.conversations.v1.conversations.create(), 401, 20003)


def intercepted(client, service):
    """Changes with webhooks, which the plugin of the gateway rejects or changes by an instruction in a field."""
    conversation = client.conversations.v1.conversations.create(friendly_name="Mora Lind")
    with_webhooks = {"x_twilio_webhook_enabled": WEBHOOKS}

    def rejected(call, **fields):
        fails(lambda: call(**fields, **with_webhooks), 403, 50056)

    def rejected_removal(resource):
        # `delete()` of this version of the client drops the header that asks for webhooks.
        answer = client.request("DELETE", resource.url, headers={"X-Twilio-Webhook-Enabled": WEBHOOKS})
        same((answer.status_code, json.loads(answer.text)["code"]), (403, 50056))

    same(conversation.update(friendly_name="change", **with_webhooks).friendly_name, "a name of two lines")
    rejected(conversation.update, friendly_name="reject")
    same(conversation.messages.create(body="change", **with_webhooks).body, "changed")
    rejected(conversation.messages.create, body="reject")
    message = conversation.messages.create(body="reject")
    same(message.update(body="change", **with_webhooks).body, "changed")
    rejected(message.update, body="reject")
    message.update(body="reject")
    rejected_removal(message)
    instruction = '{"do": "reject"}'
    rejected(conversation.participants.create, identity=ANA, attributes=instruction)
    worker = conversation.participants.create(identity=ANA)
    rejected(worker.update, attributes=instruction)
    worker.update(attributes=instruction)
    rejected_removal(worker)
    conversation.update(friendly_name="reject")
    rejected_removal(conversation)
    same(conversation.fetch().friendly_name, "reject")


def main():
    subject, url, account, key, secret, service = sys.argv[1:]
    client = Client(key, secret, account, http_client=SimulatorHttpClient(url))
    globals()[subject](client, service)


main()
