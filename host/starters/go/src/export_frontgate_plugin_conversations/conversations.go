// Package export_frontgate_plugin_conversations is the role `conversations`: events of Twilio's conversations.
package export_frontgate_plugin_conversations

import (
	. "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/customers"
	. "wit_component/frontgate_plugin_conversations"
	log "wit_component/frontgate_plugin_log"
)

func OnConversationAdd(event ConversationAdd) Result[ConversationChanges, Error] {
	changes := ConversationChanges{FriendlyName: None[string](), Avatar: None[string]()}
	for _, address := range event.Addresses {
		if customer, known := customers.ByAddress(address); known {
			changes.FriendlyName, changes.Avatar = Some(customer.DisplayName), customer.Avatar
			break
		}
	}
	return Ok[ConversationChanges, Error](changes)
}

func OnParticipantAdded(event ParticipantAdded) Result[Option[ParticipantChanges], Error] {
	customer, known := customers.ByAddress(event.Address.SomeOr(""))
	if !known {
		return Ok[Option[ParticipantChanges], Error](None[ParticipantChanges]())
	}
	return Ok[Option[ParticipantChanges], Error](Some(ParticipantChanges{
		CustomerId:  customer.CustomerId,
		DisplayName: Some(customer.DisplayName),
		Avatar:      customer.Avatar,
	}))
}

func OnMessageAdd(event MessageAdd) Result[MessageVerdict, Error] {
	// Or MakeMessageVerdictChange, or MakeMessageVerdictReject("why").
	return Ok[MessageVerdict, Error](MakeMessageVerdictAccept())
}

func OnEvent(event OtherEvent) Result[Unit, Error] {
	// Never log customers' names, numbers or texts.
	log.Write(log.Level_Debug, event.EventType+" occurred")
	return Ok[Unit, Error](Unit{})
}
