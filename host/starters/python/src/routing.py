"""Role `routing`: assigns new conversations of customers to workers."""

from wit_world import exports
from wit_world.exports.routing import Assignment_OneOf, Assignment_Worker

import customers


class Routing(exports.Routing):
    def route(self, conversation):
        # If another plugin has the role `crm`, call `wit_world.imports.directory` instead.
        for address in conversation.addresses:
            customer = customers.by_address(address)
            if customer is not None and customer.worker is not None:
                return Assignment_Worker(customer.worker)
        # New customers are assigned round robin. None would assign the gateway's default worker.
        return Assignment_OneOf(["ana@example.org", "ben@example.org"])
