//! Tests people who are signed in at a proxy in front of the console, and that no other process can name people.

use std::net::SocketAddr;

use frontgate_tests::{Answer, Chromium, Gateway, Setup, get, post};

const SECRET: &str = "planted-secret-of-the-proxy";

/// Starts a gateway behind a proxy that names users in `x-user` and groups in `x-groups`.
fn start() -> Gateway {
    setup().start()
}

fn setup() -> Setup {
    Setup::misbehaving()
        .file("proxy-secret", SECRET)
        .set("console.proxy.user", "\"x-user\"")
        .set("console.proxy.groups", "\"x-groups\"")
        .set("console.proxy.secret_header", "\"x-proxy-secret\"")
        .set("console.proxy.secret", "{ file = \"files/proxy-secret\" }")
        .set("console.proxy.sign_out", "\"/oauth2/sign_out\"")
        .set("console.roles.support", "[\"group:desk\"]")
        .set("console.roles.operator", "[\"ana@example.org\"]")
}

/// A browser behind the proxy.
struct Browser {
    console: SocketAddr,
    user: &'static str,
    groups: &'static str,
    cookie: String,
    proof: String,
}

impl Browser {
    fn new(gateway: &Gateway, user: &'static str, groups: &'static str) -> Self {
        let (cookie, proof) = ("a=b".to_owned(), String::new());
        Self { console: gateway.console_address(), user, groups, cookie, proof }
    }

    /// Opens the console as the page's script does.
    fn entered(gateway: &Gateway, user: &'static str, groups: &'static str) -> Self {
        let mut browser = Self::new(gateway, user, groups);
        let answer = browser.post_with("/enter", &[("accept", "application/json")]);
        assert_eq!(answer.status, 200, "{answer:?}");
        browser.cookie = answer.headers["set-cookie"].split(';').next().expect("a cookie").to_owned();
        browser.proof = answer.json["proof"].as_str().expect("a proof").to_owned();
        browser
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let names = [("x-user", self.user), ("x-groups", self.groups), ("x-proxy-secret", SECRET)];
        [("cookie", &*self.cookie)].into_iter().chain(names).collect()
    }

    fn get(&self, path: &str) -> Answer {
        get(self.console, path, &self.headers())
    }

    fn post(&self, path: &str) -> Answer {
        self.post_with(path, &[("x-frontgate-proof", &self.proof)])
    }

    fn post_with(&self, path: &str, more: &[(&str, &str)]) -> Answer {
        let origin = format!("http://{}", self.console);
        let own = [("origin", &*origin), ("content-type", "application/x-www-form-urlencoded")];
        post(self.console, path, &[&self.headers()[..], &own, more].concat(), b"")
    }
}

#[test]
fn a_user_of_the_proxy_enters_without_a_link() {
    let gateway = start();
    let first = Browser::new(&gateway, "ana@example.org", "").get("/live");
    assert!(first.status == 401 && first.text.contains("data-proxy"), "the page begins a session: {first:?}");
    let ana = Browser::entered(&gateway, "ana@example.org", "");
    let page = ana.get("/live");
    assert!(page.status == 200 && page.text.contains("ana@example.org (proxy)"), "{page:?}");
    assert!(page.text.contains("operator"), "{page:?}");
}

#[test]
fn a_user_of_the_proxy_changes_something_in_a_browser_and_signs_out() {
    let gateway = start();
    let browser = Chromium::start(1280, &[]);
    browser.send_headers(&[("x-user", "ana@example.org"), ("x-proxy-secret", SECRET)]);
    let place = format!("http://{}/plugins", gateway.console_address());
    browser.open(&place);
    browser.wait_for_text("header .pill bdi", "ana@example.org (proxy)");
    assert_eq!(browser.url(), place, "the page that was opened is shown");
    browser.click("form[action='/plugins/reload'] button:not([disabled])");
    gateway.log().wait_for_event("config.applied");
    browser.click("form[action='/leave'] button:not([disabled])");
    browser.wait_for_text("h1", "Signed out");
    browser.wait_for_text("a[href='/oauth2/sign_out']", "Sign out of the proxy, too");
}

