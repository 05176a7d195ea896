//! Tests calls to Twilio: every acknowledged event has its effect once and in order, despite any failure of Twilio.

use frontgate_tests::{
    Action, Call, ConversationState, Effect, Fault, Gateway, PUBLIC_URL, Setup, State, TOKEN, Tls, Twilio,
};

use crate::scenarios;

/// The company's number, to which customers write.
pub(crate) const OURS: &str = "+12025550199";

/// Starts a gateway with every role, and a Twilio simulator that calls the gateway.
pub(crate) fn start_with_twilio(setup: impl FnOnce(Setup) -> Setup) -> (Twilio, Gateway) {
    let twilio = Twilio::start();
    let gateway =
        setup(Setup::every_role(&twilio).set("plugins.named.plugin.config.route", "\"worker ana@example.org\""))
            .start();
    point_twilio_at(&twilio, &gateway);
    (twilio, gateway)
}

pub(crate) fn point_twilio_at(twilio: &Twilio, gateway: &Gateway) {
    twilio.point_at(gateway.address(), PUBLIC_URL, "", TOKEN);
}

pub(crate) fn workers<'s>(state: &'s State, sid: &str) -> Vec<&'s str> {
    state.conversation(sid).map(|conversation| conversation.workers()).unwrap_or_default()
}

pub(crate) fn workers_added(twilio: &Twilio, sid: &str) -> usize {
    let added = |effect: &&Effect| matches!(effect, Effect::WorkerAdded { conversation, .. } if conversation == sid);
    twilio.effects().iter().filter(added).count()
}

#[test]
fn each_transient_twilio_failure_is_retried_until_success() {
    for action in Action::passing() {
        let (twilio, gateway) = start_with_twilio(|setup| setup.set("delivery.request_timeout_ms", "1000"));
        twilio.fault(Fault::new(action.clone()).on(Call::AddParticipant).times(2));
        let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
        twilio.wait_for(|state| workers(state, &sid) == ["ana@example.org"]);
        assert_eq!(workers_added(&twilio, &sid), 1, "{action:?}");
        gateway.log().event("delivery.sent").saying("of routing").wait_for(1);
    }
}

#[test]
fn random_twilio_failures_end_with_one_worker_or_a_reason() {
    let (twilio, gateway) = start_with_twilio(|setup| setup.set("delivery.request_timeout_ms", "500"));
    twilio.filters(&[]);
    twilio.faults_at_random(11, 0.4);
    let conversations: Vec<String> = (0..60)
        .map(|index| twilio.inbound_sms(&format!("+12025550{index:03}"), OURS, "planted text").expect("a conversation"))
        .collect();
    twilio.wait_for(|state| {
        let routings = state.webhooks().iter().filter(|fired| fired.event == "routing" && fired.acknowledged);
        routings.count() == conversations.len()
    });
    let deliveries = gateway.wait_for_deliveries();
    for sid in conversations {
        let delivery = deliveries.iter().find(|delivery| delivery["conversation"] == *sid).expect("its delivery");
        let requests = twilio.requests();
        let failed_with = |action: Action| {
            requests.iter().any(|one| one.conversation.as_ref() == Some(&sid) && one.fault.as_ref() == Some(&action))
        };
        match (workers_added(&twilio, &sid), delivery["state"].as_str()) {
            (1, Some("sent")) => {}
            (0, Some("sent")) => assert!(failed_with(Action::IdentityExists), "{delivery}"),
            (_, Some("failed")) => {
                assert!(failed_with(Action::NotFound) || failed_with(Action::BindingExists), "{delivery}")
            }
            other => panic!("{other:?}: {delivery}"),
        }
    }
}

#[test]
fn a_request_with_unknown_outcome_is_checked_before_a_retry() {
    for (action, sent) in [
        (Action::CloseAfterActing, 1),
        (Action::FailAfter(500), 1),
        (Action::CloseAfterReading, 2),
        (Action::FailBefore(500), 2),
    ] {
        let (twilio, gateway) = start_with_twilio(|setup| setup);
        twilio.fault(Fault::new(action.clone()).on(Call::AddParticipant));
        let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
        gateway.log().event("delivery.outcome_unknown").saying("(routing)").wait_for(1);
        twilio.wait_for(|state| workers(state, &sid) == ["ana@example.org"]);
        gateway.log().event("delivery.sent").saying("of routing").wait_for(1);
        let calls: Vec<_> = twilio
            .requests()
            .iter()
            .filter(|request| request.conversation.as_ref() == Some(&sid))
            .map(|request| request.call)
            .collect();
        let adding = calls.iter().filter(|call| **call == Call::AddParticipant).count();
        assert_eq!(adding, sent, "{action:?}: {calls:?}");
        assert!(calls.contains(&Call::FetchParticipant), "{action:?}: {calls:?}");
    }
}

