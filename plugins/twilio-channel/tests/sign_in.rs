//! Tests the sign-in of a person who connects a channel with OAuth.

use frontgate_sdk::channel_login::{Event, Login, Step, View};
use frontgate_sdk::http::Response;
use frontgate_sdk::{ChannelLogin as _, Error, testing};
use twilio_channel::TwilioChannel;

const ACCOUNT: &str = "AC000000000000000000000000000000a1";
const KEY: &str = "SK000000000000000000000000000000b2";
const SECRET: &str = "planted secret";
const ACTIVE: &str = r#"{"sid":"AC000000000000000000000000000000a1","status":"active","auth_token":"never"}"#;

fn settings(numbers: &str) {
    let service = "IS000000000000000000000000000000c3";
    testing::settings([("service_sid", service), ("numbers", numbers), ("account_sid", ACCOUNT)]);
}

fn step(state: &[u8], event: Event) -> Result<Step, Error> {
    let login = Login::new("https://gw.example.org/front/sms/oauth/return", "state");
    TwilioChannel::advance(Login { state: state.to_vec(), ..login }, event)
}

fn submit(account: &str, key: &str, secret: &str) -> Result<Step, Error> {
    step(b"", Event::submitted([("account", account), ("key", key), ("secret", secret)]))
}

/// Returns the problem of a form, or an empty text.
fn problem(step: Result<Step, Error>) -> String {
    match step.expect("a step").view {
        View::Form(form) => form.problem.unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_account_with_one_number_is_connected_with_it() {
    settings("+12025550190");
    testing::answers([Ok(Response::new(200, ACTIVE))]);
    let View::SignedIn(account) = submit(ACCOUNT, KEY, SECRET).expect("a step").view else { panic!("not signed in") };
    assert_eq!((&*account.credential, &*account.address), ("+12025550190", "+12025550190"));
    assert_eq!(account.name, "SMS +12025550190");
    let requests = testing::requests();
    assert_eq!(requests[0].url, format!("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}.json"));
}

#[test]
fn of_several_numbers_the_person_chooses_one() {
    settings("+12025550190, whatsapp:+12025550191");
    testing::answers([Ok(Response::new(200, ACTIVE))]);
    let choices = submit(ACCOUNT, "", SECRET).expect("a step");
    let View::Choices(shown) = &choices.view else { panic!("no choice") };
    assert_eq!(shown.accounts[1].name, "WhatsApp +12025550191");
    let chosen = step(&choices.state, Event::Chosen("whatsapp:+12025550191".to_owned())).expect("a step");
    let View::SignedIn(account) = chosen.view else { panic!("not signed in") };
    assert_eq!(account.credential, "whatsapp:+12025550191");
}

#[test]
fn a_number_cannot_be_chosen_without_a_sign_in_nor_one_of_others() {
    settings("+12025550190, +12025550191");
    assert_eq!(problem(step(b"", Event::Chosen("+12025550190".to_owned()))), "");
    assert_eq!(problem(step(b"signed in", Event::Chosen("+12025550199".to_owned()))), "");
}

#[test]
fn wrong_credentials_show_the_form_again_without_the_secret() {
    settings("+12025550190");
    testing::answers([Ok(Response::new(401, "{}"))]);
    let step = submit(ACCOUNT, KEY, SECRET).expect("a step");
    assert!(!format!("{step:?}").contains(SECRET) && step.state.is_empty(), "{step:?}");
    assert_eq!(problem(Ok(step)), "Twilio does not accept this SID and secret.");
}

#[test]
fn another_account_is_never_asked_about() {
    settings("+12025550190");
    let other = ACCOUNT.replace('a', "b");
    assert_eq!(problem(submit(&other, "", SECRET)), "This account does not have the numbers of this service.");
    assert_eq!(testing::requests().len(), 0);
    assert!(problem(submit("../../x", "", SECRET)).contains("34 characters"));
}

#[test]
fn a_suspended_account_is_refused() {
    settings("+12025550190");
    testing::answers([Ok(Response::new(200, ACTIVE.replace("active", "suspended")))]);
    assert!(matches!(submit(ACCOUNT, "", SECRET).expect("a step").view, View::Refused(_)));
}

#[test]
fn a_failure_of_twilio_lets_the_person_try_again() {
    settings("+12025550190");
    testing::answers([Ok(Response::new(503, ""))]);
    assert!(matches!(submit(ACCOUNT, "", SECRET), Err(Error::Unavailable(_))));
}
