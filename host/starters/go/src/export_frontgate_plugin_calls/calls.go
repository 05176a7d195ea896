// Package export_frontgate_plugin_calls is the role `calls`: writes an entry for each call to a CRM.
package export_frontgate_plugin_calls

import (
	"encoding/json"
	"fmt"
	"net/url"

	. "go.bytecodealliance.org/pkg/wit/types"
	. "wit_component/frontgate_plugin_calls"
	http_client "wit_component/frontgate_plugin_http_client"
	types "wit_component/frontgate_plugin_plugin_types"
	settings "wit_component/frontgate_plugin_settings"
)

// entry is a call in the CRM. A value that is not known is null.
type entry struct {
	Direction string  `json:"direction"`
	Status    string  `json:"status"`
	Worker    *string `json:"worker"`
	Customer  *string `json:"customer"`
	StartedAt *uint64 `json:"started_at"`
	Seconds   *uint32 `json:"seconds"`
	Recording *string `json:"recording"`
}

func LogCall(call Call) Result[Unit, Error] {
	// The operator's setting `crm`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
	// configuration.
	crm := settings.Get("crm")
	if crm.IsNone() {
		return Err[Unit](types.MakeErrorFailed("the setting `crm` is missing"))
	}
	body, err := json.Marshal(entryOf(call))
	if err != nil {
		return Err[Unit](types.MakeErrorFailed(err.Error()))
	}
	// After a failure the gateway calls again, and the entry may exist: PUT under the call's SID replaces it.
	put := http_client.Send(http_client.OutboundRequest{
		Method:  "PUT",
		Url:     crm.Some() + "/calls/" + url.PathEscape(call.CallSid),
		Headers: []http_client.Header{{Name: "content-type", Value: "application/json"}},
		Body:    body,
	})
	if put.IsErr() {
		if cause := put.Err(); cause.Tag() == http_client.HttpError_Forbidden {
			return Err[Unit](types.MakeErrorFailed(cause.Forbidden()))
		}
		return Err[Unit](types.MakeErrorUnavailable("no answer from the CRM"))
	}
	status := put.Ok().Status
	words := fmt.Sprintf("the CRM answered %d", status)
	switch {
	case status >= 200 && status < 300:
		return Ok[Unit, Error](Unit{})
	case status == 429 || status >= 500:
		return Err[Unit](types.MakeErrorUnavailable(words))
	default:
		return Err[Unit](types.MakeErrorFailed(words))
	}
}

func entryOf(call Call) entry {
	direction := "outbound"
	if call.Direction == CallDirection_Inbound {
		direction = "inbound"
	}
	var recording *string
	if call.Recording.IsSome() {
		recording = orNil(call.Recording.Some().Url)
	}
	return entry{
		Direction: direction,
		Status:    call.Status,
		Worker:    orNil(call.Worker),
		Customer:  orNil(call.CustomerAddress),
		StartedAt: orNil(call.StartedAt),
		Seconds:   orNil(call.DurationSeconds),
		Recording: recording,
	}
}

func orNil[T any](option Option[T]) *T {
	if option.IsNone() {
		return nil
	}
	value := option.Some()
	return &value
}
