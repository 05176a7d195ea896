//! End to end: teammates answer SMS customers from Front, through the gateway, `twilio-channel` and Twilio.

use frontgate_tests::front::{Connect, Draft, MessageState};
use frontgate_tests::{DeliveryStatus, Front, Gateway, PUBLIC_URL, Setup, TOKEN, Twilio, component, digest};

use crate::channels::{LEE, SERVER};

const KIM: &str = "+15550100002";
pub(crate) const OURS: &str = "+15550100190";

pub(crate) struct Team {
    pub(crate) front: Front,
    pub(crate) twilio: Twilio,
    pub(crate) gateway: Gateway,
    pub(crate) channel: String,
}

impl Team {
    pub(crate) fn new() -> Self {
        Self::with(|setup| setup)
    }

    pub(crate) fn with(change: impl FnOnce(Setup) -> Setup) -> Self {
        Self::with_twilio(|setup, _| change(setup))
    }

    pub(crate) fn with_twilio(change: impl FnOnce(Setup, &Twilio) -> Setup) -> Self {
        let (front, twilio) = (Front::start(), Twilio::start());
        front.burst(1_000);
        let gateway = change(setup(&front, &twilio), &twilio).start();
        front.point_at(gateway.address());
        twilio.point_at(gateway.address(), PUBLIC_URL, "/elsewhere", TOKEN);
        twilio.custom_routing(false);
        twilio.filters(&[]);
        let channel = front.connect(Connect::to(SERVER).token(OURS)).expect("a channel");
        Self { front, twilio, gateway, channel }
    }

    /// Sends a customer's message, waits until Front has it, and returns Front's conversation.
    pub(crate) fn receive(&self, from: &str, text: &str, files: &[(&str, &str, &[u8])]) -> String {
        self.twilio.inbound_sms_with(from, OURS, text, files).expect("a message");
        let found = |state: &frontgate_tests::front::State| {
            let has =
                |messages: &[frontgate_tests::front::Message]| messages.iter().any(|message| message.text == text);
            state.conversations().iter().find(|one| has(&one.messages)).map(|one| one.id.clone())
        };
        self.front.wait_for(|state| found(state).is_some());
        self.front.look(found).expect("it was found")
    }

    /// Returns the path at which the channel receives Twilio's webhooks.
    pub(crate) fn webhook_path(&self) -> String {
        let url = self.front.channel(&self.channel).webhook_url;
        format!("{}/provider", url.strip_prefix(PUBLIC_URL).expect("an address of ours"))
    }

    /// Sends a teammate's reply, which Twilio must accept, and returns the message's id.
    fn reply(&self, conversation: &str, draft: impl Into<Draft>) -> String {
        let sent = self.front.reply(conversation, draft);
        sent.ids();
        sent.message
    }

    /// Returns the texts in Twilio's only conversation with a number.
    fn texts_with(&self, with: &str) -> Vec<String> {
        let all = self.twilio.conversations();
        let mut theirs = all.iter().filter(|one| one.participant(with).is_some());
        let found = theirs.next().expect("a conversation");
        assert!(theirs.next().is_none(), "there are two");
        let texts = found.messages.iter().map(|message| message.body.clone());
        texts.filter(|text| !text.is_empty()).collect()
    }
}

pub(crate) fn setup(front: &Front, twilio: &Twilio) -> Setup {
    let service = format!("{}/v1/Services/{}", twilio.url(), Twilio::SERVICE_SID);
    let bound = format!(
        "[{{ to = {:?}, header = \"authorization\", value = \"Basic {{sid}}:{{secret}}\", \
         secrets = {{ sid = {{ file = \"files/api-key\" }}, secret = {{ file = \"files/api-secret\" }} }}, \
         visible = [\"sid\"] }}]",
        twilio.url()
    );
    Setup::new()
        .set("tenants.demo.roles.crm", "[]")
        .plugin("twilio-channel", &component("twilio-channel"))
        .file("api-key", Twilio::API_KEY_SID)
        .file("api-secret", Twilio::API_KEY_SECRET)
        .set("plugins.named.twilio-channel.outbound", format!("[{:?}, {:?}]", twilio.url(), twilio.storage_url()))
        .set("plugins.named.twilio-channel.outbound_networks", "[\"127.0.0.1/32\"]")
        .set("plugins.named.twilio-channel.bound_secrets", bound)
        .set("plugins.named.twilio-channel.webhook_keys.twilio", "{ file = \"token\" }")
        .set("plugins.named.twilio-channel.webhook_keys.webhooks_sharedkey_1", "{ file = \"token\" }")
        .set("plugins.named.twilio-channel.config.conversations_url", format!("{service:?}"))
        .set("plugins.named.twilio-channel.config.media_url", format!("{service:?}"))
        .set("plugins.named.twilio-channel.config.numbers", format!("{OURS:?}"))
        .front(front, "twilio-channel")
}