#[test]
fn a_permanent_rejection_ends_with_its_reason() {
    for (action, words) in
        [(Action::BindingExists, "another active conversation"), (Action::NotFound, "no such conversation")]
    {
        let (twilio, gateway) = start_with_twilio(|setup| setup);
        twilio.filters(&[]);
        twilio.fault(Fault::new(action.clone()).on(Call::AddParticipant));
        twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
        let delivery = gateway.wait_for_delivery(1, "failed");
        let reason = delivery["reason"].as_str().expect("a reason");
        assert!(reason.contains(words), "{action:?}: {reason}");
    }
}

#[test]
fn a_wrong_url_holds_deliveries_until_it_is_corrected() {
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    twilio.filters(&[]);
    twilio.fault(Fault::new(Action::Redirect).on(Call::AddParticipant).times(3));
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    gateway.log().event("delivery.retry_scheduled").saying("see conversations_url").wait_for(1);
    twilio.wait_for(|state| workers(state, &sid) == ["ana@example.org"]);
}

#[test]
fn an_outage_never_settles_an_unknown_outcome() {
    let (twilio, gateway) = start_with_twilio(|setup| setup.set("delivery.unknown_tries_max", "2"));
    twilio.filters(&[]);
    twilio.fault(Fault::new(Action::CloseAfterActing).on(Call::AddParticipant));
    twilio.fault(Fault::new(Action::TooManyRequests).on(Call::FetchParticipant).times(4));
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    gateway.log().event("delivery.outcome_unknown").saying("failed to ask Twilio about the outcome").wait_for(4);
    gateway.wait_for_delivery(1, "sent");
    assert_eq!(workers_added(&twilio, &sid), 1);
}

#[test]
fn a_participant_that_already_exists_is_success() {
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    twilio.filters(&[]);
    twilio.fault(Fault::new(Action::IdentityExists).on(Call::AddParticipant));
    twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    gateway.wait_for_delivery(1, "sent");
}

#[test]
fn wrong_credentials_hold_deliveries_until_they_are_corrected() {
    let (twilio, gateway) = start_with_twilio(|setup| {
        setup.file("wrong", "not it").set("tenants.demo.twilio.api_secret", "{ file = \"files/wrong\" }")
    });
    twilio.filters(&[]);
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    let line = gateway.log().event("delivery.retry_scheduled").saying("Twilio answered 401").wait_for(1);
    assert!(line["message"].as_str().is_some_and(|text| text.contains("see api_key")), "{line}");
    std::fs::write(gateway.path("files/wrong"), Twilio::API_KEY_SECRET).expect("a file");
    let _gateway = gateway.restart();
    twilio.wait_for(|state| workers(state, &sid) == ["ana@example.org"]);
}

#[test]
fn the_account_sid_and_token_work_without_an_api_key() {
    let twilio = Twilio::start();
    let gateway = Setup::misbehaving()
        .file("sid", Twilio::ACCOUNT_SID)
        .set("tenants.demo.twilio.account_sid", "{ file = \"files/sid\" }")
        .set("tenants.demo.twilio.conversations_url", format!("{:?}", twilio.url()))
        .set("tenants.demo.twilio.default_worker", "\"default@example.org\"")
        .start();
    point_twilio_at(&twilio, &gateway);
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    // No plugin has the role `routing`, so the default worker is assigned.
    twilio.wait_for(|state| workers(state, &sid) == ["default@example.org"]);
}

#[test]
fn twilio_is_called_over_tls_with_a_trusted_certificate_only() {
    let twilio = Twilio::start();
    let tls = Tls::before(twilio.address());
    let setup = || {
        Setup::misbehaving()
            .twilio(&twilio)
            .set("tenants.demo.twilio.conversations_url", format!("{:?}", tls.url()))
            .set("tenants.demo.twilio.default_worker", "\"default@example.org\"")
    };
    let gateway = setup().start();
    point_twilio_at(&twilio, &gateway);
    twilio.filters(&[]);
    twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    gateway
        .log()
        .event("delivery.retry_scheduled")
        .saying("request not sent: TLS handshake with localhost failed: invalid peer certificate")
        .wait_for(1);
    assert!(twilio.requests().is_empty());
    let gateway = setup().file("ca.pem", tls.certificate()).set("delivery.ca_files", "[\"files/ca.pem\"]").start();
    point_twilio_at(&twilio, &gateway);
    let sid = twilio.inbound_sms("+12025550108", OURS, "planted text").expect("a conversation");
    twilio.wait_for(|state| workers(state, &sid) == ["default@example.org"]);
}

