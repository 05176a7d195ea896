// Package export_frontgate_plugin_outgoing is the role `outgoing`: selects the number that a new conversation is sent
// from.
package export_frontgate_plugin_outgoing

import (
	. "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/customers"
	. "wit_component/frontgate_plugin_outgoing"
	types "wit_component/frontgate_plugin_plugin_types"
	settings "wit_component/frontgate_plugin_settings"
)

func ProxyAddress(request OutgoingRequest) Result[string, Error] {
	if _, known := customers.Find(request.Worker, request.CustomerId); !known {
		return Err[string](types.MakeErrorNotFound())
	}
	// The operator's setting `number`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
	// configuration.
	number := settings.Get("number").SomeOr("+12025550199")
	switch request.Channel.Kind {
	case "sms":
		return Ok[string, Error](number)
	case "whatsapp":
		return Ok[string, Error]("whatsapp:" + number)
	default:
		return Err[string](types.MakeErrorInvalid("no number for " + request.Channel.Kind))
	}
}
