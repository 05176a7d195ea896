//! End to end: teammates answer WhatsApp customers from Front, through the gateway, `whatsapp-cloud` and Meta's API.

mod crash;
mod failures;
mod program;

use frontgate_tests::front::{Connect, Draft, Farewell, Message, State};
use frontgate_tests::whatsapp::Written;
use frontgate_tests::{Front, Gateway, PUBLIC_URL, Setup, WhatsApp, component, digest};
use serde_json::json;

use crate::channels::{LEE, SERVER};

const KIM: &str = "+15550100002";
const VERIFY_TOKEN: &str = "a planted token";
const BODY: &str = "Hello {{1}}, your order {{2}} is ready.";
const TEXT: &str = "Hello Mora, your order 4711 is ready.";

/// Front, WhatsApp, a gateway between them, and a channel.
struct Team {
    front: Front,
    whatsapp: WhatsApp,
    gateway: Gateway,
    channel: String,
}

impl Team {
    fn new() -> Self {
        Self::with(|setup| setup)
    }

    fn with(change: impl FnOnce(Setup) -> Setup) -> Self {
        let (front, whatsapp) = (Front::start(), WhatsApp::start());
        front.burst(1_000);
        let gateway = change(setup(&front, &whatsapp)).start();
        front.point_at(gateway.address());
        let channel = front.connect(Connect::to(SERVER).token(WhatsApp::NUMBER)).expect("a channel");
        whatsapp.point_at(gateway.address(), &webhook(&front, &channel));
        Self { front, whatsapp, gateway, channel }
    }

    /// Sends a customer's text, waits until Front has it, and returns Front's conversation.
    fn receive(&self, from: &str, text: &str) -> String {
        self.whatsapp.receive([Written::text(from, text)]);
        self.imported(text).0
    }

    /// Waits until Front has a customer's message with this text, and returns it with the id of its conversation.
    fn imported(&self, text: &str) -> (String, Message) {
        self.front.wait_for(|state| found(state, text).is_some());
        self.front.look(|state| found(state, text)).expect("it was found")
    }

    /// Returns the texts that WhatsApp accepted for a customer.
    fn texts_to(&self, number: &str) -> Vec<String> {
        let messages = self.whatsapp.messages();
        let theirs = messages.iter().filter(|message| number.ends_with(&message.to));
        theirs.map(|message| message.text().to_owned()).collect()
    }
}

fn found(state: &State, text: &str) -> Option<(String, Message)> {
    let mut all = state.conversations().iter().flat_map(|one| one.messages.iter().map(move |message| (one, message)));
    all.find(|(_, message)| message.is_inbound && message.text == text)
        .map(|(one, message)| (one.id.clone(), message.clone()))
}

fn webhook(front: &Front, channel: &str) -> String {
    format!("{}/provider", front.channel(channel).webhook_url)
}

fn setup(front: &Front, whatsapp: &WhatsApp) -> Setup {
    let url = whatsapp.url();
    let bound = format!(
        "[{{ to = {url:?}, header = \"authorization\", value = \"Bearer {{token}}\", \
         secrets = {{ token = {{ file = \"files/whatsapp-token\" }} }} }}]"
    );
    Setup::new()
        .set("tenants.demo.roles.crm", "[]")
        .plugin("whatsapp-cloud", &component("whatsapp-cloud"))
        .file("whatsapp-token", WhatsApp::TOKEN)
        .file("whatsapp-secret", WhatsApp::APP_SECRET)
        .set("plugins.named.whatsapp-cloud.outbound", format!("[{url:?}]"))
        .set("plugins.named.whatsapp-cloud.outbound_networks", "[\"127.0.0.1/32\"]")
        .set("plugins.named.whatsapp-cloud.state", "true")
        .set("plugins.named.whatsapp-cloud.bound_secrets", bound)
        .set("plugins.named.whatsapp-cloud.webhook_keys.whatsapp", "{ file = \"files/whatsapp-secret\" }")
        .set("plugins.named.whatsapp-cloud.config.business_account_id", format!("{:?}", WhatsApp::ACCOUNT))
        .set("plugins.named.whatsapp-cloud.config.verify_token", format!("{VERIFY_TOKEN:?}"))
        .set("plugins.named.whatsapp-cloud.config.api_url", format!("{url:?}"))
        .set("tenants.demo.front.sms.templates_interval_ms", "300")
        .front(front, "whatsapp-cloud")
}

