//! Tests HubSpot's webhooks: what they name reaches the index at once.

use frontgate_tests::hubspot::Sent;
use frontgate_tests::{HubSpot, PUBLIC_URL};

use super::source::{indexed_by, listed, owned, wait_for_list};
use super::{ANA, Account, setup};

const SECRET: &str = "a-made-up-client-secret";

/// Starts an account whose index asks for changes once a day, and subscribes to webhooks with a client secret.
fn subscribed(hubspot: HubSpot, client_secret: &str) -> Account {
    let setup = setup(&hubspot)
        .file("client-secret", SECRET)
        .set("plugins.named.hubspot.webhook_keys.hubspot", "{ file = \"files/client-secret\" }");
    let account = indexed_by(hubspot, setup, &[("tenants.demo.customers.interval_ms", "86400000")]);
    let url = format!("{PUBLIC_URL}/customers/notifications");
    account.hubspot.subscribe(&url, account.gateway.address(), client_secret);
    account
}

fn statuses(sent: Vec<Sent>) -> Vec<(String, Result<u16, String>)> {
    sent.into_iter().map(|sent| (sent.event, sent.answer)).collect()
}

#[test]
fn what_a_webhook_names_reaches_the_index_at_once() {
    let hubspot = HubSpot::start();
    let ana = hubspot.owner(ANA);
    let contacts: Vec<_> = ["Mora", "Otto", "Irma", "Tove"].map(|name| owned(&hubspot, name, &ana)).to_vec();
    let account = subscribed(hubspot, SECRET);
    // The search lags behind, as it may.
    account.hubspot.delay_search();
    let new = owned(&account.hubspot, "Nils", &ana);
    wait_for_list(&account, ANA, contacts.iter().chain([&new]).cloned().collect());
    account.hubspot.archive(&contacts[0]);
    account.hubspot.forget(&contacts[1]);
    account.hubspot.merge(&contacts[2], &contacts[3]);
    wait_for_list(&account, ANA, vec![contacts[2].clone(), new]);
    let sent = account.hubspot.wait_for_webhooks(4);
    assert!(sent.iter().all(|sent| sent.answer == Ok(204)), "{sent:?}");
}

#[test]
fn a_webhook_with_another_secret_is_rejected() {
    let hubspot = HubSpot::start();
    let ana = hubspot.owner(ANA);
    let contact = owned(&hubspot, "Mora", &ana);
    let account = subscribed(hubspot, "another-secret");
    account.hubspot.forget(&contact);
    let sent = statuses(account.hubspot.wait_for_webhooks(1));
    assert_eq!(sent, [("contact.privacyDeletion".to_owned(), Ok(401))]);
    assert_eq!(listed(&account.gateway, ANA), [&*contact]);
}
