// Package export_frontgate_plugin_conversations is the role `conversations`: events of Twilio's conversations.
package export_frontgate_plugin_conversations

import (
	. "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/customers"
	. "wit_component/frontgate_plugin_conversations"
	log "wit_component/frontgate_plugin_log"
)

func OnConversationAdd(event ConversationAdd) Result[ConversationVerdict, Error] {
	for _, address := range event.Addresses {
		if customer, known := customers.ByAddress(address); known {
			changes := ConversationChanges{FriendlyName: Some(customer.DisplayName), Avatar: customer.Avatar}
			// Or MakeConversationVerdictReject("why").
			return Ok[ConversationVerdict, Error](MakeConversationVerdictChange(changes))
		}
	}
	return Ok[ConversationVerdict, Error](MakeConversationVerdictAccept())
}

func OnConversationUpdate(event ConversationUpdate) Result[ConversationUpdateVerdict, Error] {
	// Or MakeConversationUpdateVerdictChange, or MakeConversationUpdateVerdictReject("why").
	return Ok[ConversationUpdateVerdict, Error](MakeConversationUpdateVerdictAccept())
}

// accept accepts an event. Or MakeVerdictReject("why").
func accept() Result[Verdict, Error] {
	return Ok[Verdict, Error](MakeVerdictAccept())
}

func OnConversationRemove(event ConversationRemove) Result[Verdict, Error] {
	return accept()
}

func OnParticipantAdd(event ParticipantAdd) Result[Verdict, Error] {
	return accept()
}

func OnParticipantUpdate(event ParticipantUpdate) Result[Verdict, Error] {
	return accept()
}

func OnParticipantRemove(event ParticipantRemove) Result[Verdict, Error] {
	return accept()
}

func OnMessageRemove(event MessageRemove) Result[Verdict, Error] {
	return accept()
}

func OnUserUpdate(event UserUpdate) Result[Verdict, Error] {
	return accept()
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
		// With true, these values replace attributes that are already set.
		Overwrite: false,
	}))
}

func OnMessageAdd(event MessageAdd) Result[MessageVerdict, Error] {
	// Or MakeMessageVerdictChange, or MakeMessageVerdictReject("why").
	return Ok[MessageVerdict, Error](MakeMessageVerdictAccept())
}

func OnMessageUpdate(event MessageUpdate) Result[MessageVerdict, Error] {
	// Check the text here too: a message can be edited after it was sent.
	return Ok[MessageVerdict, Error](MakeMessageVerdictAccept())
}

func OnEvent(event OtherEvent) Result[Unit, Error] {
	// Never log customers' names, numbers or texts.
	log.Write(log.Level_Debug, event.EventType+" occurred")
	return Ok[Unit, Error](Unit{})
}