#[test]
fn a_webhook_signed_by_a_shared_key_is_accepted() {
    let team = Team::new();
    let path = team.webhook_path();
    let (url, form) = (format!("{PUBLIC_URL}{path}"), [("EventType", "onConversationUpdated")]);
    let post = |signature: &str, settings: &str| {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-twilio-signature", signature),
            ("x-twilio-webhooks-signature-settings", settings),
        ];
        let body = b"EventType=onConversationUpdated";
        frontgate_tests::post(team.gateway.address(), &path, &headers, body).status
    };
    let (sha1, sha256) = (frontgate_tests::sign(TOKEN, &url, &form), frontgate_tests::sign_sha256(TOKEN, &url, &form));
    assert_eq!(post(&sha256, "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"), 200);
    assert_eq!(post(&sha1, "key=webhooks_sharedkey_1,algorithm=HMAC_SHA1"), 403, "another algorithm");
    assert_eq!(post(&sha256, "key=twilio,algorithm=HMAC_SHA256"), 403, "no SharedKey");
}

#[test]
fn a_twenty_message_conversation_is_identical_on_both_sides() {
    let team = Team::new();
    let (picture, paper) = (vec![7_u8; 300_000], vec![8_u8; 200_000]);
    let conversation = team.receive(LEE, "planted text 1", &[]);
    team.front.autoreply(&conversation, "We are closed.").ids();
    let mut expected = vec!["planted text 1".to_owned(), "We are closed.".to_owned()];
    for turn in 2..=9 {
        let (asked, answered) = (format!("planted text {turn}"), format!("planted answer {turn}"));
        let files: &[(&str, &str, &[u8])] = if turn == 4 { &[("a.png", "image/png", &picture)] } else { &[] };
        assert_eq!(team.receive(LEE, &asked, files), conversation);
        let draft = Draft::new(&answered);
        team.reply(
            &conversation,
            if turn == 6 { draft.attach("b.pdf", "application/pdf", paper.clone()) } else { draft },
        );
        expected.extend([asked, answered]);
    }
    let last = team.reply(&conversation, "planted text that fails");
    expected.push("planted text that fails".to_owned());
    assert_eq!(team.receive(LEE, "planted text 20", &[]), conversation);
    expected.push("planted text 20".to_owned());
    team.gateway.wait_for_deliveries();

    assert_eq!(expected.len(), 20);
    assert_eq!(team.front.conversation(&conversation).texts(), expected);
    assert_eq!(team.texts_with(LEE), expected);
    assert_eq!(team.front.duplicates().len(), 0);

    let sid = team
        .twilio
        .conversations()
        .iter()
        .flat_map(|one| &one.messages)
        .find_map(|message| (message.body == "planted text that fails").then(|| message.sid.clone()));
    team.twilio.delivery(&sid.expect("the message"), DeliveryStatus::Failed, Some(30005));
    team.front.wait_for(|state| {
        state.message(&last).is_some_and(|message| matches!(&message.state, MessageState::Failed(Some(_))))
    });

    let found = team.front.conversation(&conversation);
    let file = |text: &str| {
        found.messages.iter().find(|message| message.text == text).expect("it is there").attachments[0].clone()
    };
    assert_eq!(file("planted text 4").digest, digest(&picture));
    let conversations = team.twilio.conversations();
    let media: Vec<_> = conversations.iter().flat_map(|one| &one.messages).flat_map(|message| &message.media).collect();
    assert!(media.iter().any(|media| media.sha256 == digest(&paper)), "{media:?}");
}

#[test]
fn replies_in_a_merged_conversation_go_to_the_chosen_customer() {
    let team = Team::new();
    let one = team.receive(LEE, "planted text of Lee", &[]);
    let other = team.receive(KIM, "planted text of Kim", &[]);
    assert_ne!(one, other);
    team.front.merge(&one, &other);
    team.reply(&one, Draft::new("planted answer to Kim").to(KIM));
    team.reply(&one, Draft::new("planted answer to Lee").to(LEE));
    assert_eq!(team.receive(KIM, "planted thanks of Kim", &[]), one);
    team.gateway.wait_for_deliveries();
    assert_eq!(team.texts_with(LEE), ["planted text of Lee", "planted answer to Lee"]);
    assert_eq!(team.texts_with(KIM), ["planted text of Kim", "planted answer to Kim", "planted thanks of Kim"]);
    assert_eq!(team.front.conversation(&one).messages.len(), 5);
}

#[test]
fn a_conversation_started_by_a_teammate_continues() {
    let team = Team::new();
    let sent = team.front.send(&team.channel, Draft::new("planted greeting").to(LEE));
    sent.ids();
    assert_eq!(team.receive(LEE, "planted answer", &[]), sent.conversation);
    assert_eq!(team.texts_with(LEE), ["planted greeting", "planted answer"]);
}
