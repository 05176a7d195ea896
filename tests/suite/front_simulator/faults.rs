//! Tests faults, missing and repeated notifications of imports, and the control API.

use std::time::Duration;

use frontgate_tests::Front;
use frontgate_tests::front::{Action, Call, Fault};
use serde_json::json;
use url::form_urlencoded;

use super::{Client, LEE, Outcome, agent, connected, fine, imported, kinds, serve};

/// Imports a message while a fault with this action is set.
fn hit(action: Action) -> (Front, Client, Outcome) {
    let (front, client, _) = connected(fine);
    front.fault(Fault::new(action).on(Call::Inbound).channel(&client.channel));
    let missing = client.get("/conversations/cnv_1");
    assert_eq!(missing.status, 404, "another call is not hit");
    let outcome = client.import("conv-1", "1", "Hello");
    (front, client, outcome)
}

#[test]
fn faults_hit_before_or_after_the_effect() {
    for action in Action::all().into_iter().filter(|action| *action != Action::Hang) {
        let (front, client, outcome) = hit(action.clone());
        let cut = matches!(
            action,
            Action::CloseBeforeReading | Action::CloseAfterReading | Action::CloseAfterActing | Action::HalfAnAnswer
        );
        assert_eq!(outcome.is_err(), cut, "{action:?}: {outcome:?}");
        let acts = matches!(
            action,
            Action::FailAfter(_) | Action::CloseAfterActing | Action::HalfAnAnswer | Action::Garbage | Action::Slow(_)
        );
        front.wait_for(|state| state.requests()[1].acted == acts);
        assert_eq!(front.look(|state| state.messages().count()), usize::from(acts), "{action:?}");
        let request = front.requests()[1].clone();
        assert_eq!((&request.fault, request.size > 0), (&Some(action.clone()), action != Action::CloseBeforeReading));
        assert_eq!(request.external_id().is_some(), request.size > 0, "it is recorded whatever comes of it");
        if let Ok(reply) = outcome {
            assert_eq!(request.status, Some(reply.status));
        }
        // The fault applies only once.
        assert_eq!(client.import("conv-1", "1", "Hello").expect("an answer").status, 202, "{action:?}");
        assert_eq!(front.duplicates().len(), usize::from(acts), "{action:?}");
    }
}

#[test]
fn error_answers_have_the_format_of_front() {
    let table = [
        (Action::TooManyRequests, 429, None, false),
        (Action::BurstFor(1500), 429, Some("2"), true),
        (Action::BudgetFor(7), 429, Some("7"), false),
        (Action::FailBefore(502), 502, None, false),
        (Action::Unauthorized, 401, None, false),
        (Action::NotFound, 404, None, false),
    ];
    for (action, status, retry_after, has_tier) in table {
        let (front, _, outcome) = hit(action.clone());
        let reply = outcome.expect("an answer");
        assert_eq!((reply.status, &reply.json["_error"]["status"]), (status, &status.into()), "{action:?}");
        assert_eq!((reply.header("retry-after"), reply.header("x-front-tier").is_some()), (retry_after, has_tier));
        assert!(reply.header("x-ratelimit-limit").is_some());
        assert_eq!(front.limited(), 0, "no limit was hit");
    }
    let (_, _, outcome) = hit(Action::Redirect);
    assert_eq!(outcome.expect("an answer").status, 307);
    let (_, _, outcome) = hit(Action::Garbage);
    let reply = outcome.expect("an answer");
    assert_eq!((reply.status, reply.json.is_null()), (202, true));
}

#[test]
fn a_hanging_request_has_no_effect_and_a_slow_one_has() {
    let (front, client, _) = connected(fine);
    let hasty = Client { agent: agent(Duration::from_millis(250)), ..client.clone() };
    front.fault(Fault::new(Action::Hang).after(1));
    front.fault(Fault::new(Action::Slow(600)).after(1));
    assert_eq!(client.import("conv-1", "0", "Hello").expect("an answer").status, 202, "the first is spared");
    assert!(hasty.import("conv-1", "1", "Hello").is_err() && hasty.import("conv-1", "2", "Hello").is_err());
    front.wait_for(|state| state.requests().iter().filter(|request| request.acted).count() == 2);
    let requests = front.requests();
    let seen: Vec<_> = requests.iter().map(|request| (request.status, request.acted)).collect();
    assert_eq!(seen, [(Some(202), true), (None, false), (None, true)]);
}

