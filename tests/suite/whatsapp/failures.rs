//! What teammates and operators see when WhatsApp rejects something, or is down.

use frontgate_tests::front::{Connect, Draft, MessageState, Sent};
use frontgate_tests::whatsapp::{Action, Call, Fault, Written};
use frontgate_tests::{Front, WhatsApp};

use super::{BODY, KIM, TEXT, Team};
use crate::channel_commands::run_ok;
use crate::channels::{LEE, SERVER};

/// A day and a minute, in seconds.
const OVER_A_DAY: u64 = 24 * 60 * 60 + 60;

/// Returns the reason that the teammate saw at once.
fn refusal(front: &Front, sent: &Sent) -> String {
    assert!(sent.outcome.is_err(), "{sent:?}");
    let answer = front.hooks().into_iter().rfind(|fired| fired.kind == "message").expect("a message");
    answer.answered()["message"].as_str().unwrap_or_default().to_owned()
}

/// Waits until a message has failed, and returns the reason.
fn failure(front: &Front, message: &str) -> String {
    let reason = |state: &frontgate_tests::front::State| match &state.message(message)?.state {
        MessageState::Failed(reason) => Some(reason.clone().unwrap_or_default()),
        _ => None,
    };
    front.wait_for(|state| reason(state).is_some());
    front.look(reason).expect("it has failed")
}

#[test]
fn a_text_after_the_window_is_refused_before_it_is_sent_and_a_template_is_not() {
    let team = Team::new();
    team.whatsapp.template("order_ready", "en_US", "APPROVED", BODY);
    team.front.wait_for(|state| state.templates(&team.channel).len() == 1);
    team.whatsapp.receive([Written::text(LEE, "planted question").before(OVER_A_DAY)]);
    let (conversation, _) = team.imported("planted question");
    let sent = team.front.reply(&conversation, "planted answer");
    let why = refusal(&team.front, &sent);
    assert!(why.contains("has not written for 24 hours") && why.contains("templates"), "{why}");
    assert_eq!(team.whatsapp.count(Call::Send), 0);
    team.front.reply(&conversation, TEXT).ids();
    team.receive(LEE, "planted question 2");
    team.front.reply(&conversation, "planted answer 2").ids();
    assert_eq!(team.texts_to(LEE), ["order_ready", "planted answer 2"]);
}

#[test]
fn a_text_to_a_customer_who_never_wrote_is_reported_as_failed() {
    let team = Team::new();
    let sent = team.front.send(&team.channel, Draft::new("planted text").to(LEE));
    sent.ids();
    let why = failure(&team.front, &sent.message);
    assert!(why.contains("More than 24 hours") && why.contains("131047"), "{why}");
}

#[test]
fn a_customer_who_is_not_on_whatsapp_is_reported() {
    let team = Team::new();
    team.whatsapp.unreachable(KIM);
    let conversation = team.receive(KIM, "planted question");
    let sent = team.front.reply(&conversation, "planted answer");
    let why = failure(&team.front, &sent.message);
    assert!(why.contains("not on WhatsApp"), "{why}");
}

#[test]
fn a_rejected_message_has_a_text_for_the_teammate() {
    let team = Team::new();
    let conversation = team.receive(LEE, "planted question");
    team.whatsapp.fault(Fault::new(Action::Error(131_047)).on(Call::Send));
    let why = refusal(&team.front, &team.front.reply(&conversation, "planted answer"));
    assert!(why.contains("More than 24 hours"), "{why}");
    let draft = Draft::new("planted file").attach("a.zip", "application/zip", "bytes");
    let why = refusal(&team.front, &team.front.reply(&conversation, draft));
    assert!(why.contains("does not accept the file a.zip"), "{why}");
    assert!(team.whatsapp.messages().is_empty());
}

#[test]
fn rate_limits_are_retried_until_the_message_is_accepted() {
    let team = Team::new();
    let conversation = team.receive(LEE, "planted question");
    for action in [Action::Error(130_429), Action::Error(131_056), Action::Error(80_007)] {
        team.whatsapp.fault(Fault::new(action).on(Call::Send));
    }
    team.front.reply(&conversation, "planted answer").ids();
    team.gateway.wait_for_deliveries();
    assert_eq!((team.texts_to(LEE), team.whatsapp.count(Call::Send)), (vec!["planted answer".to_owned()], 4));
}

#[test]
fn a_report_settles_a_message_whose_response_was_lost() {
    let team = Team::new();
    let conversation = team.receive(LEE, "planted question");
    team.whatsapp.fault(Fault::new(Action::CutAfterActing).on(Call::Send));
    let sent = team.front.reply(&conversation, "planted answer");
    sent.ids();
    team.gateway.wait_for_deliveries();
    assert_eq!(team.texts_to(LEE), ["planted answer"]);
    assert_eq!(team.front.message(&sent.message).state, MessageState::Sent);
}

#[test]
fn messages_of_an_outage_arrive_when_meta_is_back() {
    let team = Team::new();
    let conversation = team.receive(LEE, "planted question");
    team.whatsapp.go_down();
    team.front.reply(&conversation, "planted answer").ids();
    team.whatsapp.come_back();
    team.gateway.wait_for_deliveries();
    assert_eq!(team.texts_to(LEE), ["planted answer"]);
}

#[test]
fn a_lost_response_without_a_report_is_shown_as_uncertain_and_not_sent_again() {
    let team = Team::new();
    team.whatsapp.reports(false);
    let conversation = team.receive(LEE, "planted question");
    team.whatsapp.fault(Fault::new(Action::CutAfterActing).on(Call::Send));
    let sent = team.front.reply(&conversation, "planted answer");
    let why = failure(&team.front, &sent.message);
    assert!(why.contains("unconfirmed"), "{why}");
    assert_eq!(team.texts_to(LEE), ["planted answer"]);
}

#[test]
fn a_refused_token_is_shown_as_offline_and_messages_wait() {
    let team = Team::with(|setup| setup.set("tenants.demo.front.sms.check_interval_ms", "100"));
    let conversation = team.receive(LEE, "planted question");
    team.whatsapp.rotate("another token");
    let is_online = |wanted: bool| {
        team.front.wait_for(|state| state.channel(&team.channel).is_some_and(|channel| channel.is_online == wanted));
    };
    is_online(false);
    let shown = run_ok(&team.gateway, &["channels", "show", &team.channel]);
    assert!(shown.contains("Meta rejected the access token"), "{shown}");
    team.front.reply(&conversation, "planted answer").ids();
    team.whatsapp.rotate(WhatsApp::TOKEN);
    is_online(true);
    team.gateway.wait_for_deliveries();
    assert_eq!(team.texts_to(LEE), ["planted answer"]);
}

#[test]
fn a_channel_cannot_be_connected_with_a_refused_token() {
    let team = Team::new();
    team.whatsapp.rotate("another token");
    let refusal = team.front.connect(Connect::to(SERVER).token(WhatsApp::NUMBER)).expect_err("it is refused");
    assert!(refusal.message.contains("Meta rejected the access token"), "{refusal:?}");
}
