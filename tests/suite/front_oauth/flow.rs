//! The whole flow, from the sign-in to a message of a teammate.

use frontgate_tests::front::Draft;
use serde_json::json;

use super::{CREDENTIAL, Fixture, PASSWORD, RETURN, USER, client_of_front};
use crate::channels::{LEE, SERVER};

#[test]
fn a_client_of_authlib_gets_tokens_with_pkce() {
    let mut fixture = Fixture::new();
    let client = fixture.client(&json!({}));
    let returned = fixture.allow(&client.begin());
    let tokens = client.finish(&returned);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3_600)), "{tokens}");
    let found = client.act("introspect", &json!({ "token": tokens["access_token"] }));
    assert_eq!(found["active"], true, "{found}");
    assert_eq!(found["front_channel_name"], "Line of planted-user");
    assert_eq!(found["front_channel_address"], USER);
}

#[test]
fn a_client_may_send_its_secret_in_the_form_and_no_challenge() {
    let mut fixture = Fixture::new();
    let client = fixture.client(&json!({ "challenge_method": null, "auth_method": "client_secret_post" }));
    let returned = fixture.allow(&client.begin());
    assert!(client.finish(&returned)["access_token"].is_string());
}

#[test]
fn a_channel_of_an_oauth_app_works_with_the_providers_credential() {
    let mut fixture = Fixture::new();
    let channel = fixture.connect();
    let addresses = fixture.front.list_addresses(
        frontgate_tests::front::Connect::to(SERVER).token(&fixture.front.channel(&channel).token.expect("a token")),
    );
    // The plugin shows the credential as the name of its first address.
    assert_eq!(addresses.expect("addresses")[0].name.as_deref(), Some(CREDENTIAL));
    assert_eq!(fixture.front.channel(&channel).address, USER);
    fixture.front.send(&channel, Draft::new("planted text").to(LEE)).ids();
    assert_eq!(fixture.provider.look(|known| known.messages.len()), 1);
}

#[test]
fn a_new_grant_of_a_channel_keeps_its_address_and_conversations() {
    let mut fixture = Fixture::new();
    let channel = fixture.connect();
    let first = fixture.front.channel(&channel);
    let sent = fixture.front.send(&channel, Draft::new("one").to(LEE));
    let url = fixture.front.begin_oauth_again(&client_of_front(), &channel);
    assert_eq!(fixture.finish_in_front(&url), channel);
    let second = fixture.front.channel(&channel);
    assert_eq!(first.webhook_url, second.webhook_url);
    assert_ne!(first.token, second.token);
    let reply = fixture.front.reply(&sent.conversation, "two");
    assert_eq!(reply.ids().1, sent.ids().1);
}

#[test]
fn a_channel_works_on_after_front_has_refreshed_its_tokens() {
    let mut fixture = Fixture::new();
    let channel = fixture.connect();
    fixture.front.refresh_oauth(&channel).expect("new tokens");
    fixture.front.send(&channel, Draft::new("one").to(LEE)).ids();
    fixture.front.refresh_oauth(&channel).expect("new tokens");
}

#[test]
fn an_unknown_token_connects_no_channel() {
    let mut fixture = Fixture::new();
    let channel = fixture.connect();
    let token = fixture.front.oauth_connections()[0].refresh_token.clone().expect("a token");
    for token in [None, Some("invented"), Some(token.as_str())] {
        let connect = frontgate_tests::front::Connect::to(SERVER);
        let connect = token.map_or(connect.clone(), |token| connect.clone().token(token));
        let refusal = fixture.front.reconnect(&channel, connect).expect_err("it is refused");
        assert_eq!(refusal.status, Some(401), "{token:?}");
    }
}

