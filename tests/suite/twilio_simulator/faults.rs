//! Tests faults, duplicate and late webhooks, and settings of the simulator.

use std::net::TcpListener;
use std::time::Duration;

use frontgate_tests::{Action, Call, Effect, Fault, PUBLIC_URL, TOKEN, Twilio};
use serde_json::{Value, json};

use super::{
    ADDRESS, ANA, CUSTOMER, Client, KEY, NUMBER, OTHER, Outcome, PROXY, events, fine, listen, participants, pointed,
    twilio,
};

/// Starts a conversation, and adds a worker while a fault with this action is set.
fn hit(action: Action) -> (Twilio, Client, String, Outcome) {
    let (twilio, client) = twilio();
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    twilio.fault(Fault::new(action).on(Call::AddParticipant).conversation(&sid));
    assert_eq!(client.get(&participants(&sid)).0, 200, "another call is not hit");
    let outcome = client.send("POST", &participants(&sid), &[("Identity", ANA)]);
    (twilio, client, sid, outcome)
}

#[test]
fn faults_hit_before_or_after_the_effect() {
    let after = [Action::FailAfter(500), Action::FailAfter(504), Action::CloseAfterActing, Action::HalfAnAnswer];
    let acting = [&after[..], &[Action::Garbage, Action::Slow(1)]].concat();
    let late = Action::ActLate(50);
    for action in Action::all() {
        let (twilio, client, sid, outcome) = hit(action.clone());
        let cut = matches!(
            action,
            Action::CloseBeforeReading
                | Action::CloseAfterReading
                | Action::CloseAfterActing
                | Action::HalfAnAnswer
                | Action::ActLate(_)
        );
        assert_eq!(outcome.is_err(), cut, "{action:?}: {outcome:?}");
        let acts = acting.contains(&action) || matches!(action, Action::FailAfter(_) | Action::Slow(_));
        if action != late {
            let workers = twilio.conversation(&sid).workers().len();
            assert_eq!((workers, twilio.effects().len()), (usize::from(acts), usize::from(acts)), "{action:?}");
        }
        twilio.wait_for(|state| state.requests()[1].acted == (acts || action == late));
        let request = twilio.requests()[1].clone();
        assert_eq!(request.fault, Some(action.clone()));
        assert_eq!(request.form.len(), usize::from(action != Action::CloseBeforeReading), "{action:?}");
        if let Ok((status, _)) = outcome {
            assert_eq!(request.status, Some(status));
        }
        // The fault applies only once.
        let expected = if request.acted { 409 } else { 201 };
        assert_eq!(client.post(&participants(&sid), &[("Identity", ANA)]).0, expected, "{action:?}");
    }
}

#[test]
fn error_answers_have_the_format_of_twilio() {
    let table = [
        (Action::TooManyRequests, 429, 20429, None),
        (Action::TooManyRequestsFor(7), 429, 20429, Some("7")),
        (Action::TooManyRequestsUntil(7), 429, 20429, Some(" GMT")),
        (Action::UnavailableFor(2), 503, 20500, Some("2")),
        (Action::FailBefore(502), 502, 20500, None),
        (Action::Initializing, 409, 50386, None),
        (Action::ConcurrentModification, 409, 50391, None),
        (Action::IdentityExists, 409, 50433, None),
        (Action::BindingExists, 409, 50416, None),
        (Action::Unauthorized, 401, 20003, None),
        (Action::NotFound, 404, 20404, None),
    ];
    for (action, status, code, retry_after) in table {
        let (_, _, _, outcome) = hit(action.clone());
        let (answered, body) = outcome.expect("an answer");
        assert_eq!((answered, &body["code"], &body["status"]), (status, &code.into(), &status.into()), "{action:?}");
        let retry = body["retry-after"].as_str();
        assert!(retry_after.map_or(retry.is_none(), |end| retry.is_some_and(|text| text.ends_with(end))), "{action:?}");
    }
    let (_, _, _, outcome) = hit(Action::Redirect);
    assert_eq!(outcome.expect("an answer").0, 307);
    let (_, _, _, outcome) = hit(Action::Garbage);
    let (status, body) = outcome.expect("an answer");
    assert_eq!((status, body.is_string()), (201, true));
}

#[test]
fn requests_complete_after_the_caller_disconnects() {
    let (twilio, client) = twilio();
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    twilio.fault(Fault::new(Action::Slow(400)).after(1).times(2));
    let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_millis(100))).build().into();
    let hasty = Client { agent, ..client.clone() };
    assert_eq!(client.get(&participants(&sid)).0, 200, "the first is spared");
    assert!(hasty.send("POST", &participants(&sid), &[("Identity", ANA)]).is_err());
    twilio.wait_for(|state| state.effects().len() == 1);
    assert_eq!((twilio.requests()[1].status, twilio.conversation(&sid).workers()), (None, vec![ANA]));
}

