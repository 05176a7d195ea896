"""Role `crm`: customers, as the Frontline app shows them, and their addresses."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.crm import CustomerPage, Position_First
from wit_world.imports.plugin_types import CustomerSummary, Error_NotFound

import customers


class Crm(exports.Crm):
    def list_customers(self, request):
        query = (request.query or "").lower()
        found = [one for one in customers.visible_to(request.worker) if query in one.display_name.lower()]
        # A token is the id of the last customer on the previous page, so `after` and `token` work alike. An unknown id
        # gives an empty page: returning the first page again would make the list endless.
        if not isinstance(request.position, Position_First):
            ids = [one.customer_id for one in found]
            last = request.position.value
            found = found[ids.index(last) + 1 :] if last in ids else []
        page = [CustomerSummary(one.customer_id, one.display_name, one.avatar) for one in found[: request.page_size]]
        more = len(found) > len(page)
        return CustomerPage(page, page[-1].customer_id if more else None)

    def get_customer(self, worker, customer_id):
        found = customers.find(worker, customer_id)
        # Raise errors of the contract inside Err. Any other exception ends the call, and is logged.
        if found is None:
            raise Err(Error_NotFound())
        return found

    def find_customer(self, address):
        return customers.by_address(address)
