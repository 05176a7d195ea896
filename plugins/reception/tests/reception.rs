//! Tests whole conversations with the bot.

use std::time::Duration;

use frontgate_sdk::actions::Action;
use frontgate_sdk::{
    Assignment, Conversations as _, Customer, Error, InboundConversation, OtherEvent, ParticipantAdded, Result,
    Routing as _, testing,
};
use reception::Reception;

const SID: &str = "CH00000000000000000000000000000000";
const MORA: &str = "+12025550107";
const SETTINGS: [(&str, &str); 7] = [
    ("question", "Sales or service?"),
    ("again", "Please reply with one word."),
    ("handed_over", "Thank you."),
    ("otherwise", "ana@example.org"),
    ("choices.sales", "ben@example.org"),
    ("choices.1", "ben@example.org"),
    ("choices.Customer Service", "chloe@example.org"),
];

fn route() -> Assignment {
    Reception::route(InboundConversation::of(MORA)).expect("an answer").expect("a worker")
}

/// A message arrives.
fn say(index: u32, author: &str, body: &str) -> Result<()> {
    let (index, sid) = (index.to_string(), format!("IM{index:032}"));
    let fields =
        [("ConversationSid", SID), ("MessageSid", &sid), ("Index", &index), ("Author", author), ("Body", body)];
    Reception::on_event(OtherEvent::of("onMessageAdded", fields))
}

/// Returns the bot's actions since the last call, in words.
fn done() -> Vec<String> {
    let words = |(sid, action): (String, Action)| {
        assert_eq!(sid, SID);
        match action {
            Action::PostMessage(message) => {
                assert_eq!(message.author.as_deref(), Some("reception"));
                message.body.unwrap_or_default()
            }
            Action::Transfer(from, to) => format!("{from} -> {to}"),
            Action::RemoveParticipant(participant) => format!("- {participant}"),
            other => panic!("{other:?}"),
        }
    };
    testing::actions().into_iter().map(words).collect()
}

#[test]
fn a_customer_is_asked_handed_over_and_left_alone() {
    testing::settings(SETTINGS);
    assert_eq!(say(0, MORA, "Hello"), Ok(()));
    assert_eq!(route(), Assignment::worker("reception"));
    assert_eq!(done(), ["Sales or service?"]);
    for (index, body) in [(1, "customer SERVICE, please!"), (2, "sales"), (3, "Hello?")] {
        assert_eq!(say(index, MORA, body), Ok(()));
    }
    assert_eq!(done(), ["Thank you.", "reception -> chloe@example.org"]);
    assert_eq!(say(4, "chloe@example.org", "Good morning"), Ok(()));
    assert_eq!(done(), [""; 0]);
    testing::pass(Duration::from_secs(29 * 86_400));
    assert_eq!(say(5, MORA, "sales"), Ok(()));
    assert_eq!((done().len(), route()), (0, Assignment::worker("chloe@example.org")));
}

#[test]
fn a_first_message_that_names_a_choice_needs_no_question() {
    testing::settings(SETTINGS);
    assert_eq!(say(0, MORA, "I would like to talk to sales"), Ok(()));
    assert_eq!((route(), done().len()), (Assignment::worker("ben@example.org"), 0));
}

#[test]
fn the_message_that_caused_a_faster_routing_is_no_unclear_reply() {
    testing::settings(SETTINGS);
    assert_eq!((route(), done().len()), (Assignment::worker("reception"), 1));
    assert_eq!(say(0, MORA, "Hello"), Ok(()));
    assert_eq!(done(), [""; 0]);
    assert_eq!(say(1, MORA, "1"), Ok(()));
    assert_eq!(done(), ["Thank you.", "reception -> ben@example.org"]);
}

#[test]
fn unclear_replies_are_asked_again_and_then_handed_over() {
    testing::settings(SETTINGS);
    assert_eq!((route(), done().len()), (Assignment::worker("reception"), 1));
    // Several choices are unclear too, as is a word that only contains one.
    assert_eq!(say(1, MORA, "sales, or customer service"), Ok(()));
    assert_eq!(done(), ["Please reply with one word."]);
    assert_eq!(say(2, MORA, "salesman"), Ok(()));
    assert_eq!(done(), ["Thank you.", "reception -> ana@example.org"]);
}

#[test]
fn repeated_events_and_routings_have_no_further_effect() {
    testing::settings(SETTINGS);
    for _ in 0..2 {
        assert_eq!(route(), Assignment::worker("reception"));
    }
    for _ in 0..3 {
        assert_eq!(say(1, MORA, "what?"), Ok(()));
    }
    assert_eq!(done(), ["Sales or service?", "Please reply with one word."]);
}

#[test]
fn the_bot_leaves_when_a_worker_writes() {
    testing::settings(SETTINGS);
    assert_eq!((route(), done().len()), (Assignment::worker("reception"), 1));
    assert_eq!(say(1, "reception", "Sales or service?"), Ok(()));
    assert_eq!(done(), [""; 0]);
    assert_eq!(say(2, "dan@example.org", "I am here"), Ok(()));
    assert_eq!(say(3, MORA, "sales"), Ok(()));
    assert_eq!(done(), ["- reception"]);
}

#[test]
fn conversations_without_the_bot_are_left_alone() {
    testing::settings(SETTINGS);
    for author in [MORA, "whatsapp:+12025550107", "ben@example.org"] {
        assert_eq!(say(7, author, "sales"), Ok(()));
    }
    assert_eq!(Reception::on_event(OtherEvent::of("onMessageAdded", [("Body", "sales")])), Ok(()));
    assert_eq!(Reception::on_event(OtherEvent::of("onConversationRemoved", [("ConversationSid", SID)])), Ok(()));
    assert_eq!((done().len(), route()), (0, Assignment::worker("reception")));
}

#[test]
fn customers_are_linked_to_the_crm_as_without_the_plugin() {
    testing::settings(SETTINGS);
    testing::customers([Customer::new("7", "Mora Lind").sms(MORA)]);
    let linked = |address: &str| Reception::on_participant_added(ParticipantAdded::of(address)).expect("an answer");
    assert_eq!(linked(MORA).map(|changes| changes.customer_id).as_deref(), Some("7"));
    assert_eq!(linked("+12025550109"), None);
}

#[test]
fn invalid_settings_are_rejected() {
    let long = "x".repeat(1_601);
    let table = [
        ("question", "", "the setting `question` is missing"),
        ("again", &*long, "the setting `again` has more than 1600 characters"),
        ("tries", "0", "the setting `tries` is `0`; write a number from 1 to 10"),
        ("without_crm", "no", "the setting `without_crm` is `no`; write wait or continue"),
        ("bot", "ana@example.org", "the bot `ana@example.org` is also a worker; give it another identity in `bot`"),
        ("choices.?", "ben@example.org", "the setting `choices.?` needs a word and a worker's identity"),
        ("choice.sales", "ben@example.org", "unknown setting `choice.sales`: did you mean `choices.sales`?"),
    ];
    for (key, value, want) in table {
        testing::settings(SETTINGS.into_iter().chain([(key, value)]));
        let answer = Reception::route(InboundConversation::of(MORA));
        assert_eq!(answer, Err(Error::failed(want)), "{key} = {value}");
    }
    testing::settings([("question", "Sales or service?"), ("otherwise", "ana@example.org")]);
    let answer = Reception::route(InboundConversation::of(MORA));
    assert_eq!(answer, Err(Error::failed("the setting `choices` is missing")));
}