#[test]
fn random_faults_repeat_with_the_seed_and_transient_ones_end() {
    let run = |seed, actions: &[Action]| {
        let (twilio, client) = twilio();
        let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
        twilio.faults_at_random_of(seed, 0.7, actions);
        let workers = ["a", "b", "c", "d", "e", "f"];
        for worker in workers {
            while !matches!(
                client.send("POST", &participants(&sid), &[("Identity", worker)]),
                Ok((201, Value::Object(_)))| Ok((409, _)) if twilio.conversation(&sid).workers().contains(&worker)
            ) {}
        }
        let added = |worker: &str| Effect::WorkerAdded { conversation: sid.clone(), identity: worker.to_owned() };
        assert_eq!(twilio.effects(), workers.map(added));
        let requests = twilio.requests();
        twilio.faults_off();
        assert_eq!(client.get(&participants(&sid)).0, 200);
        requests.into_iter().map(|request| request.fault).collect::<Vec<_>>()
    };
    let passing: Vec<_> =
        Action::passing().into_iter().filter(|action| !matches!(action, Action::ActLate(_))).collect();
    let faults = run(7, &passing);
    assert!(faults.iter().flatten().count() > 6, "{faults:?}");
    assert_eq!(faults, run(7, &passing));
    assert_ne!(faults, run(8, &passing));
}

#[test]
fn the_simulator_restarts_on_the_same_port_with_its_state() {
    let (twilio, client) = twilio();
    assert_eq!(client.post("/v1/Conversations", &[]).0, 201);
    for _ in 0..3 {
        twilio.go_down();
        assert!(client.send("POST", "/v1/Conversations", &[]).is_err());
        assert!(std::net::TcpStream::connect(twilio.address()).is_err());
        twilio.come_back();
        assert_eq!(client.post("/v1/Conversations", &[]).0, 201);
    }
    assert_eq!(twilio.conversations().len(), 4);
}

#[test]
fn a_gateway_that_was_down_gets_the_retries() {
    let closed_port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let twilio = Twilio::start();
    twilio.point_at(closed_port, PUBLIC_URL, "", TOKEN);
    twilio.filters(&["onConversationAdd", "onParticipantAdded"]);
    twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("pre events go through");
    assert_eq!(events(&twilio), ["onConversationAdd", "onParticipantAdded", "routing"]);
    assert!(twilio.webhooks().iter().all(|fired| fired.unreachable && !fired.acknowledged));

    twilio.retries(1000, Duration::from_millis(5));
    twilio.inbound_sms(OTHER, NUMBER, "Hello").expect("pre events go through");
    twilio.wait_for(|state| state.webhooks().len() > 8);
    let (address, _) = listen(fine);
    twilio.point_at(address, PUBLIC_URL, "", TOKEN);
    twilio.wait_for(|state| state.webhooks().iter().filter(|fired| fired.acknowledged).count() == 2);
    let webhooks = twilio.webhooks();
    let last = webhooks.iter().rev().find(|fired| fired.event == "onParticipantAdded").expect("it came");
    let same: Vec<_> = webhooks.iter().filter(|fired| fired.token == last.token).collect();
    let counts: Vec<_> = same.iter().map(|fired| fired.field("RetryCount").unwrap_or_default().to_owned()).collect();
    assert_eq!(counts, (0..same.len()).map(|count| count.to_string()).collect::<Vec<_>>());
}

#[test]
fn post_events_can_be_reordered_duplicated_and_repeated() {
    let (twilio, got) = pointed(fine);
    twilio.reorder(2);
    twilio.duplicate(1, 1.0);
    twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    let events = events(&twilio);
    assert_eq!(events[..2], ["onConversationAdd", "onMessageAdd"]);
    let mut posts: Vec<_> = events[2..].chunks(2).map(|pair| (pair[0].as_str(), pair[0] == pair[1])).collect();
    let in_order = ["onConversationAdded", "onParticipantAdded", "onMessageAdded", "routing"].map(|name| (name, true));
    assert_ne!(posts, in_order);
    posts.sort_unstable();
    assert_eq!(posts, [in_order[0], in_order[2], in_order[1], in_order[3]]);

    let fired = twilio.webhooks()[0].clone();
    let (again, anew) = (twilio.repeat(&fired, true), twilio.repeat(&fired, false));
    assert_eq!((again.token == fired.token, again.field("RetryCount")), (true, Some("1")));
    assert_eq!((anew.token == fired.token, anew.fields == fired.fields), (false, true));
    let by_hand = twilio.fire("onUserAdded", &[("Identity", ANA)]);
    assert_eq!((by_hand.status, by_hand.field("AccountSid")), (Some(200), Some(Twilio::ACCOUNT_SID)));
    let routing = twilio.fire("routing", &[("ConversationSid", "CH1")]);
    assert_eq!((routing.fields.len(), got.lock().len()), (1, 14));
}

