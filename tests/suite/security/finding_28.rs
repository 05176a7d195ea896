//! Finding 28: files of a platform come from any address.

use frontgate_tests::Names;
use frontgate_tests::front::Draft;
use serde_json::Value;

use crate::channels::{LEE, Wired};

/// A gateway that takes files from all hosts below a name, as Front's default does.
fn wired(networks: &str, address: &str) -> Wired {
    let names = Names::start().is("files.front.test", &[address]);
    Wired::with(|setup| {
        setup
            .set("log.level", "\"info,frontgate::plugin=debug\"")
            .set("delivery.nameservers", names.setting())
            .set("tenants.demo.front.sms.files_urls", "[\"https://*.front.test\"]")
            .set("tenants.demo.front.sms.files_networks", networks)
    })
}

/// Sends a message with a file that Front says is at that host.
fn send(wired: &Wired) {
    let draft = Draft::new("planted text").to(LEE).attach("a.txt", "text/plain", "a file").edit(move_files);
    wired.front.send(&wired.channel, draft);
}

/// Puts another address in the place of each file's.
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
fn a_host_that_front_names_is_not_reached_at_an_address_that_is_not_public() {
    for (address, name) in [("127.0.0.1", "loopback"), ("10.1.2.3", "private"), ("169.254.169.254", "metadata")] {
        let wired = wired("[]", address);
        send(&wired);
        wired.gateway.log().wait_for(&format!("files.front.test resolves to {address}, which is not public ({name})"));
    }
}

#[test]
fn a_host_in_a_network_that_the_operator_named_is_reached() {
    let wired = wired("[\"127.0.0.1/32\"]", "127.0.0.1");
    send(&wired);
    wired.gateway.log().wait_for("failed to connect to files.front.test at 127.0.0.1: Connection refused");
}

#[test]
fn metadata_services_are_reached_in_no_network() {
    let wired = wired("[\"10.0.0.0/8\", \"127.0.0.0/8\"]", "169.254.169.254");
    send(&wired);
    wired.gateway.log().wait_for("which is not public (metadata)");
}
