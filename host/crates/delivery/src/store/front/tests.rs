//! Concurrent attempts to connect a channel, and statements that run all the time.

use frontgate_store::values;
use frontgate_test_postgres::Place;

use super::{Channel, ConnectResult, scheduled};
use crate::store::Store;
use crate::store::tests::open;

async fn begin(store: &Store, credential: &str) -> Channel {
    let names = ["demo", "sms", "cha_1"].map(str::to_owned);
    let result = store.begin_connect(names, format!("fg-{credential}"), Some(credential.to_owned()), 1).await;
    match result.expect("a write") {
        ConnectResult::New(channel) | ConnectResult::Known(channel) => channel,
        ConnectResult::Full => panic!("there is one"),
    }
}

#[tokio::test]
async fn a_rejected_authorization_does_not_affect_another_one_of_the_same_channel() {
    for place in Place::both() {
        let config = frontgate_store::Settings { url: place.url(), connections_max: 2, ..Default::default() };
        let store = open(&config).await;
        let wrong = begin(&store, "wrong").await;
        let right = begin(&store, "right").await;
        assert_eq!(wrong.key, right.key);
        store.discard_connect("demo", wrong.id, wrong.credential).await.expect("a write");
        assert!(store.confirm_connect("demo", right.id, right.credential.clone()).await.expect("a write"));
        // A later rejection does not disconnect the channel.
        store.discard_connect("demo", right.id, right.credential).await.expect("a write");
        let there = store.channel_at("demo", right.key).await.expect("an answer").expect("the channel");
        assert!(store.remove_channel(&there, "request").await.expect("a write"));
        assert!(!store.confirm_connect("demo", there.id, None).await.expect("a write"), "it was removed meanwhile");
    }
}

#[tokio::test]
async fn sqlite_reads_the_channels_of_a_tenant_by_their_index() {
    let [place, _] = Place::both();
    let store = open(&frontgate_store::Settings { url: place.url(), ..Default::default() }).await;
    let plan = store.database.read("demo", |read| {
        let select = format!("EXPLAIN QUERY PLAN {}", scheduled::SCHEDULED);
        read.rows(&select, values!["demo"], |row| row.get::<String>(3))
    });
    let plan = plan.await.expect("a plan").join("\n");
    assert!(plan.contains("SEARCH channel USING INDEX front_channels_") && plan.contains("(tenant=?"), "{plan}");
}
