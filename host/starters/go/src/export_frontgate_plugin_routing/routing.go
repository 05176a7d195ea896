// Package export_frontgate_plugin_routing is the role `routing`: which worker gets a conversation that a customer
// began.
package export_frontgate_plugin_routing

import (
	. "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/customers"
	. "wit_component/frontgate_plugin_routing"
)

func Route(conversation InboundConversation) Result[Option[Assignment], Error] {
	// Where another plugin is the CRM, frontgate_plugin_directory.FindCustomer asks it.
	for _, address := range conversation.Addresses {
		if customer, known := customers.ByAddress(address); known && customer.Worker.IsSome() {
			return assigned(MakeAssignmentWorker(customer.Worker.Some()))
		}
	}
	// New customers go round. None would leave it to the gateway's default worker.
	return assigned(MakeAssignmentOneOf([]string{"ana@example.org", "ben@example.org"}))
}

func assigned(assignment Assignment) Result[Option[Assignment], Error] {
	return Ok[Option[Assignment], Error](Some(assignment))
}
