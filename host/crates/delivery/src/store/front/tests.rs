//! What cannot be seen from outside in time.

use std::sync::Arc;

use frontgate_store::Database;

use super::{Begun, Channel};
use crate::store::Store;

async fn begin(store: &Store, credential: &str) -> Channel {
    let names = ["demo", "sms", "cha_1"].map(str::to_owned);
    let begun = store.begin_channel(names, format!("fg-{credential}"), Some(credential.to_owned()), 1).await;
    match begun.expect("a write") {
        Begun::New(channel) | Begun::Known(channel) => channel,
        Begun::Full => panic!("there is one"),
    }
}

#[tokio::test]
async fn an_authorization_that_is_refused_takes_nothing_from_another_one_of_the_same_channel() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let config = frontgate_store::Settings { url, ..frontgate_store::Settings::default() };
    let database = Database::open(&config).expect("a database");
    let store = Store::open(&Arc::new(database), &config).await.expect("a store");
    let wrong = begin(&store, "wrong").await;
    let right = begin(&store, "right").await;
    assert_eq!(wrong.key, right.key);
    store.refused("demo", wrong.id, wrong.credential).await.expect("a write");
    assert!(store.connected("demo", right.id, right.credential.clone()).await.expect("a write"));
    // Nor is one that was connected before undone by a refusal, or by one that comes too late.
    store.refused("demo", right.id, right.credential).await.expect("a write");
    let there = store.channel_at("demo", right.key).await.expect("an answer").expect("the channel");
    assert!(store.remove_channel(&there, "request").await.expect("a write"));
    assert!(!store.connected("demo", there.id, None).await.expect("a write"), "it was removed meanwhile");
}
