//! Finding 33: the search list of the resolver applies.
//!
//! That no other name is asked for is a test beside `outbound::resolve`, since a nameserver of the system's has to be at
//! port 53. Here: a host that only the search list would find is not found.

use std::net::UdpSocket;

use frontgate_tests::{Names, Setup, Web};

#[test]
fn a_host_is_not_looked_for_below_the_domains_of_the_search_list() {
    // Needs the right to use this port, as few but root have.
    let Ok(socket) = UdpSocket::bind("127.0.53.33:53") else { return };
    let web = Web::start();
    let names = Names::at(socket).is("crm.corp.test", &["127.0.0.1"]).is("crm.test", &["127.0.0.1"]);
    let port = web.port();
    let gateway = Setup::caller(&names, port)
        .set("plugins.nameservers", "[]")
        .set("plugins.named.plugin.outbound", format!("[\"http://crm:{port}\", \"http://crm.test:{port}\"]"))
        .start_with_resolver("search corp.test\nnameserver 127.0.53.33\n");
    for door in ["flat", "wasi"] {
        assert!(gateway.wished(&format!("{door} GET http://crm.test:{port}/")).ends_with("hello"), "{door}");
        let said = gateway.wished(&format!("{door} GET http://crm:{port}/"));
        assert!(said.contains("looking up crm: "), "{door}: {said}");
    }
}
