"""Customers from a CRM over HTTP. A worker sees the contacts that the CRM says are theirs."""

import re

from componentize_py_types import Err
from wit_world.exports import Crm as Role
from wit_world.exports.crm import CustomerPage, ListRequest, Position_After, Position_Token
from wit_world.imports.plugin_types import Customer, Error_Invalid, Error_NotFound

import api
import contact

# The CRM's pages are smaller than the app's. However large a page is asked for, this many of the CRM's are
# enough; the next call goes on from there.
PAGES_MAX = 10


class Crm(Role):
    def list_customers(self, request: ListRequest) -> CustomerPage:
        if request.query is not None and len(request.query) > api.QUERY_MAX:
            raise Err(Error_Invalid("the CRM searches for 200 characters at most"))
        after = request.position.value if isinstance(request.position, Position_After) else None
        cursor = request.position.value if isinstance(request.position, Position_Token) else None
        customers = []
        for _ in range(PAGES_MAX):
            page = api.contacts(
                owner=request.worker,
                q=request.query,
                limit=min(request.page_size - len(customers), api.LIMIT_MAX),
                cursor=cursor,
                after=after,
            )
            customers += map(contact.summary, page.contacts)
            cursor, after = page.next_cursor, None
            if cursor is None or len(customers) >= request.page_size:
                break
        return CustomerPage(customers, cursor)

    def get_customer(self, worker: str, customer_id: str) -> Customer:
        # Anything else might lead to another place of the API.
        if not re.fullmatch("[A-Za-z0-9-]{1,40}", customer_id):
            raise Err(Error_NotFound())
        found = api.contact(customer_id)
        # The CRM shows every contact to whoever has the token, so that the plugin has to look.
        if found.owner != worker:
            raise Err(Error_NotFound())
        return contact.customer(found)

    def find_customer(self, address: str) -> Customer | None:
        number = address.removeprefix("whatsapp:")
        if not contact.is_e164(number):
            return None
        page = api.contacts(phone=number, limit=1)
        return contact.customer(page.contacts[0]) if page.contacts else None