#[test]
fn metas_challenge_is_answered_to_the_right_token_only() {
    let team = Team::new();
    let url = webhook(&team.front, &team.channel);
    let challenge = |token| team.whatsapp.challenge(team.gateway.address(), &url, token).expect("a response");
    assert_eq!(challenge(VERIFY_TOKEN), (200, "1158201444".to_owned()));
    assert_eq!(challenge("another").0, 403);
}

#[test]
fn the_admin_chooses_one_of_the_accounts_numbers() {
    let team = Team::new();
    team.whatsapp.number("2", "+44 20 7946 0000", "Lind & Co UK");
    let addresses = team.front.list_addresses(SERVER).expect("addresses");
    let shown: Vec<_> = addresses.iter().map(|one| (&*one.address, one.name.as_deref().unwrap_or_default())).collect();
    assert_eq!(shown, [("+15550783881", "Lind & Co"), ("+442079460000", "Lind & Co UK")]);
    let refusal = team.front.connect(Connect::to(SERVER).token("+12025550199")).expect_err("it is refused");
    assert!(refusal.message.contains("Enter one of the account's numbers"), "{refusal:?}");
    team.front.connect(Connect::to(SERVER).token("+44 20 7946 0000")).expect("a channel");
}

#[test]
fn a_conversation_is_identical_on_both_sides() {
    let team = Team::new();
    let conversation = team.receive(LEE, "planted question 1");
    let mut expected = vec!["planted question 1".to_owned()];
    for turn in 1..=5 {
        let (answer, question) = (format!("planted answer {turn}"), format!("planted question {}", turn + 1));
        team.front.reply(&conversation, answer.as_str()).ids();
        assert_eq!(team.receive(LEE, &question), conversation);
        expected.extend([answer, question]);
    }
    assert_eq!(team.front.conversation(&conversation).texts(), expected);
    let answers: Vec<_> = expected.iter().filter(|text| text.contains("answer")).cloned().collect();
    assert_eq!(team.texts_to(LEE), answers);
    assert_ne!(team.receive(KIM, "planted question of Kim"), conversation);
}

#[test]
fn several_messages_in_one_webhook_arrive_in_order_and_once() {
    let team = Team::new();
    let texts = ["planted 1", "planted 2", "planted 3"];
    let body = team.whatsapp.body_of(texts.map(|text| Written::text(LEE, text)));
    assert_eq!([team.whatsapp.fire(&body), team.whatsapp.fire(&body)], [Ok(200), Ok(200)]);
    let (conversation, _) = team.imported("planted 3");
    team.gateway.wait_for_deliveries();
    assert_eq!(team.front.conversation(&conversation).texts(), texts);
}

#[test]
fn answers_name_the_answered_message_in_both_directions() {
    let team = Team::new();
    let asked = team.whatsapp.receive([Written::text(LEE, "planted question")]).remove(0);
    let (conversation, question) = team.imported("planted question");
    let sent = team.front.reply(&conversation, Draft::new("planted answer").quote(&question.id));
    let answered = sent.ids().0.to_owned();
    assert_eq!(team.whatsapp.messages()[0].body["context"], json!({ "message_id": asked }));
    team.whatsapp.receive([Written::text(LEE, "planted thanks").answers(&answered)]);
    assert_eq!(team.imported("planted thanks").1.referenced, Some(answered));
}

