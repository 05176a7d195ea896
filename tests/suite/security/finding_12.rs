//! Finding 12: a customer's plain text is shown as HTML in Front.

use frontgate_tests::front::{Draft, Message};
use frontgate_tests::{Front, Provider, Setup, component};
use serde_json::json;

use crate::channel_twilio::Team;
use crate::channels::{ChannelFixture, LEE, SERVER};

/// Texts with deceptive links, tracking images and scripts.
const HOSTILE: [&str; 6] = [
    "<a href=\"https://evil.example\">https://your-bank.example</a><img src=\"https://tracker.example/1.png\">",
    "<script>alert(1)</script>",
    "<style>body{display:none}</style>",
    "<b>bold & brave</b>",
    "&lt;a&gt; &#60;b&#62;",
    "</div><svg onload=alert(1)>",
];

/// Waits for a customer's message with this text, and returns it.
fn shown(front: &Front, text: &str) -> Message {
    front.wait_for(|state| state.messages().any(|message| message.is_inbound && message.text == text));
    front
        .look(|state| state.messages().find(|message| message.is_inbound && message.text == text).cloned())
        .expect("it was found")
}

/// Asserts that a body contains no markup except `<div>` and `<br>`.
#[track_caller]
fn assert_text(body: &str) {
    let bare = ["<div>", "</div>", "<br>"].iter().fold(body.to_owned(), |body, tag| body.replace(tag, ""));
    assert!(!bare.contains(['<', '>']), "{body}");
}

#[test]
fn text_from_an_echo_channels_provider_arrives_unchanged() {
    let front = Front::start();
    front.burst(1_000);
    let setup = Setup::new().set("tenants.demo.roles.crm", "[]").plugin("echo-channel", &component("echo-channel"));
    let gateway = setup.front(&front, "echo-channel").start();
    front.point_at(gateway.address());
    let channel = front.connect(SERVER).expect("a channel");
    let webhook = format!("{}/provider", front.channel(&channel).webhook_url);
    for (at, text) in HOSTILE.iter().enumerate() {
        let written = json!({"id": format!("m-{at}"), "conversation": "C1", "from": LEE, "text": text});
        let answer = Provider::tell(gateway.address(), &webhook, &written);
        assert_eq!(answer.status, 204, "{}", answer.text);
        assert_text(&shown(&front, text).body);
    }
}

#[test]
fn a_teammates_text_returns_from_an_echo_channel_as_text() {
    let front = Front::start();
    let setup = Setup::new().set("tenants.demo.roles.crm", "[]").plugin("echo-channel", &component("echo-channel"));
    let gateway = setup.front(&front, "echo-channel").start();
    front.point_at(gateway.address());
    let channel = front.connect(SERVER).expect("a channel");
    front.send(&channel, Draft::new(HOSTILE[0]).to(LEE)).ids();
    assert_text(&shown(&front, HOSTILE[0]).body);
}

#[test]
fn an_sms_over_twilio_arrives_unchanged() {
    let team = Team::new();
    for text in HOSTILE {
        let conversation = team.receive(LEE, text, &[]);
        let found = team.front.conversation(&conversation);
        assert_text(&found.messages.last().expect("a message").body);
    }
}

#[test]
fn line_breaks_and_spaces_are_kept() {
    let fixture = ChannelFixture::new();
    let text = "  planted\n\n  text:  1 < 2";
    fixture.report_events(&json!([{"inbound": {"id": "1", "conversation": "C", "with": LEE, "text": text}}]));
    let body = shown(&fixture.front, text).body;
    assert_eq!(body, "<div>&nbsp;&nbsp;planted<br><br>&nbsp;&nbsp;text: &nbsp;1 &lt; 2</div>");
}

#[test]
fn an_agents_message_sent_elsewhere_is_text() {
    let fixture = ChannelFixture::new();
    fixture.report_events(&json!([{"outbound": {"id": "1", "conversation": "C", "with": LEE, "text": HOSTILE[0]}}]));
    fixture.front.wait_for(|state| state.messages().any(|message| message.text == HOSTILE[0]));
    assert_text(&fixture.front.conversations()[0].messages[0].body);
}

#[test]
fn html_from_a_careless_plugin_loses_links_images_and_scripts() {
    let fixture = ChannelFixture::new();
    let table = [
        (HOSTILE[0], "https://your-bank.example (https://evil.example)"),
        (HOSTILE[1], "alert(1)"),
        (HOSTILE[2], "<div>&lt;style&gt;body{display:none}&lt;/style&gt;</div>"),
        ("<p onclick=\"x\">Dear <b>Lee</b></p>", "<div><p>Dear <b>Lee</b></p></div>"),
    ];
    fixture.front.burst(1_000);
    for (at, (text, body)) in table.into_iter().enumerate() {
        let output = json!({"id": at.to_string(), "conversation": "C", "with": LEE, "text": text, "html": true});
        fixture.report_events(&json!([{ "inbound": output }]));
        fixture.front.wait_for(|state| state.messages().any(|message| message.body == body));
    }
}

#[test]
fn the_name_of_an_omitted_file_is_text() {
    let fixture = ChannelFixture::with(|setup| setup.set("tenants.demo.front.sms.file_patience_ms", "1"));
    let files = json!([["<img src=x>.png", "https://not-granted.example/a.png"]]);
    let output = json!({"id": "1", "conversation": "C", "with": LEE, "text": "planted text", "files": files});
    fixture.report_events(&json!([{ "inbound": output }]));
    let body = shown(&fixture.front, "planted text\n[<img src=x>.png could not be fetched]").body;
    assert!(body.contains("&lt;img src=x&gt;.png could not be fetched"), "{body}");
    assert_text(&body);
}
