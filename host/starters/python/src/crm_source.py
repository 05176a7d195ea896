"""Role `crm-source`: reports the customers of a CRM for the gateway's index."""

import json
import re
from urllib.parse import quote

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.crm_source import (
    Audience_Worker,
    Batch,
    ChangeAnswer_Batch,
    ChangeAnswer_Busy,
    ChangeAnswer_CursorExpired,
    News_None_,
    NotificationAnswer,
    SourceCustomer,
    SourceFacts,
    Visibility_Everyone,
    Visibility_Only,
)
from wit_world.imports import http_client, settings
from wit_world.imports.http_client import HttpError_Forbidden, OutboundRequest
from wit_world.imports.plugin_types import ContactChannel, Customer, Error_Failed, Error_Unavailable

# A cursor is the place in a run: `1:SINCE:STARTED:AFTER`. The first number is the version of this format.
# - SINCE: the run reads what changed at this time or later. 0: everything.
# - STARTED: the CRM's time at the beginning of the run, where the next run starts. 0: the run has not begun.
# - AFTER: the id of the last customer that was read.
CURSOR = re.compile("1:([0-9]+):([0-9]+):(.*)", re.DOTALL)


class CrmSource(exports.CrmSource):
    def facts(self):
        # This CRM does not report removed customers: the gateway finds them when it enumerates all customers.
        return SourceFacts(
            is_incremental=True, reports_removals=False, reports_visibility=True, batch_size=100, requests_per_call=1
        )

    def changes(self, since, limit):
        cursor = CURSOR.fullmatch("1:0:0:" if since is None else since.decode(errors="replace"))
        if cursor is None:
            return ChangeAnswer_CursorExpired()
        since, started, after = int(cursor[1]), int(cursor[2]), cursor[3]
        response = get(f"updated_since={since}&after_id={quote(after, safe='')}&limit={limit}")
        if response.status == 429:
            return ChangeAnswer_Busy(wait_ms(response))
        page = read(response)
        started = started or page["now"]
        entries = page["customers"]
        more = len(entries) >= limit
        # A run that has ended is followed by one that reads what changed since it began.
        following = f"1:{since}:{started}:{entries[-1]['id']}" if more else f"1:{started}:0:"
        customers = [customer(entry) for entry in entries]
        return ChangeAnswer_Batch(Batch(customers, [], None, following.encode(), more, None))

    def fetch(self, ids):
        page = read(get("ids=" + ",".join(quote(id, safe="") for id in ids)))
        return [customer(entry) for entry in page["customers"]]

    def notified(self, notification):
        # This CRM has no webhooks. One that has them: verify the signature before anything else.
        return NotificationAnswer(404, "", News_None_())


def customer(entry):
    phone, email, owner = entry.get("phone"), entry.get("email"), entry.get("owner")
    channels = [ContactChannel("sms", phone)] if phone else []
    return SourceCustomer(
        customer=Customer(entry["id"], entry["name"], None, channels, [], None, owner),
        # A worker sees their own customers and those without an owner.
        seen_by=Visibility_Only([Audience_Worker(owner)]) if owner else Visibility_Everyone(),
        company=entry.get("company"),
        emails=[email] if email else [],
        numbers=[],
        version=entry["updated_at"],
        is_complete=True,
    )


def get(query):
    """Requests customers."""
    # The operator's setting `crm`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
    # configuration.
    crm = settings.get("crm")
    if crm is None:
        raise Err(Error_Failed("the setting `crm` is missing"))
    try:
        return http_client.send(OutboundRequest("GET", f"{crm}/customers?{query}", [], b"", None))
    except Err as error:
        if isinstance(error.value, HttpError_Forbidden):
            raise Err(Error_Failed(error.value.value)) from None
        raise Err(Error_Unavailable(f"no answer from the CRM: {error.value}")) from None


def read(response):
    """Returns the CRM's answer: customers in the order of their ids, and the CRM's time."""
    if not 200 <= response.status < 300:
        error = Error_Unavailable if response.status == 429 or response.status >= 500 else Error_Failed
        raise Err(error(f"the CRM answered {response.status}"))
    try:
        return json.loads(response.body)
    except ValueError:
        raise Err(Error_Failed("the CRM's answer is not JSON")) from None


def wait_ms(response):
    """Returns the time in `Retry-After`, or a second."""
    named = [header.value for header in response.headers if header.name.lower() == "retry-after"]
    return int(named[0]) * 1000 if named and named[0].isdecimal() else 1000
