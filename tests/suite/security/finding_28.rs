//! Finding 28: a platform's files are fetched from any address.

use frontgate_tests::Names;
use frontgate_tests::front::Draft;
use serde_json::Value;

use crate::channels::{ChannelFixture, LEE};

/// Starts a gateway that fetches files from all hosts of a domain, as with Front's default.
fn fixture(networks: &str, address: &str) -> ChannelFixture {
    let names = Names::start().is("files.front.test", &[address]);
    ChannelFixture::with(|setup| {
        setup
            .set("log.level", "\"info,frontgate_runtime=debug\"")
            .set("delivery.nameservers", names.setting())
            .set("tenants.demo.front.sms.files_urls", "[\"https://*.front.test\"]")
            .set("tenants.demo.front.sms.files_networks", networks)
    })
}

/// Sends a message with a file whose URL is at `files.front.test`.
fn send(fixture: &ChannelFixture) {
    let draft = Draft::new("planted text").to(LEE).attach("a.txt", "text/plain", "a file").edit(move_files);
    fixture.front.send(&fixture.channel, draft);
}

/// Replaces the URL of each file in a request.
fn move_files(value: &mut Value) {
    match value {
        Value::Object(fields) if fields.contains_key("content_type") => {
            fields.insert("url".to_owned(), "https://files.front.test/a".into());
        }
        Value::Object(fields) => fields.values_mut().for_each(move_files),
        Value::Array(values) => values.iter_mut().for_each(move_files),
        _ => {}
    }
}

#[test]
fn a_front_file_host_at_a_non_public_address_is_not_contacted() {
    for (address, name) in [("127.0.0.1", "loopback"), ("10.1.2.3", "private"), ("169.254.169.254", "metadata")] {
        let fixture = fixture("[]", address);
        send(&fixture);
        fixture
            .gateway
            .log()
            .wait_for(&format!("files.front.test resolves to {address}, which is not public ({name})"));
    }
}

#[test]
fn a_file_host_in_a_granted_network_is_contacted() {
    let fixture = fixture("[\"127.0.0.1/32\"]", "127.0.0.1");
    send(&fixture);
    fixture.gateway.log().wait_for("failed to connect to files.front.test at 127.0.0.1: Connection refused");
}

#[test]
fn metadata_services_are_unreachable_in_any_network() {
    let fixture = fixture("[\"10.0.0.0/8\", \"127.0.0.0/8\"]", "169.254.169.254");
    send(&fixture);
    fixture.gateway.log().wait_for("which is not public (metadata)");
}
