"""Role `crm`: customers, as the Frontline app shows them, and who is behind an address."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.crm import CustomerPage, Position_First
from wit_world.imports.plugin_types import CustomerSummary, Error_NotFound

import customers


class Crm(exports.Crm):
    def list_customers(self, request):
        query = (request.query or "").lower()
        found = [one for one in customers.visible_to(request.worker) if query in one.display_name.lower()]
        # A token is the id of the last customer before it, so both go on in the same way. An id that is not in the
        # list gives an empty page: the first one again would be a list without end.
        if not isinstance(request.position, Position_First):
            ids = [one.customer_id for one in found]
            last = request.position.value
            found = found[ids.index(last) + 1 :] if last in ids else []
        page = [CustomerSummary(one.customer_id, one.display_name, one.avatar) for one in found[: request.page_size]]
        more = len(found) > len(page)
        return CustomerPage(page, page[-1].customer_id if more else None)

    def get_customer(self, worker, customer_id):
        found = customers.find(worker, customer_id)
        # Errors of the contract are raised inside of Err. Any other exception ends the call, and goes to the log.
        if found is None:
            raise Err(Error_NotFound())
        return found

    def find_customer(self, address):
        return customers.by_address(address)
