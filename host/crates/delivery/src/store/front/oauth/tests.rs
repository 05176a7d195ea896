//! Concurrent uses of codes and tokens, on both engines.

use std::time::Duration;

use frontgate_front::oauth::{AuthorizationRequest, Kind, Token};
use frontgate_test_postgres::Place;

use super::*;
use crate::store::Store;
use crate::store::tests::open;

const LIFETIMES: Lifetimes = Lifetimes { access: Duration::from_secs(60), refresh: Duration::from_secs(600) };
const RETURN: &str = "https://front.example.com/return";

/// The request of a client without PKCE.
fn request() -> AuthorizationRequest {
    let state = Some("state".to_owned());
    AuthorizationRequest { redirect_uri: RETURN.to_owned(), is_redirect_uri_named: true, state, challenge: None }
}

fn app() -> AppKey {
    AppKey { tenant: "demo".to_owned(), app: "sms".to_owned(), client: "front".to_owned() }
}

fn token(text: &str) -> Token {
    Token::read(text).expect("a token")
}

/// Signs in and allows. Returns the text of the code.
async fn code(store: &Store) -> String {
    let (app, code) = (app(), Token::new(Kind::Code, random(), random()));
    let login = LoginKey { id: code.grant(), key: code.key() };
    let lifetime = Duration::from_secs(60);
    assert!(store.begin_login(&app, &login, b"content", lifetime, 10).await.expect("a write"));
    let account = ["7", "Line", "line"].map(str::to_owned);
    let grant = NewGrant::new(&app, &code, account, "credential", &request(), lifetime);
    assert!(store.grant(&app, &login, 0, grant).await.expect("a write"));
    code.text().to_string()
}

async fn exchange(store: &Store, code: &str) -> Exchange {
    let redirect_uri = Some(RETURN.to_owned());
    store.exchange_code(&app(), token(code), redirect_uri, None, LIFETIMES).await.expect("a write")
}

/// Describes the result of an exchange: its refresh token, or that the grant was revoked.
fn refresh_token(result: Exchange) -> Option<String> {
    match result {
        Exchange::Issued(issued) => Some(issued.refresh.to_string()),
        Exchange::Reused(_) => None,
        Exchange::Refused(reason) => panic!("{reason}"),
    }
}

async fn stores() -> Vec<(Store, Place)> {
    let mut stores = Vec::new();
    for place in Place::both() {
        let config = frontgate_store::Settings { url: place.url(), connections_max: 4, ..Default::default() };
        stores.push((open(&config).await, place));
    }
    stores
}

#[tokio::test]
async fn of_two_exchanges_of_a_code_the_second_revokes_the_grant() {
    for (store, _place) in stores().await {
        let code = code(&store).await;
        let (one, other) = tokio::join!(exchange(&store, &code), exchange(&store, &code));
        let issued: Vec<_> = [one, other].into_iter().filter_map(refresh_token).collect();
        assert_eq!(issued.len(), 1);
        assert!(store.introspect(&app(), token(&issued[0])).await.expect("an answer").is_none());
    }
}

#[tokio::test]
async fn two_refreshes_at_the_same_time_get_the_same_tokens() {
    for (store, _place) in stores().await {
        let first = refresh_token(exchange(&store, &code(&store).await).await).expect("tokens");
        let app = app();
        let refresh = || store.refresh(&app, token(&first), LIFETIMES);
        let (one, other) = tokio::join!(refresh(), refresh());
        let [one, other] = [one, other].map(|result| refresh_token(result.expect("a write")).expect("tokens"));
        assert_eq!(one, other);
        assert!(store.introspect(&app, token(&one)).await.expect("an answer").is_some());
    }
}

#[tokio::test]
async fn one_consent_issues_one_code() {
    for (store, _place) in stores().await {
        let (app, code) = (app(), Token::new(Kind::Code, random(), random()));
        let login = LoginKey { id: code.grant(), key: code.key() };
        let lifetime = Duration::from_secs(60);
        assert!(store.begin_login(&app, &login, b"content", lifetime, 10).await.expect("a write"));
        let grant = || {
            let code = Token::new(Kind::Code, random(), random());
            let account = ["7", "Line", "line"].map(str::to_owned);
            NewGrant::new(&app, &code, account, "credential", &request(), lifetime)
        };
        let (one, other) = tokio::join!(store.grant(&app, &login, 0, grant()), store.grant(&app, &login, 0, grant()));
        assert_ne!(one.expect("a write"), other.expect("a write"));
    }
}

#[tokio::test]
async fn the_content_of_a_sign_in_needs_the_key_of_its_browser() {
    for (store, _place) in stores().await {
        let (app, id) = (app(), "id".to_owned());
        let login = LoginKey { id: id.clone(), key: [1; 32].into() };
        assert!(store.begin_login(&app, &login, b"content", Duration::from_secs(60), 10).await.expect("a write"));
        assert_eq!(&**store.login(&app, &login).await.expect("a row").expect("a sign-in").content, b"content");
        let other = LoginKey { id, key: [2; 32].into() };
        assert!(store.login(&app, &other).await.expect("a row").is_none());
        let elsewhere = AppKey { app: "other".to_owned(), ..app };
        assert!(store.login(&elsewhere, &login).await.expect("a row").is_none());
    }
}

#[tokio::test]
async fn an_expired_sign_in_is_deleted() {
    for (store, _place) in stores().await {
        let login = LoginKey { id: "id".to_owned(), key: [1; 32].into() };
        store.begin_login(&app(), &login, b"content", Duration::ZERO, 10).await.expect("a write");
        assert!(store.login(&app(), &login).await.expect("a row").is_none());
        let count = || async {
            let count = |read: &frontgate_store::sql::Transaction<'_>| {
                read.value::<i64>("SELECT count(*) FROM front_logins", frontgate_store::values![])
            };
            store.database.read("", count).await.expect("a number")
        };
        assert_eq!(count().await, 1);
        store.prune(crate::store::Retention::new(&frontgate_store::Settings::default())).await.expect("a write");
        assert_eq!(count().await, 0);
    }
}
