//! Finding 18: a password in a URL reaches the log.

use frontgate_tests::{LIST, Setup, run};

const WORD: &str = "pl4in-pa55word";

#[test]
fn a_password_in_the_public_url_is_in_no_log_and_on_no_page() {
    let url = format!("\"https://mora-the-user:{WORD}@gw.example.org\"");
    let gateway = Setup::misbehaving().set("server.public_url", url).set("log.level", "\"trace\"").start();
    assert_eq!(gateway.log().wait_for("serving ")["public_url"], "https://gw.example.org");
    assert_eq!(gateway.crm(&LIST).status, 200, "it is signed without user and password");
    assert_eq!(gateway.get("/callbacks/crm", &[("x-twilio-signature", "x")]).status, 405);
    gateway.reconfigure(&[("server.public_url", &format!("\"https://mora-the-user:{WORD}2@gw.example.org/x\""))]);
    for page in ["/statusz", "/metrics"] {
        assert!(!gateway.operators(page).1.contains(WORD), "{page}");
    }
    let log = gateway.log().text();
    let line = log.lines().find(|line| line.contains(WORD) || line.contains("mora-the-user"));
    assert!(line.is_none(), "{line:?}");
}

#[test]
fn a_password_in_a_url_is_not_repeated_by_check() {
    for (key, url) in [
        ("server.public_url", format!("https://mora:{WORD}@gw.example.org")),
        ("server.public_url", format!("https://mora:{WORD}@")),
        ("server.public_url", format!("ftp://mora:{WORD}@gw.example.org")),
        ("server.public_url", format!("https://mora:{WORD}@gw.example.org:99999")),
        ("server.public_url", format!("https://mora:{WORD}@gw.example.org/?a=b")),
        ("tenants.demo.twilio.conversations_url", format!("https://mora:{WORD}@twilio.example.org")),
        ("tenants.demo.twilio.conversations_url", format!("https://:{WORD}@twilio.example.org")),
        ("tenants.demo.front.sms.api_url", format!("https://:{WORD}@front.example.org")),
        ("tenants.demo.front.sms.files_urls", format!("https://:{WORD}@front.example.org")),
        ("plugins.named.plugin.outbound", format!("https://:{WORD}@crm.example.org")),
        ("plugins.named.plugin.outbound_networks", format!("https://:{WORD}@crm.example.org")),
        ("plugins.nameservers", format!("https://:{WORD}@crm.example.org")),
        ("store.url", format!("postgres://mora:{WORD}@db.example.org/x")),
        ("server.listen", format!("https://:{WORD}@gw.example.org")),
    ] {
        let is_list =
            ["files_urls", "outbound", "outbound_networks", "nameservers"].iter().any(|end| key.ends_with(end));
        let value = if is_list { format!("[{url:?}]") } else { format!("{url:?}") };
        let setup = Setup::misbehaving().set(key, value);
        setup.write();
        let output = run(setup.folder(), &["check", "--config", "config.toml"]);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(key) || said.contains("config.toml:"), "{key} is looked at: {said}");
        assert!(!said.contains(WORD), "{key} = {url}: {said}");
    }
}

#[test]
fn credentials_in_the_address_of_a_platform_are_a_fault() {
    for key in ["tenants.demo.twilio.conversations_url", "tenants.demo.front.sms.api_url"] {
        let setup = Setup::misbehaving().set(key, format!("\"https://:{WORD}@api.example.org\""));
        setup.write();
        let output = run(setup.folder(), &["check", "--config", "config.toml"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(&format!("{key}: has more than host and path")), "{said}");
    }
}
