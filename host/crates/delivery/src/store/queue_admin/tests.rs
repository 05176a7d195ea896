//! What operators decide about messages of Front, where that cannot be seen from outside in time.

use std::path::Path;
use std::sync::Arc;

use frontgate_store::Database;

use super::*;
use crate::store::Store;
use crate::store::front::{Begun, Hints, Incoming};

/// A store with one message that waits, its channel's and its own id, and the desk.
async fn waiting(folder: &Path) -> (Store, i64, i64, Desk) {
    let path = folder.join("test.db");
    let config =
        frontgate_store::Settings { url: format!("sqlite:{}", path.display()), ..frontgate_store::Settings::default() };
    let store = Store::open(&Arc::new(Database::open(&config).expect("a database")), &config).await.expect("a store");
    let names = ["demo", "sms", "cha_1"].map(str::to_owned);
    let begun = store.begin_channel(names, "fg-key".to_owned(), None, 1).await.expect("a write");
    let Begun::New(channel) = begun else { panic!("{begun:?}") };
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
    let kept = store.keep_message(incoming).await.expect("a write");
    (store, channel.id, kept.message, Desk::open(&path).expect("the database"))
}

#[tokio::test]
async fn what_front_was_not_told_yet_it_is_told_when_it_asks() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, channel, message, mut desk) = waiting(folder.path()).await;
    for _ in 0..2 {
        assert!(store.is_sending(channel, SystemTime::now(), None).await.expect("an answer"));
        assert_eq!(store.told("demo", message).await.expect("an answer"), None);
        assert_eq!(desk.cancel(1).expect("it waits"), State::Cancelled);
        let told = store.told("demo", message).await.expect("an answer").expect("what Front is told");
        assert_eq!(told.status, 400);
        assert!(String::from_utf8_lossy(&told.body).contains("An operator took it out."));
        assert!(!store.is_sending(channel, SystemTime::now(), None).await.expect("an answer"));
        assert_eq!(desk.retry(1).expect("it was taken out"), State::Ready);
    }
    // Nothing was promised, so nothing is reported.
    assert_eq!(desk.list(None, None, 10).expect("a list").len(), 1);
}

#[tokio::test]
async fn a_message_that_is_not_known_any_more_does_not_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_store, _, _, mut desk) = waiting(folder.path()).await;
    desk.connection.execute_batch("DELETE FROM front_messages; UPDATE deliveries SET state = 'dead'").expect("a write");
    let error = desk.retry(1).expect_err("nothing is known of it").to_string();
    assert!(error.contains("store.messages_keep_ms") && error.contains("cancel it"), "{error}");
    assert_eq!(desk.show(1).expect("it is there").line.state, State::Dead);
    assert_eq!(desk.cancel(1).expect("it waits"), State::Cancelled);
}
