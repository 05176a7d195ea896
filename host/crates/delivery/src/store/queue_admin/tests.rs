//! Operators' decisions about Front messages, in states that are too short to be observed from outside.

use std::time::SystemTime;

use frontgate_store::sql::Scope;
use frontgate_test_postgres::Place;
use parking_lot::Mutex;

use super::*;
use crate::store::Store;
use crate::store::front::{ConnectResult, Hints, Incoming};
use crate::store::tests::{blocking, open};

/// Returns a store with one waiting message, the row ids of channel and message, and an operator's access.
async fn waiting(place: &Place) -> (Store, i64, i64, Mutex<QueueAdmin>) {
    let config = frontgate_store::Settings { url: place.url(), connections_max: 2, ..Default::default() };
    let store = open(&config).await;
    let names = ["demo", "sms", "cha_1"].map(str::to_owned);
    let result = store.begin_connect(names, "fg-key".to_owned(), None, 1).await.expect("a write");
    let ConnectResult::New(channel) = result else { panic!("{result:?}") };
    let incoming = Incoming {
        channel: channel.id,
        tenant: "demo".into(),
        name: "message",
        identity: "identity".to_owned(),
        front_id: None,
        hints: Hints::default(),
        minted: ["fg-message", "fg-conversation"].map(str::to_owned),
        payload: "{}".to_owned(),
        request: "request".into(),
    };
    let stored = store.accept_message(incoming).await.expect("a write");
    let admin = blocking(|| QueueAdmin::open(&config).expect("the database"));
    (store, channel.id, stored.message, Mutex::new(admin))
}

#[tokio::test]
async fn front_receives_the_decision_in_its_first_answer() {
    for place in Place::both() {
        let (store, channel, message, admin) = waiting(&place).await;
        for _ in 0..2 {
            assert!(store.has_message_in_flight(channel, SystemTime::now(), None).await.expect("an answer"));
            assert_eq!(store.message_answer("demo", message).await.expect("an answer"), None);
            assert_eq!(blocking(|| admin.lock().change(1, Change::Cancel)).expect("it waits"), State::Cancelled);
            let answer = store.message_answer("demo", message).await.expect("an answer").expect("the answer of Front");
            assert_eq!(answer.status, 400);
            assert!(String::from_utf8_lossy(&answer.body).contains("Cancelled by an operator."));
            assert!(!store.has_message_in_flight(channel, SystemTime::now(), None).await.expect("an answer"));
            assert_eq!(blocking(|| admin.lock().change(1, Change::Retry)).expect("it was taken out"), State::Ready);
        }
        // Front received no promise, so no failure is reported.
        assert_eq!(blocking(|| admin.lock().list(&DeliveryFilter::default(), 10)).expect("a list").len(), 1);
    }
}

#[tokio::test]
async fn a_delivery_whose_message_is_deleted_cannot_be_retried() {
    for place in Place::both() {
        let (_store, _, _, admin) = waiting(&place).await;
        let delete = |transaction: &Transaction<'_>| {
            transaction.execute("DELETE FROM front_messages", values![])?;
            transaction.execute("UPDATE deliveries SET state = 'dead'", values![])
        };
        blocking(|| admin.lock().database.write(&Scope::Rows, delete)).expect("a write");
        let error = blocking(|| admin.lock().change(1, Change::Retry)).expect_err("its message is deleted").to_string();
        assert!(error.contains("store.messages_keep_ms") && error.contains("cancel the delivery"), "{error}");
        assert_eq!(blocking(|| admin.lock().show(1)).expect("it is there").summary.state, State::Dead);
        assert_eq!(blocking(|| admin.lock().change(1, Change::Cancel)).expect("it waits"), State::Cancelled);
    }
}