#[test]
fn files_arrive_in_both_directions() {
    let team = Team::new();
    let (picture, paper) = (vec![7_u8; 300_000], vec![8_u8; 200_000]);
    let id = team.whatsapp.file("image/jpeg", &picture);
    let image = json!({ "id": id, "mime_type": "image/jpeg", "caption": "planted picture" });
    team.whatsapp.receive([Written::of(LEE, "image", image)]);
    let (conversation, message) = team.imported("planted picture");
    assert_eq!((&*message.attachments[0].filename, &message.attachments[0].digest), ("image.jpeg", &digest(&picture)));
    team.front
        .reply(&conversation, Draft::new("planted paper").attach("b.pdf", "application/pdf", paper.clone()))
        .ids();
    let sent = team.whatsapp.messages().remove(0);
    assert_eq!((sent.kind(), sent.text()), ("document", "planted paper"));
    assert_eq!(sent.media.expect("a file").digest, digest(&paper));
}

#[test]
fn a_conversation_begins_with_a_template() {
    let team = Team::new();
    team.whatsapp.template("order_ready", "en_US", "APPROVED", BODY);
    team.front.wait_for(|state| state.templates(&team.channel).len() == 1);
    let text = team.front.templates(&team.channel)[0].filled(&[("1", "Mora"), ("2", "4711")]);
    assert_eq!(text, TEXT);
    team.front.send(&team.channel, Draft::new(&text).to(LEE)).ids();
    let sent = team.whatsapp.messages().remove(0);
    assert_eq!((sent.kind(), sent.text()), ("template", "order_ready"));
    let values = &sent.body["template"]["components"][0]["parameters"];
    assert_eq!([&values[0]["text"], &values[1]["text"]], ["Mora", "4711"]);
}

#[test]
fn a_template_that_whatsapp_pauses_is_disabled_in_front() {
    let team = Team::new();
    for status in ["APPROVED", "PAUSED"] {
        team.whatsapp.template("order_ready", "en_US", status, BODY);
        let is_paused = status == "PAUSED";
        team.front.wait_for(|state| {
            let templates = state.templates(&team.channel);
            templates.first().is_some_and(|template| template.is_disabled == is_paused)
        });
    }
}

#[test]
fn an_unknown_type_of_message_is_named_in_front() {
    let team = Team::new();
    team.whatsapp.receive([Written::of(LEE, "order", json!({ "catalog_id": "1" }))]);
    team.front.wait_for(|state| state.messages().any(|message| message.text.contains("of the type \"order\"")));
}

#[test]
fn a_removed_channel_accepts_no_webhooks() {
    let team = Team::new();
    let fired = team.front.disconnect(&team.channel, Farewell::Signed);
    assert_eq!(fired.status, Some(200), "{fired:?}");
    team.gateway.wait_for_deliveries();
    let body = team.whatsapp.body_of([Written::text(LEE, "planted text")]);
    assert_eq!(team.whatsapp.fire(&body), Ok(404));
}

#[test]
fn a_forged_webhook_is_refused() {
    let team = Team::new();
    let body = team.whatsapp.body_of([Written::text(LEE, "planted forgery")]).to_string();
    let url = webhook(&team.front, &team.channel);
    let path = url.strip_prefix(PUBLIC_URL).expect("an address of ours");
    let post = |signature: &str, body: &str| {
        let headers = [("content-type", "application/json"), ("x-hub-signature-256", signature)];
        frontgate_tests::post(team.gateway.address(), path, &headers, body.as_bytes()).status
    };
    let right = team.whatsapp.signature(&body);
    assert_eq!(post(&right, &body.replace("forgery", "forgeries")), 403);
    assert_eq!(post("sha256=00", &body), 403);
    assert_eq!(post("", &body), 403);
    assert_eq!(post(&right, &body), 200);
    team.imported("planted forgery");
    assert_eq!(team.front.look(|state| state.messages().count()), 1);
}
