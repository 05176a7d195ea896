// Package export_frontgate_plugin_templates is the role `templates`: texts that a worker can send, without
// placeholders.
package export_frontgate_plugin_templates

import (
	. "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/customers"
	types "wit_component/frontgate_plugin_plugin_types"
	. "wit_component/frontgate_plugin_templates"
)

func ListTemplates(request TemplateRequest) Result[[]Category, Error] {
	name := "there"
	if request.CustomerId.IsSome() {
		// If another plugin has the role `crm`, call frontgate_plugin_directory.GetCustomer instead.
		customer, known := customers.Find(request.Worker, request.CustomerId.Some())
		if !known {
			return Err[[]Category](types.MakeErrorNotFound())
		}
		name = customer.DisplayName
	}
	greetings := []Template{
		// On WhatsApp a business can start a conversation only with approved texts.
		{Content: "Hello " + name + ", how can we help you today?", WhatsappApproved: true},
		{Content: "Good to hear from you, " + name + "!", WhatsappApproved: false},
	}
	appointments := []Template{{Content: "Your appointment is confirmed.", WhatsappApproved: true}}
	return Ok[[]Category, Error]([]Category{
		{DisplayName: "Greetings", Templates: greetings},
		{DisplayName: "Appointments", Templates: appointments},
	})
}