#[test]
fn a_name_without_the_secret_of_the_proxy_is_rejected() {
    let gateway = start();
    let ana = Browser::entered(&gateway, "ana@example.org", "");
    let own = [("cookie", &*ana.cookie), ("x-user", "ana@example.org")];
    for secret in [&[][..], &[("x-proxy-secret", "planted-secret-of-the-prox")], &[("x-proxy-secret", "")]] {
        for path in ["/", "/enter", "/live.json"] {
            let answer = get(gateway.console_address(), path, &[&own, secret].concat());
            assert!(answer.status == 403 && answer.text.contains("console.proxy"), "{path} {secret:?}: {answer:?}");
        }
    }
    gateway.log().wait_for_event("console.identity_rejected");
    assert!(!gateway.log().text().contains(SECRET));
}

#[test]
fn a_group_of_the_proxy_has_its_role() {
    let gateway = start();
    let sam = Browser::entered(&gateway, "sam", "office, desk");
    assert!(sam.get("/").text.contains("sam (proxy)") && sam.get("/").text.contains("support"));
    let refused = sam.post("/plugins/reload");
    assert!(refused.status == 403 && refused.text.contains("needs the role operator"), "{refused:?}");
}

#[test]
fn a_person_without_a_role_reads_why() {
    let gateway = start();
    for path in ["/", "/enter", "/deliveries"] {
        let answer = Browser::new(&gateway, "eve", "office").get(path);
        assert!(answer.status == 403 && answer.text.contains("has no role"), "{path}: {answer:?}");
    }
    let answer = Browser::new(&gateway, "eve", "office").post_with("/enter", &[]);
    assert!(answer.status == 403 && !answer.headers.contains_key("set-cookie"), "{answer:?}");
}

#[test]
fn a_change_by_a_user_of_the_proxy_needs_the_proof() {
    let gateway = start();
    let ana = Browser::entered(&gateway, "ana@example.org", "");
    let unproved = ana.post_with("/plugins/reload", &[]);
    assert!(unproved.status == 403 && unproved.text.contains("no proof"), "{unproved:?}");
    assert_eq!(ana.post("/plugins/reload").status, 200);
    let actions = ana.get("/audit.json").json["actions"].clone();
    assert_eq!([&actions[0]["who"], &actions[0]["action"]], ["ana@example.org (proxy)", "reload"], "{actions}");
}

#[test]
fn a_session_ends_when_the_proxy_names_another_person() {
    let gateway = start();
    let mut browser = Browser::entered(&gateway, "ana@example.org", "");
    browser.user = "sam";
    browser.groups = "desk";
    assert_eq!(browser.get("/live").status, 401);
    browser.user = "ana@example.org";
    assert_eq!(browser.get("/live").status, 401, "the session does not come back");
}

#[test]
fn a_session_of_the_proxy_does_not_work_without_the_proxy() {
    let gateway = start();
    let ana = Browser::entered(&gateway, "ana@example.org", "");
    assert_eq!(get(gateway.console_address(), "/live", &[("cookie", &ana.cookie)]).status, 401);
    assert_eq!(ana.get("/live").status, 200);
}

#[test]
fn a_group_that_a_person_has_left_gives_no_role() {
    let gateway = start();
    let mut sam = Browser::entered(&gateway, "sam", "desk");
    assert_eq!(sam.get("/live").status, 200);
    sam.groups = "office";
    assert_eq!(sam.get("/live").status, 403);
}

#[test]
fn signing_out_behind_a_proxy_leads_to_its_own_sign_out() {
    let gateway = start();
    let ana = Browser::entered(&gateway, "ana@example.org", "");
    let left = ana.post("/leave");
    assert_eq!((left.status, &*left.headers["location"]), (303, "/left"));
    let page = ana.get("/left");
    assert!(page.text.contains("/oauth2/sign_out") && !page.text.contains("data-proxy"), "{page:?}");
    assert_eq!(ana.get("/live").status, 401);
}

#[test]
fn a_login_link_works_beside_the_proxy() {
    let gateway = start();
    let person = gateway.sign_in("bob", "viewer");
    assert_eq!(person.get("/live").status, 200);
}

#[test]
fn tenants_of_a_user_of_the_proxy_are_limited() {
    let gateway = setup().set("console.roles.tenants.\"group:desk\"", "[]").start();
    let sam = Browser::entered(&gateway, "sam", "desk");
    assert_eq!(sam.get("/audit").status, 404);
    assert_eq!(Browser::entered(&gateway, "ana@example.org", "").get("/audit").status, 200);
}

#[test]
fn a_proxy_needs_a_long_secret() {
    let setup = setup().file("proxy-secret", "short");
    setup.write();
    let output = frontgate_tests::run(setup.folder(), &["check"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("console.proxy.secret: has fewer than 16 characters"), "{text}");
}