#[test]
fn the_url_may_contain_a_conversations_service() {
    let (twilio, gateway) = {
        let twilio = Twilio::start();
        let url = format!("\"{}/v1/Services/{}\"", twilio.url(), Twilio::SERVICE_SID);
        let gateway = Setup::misbehaving().twilio(&twilio).set("tenants.demo.twilio.conversations_url", url);
        let gateway = gateway.set("tenants.demo.twilio.default_worker", "\"default@example.org\"").start();
        point_twilio_at(&twilio, &gateway);
        (twilio, gateway)
    };
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    twilio.wait_for(|state| workers(state, &sid) == ["default@example.org"]);
    assert!(twilio.requests().iter().all(|request| request.path.contains("/Services/")));
    drop(gateway);
}

#[test]
fn deliveries_wait_while_twilio_is_down() {
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    let sid = {
        twilio.fault(Fault::new(Action::TooManyRequests).times(3));
        let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
        gateway.log().wait_for("429");
        sid
    };
    twilio.go_down();
    gateway.log().event("delivery.retry_scheduled").saying("request not sent").wait_for(1);
    twilio.come_back();
    twilio.wait_for(|state| workers(state, &sid) == ["ana@example.org"]);
}

#[test]
fn a_second_callback_about_a_conversation_has_no_effect() {
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    twilio.wait_for(|state| workers(state, &sid) == ["ana@example.org"]);
    let fired = twilio.webhooks().into_iter().find(|fired| fired.event == "routing").expect("the callback");
    for same_token in [true, false] {
        let again = twilio.repeat(&fired, same_token);
        assert_eq!((again.status, again.body.as_str()), (Some(200), "{}"));
    }
    let routings = gateway.deliveries().into_iter().filter(|delivery| delivery["callback"] == "routing").count();
    assert_eq!((routings, workers_added(&twilio, &sid)), (1, 1));
}

#[test]
fn the_first_plugin_of_the_chain_that_names_a_worker_wins() {
    let chain = |first: &str, second: &str| {
        let twilio = Twilio::start();
        let component = frontgate_tests::component("misbehaving");
        let gateway = Setup::every_role(&twilio)
            .plugin("second", &component)
            .set("tenants.demo.roles.routing", "[\"plugin\", \"second\"]")
            .set("tenants.demo.twilio.default_worker", "\"default@example.org\"")
            .set("delivery.routing_patience_ms", "200")
            .set("plugins.limits.call_timeout_ms", "100")
            .set("plugins.named.plugin.config.route", format!("{first:?}"))
            .set("plugins.named.second.config.route", format!("{second:?}"))
            .start();
        point_twilio_at(&twilio, &gateway);
        let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
        twilio.wait_for(|state| !workers(state, &sid).is_empty());
        twilio.conversation(&sid).workers().concat()
    };
    assert_eq!(chain("worker ana", "worker ben"), "ana");
    assert_eq!(chain("nobody", "worker ben"), "ben");
    assert_eq!(chain("nobody", "nobody"), "default@example.org");
    assert_eq!(chain("not-found", "worker ben"), "ben");
    // A failing plugin is retried for `routing_patience_ms`, then skipped.
    for instruction in ["unavailable", "panic", "sleep 60000", "worker  ", "one-of"] {
        assert_eq!(chain(instruction, "worker ben"), "ben", "{instruction}");
    }
}

#[test]
fn an_unassigned_conversation_waits_for_a_default_worker() {
    let twilio = Twilio::start();
    let setup = Setup::every_role(&twilio).set("plugins.named.plugin.config.route", "\"nobody\"");
    let gateway = setup.start();
    point_twilio_at(&twilio, &gateway);
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    gateway.log().event("delivery.retry_scheduled").saying("no default_worker").wait_for(1);
    let config = std::fs::read_to_string(gateway.path("config.toml")).expect("the configuration");
    let more = "tenants.demo.twilio.default_worker = \"default@example.org\"\n";
    std::fs::write(gateway.path("config.toml"), config + more).expect("a file");
    let _gateway = gateway.restart();
    twilio.wait_for(|state| workers(state, &sid) == ["default@example.org"]);
}

