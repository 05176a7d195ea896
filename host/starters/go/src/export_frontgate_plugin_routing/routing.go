// Package export_frontgate_plugin_routing is the role `routing`: assigns new conversations of customers to workers.
package export_frontgate_plugin_routing

import (
	. "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/customers"
	. "wit_component/frontgate_plugin_routing"
)

func Route(conversation InboundConversation) Result[Option[Assignment], Error] {
	// If another plugin has the role `crm`, call frontgate_plugin_directory.FindCustomer instead.
	for _, address := range conversation.Addresses {
		if customer, known := customers.ByAddress(address); known && customer.Worker.IsSome() {
			return assigned(MakeAssignmentWorker(customer.Worker.Some()))
		}
	}
	// New customers are assigned round robin. None would assign the gateway's default worker.
	return assigned(MakeAssignmentOneOf([]string{"ana@example.org", "ben@example.org"}))
}

func assigned(assignment Assignment) Result[Option[Assignment], Error] {
	return Ok[Option[Assignment], Error](Some(assignment))
}
