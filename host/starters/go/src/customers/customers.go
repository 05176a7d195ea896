// Package customers has sample customers. Replace them with requests to your own system:
// frontgate_plugin_http_client.Send sends them, after the operator has granted the host (`outbound` in plugin.toml).
package customers

import (
	"strings"

	. "go.bytecodealliance.org/pkg/wit/types"
	. "wit_component/frontgate_plugin_plugin_types"
)

// All customers, in display order. Ids must be stable: the gateway may request any customer that was listed.
var All = []Customer{
	customer("c-001", "Kateřina Sharma", "Tier: silver\nSince: 2022", Some("ana@example.org"),
		sms("+12125550143"), whatsapp("+12125550143")),
	customer("c-002", "Mora Lind", "Tier: gold\nSince: 2019", Some("ana@example.org"), sms("+12025550107")),
	customer("c-003", "Bjørn Aas", "Tier: gold\nSince: 2021", Some("ben@example.org"), sms("+12025550108")),
	customer("c-004", "Zoë Marín", "Tier: new\nSince: 2025", None[string](), whatsapp("+12025550109")),
	customer("c-005", "李娜", "Tier: silver\nSince: 2023", Some("ana@example.org"), sms("+12025550110")),
}

func customer(id, name, account string, worker Option[string], channels ...ContactChannel) Customer {
	return Customer{
		CustomerId:  id,
		DisplayName: name,
		Channels:    channels,
		Links: []Link{
			{Kind: "CRM", Value: "https://crm.example.com/customers/" + id, DisplayName: "Open in CRM"},
		},
		Details: Some(Details{Title: "Account", Content: account}),
		Worker:  worker,
	}
}

func sms(number string) ContactChannel {
	return ContactChannel{Kind: "sms", Value: number}
}

func whatsapp(number string) ContactChannel {
	return ContactChannel{Kind: "whatsapp", Value: "whatsapp:" + number}
}

// VisibleTo returns the customers that a worker sees: their own and those without an owner.
func VisibleTo(worker string) []Customer {
	visible := []Customer{}
	for _, customer := range All {
		if customer.Worker.SomeOr(worker) == worker {
			visible = append(visible, customer)
		}
	}
	return visible
}

// Find returns a customer that this worker may see.
func Find(worker, id string) (Customer, bool) {
	for _, customer := range VisibleTo(worker) {
		if customer.CustomerId == id {
			return customer, true
		}
	}
	return Customer{}, false
}

// ByAddress returns the customer with the address +12025550107 or whatsapp:+12025550107.
func ByAddress(address string) (Customer, bool) {
	number := strings.TrimPrefix(address, "whatsapp:")
	for _, customer := range All {
		for _, channel := range customer.Channels {
			if strings.TrimPrefix(channel.Value, "whatsapp:") == number {
				return customer, true
			}
		}
	}
	return Customer{}, false
}
