//! Finding 26: a redirect sends a secret to another host.

use frontgate_tests::{Front, Provider, Setup, Web};
use serde_json::json;

use crate::channels::{ChannelFixture, LEE, SERVER};

const SECRET: &str = "pat-na1-s3cr3t-T0ken-9f2c7e";

fn redirect(to: &str) -> Option<Vec<u8>> {
    Some(format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes())
}

/// Creates a channel whose plugin has the same secret for both hosts.
fn fixture(hosts: [&Web; 2]) -> ChannelFixture {
    let (front, provider) = (Front::start(), Provider::start());
    let url = |web: &Web| format!("\"http://{}\"", web.address());
    let bound = |web: &Web| {
        let secrets = "{ token = { file = \"files/secret\" } }";
        format!(
            "{{ to = {}, header = \"authorization\", value = \"Bearer {{token}}\", secrets = {secrets} }}",
            url(web)
        )
    };
    let [one, other] = hosts;
    let outbound = format!("[{}, {}, \"http://{}\"]", url(one), url(other), provider.address());
    let gateway = Setup::courier(&front, &provider)
        .file("secret", SECRET)
        .set("plugins.named.courier.outbound", outbound)
        .set("plugins.named.courier.bound_secrets", format!("[{}, {}]", bound(one), bound(other)))
        .start();
    front.point_at(gateway.address());
    let channel = front.connect(SERVER).expect("a channel");
    ChannelFixture { front, provider, gateway, channel }
}

/// Imports a customer's message with a file at this URL, and waits until Front has the message.
fn fetch(fixture: &ChannelFixture, url: &str) {
    let message =
        json!({"id": "in-1", "conversation": "c", "with": LEE, "text": "planted text", "files": [["a.txt", url]]});
    fixture.report_events(&json!([{ "inbound": message }]));
    fixture.front.wait_for(|state| state.messages().count() == 1);
}

/// Returns the path of each request, and whether the request contained the secret.
fn with_secret(web: &Web) -> Vec<(String, bool)> {
    let path = |request: &str| request.split(' ').nth(1).unwrap_or_default().to_owned();
    web.requests().iter().map(|request| (path(request), request.contains(SECRET))).collect()
}

fn requests(expected: &[(&str, bool)]) -> Vec<(String, bool)> {
    expected.iter().map(|(path, with_secret)| ((*path).to_owned(), *with_secret)).collect()
}

#[test]
fn a_redirect_to_another_host_carries_no_secret() {
    let other = Web::start();
    let to = format!("http://{}/file", other.address());
    let one = Web::scripted(move |_| redirect(&to));
    let fixture = fixture([&one, &other]);
    fetch(&fixture, &format!("http://{}/start", one.address()));
    assert_eq!(with_secret(&one), requests(&[("/start", true)]));
    assert_eq!(with_secret(&other), requests(&[("/file", false)]));
}

#[test]
fn a_redirect_back_to_the_first_host_carries_no_secret() {
    let other = Web::scripted(|head| {
        let back = head.split(' ').nth(1)?.strip_prefix("/back/")?;
        redirect(&format!("http://{back}/end"))
    });
    let to = other.address();
    let one = Web::scripted(move |head| {
        let host = head.lines().find_map(|line| line.strip_prefix("host: "))?;
        head.starts_with("GET /start ").then(|| redirect(&format!("http://{to}/back/{host}")))?
    });
    let fixture = fixture([&one, &other]);
    fetch(&fixture, &format!("http://{}/start", one.address()));
    assert_eq!(with_secret(&one), requests(&[("/start", true), ("/end", false)]));
    assert!(with_secret(&other).iter().all(|(_, with_secret)| !with_secret));
}

#[test]
fn a_redirect_within_a_host_keeps_its_secret() {
    let other = Web::start();
    let one = Web::scripted(|head| head.starts_with("GET /start ").then(|| redirect("/end"))?);
    let fixture = fixture([&one, &other]);
    fetch(&fixture, &format!("http://{}/start", one.address()));
    assert_eq!(with_secret(&one), requests(&[("/start", true), ("/end", true)]));
}
