// Package export_frontgate_plugin_channel is the role `channel`: messages between Front and a provider. This example
// has no provider: `send` only returns ids, and `receive` accepts a text with two headers.
package export_frontgate_plugin_channel

import (
	"unicode/utf8"

	. "go.bytecodealliance.org/pkg/wit/types"
	. "wit_component/frontgate_plugin_channel"
	log "wit_component/frontgate_plugin_log"
	types "wit_component/frontgate_plugin_plugin_types"
)

func Connect(connection Connection) Result[Unit, Error] {
	// Check the credential here, and register WebhookUrl with the provider.
	log.Write(log.Level_Info, "channel "+connection.ChannelId+" is connected")
	return Ok[Unit, Error](Unit{})
}

func ListAddresses(credential Option[string], pageToken Option[string]) Result[AddressPage, Error] {
	addresses := []Address{{Value: "+12025550199", Name: Some("Main number")}}
	return Ok[AddressPage, Error](AddressPage{Addresses: addresses, NextPageToken: None[string]()})
}

func ListTemplates(connection Connection, pageToken Option[string]) Result[TemplatePage, Error] {
	// Return the provider's approved messages, if it has any. Teammates can choose them in Front.
	return Ok[TemplatePage, Error](TemplatePage{NextPageToken: None[string]()})
}

func Send(connection Connection, message OutboundMessage) Result[SendReceipt, Error] {
	// Call the provider's API here, with the idempotency key if it accepts one. `unavailable` is retried; every other
	// error is final, and the teammate sees its text.
	var conversation string
	switch {
	case len(message.ConversationIds) > 0:
		conversation = message.ConversationIds[0]
	case len(message.To) > 0:
		conversation = message.To[0].Handle
	default:
		return Err[SendReceipt](types.MakeErrorInvalid("the message has no recipient"))
	}
	return Ok[SendReceipt, Error](SendReceipt{
		ExternalId:             Some("sent-" + message.IdempotencyKey),
		ExternalConversationId: Some(conversation),
	})
}

func CheckSent(connection Connection, message OutboundMessage) Result[SendStatus, Error] {
	// Ask the provider whether it has the message. Otherwise the status is unknown.
	return Ok[SendStatus, Error](MakeSendStatusUnknown())
}

func Receive(connection Connection, request HttpRequest) Result[WebhookResult, Error] {
	// First verify the provider's signature (`webhook-signatures`): anyone can send this request.
	id, from := header(request, "message-id"), header(request, "from")
	if id == "" || from == "" || !utf8.Valid(request.Body) {
		return Ok[WebhookResult, Error](WebhookResult{Response: HttpResponse{Status: 400}})
	}
	// Use plain for text that a person typed: Front shows it literally, never as HTML.
	message := InboundMessage{
		ExternalId:             id,
		ExternalConversationId: from,
		InReplyTo:              None[string](),
		Sender:                 Party{Handle: from, Name: None[string](), Email: None[string]()},
		Subject:                None[string](),
		Body:                   MakeBodyPlain(string(request.Body)),
		DeliveredAt:            None[uint64](),
	}
	events := []ChannelEvent{MakeChannelEventInbound(message)}
	return Ok[WebhookResult, Error](WebhookResult{Response: HttpResponse{Status: 204}, Events: events})
}

func header(request HttpRequest, name string) string {
	for _, header := range request.Headers {
		if header.Name == name {
			return header.Value
		}
	}
	return ""
}

func Disconnect(connection Connection) Result[Unit, Error] {
	return Ok[Unit, Error](Unit{})
}

func Check(connection Connection) Result[Unit, Error] {
	return Ok[Unit, Error](Unit{})
}
