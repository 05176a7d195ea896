//! `twilio-channel` over Messenger and RCS, groups that a teammate begins, and opt-outs that `consent` keeps.

use frontgate_tests::front::{Connect, Draft, MessageState, Sent};
use frontgate_tests::{Conversation, DeliveryStatus, Front, PUBLIC_URL, TOKEN, Twilio, component};

use crate::channel_twilio::Team;
use crate::channels::{LEE, SERVER};

const KIM: &str = "+15550100002";
const OURS: &str = "+15550100190";
const PAGE: &str = "messenger:108000000000001";
const SENDER: &str = "rcs:acme_agent";

/// Returns a team with one more channel, at this address of the company.
fn team_with(address: &str) -> (Team, String) {
    let numbers = format!("\"{OURS}, {address}\"");
    let team = Team::with(|setup| setup.set("plugins.named.twilio-channel.config.numbers", numbers));
    let channel = team.front.connect(Connect::to(SERVER).token(address)).expect("a channel");
    (team, channel)
}

/// Checks that a message was refused, with a reason that contains these words.
#[track_caller]
fn assert_refused(team: &Team, sent: &Sent, words: &str) {
    let answer = team.front.hooks().into_iter().rfind(|fired| fired.kind == "message").expect("a message");
    let reason = answer.answered()["message"].as_str().unwrap_or_default().to_owned();
    assert!(sent.outcome.is_err() && reason.contains(words), "{sent:?}: {reason}");
}

/// Returns Front's conversation with a customer's message.
#[track_caller]
fn conversation_with(front: &Front, text: &str) -> String {
    let find = |state: &frontgate_tests::front::State| {
        let has = |one: &&frontgate_tests::front::Conversation| one.messages.iter().any(|message| message.text == text);
        state.conversations().iter().find(has).map(|one| one.id.clone())
    };
    front.wait_for(|state| find(state).is_some());
    front.look(find).expect("it was found")
}

/// Returns Twilio's conversations that these customers are in.
fn groups(twilio: &Twilio, customers: &[&str]) -> Vec<Conversation> {
    let all = twilio.conversations().into_iter();
    all.filter(|one| customers.iter().all(|customer| one.participant(customer).is_some())).collect()
}

#[test]
fn a_messenger_user_writes_and_is_answered() {
    let (team, _) = team_with(PAGE);
    team.twilio.inbound_messenger("7890123", PAGE, "planted text 1").expect("a message");
    let conversation = conversation_with(&team.front, "planted text 1");
    let reply = team.front.reply(&conversation, "planted text 2");
    assert!(reply.outcome.is_ok(), "{reply:?}");
    let found = groups(&team.twilio, &["messenger:7890123"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].messages.last().map(|message| message.body.as_str()), Some("planted text 2"));
}

#[test]
fn a_number_is_no_messenger_user() {
    let (team, channel) = team_with(PAGE);
    let sent = team.front.send(&channel, Draft::new("planted text").to(LEE));
    assert_refused(&team, &sent, "Customers write first");
}

#[test]
fn a_new_message_over_rcs_reaches_a_number() {
    let (team, channel) = team_with(SENDER);
    let sent = team.front.send(&channel, Draft::new("planted text 1").to(LEE));
    assert!(sent.outcome.is_ok(), "{sent:?}");
    let customer = format!("rcs:{LEE}");
    assert_eq!(groups(&team.twilio, &[&customer]).len(), 1);
    team.twilio.inbound_rcs(LEE, SENDER, "planted text 2").expect("a message");
    assert_eq!(conversation_with(&team.front, "planted text 2"), sent.conversation);
}

#[test]
fn an_undelivered_message_is_failed_in_front_for_every_kind() {
    for address in [OURS, "whatsapp:+15550100190", PAGE, SENDER] {
        let team = if address == OURS { Team::new() } else { team_with(address).0 };
        let text = "planted text";
        let written = match address {
            PAGE => team.twilio.inbound_messenger("7890123", PAGE, text),
            SENDER => team.twilio.inbound_rcs(LEE, SENDER, text),
            OURS => team.twilio.inbound_sms(LEE, OURS, text),
            _ => team.twilio.inbound_whatsapp(LEE, OURS, text),
        };
        let sid = written.expect("a message");
        let conversation = conversation_with(&team.front, text);
        let reply = team.front.reply(&conversation, "planted answer");
        assert!(reply.outcome.is_ok(), "{address}: {reply:?}");
        let known = team.twilio.conversations().into_iter().find(|one| one.sid == sid);
        let message = known.and_then(|one| one.messages.last().cloned()).expect("a message").sid;
        team.twilio.delivery(&message, DeliveryStatus::Undelivered, Some(30003));
        team.front.wait_for(|state| {
            state.message(&reply.message).is_some_and(|message| matches!(message.state, MessageState::Failed(_)))
        });
    }
}

#[test]
fn a_teammate_begins_a_group_and_everybody_answers_in_it() {
    let (team, text) = (Team::new(), "planted text 1");
    let sent = team.front.send(&team.channel, Draft::new(text).to(LEE).to(KIM));
    assert!(sent.outcome.is_ok(), "{sent:?}");
    let found = groups(&team.twilio, &[LEE, KIM]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].messages[0].author, OURS);
    team.twilio.group_mms(LEE, &[KIM], OURS, "planted text 2").expect("a message");
    assert_eq!(conversation_with(&team.front, "planted text 2"), sent.conversation);
    let reply = team.front.reply(&sent.conversation, "planted text 3");
    assert!(reply.outcome.is_ok(), "{reply:?}");
    assert_eq!(groups(&team.twilio, &[LEE, KIM])[0].messages.len(), 3);
}

#[test]
fn a_second_group_of_the_same_customers_is_the_first_one() {
    let team = Team::new();
    for text in ["planted text 1", "planted text 2"] {
        let sent = team.front.send(&team.channel, Draft::new(text).to(LEE).to(KIM));
        assert!(sent.outcome.is_ok(), "{sent:?}");
    }
    let found = groups(&team.twilio, &[LEE, KIM]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].messages.len(), 2);
}

#[test]
fn whatsapp_has_no_groups() {
    let (team, channel) = team_with("whatsapp:+15550100191");
    let sent = team.front.send(&channel, Draft::new("planted text").to(LEE).to(KIM));
    assert_refused(&team, &sent, "Only SMS has groups");
}

#[test]
fn a_customer_who_opted_out_gets_no_message_from_front() {
    let team = Team::with_twilio(|setup, twilio| {
        setup
            .twilio(twilio)
            .plugin("consent", &component("consent"))
            .set("plugins.named.consent.state", "true")
            .set("tenants.demo.roles.conversations", "[\"consent\"]")
            .set("plugins.named.twilio-channel.config.consent", "true")
    });
    team.twilio.filters(&["onMessageAdd", "onMessageAdded", "onParticipantAdded"]);
    team.twilio.point_at(team.gateway.address(), PUBLIC_URL, "", TOKEN);
    let conversation = team.receive(LEE, "planted text 1", &[]);
    assert!(team.front.reply(&conversation, "planted text 2").outcome.is_ok());
    team.receive(LEE, "STOP", &[]);
    assert_refused(&team, &team.front.reply(&conversation, "planted text 3"), "opted out");
    team.receive(LEE, "START", &[]);
    assert!(team.front.reply(&conversation, "planted text 4").outcome.is_ok());
}
