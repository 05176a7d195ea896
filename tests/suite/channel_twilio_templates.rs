//! End to end with `twilio-channel`: WhatsApp's templates and the window of 24 hours.

use std::time::Duration;

use frontgate_tests::front::{Connect, Draft, MessageState, Sent};
use frontgate_tests::{DeliveryStatus, Twilio};

use crate::channel_twilio::Team;
use crate::channels::{LEE, SERVER};

const OURS: &str = "whatsapp:+15550100190";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BODY: &str = "Hello {{1}}, your order {{2}} is ready.";
const TEXT: &str = "Hello Mora, your order 4711 is ready.";

/// A team with a WhatsApp channel, and its templates.
struct WhatsApp {
    team: Team,
    channel: String,
    content: String,
}

impl WhatsApp {
    fn new() -> Self {
        let team = Team::with_twilio(|setup, twilio: &Twilio| {
            setup
                .set("plugins.named.twilio-channel.config.numbers", format!("\"+15550100190, {OURS}\""))
                .set("plugins.named.twilio-channel.config.content_url", format!("{:?}", twilio.url()))
                .set("tenants.demo.front.sms.templates_interval_ms", "300")
        });
        let content = team.twilio.content("order_ready", BODY, "approved");
        let channel = team.front.connect(Connect::to(SERVER).token(OURS)).expect("a channel");
        team.front.wait_for(|state| state.templates(&channel).len() == 1);
        Self { team, channel, content }
    }

    /// Sends a customer's message, and returns Front's conversation.
    fn receive(&self, text: &str) -> String {
        self.team.twilio.inbound_whatsapp(LEE, OURS, text).expect("a message");
        let found = |state: &frontgate_tests::front::State| {
            let all = state.conversations();
            let has =
                |one: &&frontgate_tests::front::Conversation| one.messages.iter().any(|message| message.text == text);
            all.iter().find(has).map(|one| one.id.clone())
        };
        self.team.front.wait_for(|state| found(state).is_some());
        self.team.front.look(found).expect("it was found")
    }

    /// Returns the texts and templates of the messages in Twilio.
    fn in_twilio(&self) -> Vec<(String, Option<String>)> {
        let conversations = self.team.twilio.conversations();
        let messages = conversations.iter().flat_map(|one| &one.messages);
        messages.map(|one| (one.body.clone(), one.content_sid.clone())).collect()
    }

    fn assert_refused(&self, sent: &Sent) {
        let answer = self.team.front.hooks().into_iter().rfind(|fired| fired.kind == "message").expect("a message");
        let why = answer.answered()["message"].as_str().unwrap_or_default().to_owned();
        assert!(sent.outcome.is_err(), "{sent:?}");
        assert!(why.contains("has not written for 24 hours") && why.contains("templates"), "{why}");
    }
}

#[test]
fn a_conversation_begins_with_a_template() {
    let whatsapp = WhatsApp::new();
    let WhatsApp { team, channel, content } = &whatsapp;
    let text = team.front.templates(channel)[0].filled(&[("1", "Mora"), ("2", "4711")]);
    team.front.send(channel, Draft::new(&text).to(LEE)).ids();
    assert_eq!(whatsapp.in_twilio(), [(TEXT.to_owned(), Some(content.clone()))]);
}

#[test]
fn a_free_text_to_a_new_customer_is_refused_at_once() {
    let whatsapp = WhatsApp::new();
    let sent = whatsapp.team.front.send(&whatsapp.channel, Draft::new("planted text").to(LEE));
    whatsapp.assert_refused(&sent);
    assert!(whatsapp.team.twilio.conversations().is_empty(), "no empty conversation is left behind");
}

#[test]
fn the_window_closes_24_hours_after_the_customers_last_message() {
    let whatsapp = WhatsApp::new();
    let front = &whatsapp.team.front;
    let conversation = whatsapp.receive("planted question");
    front.reply(&conversation, "planted answer").ids();
    whatsapp.team.twilio.age_messages(DAY - Duration::from_secs(600));
    front.reply(&conversation, "planted answer 2").ids();
    whatsapp.team.twilio.age_messages(Duration::from_secs(601));
    whatsapp.assert_refused(&front.reply(&conversation, "planted answer 3"));
    front.reply(&conversation, TEXT).ids();
    whatsapp.receive("planted question 2");
    front.reply(&conversation, "planted answer 4").ids();
    let sent: Vec<_> = whatsapp.in_twilio().into_iter().map(|(text, _)| text).collect();
    let expected =
        ["planted question", "planted answer", "planted answer 2", TEXT, "planted question 2", "planted answer 4"];
    assert_eq!(sent, expected);
}

#[test]
fn a_file_outside_the_window_is_refused_with_its_template() {
    let whatsapp = WhatsApp::new();
    let draft = Draft::new(TEXT).to(LEE).attach("a.png", "image/png", "bytes");
    whatsapp.assert_refused(&whatsapp.team.front.send(&whatsapp.channel, draft));
    assert!(whatsapp.in_twilio().is_empty());
}

#[test]
fn a_window_that_closes_on_the_way_is_reported_later() {
    let whatsapp = WhatsApp::new();
    let team = &whatsapp.team;
    let conversation = whatsapp.receive("planted question");
    let sent = team.front.reply(&conversation, "planted answer");
    sent.ids();
    let sid = team.twilio.conversations()[0].messages[1].sid.clone();
    team.twilio.delivery(&sid, DeliveryStatus::Failed, Some(63016));
    team.front.wait_for(|state| {
        let found = state.message(&sent.message).map(|message| message.state.clone());
        matches!(found, Some(MessageState::Failed(Some(why))) if why.contains("only approved templates"))
    });
}

#[test]
fn a_template_that_whatsapp_pauses_is_disabled_in_front() {
    let whatsapp = WhatsApp::new();
    let WhatsApp { team, channel, content } = &whatsapp;
    team.twilio.approval(content, "paused");
    team.front.wait_for(|state| state.templates(channel)[0].is_disabled);
    assert_eq!(team.front.templates(channel)[0].status_name, "REJECTED");
    whatsapp.assert_refused(&team.front.send(channel, Draft::new(TEXT).to(LEE)));
}
