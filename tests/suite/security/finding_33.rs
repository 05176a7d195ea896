//! Finding 33: the resolver's search list applies.
//!
//! A unit test of `frontgate_net::resolver` checks the queried names, since a system nameserver must use port 53. This
//! test checks that a host is not found if only the search list leads to it.

use std::net::UdpSocket;

use frontgate_tests::{Names, Setup, Web};

#[test]
fn the_resolvers_search_list_is_ignored() {
    // Binding this port requires privileges.
    let Ok(socket) = UdpSocket::bind("127.0.53.33:53") else { return };
    let web = Web::start();
    let names = Names::at(socket).is("crm.corp.test", &["127.0.0.1"]).is("crm.test", &["127.0.0.1"]);
    let port = web.port();
    let gateway = Setup::caller(&names, port)
        .set("plugins.nameservers", "[]")
        .set("plugins.named.plugin.outbound", format!("[\"http://crm:{port}\", \"http://crm.test:{port}\"]"))
        .start_with_resolver("search corp.test\nnameserver 127.0.53.33\n");
    for api in ["flat", "wasi"] {
        assert!(gateway.output_of(&format!("{api} GET http://crm.test:{port}/")).ends_with("hello"), "{api}");
        let output = gateway.output_of(&format!("{api} GET http://crm:{port}/"));
        assert!(output.contains("failed to look up crm: "), "{api}: {output}");
    }
}
