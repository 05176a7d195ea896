//! Tests who wrote a channel's messages, and which messages they answer, in both directions.

use std::time::Duration;

use frontgate_tests::front::{Call, Draft, State};
use frontgate_tests::provider::Trouble;
use serde_json::{Value, json};

use crate::channels::{ChannelFixture, LEE};

const CONVERSATION: &str = "C+15550100001";

impl ChannelFixture {
    /// Imports a customer's message, waits until Front has confirmed it, and returns Front's ids of conversation and
    /// message.
    fn receive(&self, id: &str, in_reply_to: Option<&str>) -> (String, String) {
        let message = json!({
            "id": id, "conversation": CONVERSATION, "with": LEE, "text": format!("planted {id}"),
            "in_reply_to": in_reply_to,
        });
        let confirmed = |state: &State| state.hooks().iter().filter(|fired| fired.kind == "message_imported").count();
        let before = self.front.look(confirmed);
        self.report_events(&json!([{ "inbound": message }]));
        self.front.wait_for(|state| confirmed(state) > before);
        let (conversation, message) = self.find(&format!("planted {id}")).expect("it was imported");
        (conversation, message)
    }

    fn find(&self, text: &str) -> Option<(String, String)> {
        let conversations = self.front.conversations();
        let mut all = conversations.iter().flat_map(|one| one.messages.iter().map(move |message| (one, message)));
        all.find(|(_, message)| message.text == text).map(|(one, message)| (one.id.clone(), message.id.clone()))
    }

    /// Returns what the provider got with its latest message.
    fn latest(&self) -> Value {
        self.provider.look(|known| known.messages.last().expect("a message").body.clone())
    }

    /// Returns the external id that a message with this text references in Front.
    fn referenced(&self, text: &str) -> Option<String> {
        self.front.wait_for(|state| state.messages().any(|message| message.text == text));
        let (_, id) = self.find(text).expect("it is there");
        self.front.message(&id).referenced
    }

    /// Imports an agent's message, and returns the email address of its author in Front.
    fn author_of(&self, author_id: &str, files: &Value) -> Option<String> {
        let message = json!({
            "id": "agent-1", "conversation": CONVERSATION, "with": LEE, "text": "planted words", "files": files,
            "author_id": author_id,
        });
        self.report_events(&json!([{ "outbound": message }]));
        self.front.wait_for(|state| state.messages().count() == 1);
        self.gateway.wait_for_deliveries();
        let (_, id) = self.find("planted words").expect("it is there");
        self.front.message(&id).author.map(|author| author.email)
    }

    /// Returns the author ids in the requests that import agents' messages.
    fn author_ids_sent(&self) -> Vec<Value> {
        let imports = self.front.requests().into_iter().filter(|request| request.call == Call::Outbound);
        imports.map(|request| request.body["author_id"].clone()).collect()
    }
}

#[test]
fn the_plugin_learns_the_kind_of_every_author() {
    let fixture = ChannelFixture::new();
    let kinds = [
        ("user", "Teammate"),
        ("rule", "Rule"),
        ("macro", "Macro"),
        ("api", "Api"),
        ("ai", "Ai"),
        ("bulk_reply", "Other"),
    ];
    for (front, expected) in kinds {
        let draft = Draft::new("planted text").to(LEE).author("otto@acme.example").author_kind(front);
        let sent = fixture.front.send(&fixture.channel, draft);
        sent.ids();
        let author = fixture.front.message(&sent.message).author.expect("an author");
        let expected = json!({ "kind": format!("AuthorKind::{expected}"), "id": author.id, "handle": "otto@acme.example", "name": "otto acme" });
        assert_eq!(fixture.latest()["author"], expected);
    }
}

#[test]
fn an_autoreply_is_written_by_a_rule() {
    let fixture = ChannelFixture::new();
    let (conversation, _) = fixture.receive("in-1", None);
    fixture.front.autoreply(&conversation, "planted reply").ids();
    let latest = fixture.latest();
    assert_eq!(latest["author"], json!({ "kind": "AuthorKind::Rule", "id": null, "handle": null, "name": null }));
    assert_eq!((&latest["replied_to"], &latest["in_reply_to"]), (&json!("in-1"), &Value::Null));
}