#[test]
fn a_person_chooses_one_of_several_accounts() {
    let mut fixture = Fixture::new();
    let client = fixture.client(&json!({}));
    let choice = fixture.sign_in(&client.begin(), "choose");
    assert_eq!(choice.title(), "Choose a line");
    assert!(choice.answer.text.contains("First &lt;line&gt;"), "{}", choice.answer.text);
    let consent = fixture.browser.submit(&choice, &[("account", "two")]);
    let left = fixture.browser.submit(&consent, &[("action", "allow")]);
    let tokens = client.finish(&left.url);
    let found = client.act("introspect", &json!({ "token": tokens["access_token"] }));
    assert_eq!(found["front_channel_address"], "two");
}

#[test]
fn a_person_signs_in_at_the_providers_own_page() {
    let mut fixture = Fixture::new();
    let client = fixture.client(&json!({}));
    let leaving = fixture.sign_in(&client.begin(), "redirect");
    let target = leaving.answer.headers["refresh"].strip_prefix("0; url=").expect("a URL").to_owned();
    assert!(target.starts_with("https://provider.example.com/login?return=https%3A%2F%2Fgw.example.org%2Ffront%2Fsms%2Foauth%2Freturn&state="), "{target}");
    let state = target.rsplit_once("&state=").expect("a state").1.to_owned();
    let back = fixture.browser.open(&format!("{SERVER}/oauth/return?code=c1&state={state}"));
    let left = fixture.browser.submit(&back, &[("action", "allow")]);
    let tokens = client.finish(&left.url);
    let found = client.act("introspect", &json!({ "token": tokens["access_token"] }));
    assert_eq!(found["front_channel_address"], "returned-c1");
}

#[test]
fn a_wrong_password_can_be_corrected() {
    let mut fixture = Fixture::new();
    let client = fixture.client(&json!({}));
    let page = fixture.browser.open(&client.begin());
    let wrong = [("field.user", USER), ("field.password", "wrong"), ("action", "submit")];
    let again = fixture.browser.submit(&page, &wrong);
    assert!(again.answer.text.contains("Wrong password.") && !again.answer.text.contains("wrong\""), "{again:?}");
    let right = [("field.user", USER), ("field.password", PASSWORD), ("action", "submit")];
    let consent = fixture.browser.submit(&again, &right);
    assert_eq!(consent.title(), "Allow Front to use this account?");
}

#[test]
fn a_person_who_refuses_returns_without_a_code() {
    let mut fixture = Fixture::new();
    let client = fixture.client(&json!({}));
    let consent = fixture.sign_in(&client.begin(), USER);
    let left = fixture.browser.submit(&consent, &[("action", "cancel")]);
    assert!(left.url.starts_with(RETURN), "{}", left.url);
    assert_eq!(left.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(left.parameter("code"), None);
}

#[test]
fn a_person_who_cancels_returns_without_a_code() {
    let mut fixture = Fixture::new();
    let page = fixture.browser.open(&super::begin(&[]));
    let left = fixture.browser.submit(&page, &[("action", "cancel")]);
    let refresh = &left.answer.headers["refresh"];
    assert!(refresh.starts_with(&format!("0; url={RETURN}?error=access_denied")), "{refresh}");
    assert!(refresh.ends_with("state=state-1"), "{refresh}");
}

#[test]
fn the_plugins_refusal_is_shown_with_a_way_back() {
    let mut fixture = Fixture::new();
    let page = fixture.sign_in(&super::begin(&[]), "refuse");
    assert_eq!(page.title(), "This account cannot be connected");
    assert!(page.answer.text.contains("This account is &lt;closed&gt; &amp; cannot"), "{}", page.answer.text);
    assert!(page.answer.text.contains("error=access_denied"), "{}", page.answer.text);
}

#[test]
fn with_shared_credentials_the_introspection_names_the_account() {
    let mut fixture = Fixture::with(|setup| setup.set("tenants.demo.front.sms.oauth.shared_credentials", "true"));
    let client = fixture.client(&json!({}));
    let tokens = client.finish(&fixture.allow(&client.begin()));
    let found = client.act("introspect", &json!({ "token": tokens["access_token"] }));
    assert_eq!((&found["resource_owner_id"], &found["sub"]), (&json!("id-planted-user"), &json!("id-planted-user")));
    assert_eq!(found["resource_owner_name"], "Line of planted-user");
}
