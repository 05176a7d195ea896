//! A real browser: Debian's Chromium without a window, driven over the WebDriver protocol by `chromedriver`.
//!
//! `cargo xtask test` installs both. Host names are mapped to local ports, and certificates are not verified.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Answer, eventually, get, post};

/// The key of an element in answers of WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A running browser, killed on drop.
pub struct Chromium {
    driver: Child,
    address: SocketAddr,
    session: String,
    _profile: TempDir,
}

impl Chromium {
    /// Starts a browser with a window of this width, for which these host names are at these ports of this machine.
    pub fn start(width: u32, hosts: &[(&str, u16)]) -> Self {
        let mut command = Command::new("chromedriver");
        let driver = command.args(["--port=0"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = driver.unwrap_or_else(|error| panic!("chromedriver: {error}; run `cargo xtask test`"));
        let output = BufReader::new(driver.stdout.take().expect("its output"));
        let started = output.lines().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("was started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let address = SocketAddr::from(([127, 0, 0, 1], started.expect("a port")));
        let profile = TempDir::new().expect("a folder");
        let rules: Vec<_> = hosts.iter().map(|(name, port)| format!("MAP {name} 127.0.0.1:{port}")).collect();
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--ignore-certificate-errors".to_owned(),
            format!("--window-size={width},844"),
            format!("--host-resolver-rules={}", rules.join(", ")),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let options = json!({ "args": arguments, "binary": "/usr/bin/chromium" });
        let wanted = json!({ "browserName": "chrome", "acceptInsecureCerts": true, "goog:chromeOptions": options });
        let wanted = json!({ "capabilities": { "alwaysMatch": wanted } });
        let answer = post(address, "/session", &[], wanted.to_string().as_bytes());
        let session = answer.json["value"]["sessionId"].as_str();
        let session = session.unwrap_or_else(|| panic!("no session: {}", answer.text)).to_owned();
        let browser = Self { driver, address, session, _profile: profile };
        // A phone's width is smaller than a window of Chromium can be.
        let metrics = json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500 });
        browser.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        browser
    }

    /// Opens a URL, and waits until the page is loaded.
    pub fn open(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// Returns the URL of the page.
    pub fn url(&self) -> String {
        self.get("url").as_str().expect("a URL").to_owned()
    }

    /// Waits until the URL of the page begins with a text, and returns it.
    #[track_caller]
    pub fn wait_for_url(&self, start: &str) -> String {
        eventually(&format!("a page at {start}"), || self.url(), |url| url.starts_with(start))
    }

    /// Returns the text of the first element that a CSS selector finds.
    pub fn text(&self, selector: &str) -> String {
        self.get(&format!("element/{}/text", self.find(selector))).as_str().expect("a text").to_owned()
    }

    /// Returns whether a CSS selector finds an element.
    pub fn has(&self, selector: &str) -> bool {
        self.execute(&format!("return document.querySelector({selector:?}) !== null")) == true
    }

    /// Types into a field.
    pub fn write(&self, selector: &str, text: &str) {
        self.post(&format!("element/{}/value", self.find(selector)), &json!({ "text": text }));
    }

    /// Clicks at an element.
    pub fn click(&self, selector: &str) {
        self.post(&format!("element/{}/click", self.find(selector)), &json!({}));
    }

    /// Runs a script in the page, as a developer's console does, and returns its result.
    pub fn execute(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Shows pages in light or dark colors.
    pub fn set_dark(&self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let feature = json!({ "name": "prefers-color-scheme", "value": value });
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// Turns scripts of pages off.
    pub fn forbid_scripts(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    }

    /// Returns the page as a picture, PNG in base64.
    pub fn picture(&self) -> String {
        self.get("screenshot").as_str().expect("a picture").to_owned()
    }

    fn devtools(&self, command: &str, parameters: &Value) {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
    }

    fn find(&self, selector: &str) -> String {
        let found = self.post("element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        value(&get(self.address, &format!("/session/{}/{path}", self.session), &[]), path)
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        let path = format!("/session/{}/{path}", self.session);
        value(&post(self.address, &path, &[], body.to_string().as_bytes()), &path)
    }
}

#[track_caller]
fn value(answer: &Answer, path: &str) -> Value {
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.json["value"].clone()
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Ends the browser, too.
        let _ = ureq::delete(format!("http://{}/session/{}", self.address, self.session)).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
