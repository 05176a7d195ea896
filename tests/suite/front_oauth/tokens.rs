//! Tokens: rotation, revocation, expiry, and what is stored of them.

use frontgate_tests::{Gateway, OauthClient, on_postgres};
use serde_json::{Value, json};

use super::{CREDENTIAL, Fixture, PASSWORD, begin, code};

/// A client with its tokens.
fn granted(fixture: &mut Fixture) -> (OauthClient, Value) {
    let client = fixture.client(&json!({}));
    let returned = fixture.allow(&client.begin());
    let tokens = client.finish(&returned);
    (client, tokens)
}

fn refresh(client: &OauthClient, token: &Value) -> Value {
    client.act("refresh", &json!({ "refresh_token": token }))
}

fn is_active(client: &OauthClient, token: &Value) -> bool {
    client.act("introspect", &json!({ "token": token }))["active"] == true
}

#[test]
fn a_refresh_token_is_replaced_at_each_use() {
    let mut fixture = Fixture::new();
    let (client, first) = granted(&mut fixture);
    let second = refresh(&client, &first["refresh_token"]);
    assert_ne!(first["access_token"], second["access_token"]);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert!(is_active(&client, &second["access_token"]) && is_active(&client, &second["refresh_token"]));
    assert!(is_active(&client, &first["access_token"]), "requests may be on their way with it");
    assert!(!is_active(&client, &first["refresh_token"]));
}

#[test]
fn a_client_that_lost_an_answer_gets_the_same_tokens_again() {
    let mut fixture = Fixture::new();
    let (client, first) = granted(&mut fixture);
    let (one, other) = (refresh(&client, &first["refresh_token"]), refresh(&client, &first["refresh_token"]));
    assert_eq!(one["access_token"], other["access_token"], "{one} {other}");
    assert_eq!(one["refresh_token"], other["refresh_token"]);
}

#[test]
fn a_refresh_token_that_was_replaced_twice_revokes_the_grant() {
    let mut fixture = Fixture::new();
    let (client, first) = granted(&mut fixture);
    let second = refresh(&client, &first["refresh_token"]);
    let third = refresh(&client, &second["refresh_token"]);
    let reused = refresh(&client, &first["refresh_token"]);
    assert_eq!(reused["error"], "invalid_grant", "{reused}");
    assert!(!is_active(&client, &third["access_token"]));
    assert_eq!(refresh(&client, &third["refresh_token"])["error"], "invalid_grant");
    fixture.gateway.log().wait_for_event("front.grant_revoked");
}

#[test]
fn a_late_second_use_of_a_refresh_token_revokes_the_grant() {
    if on_postgres() {
        // The clock is the server's.
        return;
    }
    let mut fixture = Fixture::new();
    let (client, first) = granted(&mut fixture);
    let second = refresh(&client, &first["refresh_token"]);
    // Two minutes are longer than the time for a lost answer, and shorter than the access token's.
    fixture = fixture.restarted(|gateway| gateway.start_again_later(120_000));
    let client = fixture.client(&json!({}));
    drop(second);
    assert_eq!(refresh(&client, &first["refresh_token"])["error"], "invalid_grant");
    assert_eq!(refresh(&client, &first["refresh_token"])["error"], "invalid_grant");
}

#[test]
fn tokens_expire() {
    if on_postgres() {
        // The clock is the server's.
        return;
    }
    let mut fixture = Fixture::new();
    let (client, tokens) = granted(&mut fixture);
    drop(client);
    fixture = fixture.restarted(|gateway| gateway.start_again_later(3_700_000));
    let client = fixture.client(&json!({}));
    assert!(!is_active(&client, &tokens["access_token"]));
    assert!(is_active(&client, &tokens["refresh_token"]));
    let renewed = refresh(&client, &tokens["refresh_token"]);
    assert!(is_active(&client, &renewed["access_token"]), "{renewed}");
}

#[test]
fn a_revoked_refresh_token_ends_the_whole_grant() {
    let mut fixture = Fixture::new();
    let (client, tokens) = granted(&mut fixture);
    assert_eq!(client.act("revoke", &json!({ "token": tokens["refresh_token"] })), json!({ "status": 200 }));
    assert!(!is_active(&client, &tokens["access_token"]) && !is_active(&client, &tokens["refresh_token"]));
}

#[test]
fn a_revoked_access_token_can_be_renewed() {
    let mut fixture = Fixture::new();
    let (client, tokens) = granted(&mut fixture);
    client.act("revoke", &json!({ "token": tokens["access_token"] }));
    assert!(!is_active(&client, &tokens["access_token"]));
    assert!(refresh(&client, &tokens["refresh_token"])["access_token"].is_string());
}

#[test]
fn an_unknown_token_is_revoked_without_an_error() {
    let mut fixture = Fixture::new();
    let (client, _) = granted(&mut fixture);
    assert_eq!(client.act("revoke", &json!({ "token": "invented" })), json!({ "status": 200 }));
    assert_eq!(client.act("introspect", &json!({ "token": "invented" })), json!({ "active": false }));
}

#[test]
fn tokens_survive_a_restart() {
    let mut fixture = Fixture::new();
    let (client, tokens) = granted(&mut fixture);
    drop(client);
    fixture = fixture.restarted(Gateway::restart);
    let client = fixture.client(&json!({}));
    assert!(is_active(&client, &tokens["access_token"]));
    assert!(refresh(&client, &tokens["refresh_token"])["access_token"].is_string());
}

#[test]
fn neither_the_database_nor_the_log_has_a_token_or_a_password() {
    let mut fixture = Fixture::new();
    let (client, tokens) = granted(&mut fixture);
    let renewed = refresh(&client, &tokens["refresh_token"]);
    // A sign-in in progress has the credential, too.
    let url = begin(&[]);
    fixture.sign_in(&url, super::USER);
    let other = code(&fixture.allow(&url));
    let mut secrets = vec![CREDENTIAL.to_owned(), other, super::SECRET.to_owned()];
    for (all, name) in [(&tokens, "access_token"), (&tokens, "refresh_token"), (&renewed, "access_token")] {
        secrets.push(all[name].as_str().expect("a token").to_owned());
    }
    secrets.push(fixture.browser.cookies());
    let mut texts = vec![fixture.gateway.log().text().into_bytes()];
    if !on_postgres() {
        for name in ["frontgate.db", "frontgate.db-wal"] {
            texts.push(std::fs::read(fixture.gateway.path(&format!("data/{name}"))).unwrap_or_default());
        }
        assert!(texts[1].len() + texts[2].len() > 0, "a database");
    }
    for text in &texts {
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            let found = text.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} was found");
        }
    }
    assert!(!fixture.gateway.log().text().contains(&format!("\"{PASSWORD}\"")));
}
