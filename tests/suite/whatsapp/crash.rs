//! Kills the gateway while teammates and customers write: nothing is lost, nothing arrives twice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use frontgate_tests::front::{Connect, Draft, MessageState};
use frontgate_tests::whatsapp::Written;
use frontgate_tests::{Front, SetOnDrop, WhatsApp, eventually};

use super::{setup, webhook};
use crate::channels::{LEE, SERVER};

/// The text of a message whose outcome cannot be determined.
const UNCERTAIN: &str = "unconfirmed";

/// Returns whether Front was told that the outcome of a message cannot be determined.
fn is_uncertain(front: &Front, message: &str) -> bool {
    let answer = front.look(|state| {
        let mut fired = state.hooks().iter().rev();
        fired.find(|fired| fired.message.as_deref() == Some(message)).map(|fired| fired.answer.clone())
    });
    answer.is_some_and(|answer| answer.contains(UNCERTAIN))
}

/// Sends a teammate's message repeatedly until the gateway has answered it, and returns the message's id.
fn send_until_answered(front: &Front, channel: &str, text: &str) -> String {
    let message = front.send(channel, Draft::new(text).to(LEE)).message;
    let is_sent = || front.message(&message).state == MessageState::Sent || is_uncertain(front, &message);
    let resend = || is_sent() || front.resend(&message).outcome.is_ok();
    eventually("the gateway answers the message", resend, |is_so| *is_so);
    message
}

/// Counts each text.
fn counted(texts: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    texts.into_iter().for_each(|text| *counts.entry(text).or_default() += 1);
    counts
}

#[test]
fn whatsapp_messages_arrive_once_or_are_reported_after_random_kills() {
    let kills: usize = std::env::var("FRONTGATE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10);
    let (front, whatsapp) = (Front::start(), WhatsApp::start());
    front.burst(10_000);
    front.budget(1_000_000, Duration::from_secs(60));
    // An import whose answer was lost is repeated, so Front must deduplicate it by its id.
    front.dedup(true);
    let setup = setup(&front, &whatsapp)
        .set("tenants.demo.front.sms.calls_per_second_max", "1000")
        .set("tenants.demo.front.sms.import_patience_ms", "300")
        .set("plugins.limits.outbound_timeout_ms", "500")
        .set("delivery.request_timeout_ms", "500");
    let mut gateway = setup.start();
    front.point_at(gateway.address());
    let channel = front.connect(Connect::to(SERVER).token(WhatsApp::NUMBER)).expect("a channel");
    let url = webhook(&front, &channel);
    whatsapp.point_at(gateway.address(), &url);
    whatsapp.receive([Written::text(LEE, "planted question")]);
    front.wait_for(|state| state.messages().count() == 1);
    let ended = AtomicBool::new(false);
    let (sent, written, gateway) = thread::scope(|scope| {
        let end = SetOnDrop(&ended);
        let sending = scope.spawn(|| {
            let mut sent = Vec::new();
            while !ended.load(Ordering::SeqCst) {
                let text = format!("sent {}", sent.len());
                sent.push((send_until_answered(&front, &channel, &text), text));
            }
            sent
        });
        let mut written = vec!["planted question".to_owned()];
        for kill in 0..kills {
            written.push(format!("written {kill}"));
            whatsapp.receive([Written::text(LEE, &written[kill + 1])]);
            // The gateway makes some progress before each kill, which happens at an arbitrary point.
            let accepted = whatsapp.look(|state| state.messages().len());
            whatsapp.wait_for(|state| state.messages().len() > accepted + kill % 3);
            gateway.kill();
            gateway = gateway.start_again();
            front.point_at(gateway.address());
            whatsapp.point_at(gateway.address(), &url);
        }
        drop(end);
        (sending.join().expect("no panic"), written, gateway)
    });
    let deliveries = gateway.wait_for_deliveries();
    // The simulator repeats webhooks until they are accepted.
    front.wait_for(|state| {
        let arrived = |text: &String| state.messages().any(|message| message.is_inbound && message.text == *text);
        written.iter().all(arrived) && state.messages().all(|message| message.state != MessageState::Accepted)
    });
    let inbound = front.look(|state| {
        let inbound = state.messages().filter(|message| message.is_inbound);
        counted(inbound.map(|message| message.text.clone()))
    });
    assert_eq!(inbound, counted(written), "every customer's message is in Front once");
    let arrived = counted(whatsapp.messages().iter().map(|message| message.text().to_owned()));
    assert!(arrived.values().all(|count| *count == 1), "nothing arrives twice: {arrived:?}");
    let mut uncertain = 0;
    for (message, text) in &sent {
        match front.message(message).state {
            MessageState::Sent => assert!(arrived.contains_key(text), "{text} was lost: {deliveries:#?}"),
            MessageState::Failed(Some(why)) if why.contains(UNCERTAIN) => uncertain += 1,
            MessageState::Unresponsive(_) if is_uncertain(&front, message) => uncertain += 1,
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(sent.len() >= kills && uncertain <= kills, "{} sent, {uncertain} uncertain", sent.len());
}
