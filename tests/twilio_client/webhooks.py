"""Signs each pre-event of Conversations with Twilio's own library, posts it to a gateway, and checks the answer.

Usage: webhooks.py accept|reject|change|forged ADDRESS PUBLIC_URL TOKEN
"""

import json
import sys

import requests
from twilio.request_validator import SIGNATURE_HEADER, RequestValidator

PATH = "/callbacks/conversations"

COMMON = {
    "AccountSid": "AC00000000000000000000000000000000",
    "ChatServiceSid": "IS00000000000000000000000000000001",
    "RetryCount": "0",
    "Source": "SDK",
    "ClientIdentity": "ana@example.org",
}
DATES = {"DateCreated": "2026-01-26T14:26:25.726Z", "DateUpdated": "2026-01-26T14:26:26.000Z"}
CONVERSATION = {"ConversationSid": "CH00000000000000000000000000000007"}
SERVICE = {"MessagingServiceSid": "MG00000000000000000000000000000007"}


def conversation(instruction):
    return {**CONVERSATION, **SERVICE, **DATES, "Attributes": "{}", "State": "active", "FriendlyName": instruction}


def new_conversation(instruction):
    addresses = {"MessagingBinding.Address": "+12025550107", "MessagingBinding.ProxyAddress": "+12025550199"}
    return {**SERVICE, **addresses, "Attributes": '{"kept":1}', "MessageBody": instruction, "State": "active"}


def new_participant(instruction):
    binding = {"MessagingBinding.Type": "chat", "Identity": "Zoë & Co"}
    role = {"RoleSid": "RL00000000000000000000000000000007"}
    return {**CONVERSATION, **binding, **role, "Attributes": json.dumps({"do": instruction})}


def participant(instruction):
    known = {"ParticipantSid": "MB00000000000000000000000000000007", "LastReadMessageIndex": "3"}
    return {**new_participant(instruction), **known, **DATES}


def new_message(instruction):
    return {**CONVERSATION, **SERVICE, "Author": "ana@example.org", "Body": instruction, "Attributes": "{}"}


def message(instruction):
    return {**new_message(instruction), **DATES, "MessageSid": "IM00000000000000000000000000000007", "Index": "2"}


def user(instruction):
    known = {"UserSid": "US00000000000000000000000000000007", "Identity": "ana@example.org"}
    return {**known, **DATES, "FriendlyName": instruction, "isOnline": "true", "isNotifiable": "false"}


NAMED = {"friendly_name": "a name of two lines"}
CHANGED_MESSAGE = {"body": "changed", "attributes": '{"changed":true}'}

# Form, and the answer to a change. `None`: Twilio allows this event only to be accepted or rejected.
EVENTS = {
    "onConversationAdd": (new_conversation, {**NAMED, "attributes": '{"kept":1}'}),
    "onConversationUpdate": (conversation, NAMED),
    "onConversationRemove": (conversation, None),
    "onParticipantAdd": (new_participant, None),
    "onParticipantUpdate": (participant, None),
    "onParticipantRemove": (participant, None),
    "onMessageAdd": (new_message, CHANGED_MESSAGE),
    "onMessageUpdate": (message, CHANGED_MESSAGE),
    "onMessageRemove": (message, None),
    "onUserUpdate": (user, None),
}


def main():
    instruction, address, public_url, token = sys.argv[1:]
    validator = RequestValidator(token)
    for event, (form_of, changed) in EVENTS.items():
        form = {**COMMON, "EventType": event, **form_of(instruction)}
        signature = validator.compute_signature(public_url + PATH, form)
        assert validator.validate(public_url + PATH, form, signature)
        if instruction == "forged":
            form["RetryCount"] = "1"
        answer = requests.post(f"http://{address}{PATH}", form, headers={SIGNATURE_HEADER: signature}, timeout=20)
        found = (answer.status_code, answer.json())
        if instruction == "reject":
            found = (answer.status_code, answer.json()["error"]["code"])
            expected = (403, "rejected")
        elif instruction == "forged":
            found, expected = answer.status_code, 403
        else:
            expected = (200, (changed or {}) if instruction == "change" else {})
        assert found == expected, f"{event}: {found} instead of {expected}"


main()
