//! Tests who opts out, and who cannot be written to.

use consent::Consent;
use frontgate_sdk::{
    ContactChannel, Conversations as _, Customer, Error, MessageAdd, MessageUpdate, MessageVerdict, OtherEvent,
    Outgoing as _, OutgoingRequest, ParticipantAdded, Result, testing,
};

const ANA: &str = "ana@example.org";
const LEE: &str = "+12025550107";

fn settings(own: &[(&str, &str)]) {
    testing::settings([&[("sms", "+12025550100"), ("own_customers_only", "false")], own].concat());
}

/// A customer writes: the event before the message, and the one after it.
fn customer_writes(author: &str, body: &str) {
    let added = OtherEvent::of(
        "onMessageAdded",
        [("ConversationSid", "CH00000000000000000000000000000000"), ("Author", author), ("Body", body)],
    );
    assert_eq!(Consent::on_message_add(MessageAdd::of(author, body)), Ok(MessageVerdict::Accept));
    Consent::on_event(added).expect("no error");
}

fn ask(value: &str) -> Result<String> {
    let channel = ContactChannel { kind: "sms".to_owned(), value: value.to_owned() };
    Consent::proxy_address(OutgoingRequest { worker: ANA.to_owned(), customer_id: "7".to_owned(), channel })
}

fn is_rejected(verdict: Result<MessageVerdict>) -> bool {
    matches!(verdict, Ok(MessageVerdict::Reject(_)))
}

#[test]
fn a_customer_who_opts_out_gets_no_messages_until_they_opt_in() {
    settings(&[]);
    customer_writes(LEE, "Hello");
    assert_eq!(Consent::on_message_add(MessageAdd::of(ANA, "Hi")), Ok(MessageVerdict::Accept));
    customer_writes(LEE, " Stop. ");
    assert!(is_rejected(Consent::on_message_add(MessageAdd::of(ANA, "Hi"))));
    assert!(matches!(ask(LEE), Err(Error::Forbidden(text)) if text.contains("opted out")));
    customer_writes(LEE, "START");
    assert_eq!(Consent::on_message_add(MessageAdd::of(ANA, "Hi")), Ok(MessageVerdict::Accept));
    assert_eq!(ask(LEE).as_deref(), Ok("+12025550100"));
}

#[test]
fn a_late_event_does_not_undo_a_newer_wish() {
    settings(&[]);
    customer_writes(LEE, "stop");
    customer_writes(LEE, "start");
    customer_writes(LEE, "stop");
    // The event of the opt-in was stuck in the queue of another conversation.
    let late = [("Author", LEE), ("Body", "start"), ("DateCreated", "2020-01-01T00:00:00Z")];
    Consent::on_event(OtherEvent::of("onMessageAdded", late)).expect("no error");
    assert!(ask(LEE).is_err());
}

#[test]
fn an_edit_is_rejected_too() {
    settings(&[]);
    customer_writes(LEE, "stop");
    assert!(is_rejected(Consent::on_message_update(MessageUpdate::of(ANA, "Hi"))));
}

#[test]
fn an_opt_out_by_one_channel_is_valid_for_all() {
    settings(&[]);
    customer_writes(&format!("whatsapp:{LEE}"), "stop");
    assert!(ask(LEE).is_err());
}

#[test]
fn a_word_in_a_sentence_is_no_wish() {
    settings(&[]);
    customer_writes(LEE, "When does the bus stop?");
    assert!(ask(LEE).is_ok());
}

#[test]
fn a_workers_word_is_no_wish() {
    settings(&[]);
    Consent::on_message_add(MessageAdd::of(ANA, "stop")).expect("a verdict");
    assert!(ask(LEE).is_ok());
}

#[test]
fn operators_add_words_of_any_language() {
    settings(&[("opt_out_words", "Abmelden, ОТПИСАТЬСЯ"), ("opt_in_words", "anmelden")]);
    for word in ["abmelden!", "отписаться"] {
        customer_writes(LEE, word);
        assert!(ask(LEE).is_err(), "{word}");
        customer_writes(LEE, "Anmelden");
        assert!(ask(LEE).is_ok(), "{word}");
    }
}

#[test]
fn a_word_with_two_meanings_is_reported() {
    settings(&[("opt_in_words", "stop")]);
    assert!(matches!(ask(LEE), Err(Error::Failed(text)) if text.contains("`stop` is both")));
}

#[test]
fn participants_are_still_linked_to_the_crm() {
    settings(&[]);
    testing::customers([Customer::new("7", "Mora Lind").sms(LEE)]);
    let changes = Consent::on_participant_added(ParticipantAdded::of(LEE)).expect("no error");
    assert_eq!(changes.map(|changes| changes.customer_id).as_deref(), Some("7"));
    // The customer of a conversation is known without a message.
    testing::settings([("sms", "+12025550100")]);
    customer_writes(LEE, "stop");
    assert!(is_rejected(Consent::on_message_add(MessageAdd::of(ANA, "Hi"))));
}
