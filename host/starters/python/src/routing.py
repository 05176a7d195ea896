"""Role `routing`: which worker gets a conversation that a customer began."""

from wit_world import exports
from wit_world.exports.routing import Assignment_OneOf, Assignment_Worker

import customers


class Routing(exports.Routing):
    def route(self, conversation):
        # Where another plugin is the CRM, `wit_world.imports.directory` asks it.
        for address in conversation.addresses:
            customer = customers.by_address(address)
            if customer is not None and customer.worker is not None:
                return Assignment_Worker(customer.worker)
        # New customers go round. None would leave it to the gateway's default worker.
        return Assignment_OneOf(["ana@example.org", "ben@example.org"])