#[test]
fn notifications_of_imports_can_be_lost_and_repeated() {
    let (front, client, _) = connected(fine);
    front.lose_imported(1);
    front.repeat_imported(1);
    assert_eq!(client.import("conv-1", "1", "Hello").expect("an answer").status, 202);
    front.wait_for(|state| {
        state.messages().all(|message| message.state == frontgate_tests::front::MessageState::Imported)
    });
    imported(&front, &client, "conv-1", "2", "Hello?");
    imported(&front, &client, "conv-1", "3", "Hello!");
    front.wait_for(|state| state.hooks().len() == 4);
    let hooks = front.hooks();
    let mut ids: Vec<_> =
        hooks[1..].iter().map(|fired| fired.json()["payload"]["metadata"]["external_id"].clone()).collect();
    ids.sort_by_key(ToString::to_string);
    assert_eq!(ids, ["2", "2", "3"]);
}

#[test]
fn random_faults_repeat_with_the_seed_and_transient_ones_end() {
    let run = |seed, actions: &[Action]| {
        let (front, client, _) = connected(fine);
        front.faults_at_random_of(seed, 0.7, actions);
        let ids = ["1", "2", "3", "4", "5", "6"];
        for id in ids {
            while !client.import("conv-1", id, id).is_ok_and(|reply| reply.json["status"] == "accepted") {}
        }
        let mut texts: Vec<_> = front.conversation("conv-1").texts().into_iter().map(ToOwned::to_owned).collect();
        assert_eq!(texts.len(), ids.len() + front.duplicates().len());
        texts.dedup();
        assert_eq!(texts, ids);
        front.faults_off();
        let faults: Vec<_> = front.requests().into_iter().map(|request| request.fault).collect();
        assert_eq!(client.import("conv-1", "7", "7").expect("an answer").status, 202);
        (faults, front.duplicates().len())
    };
    let (faults, duplicates) = run(7, &Action::passing());
    assert!(faults.iter().flatten().count() > 4 && duplicates > 0, "{faults:?}");
    assert_eq!(faults, run(7, &Action::passing()).0);
    assert_ne!(faults, run(8, &Action::passing()).0);
    assert_eq!(run(7, &Action::refusing()).1, 0, "nothing was done that was not said");
}

#[test]
fn the_simulator_restarts_on_the_same_port_with_its_state() {
    let (front, client, _) = connected(fine);
    for number in 0..3 {
        front.go_down();
        assert!(client.import("conv-1", "no", "Hello").is_err());
        assert!(std::net::TcpStream::connect(front.storage_address()).is_err());
        front.come_back();
        imported(&front, &client, "conv-1", &number.to_string(), "Hello");
    }
    assert_eq!(front.conversation("conv-1").messages.len(), 3);
}

#[test]
fn the_control_api_plays_scenarios_and_sets_faults() {
    let front = Front::builder().control().company("example").start();
    let client = Client::new(&front, "cha_1");
    let post = |path: &str, form: &[(&str, &str)]| {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        client.send("POST", &format!("/_control/{path}"), &[], body.as_bytes()).expect("an answer")
    };
    let (url, _) = serve(fine);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let channel = text(&post("connect", &[("server", &url), ("token", "typed")]).json["channel"]);
    let sent = post("send", &[("channel", &channel), ("to", LEE), ("text", "Hello")]);
    let conversation = text(&sent.json["conversation"]);
    assert_eq!((sent.status, sent.json["answered"]["type"].is_null()), (200, true));
    assert_eq!(post("reply", &[("conversation", &conversation), ("text", "Hello?")]).status, 200);
    assert_eq!(post("reply", &[("conversation", "cnv_1"), ("text", "Hello?")]).status, 409);
    assert_eq!(post("autoreply-rule", &[("text", "We are closed.")]).status, 200);
    assert_eq!(post("merge", &[("into", "cnv_1"), ("from", &conversation)]).status, 409);
    assert_eq!(post("fault", &[("action", "fail-before-503"), ("call", "inbound")]).json, json!({}));
    assert_eq!(post("fault", &[("action", "no")]).status, 409);
    let client = Client::new(&front, &channel);
    let statuses =
        ["1", "2"].map(|id| client.import(&text(&sent.json["answered"]["external_conversation_id"]), id, "Hi"));
    assert_eq!(statuses.map(|reply| reply.expect("an answer").status), [503, 202]);
    front.wait_for(|state| state.hooks().len() == 5);
    let kept = client.get("/_control/conversations").json;
    assert_eq!((&kept[0]["channel"], &kept[0]["messages"][2]["text"]), (&channel.as_str().into(), &"Hi".into()));
    assert_eq!(post("disconnect", &[("channel", &channel), ("farewell", "bodiless")]).status, 200);
    assert_eq!([post("disconnect", &[("channel", &channel)]).status, post("nothing", &[]).status], [409, 404]);
    let expected = ["authorization", "message", "message", "message_imported", "message_autoreply", "delete"];
    assert_eq!(kinds(&front), expected);
    assert_eq!((front.requests().len(), client.get("/_control/log").status), (2, 200));
}
