//! An OAuth client of Authlib: `tests/oauth_client`. `cargo xtask test` installs it, at a fixed version.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::{languages_path, root};

/// A running client, killed on drop.
pub struct OauthClient {
    process: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl OauthClient {
    /// Starts a client. The settings are `server`, `pages`, `client_id`, `client_secret`, `redirect_uri`, and optionally
    /// `challenge_method` and `auth_method`.
    pub fn start(settings: &Value) -> Self {
        let mut command = Command::new("oauth-client-python");
        command
            .arg(root().join("tests/oauth_client/client.py"))
            .arg(settings.to_string())
            .env("PATH", languages_path());
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process =
            process.unwrap_or_else(|error| panic!("oauth-client-python: {error}; run `cargo xtask test`"));
        let (input, output) = (process.stdin.take().expect("a pipe"), process.stdout.take().expect("a pipe"));
        let client = Self { process, pipes: Mutex::new((input, BufReader::new(output))) };
        assert_eq!(client.line(), json!({ "ready": true }));
        client
    }

    /// Begins a sign-in. Returns the URL for the browser.
    pub fn begin(&self) -> String {
        self.begin_with(&json!({}))
    }

    /// Begins a sign-in with additional parameters.
    pub fn begin_with(&self, more: &Value) -> String {
        self.act("begin", more)["url"].as_str().expect("a URL").to_owned()
    }

    /// Exchanges the code in the URL to which the browser returned.
    pub fn finish(&self, url: &str) -> Value {
        self.act("finish", &json!({ "url": url }))
    }

    /// Executes a command of the script: `finish`, `refresh`, `introspect` or `revoke`, with arguments of Authlib.
    pub fn act(&self, what: &str, arguments: &Value) -> Value {
        let mut command = arguments.clone();
        command["do"] = what.into();
        writeln!(self.pipes.lock().0, "{command}").expect("the client reads");
        self.line()
    }

    fn line(&self) -> Value {
        let mut line = String::new();
        self.pipes.lock().1.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }
}

impl Drop for OauthClient {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