#[test]
fn a_reply_names_the_customers_message_by_the_providers_id() {
    let fixture = ChannelFixture::new();
    // An id that Front gets in another form.
    let (conversation, _) = fixture.receive("in/1 Ω", None);
    fixture.front.reply(&conversation, "planted reply").ids();
    let latest = fixture.latest();
    assert_eq!((&latest["replied_to"], &latest["in_reply_to"]), (&json!("in/1 Ω"), &Value::Null));
}

#[test]
fn a_quote_names_the_chosen_message_by_the_providers_id() {
    let fixture = ChannelFixture::new();
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted offer").to(LEE));
    sent.ids();
    let (conversation, first) = fixture.receive("in-1", None);
    fixture.receive("in-2", None);
    for (quoted, expected) in [(&first, "in-1"), (&sent.message, "P1")] {
        fixture.front.reply(&conversation, Draft::new("planted reply").quote(quoted)).ids();
        let latest = fixture.latest();
        assert_eq!((&latest["replied_to"], &latest["in_reply_to"]), (&json!(expected), &json!(expected)));
    }
}

#[test]
fn an_unknown_answered_message_is_absent() {
    let fixture = ChannelFixture::new();
    let draft = Draft::new("planted text").to(LEE).edit(|request| {
        request["payload"]["_links"]["related"]["message_replied_to"] = json!("https://a.example/messages/msg_none");
        request["payload"]["metadata"]["headers"]["in_reply_to"] = json!("none");
    });
    fixture.front.send(&fixture.channel, draft).ids();
    let latest = fixture.latest();
    assert_eq!((&latest["replied_to"], &latest["in_reply_to"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_customers_answer_references_the_sent_message() {
    let fixture = ChannelFixture::new();
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted offer").to(LEE));
    let (message, _) = sent.ids();
    fixture.receive("in-1", Some("P1"));
    assert_eq!(fixture.referenced("planted in-1").as_deref(), Some(message));
    let (_, answered) = fixture.find("planted in-1").expect("it is there");
    fixture.receive("in-2", Some("in-1"));
    assert_eq!(fixture.referenced("planted in-2"), fixture.front.message(&answered).external_id);
}

#[test]
fn an_answer_references_the_gateways_id_if_front_knows_no_other() {
    let fixture = ChannelFixture::with(|setup| setup.set("tenants.demo.front.sms.timeout_ms", "300"));
    fixture.provider.trouble(Trouble::Slow(Duration::from_millis(1_500)));
    let sent = fixture.front.send(&fixture.channel, Draft::new("planted offer").to(LEE));
    assert!(sent.ids().0.starts_with("fg-"));
    // The customer answers before the gateway has the provider's id.
    fixture.receive("in-1", Some("P1"));
    assert_eq!(fixture.referenced("planted in-1").as_deref(), Some(sent.ids().0));
}

#[test]
fn an_answer_to_an_unknown_message_is_imported_without_a_reference() {
    let fixture = ChannelFixture::new();
    fixture.receive("in-1", Some("never seen"));
    assert_eq!(fixture.referenced("planted in-1"), None);
    fixture.receive("in-2", Some("in-2"));
    assert_eq!(fixture.referenced("planted in-2"), None);
}

#[test]
fn an_agents_message_belongs_to_the_teammate() {
    for by_alias in [false, true] {
        let fixture = ChannelFixture::new();
        let otto = fixture.front.teammate("otto@acme.example");
        let id = if by_alias { "alt:email:otto@acme.example" } else { &otto.id };
        assert_eq!(fixture.author_of(id, &json!([])), Some(otto.email));
        assert_eq!(fixture.author_ids_sent(), [json!(id)]);
    }
}

#[test]
fn a_message_of_an_unknown_teammate_is_imported_with_its_files() {
    let fixture = ChannelFixture::new();
    assert_eq!(fixture.author_of("tea_none", &json!([["a.txt", "planted file"]])), None);
    assert_eq!(fixture.author_ids_sent(), [json!("tea_none"), Value::Null]);
    let (_, id) = fixture.find("planted words").expect("it is there");
    assert_eq!(fixture.front.message(&id).attachments[0].filename, "a.txt");
    fixture.gateway.log().event("delivery.author_id_dropped").saying("Front rejected").wait_for(1);
}

#[test]
fn an_invalid_author_id_never_reaches_front() {
    let fixture = ChannelFixture::new();
    assert_eq!(fixture.author_of("otto@acme.example", &json!([])), None);
    assert_eq!(fixture.author_ids_sent(), [Value::Null]);
    fixture.gateway.log().event("delivery.author_id_dropped").saying("not an id of a teammate").wait_for(1);
}
