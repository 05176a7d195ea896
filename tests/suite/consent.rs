//! Tests the plugin `consent`, as Twilio's opt-out sample does, with a phone and an app.

use frontgate_tests::{Gateway, PUBLIC_URL, Setup, TOKEN, Twilio, component};

use crate::delivery::{OURS, workers};

const ANA: &str = "ana@example.org";
const LEE: &str = "+12025550107";

fn start() -> (Twilio, Gateway, String) {
    let twilio = Twilio::start();
    twilio.filters(&["onMessageAdd", "onMessageAdded", "onParticipantAdded"]);
    let gateway = Setup::directory("Id,Name,Mobile,Owner\n7,Mora Lind,+12025550107,ana@example.org\n")
        .plugin("consent", &component("consent"))
        .plugin("owner-routing", &component("owner-routing"))
        .set("tenants.demo.roles.outgoing", "[\"consent\"]")
        .set("tenants.demo.roles.conversations", "[\"consent\"]")
        .set("tenants.demo.roles.routing", "[\"owner-routing\"]")
        .set("tenants.demo.twilio.default_worker", format!("{ANA:?}"))
        .set("plugins.named.consent.state", "true")
        .set("plugins.named.consent.config.sms", format!("{OURS:?}"))
        .set("plugins.named.consent.config.own_customers_only", "false")
        .set("plugins.named.consent.config.opt_out_words", "\"abmelden\"")
        .twilio(&twilio)
        .start();
    twilio.point_at(gateway.address(), PUBLIC_URL, "", TOKEN);
    let sid = twilio.inbound_sms(LEE, OURS, "Hello").expect("a conversation");
    twilio.wait_for(|state| workers(state, &sid) == [ANA]);
    (twilio, gateway, sid)
}

/// Asks for the number to write from, as the app does when a worker begins a conversation.
fn ask(gateway: &Gateway) -> u16 {
    let form = [
        ("Location", "GetProxyAddress"),
        ("Worker", ANA),
        ("CustomerId", "7"),
        ("ChannelType", "sms"),
        ("ChannelValue", LEE),
    ];
    gateway.callback("outgoing-conversation", &form).status
}

#[test]
fn an_opted_out_customer_is_refused_everywhere_until_they_opt_in() {
    let (twilio, gateway, sid) = start();
    twilio.agent_writes(&sid, ANA, "How can I help?", &[]).expect("an accepted message");
    assert_eq!(ask(&gateway), 200);
    twilio.inbound_sms(LEE, OURS, "Abmelden").expect("the conversation");
    // The worker's app, a new conversation, and an action of an operator.
    let rejected = twilio.agent_writes(&sid, ANA, "One more thing", &[]);
    assert!(rejected.is_err(), "{rejected:?}");
    assert_eq!(ask(&gateway), 403);
    gateway.log().wait_for("the customer has opted out of messages");
    let accepted = gateway.command(&["act", "post", &sid, "--text", "planted text"]);
    assert!(accepted.status.success(), "{accepted:?}");
    let line = gateway.log().event("delivery.failed").wait_for(1);
    assert!(line["message"].as_str().is_some_and(|text| text.contains("webhook rejected the change")), "{line}");
    twilio.inbound_sms(LEE, OURS, "START").expect("the conversation");
    twilio.agent_writes(&sid, ANA, "Welcome back", &[]).expect("an accepted message");
    assert_eq!(ask(&gateway), 200);
    let texts: Vec<String> = twilio.conversation(&sid).messages.into_iter().map(|message| message.body).collect();
    assert_eq!(texts, ["Hello", "How can I help?", "Abmelden", "START", "Welcome back"]);
}