#[test]
fn a_crm_outage_does_not_delay_the_assignment_of_a_worker() {
    let (twilio, gateway) =
        start_with_twilio(|setup| setup.set("plugins.named.plugin.config.participant", "\"unavailable\""));
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    twilio.wait_for(|state| workers(state, &sid) == ["ana@example.org"]);
    let waiting = gateway.deliveries().into_iter().find(|delivery| delivery["event"] == "onParticipantAdded");
    let state = waiting.expect("the delivery")["state"].clone();
    assert!(state == "ready" || state == "leased", "{state}");
}

#[test]
fn deliveries_of_one_conversation_run_in_order() {
    let (twilio, gateway) = scenarios::start_bundled();
    twilio.filters(&[]);
    let sid = twilio.inbound_sms("+12025550101", OURS, "planted text").expect("a conversation");
    gateway.wait_for_delivery(1, "sent");
    twilio.fault(Fault::new(Action::TooManyRequestsFor(0)).on(Call::FetchParticipant).times(4));
    let add = |participant: &str| {
        let form = [
            ("EventType", "onParticipantAdded"),
            ("ConversationSid", &sid),
            ("ParticipantSid", participant),
            ("MessagingBinding.Address", "+12025550101"),
        ];
        assert_eq!(gateway.callback("conversations", &form).status, 200);
    };
    let sids: Vec<_> = (1..=5).map(|number| format!("MB{number:032}")).collect();
    sids.iter().for_each(|participant| add(participant));
    // The participants do not exist: the deliveries fail permanently, one after the other.
    (2..=6).for_each(|id| drop(gateway.wait_for_delivery(id, "failed")));
    let mut asked: Vec<_> =
        twilio.requests().into_iter().filter(|request| request.call == Call::FetchParticipant).collect();
    asked.dedup_by_key(|request| request.path.clone());
    let order: Vec<_> =
        asked.iter().map(|request| request.path.rsplit('/').next().expect("a name").to_owned()).collect();
    assert_eq!(order, sids);
}

#[test]
fn a_closed_conversation_gets_no_worker() {
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    twilio.filters(&[]);
    twilio.custom_routing(false);
    let sid = twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    let url = format!("{}/v1/Conversations/{sid}", twilio.url());
    let basic = base64(&format!("{}:{}", Twilio::API_KEY_SID, Twilio::API_KEY_SECRET));
    let closed = ureq::post(&url).header("authorization", &format!("Basic {basic}")).send_form([("State", "closed")]);
    assert_eq!(closed.expect("an answer").status(), 200);
    assert_eq!(twilio.conversation(&sid).state, ConversationState::Closed);
    let form = [
        ("ConversationSid", &*sid),
        ("MessagingBinding.Address", "+12025550107"),
        ("MessagingBinding.ProxyAddress", OURS),
    ];
    assert_eq!(gateway.callback("routing", &form).status, 200);
    let delivery = gateway.wait_for_delivery(1, "failed");
    assert!(delivery["reason"].as_str().is_some_and(|reason| reason.contains("closed")), "{delivery}");
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(text)
}

#[test]
fn two_gateways_cannot_share_a_store() {
    let gateway = Setup::misbehaving().start();
    let lock = gateway.path("data/frontgate.lock");
    let held = std::fs::File::open(&lock).expect("the lock");
    assert!(rustix::fs::flock(&held, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err());
}

#[test]
fn a_reload_keeps_the_pause_that_twilio_asked_for() {
    let (twilio, gateway) = start_with_twilio(|setup| setup.set("delivery.retry_longest_ms", "10000"));
    twilio.filters(&[]);
    twilio.fault(Fault::new(Action::TooManyRequestsFor(2)).on(Call::AddParticipant));
    twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    gateway.log().event("delivery.retry_scheduled").wait_for(1);
    let receipt = gateway.reconfigure(&[("delivery.at_once_max", "8")]);
    assert_eq!(receipt["outcome"], "live", "{receipt}");
    let other = twilio.inbound_sms("+12025550108", OURS, "planted text").expect("a conversation");
    twilio.wait_for(|state| workers(state, &other) == ["ana@example.org"]);
    let requests = twilio.requests();
    let refused = requests.iter().find(|request| request.fault.is_some()).expect("the refused request");
    let next = requests.iter().find(|request| request.conversation.as_ref() == Some(&other)).expect("a request");
    assert!(next.at - refused.at >= std::time::Duration::from_secs(2), "{:?}", next.at - refused.at);
}