#[test]
fn a_worker_starts_a_conversation() {
    let (twilio, _) = pointed(fine);
    let sid = twilio.outgoing(ANA, CUSTOMER, NUMBER, "c-7").expect("no webhook rejects it");
    let joined = ["onParticipantAdd", "onParticipantAdded"];
    assert_eq!(events(&twilio), [&["onConversationAdd", "onConversationAdded"], &joined[..], &joined].concat());
    let webhooks = twilio.webhooks();
    let fields = ["Source", "ClientIdentity", ADDRESS, PROXY, "Attributes"].map(|name| webhooks[3].field(name));
    let attributes = json!({ "customer_id": "c-7" });
    assert_eq!(fields, [Some("SDK"), Some(ANA), Some(CUSTOMER), Some(NUMBER), Some(&attributes.to_string())]);
    assert_eq!((webhooks[5].field("Identity"), webhooks[0].field(ADDRESS)), (Some(ANA), None));
    let taken = twilio.outgoing("bo@example.org", CUSTOMER, NUMBER, "c-7").expect_err("the pair is taken");
    assert_eq!((taken.code, taken.event.as_str()), (Some(50416), "onParticipantAdd"));
    let empty = taken.conversation.expect("an empty conversation stays behind");
    assert_eq!((twilio.conversation(&empty).participants.len(), empty == sid), (0, false));
    assert_eq!(twilio.effects(), [], "only what comes over REST is an effect");
}

#[test]
fn rest_writes_fire_webhooks_on_request() {
    let (twilio, _) = pointed(|event| match event {
        "onConversationUpdate" => Some((200, r#"{"friendly_name":"Mora"}"#.to_owned())),
        "onParticipantRemove" => Some((403, String::new())),
        _ => fine(event),
    });
    let quiet = Client::new(&twilio, KEY);
    let client = quiet.clone().with("x-twilio-webhook-enabled", "true");
    let sid = quiet.post("/v1/Conversations", &[]).1["sid"].as_str().expect("a SID").to_owned();
    assert_eq!(events(&twilio), Vec::<String>::new());
    client.post(&participants(&sid), &[("Identity", ANA)]);
    twilio.wait_for(|state| state.webhooks().len() == 2);
    assert_eq!(events(&twilio), ["onParticipantAdd", "onParticipantAdded"]);
    assert_eq!(client.post(&format!("/v1/Conversations/{sid}"), &[("State", "inactive")]).1["friendly_name"], "Mora");
    twilio.wait_for(|state| state.webhooks().len() == 5);
    let rest = ["onConversationUpdate", "onConversationUpdated", "onConversationStateUpdated"];
    assert_eq!(events(&twilio)[2..], rest);
    let path = format!("{}/ana%40example.org", participants(&sid));
    assert_eq!(client.send("DELETE", &path, &[]).map(|(status, _)| status), Ok(403));
    assert_eq!(twilio.conversation(&sid).workers(), [ANA]);
}

#[test]
fn webhooks_are_configured_over_rest() {
    let (twilio, got) = pointed(fine);
    let client = Client::new(&twilio, KEY);
    let path = "/v1/Configuration/Webhooks";
    assert_eq!(client.get(path).1["pre_webhook_url"], format!("{PUBLIC_URL}/demo/callbacks/conversations"));
    let form = [
        ("PreWebhookUrl", ""),
        ("PostWebhookUrl", "https://gw.example.org/other?x=1"),
        ("Filters", "onConversationAdd"),
        ("Filters", "onParticipantAdded"),
    ];
    let (status, body) = client.post(path, &form);
    let filters = json!(["onConversationAdd", "onParticipantAdded"]);
    assert_eq!((status, &body["filters"], &body["method"]), (200, &filters, &"POST".into()));
    assert_eq!(client.get(path).1, body);
    twilio.inbound_sms(CUSTOMER, NUMBER, "Hello").expect("no webhook rejects it");
    assert_eq!(events(&twilio), ["onParticipantAdded", "routing"]);
    assert_eq!(got.lock()[0].path, "/other?x=1");
}

#[test]
fn the_control_api_plays_scenarios_and_sets_faults() {
    let twilio = Twilio::builder().control().start();
    let client = Client::new(&twilio, KEY);
    let (status, played) =
        client.post("/_control/inbound-sms", &[("from", CUSTOMER), ("to", NUMBER), ("text", "Hello")]);
    let sid = played["conversation"].as_str().expect("a SID").to_owned();
    let kept = client.get("/_control/conversations").1;
    assert_eq!((status, &kept[0]["messages"][0]["body"]), (200, &"Hello".into()));
    let fault = [("action", "fail-before-503"), ("call", "add-participant")];
    assert_eq!(client.post("/_control/fault", &fault).0, 200);
    assert_eq!(client.post("/_control/fault", &[("action", "no")]).0, 400);
    assert_eq!(client.post(&participants(&sid), &[("Identity", ANA)]).0, 503);
    assert_eq!(client.post(&participants(&sid), &[("Identity", ANA)]).0, 201);
    assert_eq!((twilio.requests().len(), client.get("/_control").0), (2, 404));
}
