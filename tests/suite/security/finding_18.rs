//! Finding 18: a password in a URL reaches the log.

use frontgate_tests::{LIST, Setup, run};

const PASSWORD: &str = "pl4in-pa55word";

#[test]
fn a_password_in_the_public_url_reaches_no_log_and_no_page() {
    let url = format!("\"https://mora-the-user:{PASSWORD}@gw.example.org\"");
    let gateway = Setup::misbehaving().set("server.public_url", url).set("log.level", "\"trace\"").start();
    assert_eq!(gateway.log().wait_for("listening on ")["public_url"], "https://gw.example.org");
    assert_eq!(gateway.crm(&LIST).status, 200, "the signed URL has no user and password");
    assert_eq!(gateway.get("/callbacks/crm", &[("x-twilio-signature", "x")]).status, 405);
    gateway.reconfigure(&[("server.public_url", &format!("\"https://mora-the-user:{PASSWORD}2@gw.example.org/x\""))]);
    for page in ["/statusz", "/metrics"] {
        assert!(!gateway.admin_get(page).1.contains(PASSWORD), "{page}");
    }
    let log = gateway.log().text();
    let line = log.lines().find(|line| line.contains(PASSWORD) || line.contains("mora-the-user"));
    assert!(line.is_none(), "{line:?}");
}

#[test]
fn check_never_repeats_a_password_in_a_url() {
    for (key, url) in [
        ("server.public_url", format!("https://mora:{PASSWORD}@gw.example.org")),
        ("server.public_url", format!("https://mora:{PASSWORD}@")),
        ("server.public_url", format!("ftp://mora:{PASSWORD}@gw.example.org")),
        ("server.public_url", format!("https://mora:{PASSWORD}@gw.example.org:99999")),
        ("server.public_url", format!("https://mora:{PASSWORD}@gw.example.org/?a=b")),
        ("tenants.demo.twilio.conversations_url", format!("https://mora:{PASSWORD}@twilio.example.org")),
        ("tenants.demo.twilio.conversations_url", format!("https://:{PASSWORD}@twilio.example.org")),
        ("tenants.demo.front.sms.api_url", format!("https://:{PASSWORD}@front.example.org")),
        ("tenants.demo.front.sms.files_urls", format!("https://:{PASSWORD}@front.example.org")),
        ("plugins.named.plugin.outbound", format!("https://:{PASSWORD}@crm.example.org")),
        ("plugins.named.plugin.outbound_networks", format!("https://:{PASSWORD}@crm.example.org")),
        ("plugins.nameservers", format!("https://:{PASSWORD}@crm.example.org")),
        ("store.url", format!("postgres://mora:{PASSWORD}@db.example.org/x")),
        ("server.listen", format!("https://:{PASSWORD}@gw.example.org")),
    ] {
        let is_list =
            ["files_urls", "outbound", "outbound_networks", "nameservers"].iter().any(|end| key.ends_with(end));
        let value = if is_list { format!("[{url:?}]") } else { format!("{url:?}") };
        let setup = Setup::misbehaving().set(key, value);
        setup.write();
        let output = run(setup.folder(), &["check", "--config", "config.toml"]);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains(key) || text.contains("config.toml:"), "{key} is checked: {text}");
        assert!(!text.contains(PASSWORD), "{key} = {url}: {text}");
    }
}

#[test]
fn credentials_in_a_platform_url_are_a_fault() {
    for key in ["tenants.demo.twilio.conversations_url", "tenants.demo.front.sms.api_url"] {
        let setup = Setup::misbehaving().set(key, format!("\"https://:{PASSWORD}@api.example.org\""));
        setup.write();
        let output = run(setup.folder(), &["check", "--config", "config.toml"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(&format!("{key}: has more than host and path")), "{text}");
    }
}
