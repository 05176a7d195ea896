//! The authorization server of Authlib, with an API that accepts its tokens: `tests/authorization_server`.
//!
//! `cargo xtask test` installs Authlib, at a fixed version.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::{get, languages_path, post, root};

/// A running server, killed on drop.
pub struct AuthorizationServer {
    process: Child,
    ready: Value,
}

impl AuthorizationServer {
    /// Starts the server at a free port.
    pub fn start() -> Self {
        let mut command = Command::new("authlib-python");
        command.arg(root().join("tests/authorization_server/server.py")).env("PATH", languages_path());
        let process = command.stdout(Stdio::piped()).spawn();
        let mut process = process.unwrap_or_else(|error| panic!("authlib-python: {error}; run `cargo xtask test`"));
        let mut line = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        Self { process, ready: serde_json::from_str(&line).expect("the server starts") }
    }

    /// Returns the port of token endpoint (`/token`) and API (`/api`).
    pub fn port(&self) -> u16 {
        self.ready["port"].as_u64().and_then(|port| port.try_into().ok()).expect("a port")
    }

    /// Returns a secret that the server printed: `secret`, `first_refresh`, `other_refresh`, `rsa` or `ec`.
    pub fn secret(&self, name: &str) -> &str {
        self.ready[name].as_str().expect("a text")
    }

    /// Returns the token requests so far.
    pub fn requests(&self) -> Vec<Value> {
        self.state()["requests"].as_array().expect("a list").clone()
    }

    /// Returns every token that the server knows.
    pub fn tokens(&self) -> Vec<String> {
        let state = self.state();
        let tokens = state["tokens"].as_array().expect("a list").iter();
        tokens.map(|token| token.as_str().expect("a text").to_owned()).collect()
    }

    /// Sets the lifetime of new tokens, in seconds.
    pub fn set_lifetime(&self, seconds: u32) {
        self.control("set", &json!({ "settings": { "expires_in": seconds } }));
    }

    /// Makes the token endpoint answer with a status, or serve again for 0.
    pub fn set_down(&self, status: u16) {
        self.control("set", &json!({ "settings": { "down": status } }));
    }

    /// Makes token requests wait, or answers those that wait.
    pub fn set_open(&self, open: bool) {
        self.control("set", &json!({ "open": open }));
    }

    /// Ends all access tokens.
    pub fn revoke(&self) {
        self.control("revoke", &json!({}));
    }

    fn state(&self) -> Value {
        get(self.address(), "/control/state", &[]).json
    }

    fn control(&self, path: &str, body: &Value) {
        let kind = [("content-type", "application/json")];
        let answer = post(self.address(), &format!("/control/{path}"), &kind, body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port()).into()
    }
}

impl Drop for AuthorizationServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
