"""Customers from a CRM over HTTP. Workers see the contacts that they own in the CRM."""

import re

from componentize_py_types import Err
from wit_world.exports import Crm as Role
from wit_world.exports.crm import CustomerPage, ListRequest, Position_After, Position_Token
from wit_world.imports.plugin_types import Customer, Error_Invalid, Error_NotFound

import api
import contact

# The CRM's pages are smaller than the app's. A call reads at most this many of them; the next call continues there.
PAGES_MAX = 10


class Crm(Role):
    def list_customers(self, request: ListRequest) -> CustomerPage:
        if request.query is not None and len(request.query) > api.QUERY_MAX:
            raise Err(Error_Invalid("the CRM accepts at most 200 characters"))
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
        # Other ids could lead to another path of the API.
        if not re.fullmatch("[A-Za-z0-9-]{1,40}", customer_id):
            raise Err(Error_NotFound())
        found = api.contact(customer_id)
        # The CRM returns every contact, so the plugin must check the owner.
        if found.owner != worker:
            raise Err(Error_NotFound())
        return contact.customer(found)

    def find_customer(self, address: str) -> Customer | None:
        number = address.removeprefix("whatsapp:")
        if not contact.is_e164(number):
            return None
        page = api.contacts(phone=number, limit=1)
        return contact.customer(page.contacts[0]) if page.contacts else None
