//! A person at the gateway's console: signs in with a link of `frontgate console`, reads pages and sends changes.

use std::net::SocketAddr;

use serde_json::Value;
use url::form_urlencoded;

use crate::platform::{self, Answer};
use crate::{Gateway, eventually};

/// A person who is signed in.
pub struct Person {
    address: SocketAddr,
    cookie: String,
    proof: String,
}

impl Gateway {
    /// Returns the address of the console.
    pub fn console_address(&self) -> SocketAddr {
        let line = self.log().wait_for_event("console.started");
        line["listen"].as_str().and_then(|text| text.parse().ok()).expect("an address")
    }

    /// Returns a new login link.
    #[track_caller]
    pub fn console_link(&self, arguments: &[&str]) -> String {
        let output = self.command(&[&["console"], arguments].concat());
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().next().expect("a link").to_owned()
    }

    /// Signs a person in with a role.
    #[track_caller]
    pub fn sign_in(&self, name: &str, role: &str) -> Person {
        self.sign_in_with(&["--for", name, "--role", role])
    }

    /// Signs a person in with a link of these arguments.
    #[track_caller]
    pub fn sign_in_with(&self, arguments: &[&str]) -> Person {
        let link = self.console_link(arguments);
        let answer = enter(self.console_address(), &link);
        assert_eq!(answer.status, 200, "{answer:?}");
        let cookie = answer.headers["set-cookie"].split(';').next().expect("a cookie").to_owned();
        let proof = answer.json["proof"].as_str().expect("a proof").to_owned();
        Person { address: self.console_address(), cookie, proof }
    }
}

/// Uses a login link as the page's script does.
pub fn enter(console: SocketAddr, link: &str) -> Answer {
    let (_, code) = link.split_once('#').expect("a code");
    let origin = format!("http://{console}");
    let kind = "application/x-www-form-urlencoded";
    let headers = [("origin", &*origin), ("accept", "application/json"), ("content-type", kind)];
    platform::post(console, "/enter", &headers, format!("code={code}").as_bytes())
}

impl Person {
    /// Reads a page.
    pub fn get(&self, path: &str) -> Answer {
        platform::get(self.address, path, &[("cookie", &self.cookie)])
    }

    /// Reads the JSON twin of a page.
    #[track_caller]
    pub fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json
    }

    /// Reads the JSON twin of a page until it is as expected.
    #[track_caller]
    pub fn wait_for(&self, path: &str, expected: &str, is_expected: impl Fn(&Value) -> bool) -> Value {
        eventually(expected, || self.get(path).json, is_expected)
    }

    /// Sends a form as the page's script does.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let origin = format!("http://{}", self.address);
        self.post_with(path, form, &[("origin", &origin), ("x-frontgate-proof", &self.proof)])
    }

    /// Sends a form with the session's cookie and these headers.
    pub fn post_with(&self, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let own = [("cookie", &*self.cookie), ("content-type", "application/x-www-form-urlencoded")];
        platform::post(self.address, path, &[&own, headers].concat(), body.as_bytes())
    }

    /// Returns the same session at another address, such as that of the gateway after a restart.
    #[must_use]
    pub fn at(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Returns the origin of the console's pages.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the proof that a page of this origin sends a change.
    pub fn proof(&self) -> &str {
        &self.proof
    }
}
