//! Finding 12: a customer's plain text is HTML in Front.

use frontgate_tests::front::{Draft, Message};
use frontgate_tests::{Front, Provider, Setup, component};
use serde_json::json;

use crate::channel_twilio::Team;
use crate::channels::{LEE, SERVER, Wired};

/// Links that lie, pictures that tell on their readers, and what browsers would run.
const HOSTILE: [&str; 6] = [
    "<a href=\"https://evil.example\">https://your-bank.example</a><img src=\"https://tracker.example/1.png\">",
    "<script>alert(1)</script>",
    "<style>body{display:none}</style>",
    "<b>bold & brave</b>",
    "&lt;a&gt; &#60;b&#62;",
    "</div><svg onload=alert(1)>",
];

/// Waits for a customer's message whose text is this, and gives it.
fn shown(front: &Front, text: &str) -> Message {
    front.wait_for(|state| state.messages().any(|message| message.is_inbound && message.text == text));
    front
        .look(|state| state.messages().find(|message| message.is_inbound && message.text == text).cloned())
        .expect("it was found")
}

/// Checks that a body has no markup but a frame and line breaks.
#[track_caller]
fn is_text(body: &str) {
    let bare = ["<div>", "</div>", "<br>"].iter().fold(body.to_owned(), |body, tag| body.replace(tag, ""));
    assert!(!bare.contains(['<', '>']), "{body}");
}

#[test]
fn text_of_an_echo_channels_provider_arrives_letter_for_letter() {
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
        is_text(&shown(&front, text).body);
    }
}

#[test]
fn a_teammates_text_comes_back_from_an_echo_channel_as_text() {
    let front = Front::start();
    let setup = Setup::new().set("tenants.demo.roles.crm", "[]").plugin("echo-channel", &component("echo-channel"));
    let gateway = setup.front(&front, "echo-channel").start();
    front.point_at(gateway.address());
    let channel = front.connect(SERVER).expect("a channel");
    front.send(&channel, Draft::new(HOSTILE[0]).to(LEE)).ids();
    is_text(&shown(&front, HOSTILE[0]).body);
}

#[test]
fn an_sms_over_twilio_arrives_letter_for_letter() {
    let team = Team::new();
    for text in HOSTILE {
        let conversation = team.hear(LEE, text, &[]);
        let found = team.front.conversation(&conversation);
        is_text(&found.messages.last().expect("a message").body);
    }
}

#[test]
fn line_breaks_and_spaces_of_a_text_are_kept() {
    let wired = Wired::new();
    let text = "  planted\n\n  text:  1 < 2";
    wired.tell(&json!([{"inbound": {"id": "1", "conversation": "C", "with": LEE, "text": text}}]));
    let body = shown(&wired.front, text).body;
    assert_eq!(body, "<div>&nbsp;&nbsp;planted<br><br>&nbsp;&nbsp;text: &nbsp;1 &lt; 2</div>");
}

#[test]
fn an_agents_message_from_elsewhere_is_text_as_well() {
    let wired = Wired::new();
    wired.tell(&json!([{"outbound": {"id": "1", "conversation": "C", "with": LEE, "text": HOSTILE[0]}}]));
    wired.front.wait_for(|state| state.messages().any(|message| message.text == HOSTILE[0]));
    is_text(&wired.front.conversations()[0].messages[0].body);
}

#[test]
fn text_that_a_careless_plugin_calls_html_has_no_link_no_picture_and_no_script() {
    let wired = Wired::new();
    let table = [
        (HOSTILE[0], "https://your-bank.example (https://evil.example)"),
        (HOSTILE[1], "alert(1)"),
        (HOSTILE[2], "<div>&lt;style&gt;body{display:none}&lt;/style&gt;</div>"),
        ("<p onclick=\"x\">Dear <b>Lee</b></p>", "<div><p>Dear <b>Lee</b></p></div>"),
    ];
    wired.front.burst(1_000);
    for (at, (text, body)) in table.into_iter().enumerate() {
        let said = json!({"id": at.to_string(), "conversation": "C", "with": LEE, "text": text, "html": true});
        wired.tell(&json!([{ "inbound": said }]));
        wired.front.wait_for(|state| state.messages().any(|message| message.body == body));
    }
}

#[test]
fn the_name_of_a_file_that_is_left_out_is_text() {
    let wired = Wired::with(|setup| setup.set("tenants.demo.front.sms.file_patience_ms", "1"));
    let files = json!([["<img src=x>.png", "https://not-granted.example/a.png"]]);
    let said = json!({"id": "1", "conversation": "C", "with": LEE, "text": "planted text", "files": files});
    wired.tell(&json!([{ "inbound": said }]));
    let body = shown(&wired.front, "planted text\n[<img src=x>.png could not be fetched]").body;
    assert!(body.contains("&lt;img src=x&gt;.png could not be fetched"), "{body}");
    is_text(&body);
}
