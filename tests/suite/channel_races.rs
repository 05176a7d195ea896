//! A provider's event about a message that is settled at the same moment, on Postgres behind a proxy that holds the question
//! whether messages are in flight back until the message is settled.

use std::sync::Arc;
use std::time::Duration;

use frontgate_tests::database_proxy::{DatabaseProxy, Mode};
use frontgate_tests::front::{Call, Draft, MessageState};
use frontgate_tests::provider::Trouble;
use frontgate_tests::{Database, eventually};
use serde_json::{Value, json};

use crate::channels::{ChannelFixture, LEE};

/// A part of the statement that asks for messages in flight.
const QUESTION: &str = "AND outbound AND NOT settled AND created_ms";

/// Sends a message, reports an event about it while it is in flight, and has it settle while the event is handled.
fn settle_while_handling(event: &Value) -> (ChannelFixture, String) {
    let database = Arc::new(Database::create());
    let proxy = DatabaseProxy::start(database.server().port());
    let url = format!("{:?}", proxy.url(&database.url()));
    let fixture = ChannelFixture::with(|setup| setup.on_postgres(&database).set("store.url", url));
    fixture.provider.trouble(Trouble::Slow(Duration::from_secs(2)));
    proxy.set(Mode::Hold(QUESTION));
    let message = fixture.front.begin_send(&fixture.channel, Draft::new("planted text").to(LEE));
    fixture.provider.wait_for(|known| known.messages.len() == 1);
    fixture.report_events(&json!([event]));
    eventually("the question is held back", || proxy.held(), |held| *held > 0);
    let is_sent = |state: MessageState| state == MessageState::Sent;
    fixture.front.wait_for(|state| state.message(&message).is_some_and(|found| is_sent(found.state.clone())));
    proxy.set(Mode::Pass);
    (fixture, message)
}

#[test]
fn a_failure_report_about_a_message_that_settles_meanwhile_reaches_front() {
    let (fixture, message) = settle_while_handling(&json!({ "failed": { "id": "P1", "reason": "the phone is off" } }));
    let failed = MessageState::Failed(Some("the phone is off".to_owned()));
    fixture.front.wait_for(|state| state.message(&message).is_some_and(|found| found.state == failed));
}

#[test]
fn an_echo_of_a_message_that_settles_meanwhile_is_not_imported() {
    let echo = json!({ "id": "P1", "conversation": "C+15550100001", "with": LEE, "text": "planted text" });
    let (fixture, _) = settle_while_handling(&json!({ "outbound": echo }));
    fixture.gateway.wait_for_deliveries();
    let imports = fixture.front.requests().into_iter().filter(|request| request.call == Call::Outbound);
    assert_eq!(imports.count(), 0);
}
