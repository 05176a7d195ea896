//! A real browser: Debian's Chromium without a window, driven over the WebDriver protocol by `chromedriver`.
//!
//! `cargo xtask test` installs both. Host names are mapped to local ports, and certificates are not verified.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parking_lot::{Mutex, MutexGuard};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::eventually;

/// The key of an element in answers of WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Time for a command of the browser, which starts slowly on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Browsers run one after the other, since each uses several processes.
static ONE: Mutex<()> = Mutex::new(());

/// Time for an element to appear, in milliseconds.
const PATIENCE_MS: u32 = 20_000;

/// A running browser, killed on drop.
pub struct Chromium {
    driver: Driver,
    session: String,
    _profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// The driver, with the browser in its process group.
struct Driver {
    process: Child,
    address: SocketAddr,
}

/// Starts of the driver until one succeeds. On a busy machine, it may lose its port to another program.
const STARTS_MAX: usize = 5;

impl Driver {
    fn start() -> Self {
        (0..STARTS_MAX).find_map(|_| Self::try_start()).expect("chromedriver has a port")
    }

    fn try_start() -> Option<Self> {
        let mut command = Command::new("chromedriver");
        let command = command.args(["--port=0"]).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut process =
            command.spawn().unwrap_or_else(|error| panic!("chromedriver: {error}; run `cargo xtask test`"));
        let output = BufReader::new(process.stdout.take().expect("its output"));
        let port = output.lines().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("was started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        // Waits for the end of a driver without a port.
        let Some(port) = port else {
            let _ = process.wait();
            return None;
        };
        Some(Self { process, address: SocketAddr::from(([127, 0, 0, 1], port)) })
    }

    /// Sends a signal to the driver and the browser.
    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, signal));
    }

    /// Sends a command, and returns its value. A command without a body is a GET.
    #[track_caller]
    fn command(&self, path: &str, body: Option<&Value>) -> Value {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).build();
        let (agent, url) = (ureq::Agent::from(agent), format!("http://{}{path}", self.address));
        let answer = match body {
            Some(body) => agent.post(url).send(body.to_string()),
            None => agent.get(url).call(),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        let text = answer.body_mut().read_to_string().expect("text");
        assert_eq!(answer.status().as_u16(), 200, "{path}: {text}");
        serde_json::from_str::<Value>(&text).expect("JSON")["value"].clone()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.process.wait();
    }
}

impl Chromium {
    /// Starts a browser with a window of this width, for which these host names are at these ports of this machine.
    pub fn start(width: u32, hosts: &[(&str, u16)]) -> Self {
        let (turn, driver) = (ONE.lock(), Driver::start());
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
            "--disable-crash-reporter".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--ignore-certificate-errors".to_owned(),
            format!("--window-size={width},844"),
            format!("--host-resolver-rules={}", rules.join(", ")),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let options = json!({ "args": arguments, "binary": "/usr/bin/chromium" });
        let wanted = json!({ "browserName": "chrome", "acceptInsecureCerts": true, "goog:chromeOptions": options });
        let wanted = json!({ "capabilities": { "alwaysMatch": wanted } });
        let session = driver.command("/session", Some(&wanted))["sessionId"].as_str().expect("a session").to_owned();
        let browser = Self { driver, session, _profile: profile, _turn: turn };
        // A phone's width is smaller than a window of Chromium can be.
        let metrics = json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500 });
        // A page that follows a click is loaded while the next command waits for its element.
        browser.post("timeouts", &json!({ "implicit": PATIENCE_MS }));
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

    /// Waits until the first element that a CSS selector finds has a text.
    #[track_caller]
    pub fn wait_for_text(&self, selector: &str, text: &str) {
        let script = format!("return document.querySelector({selector:?})?.innerText ?? ''");
        eventually(&format!("{selector} with {text:?}"), || self.execute(&script), |found| found == text);
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

    /// Runs a script that calls its last argument with the result.
    pub fn execute_async(&self, script: &str) -> Value {
        self.post("execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Returns a picture of the window, as PNG.
    pub fn screenshot(&self) -> Vec<u8> {
        let picture = self.get("screenshot");
        BASE64_STANDARD.decode(picture.as_str().expect("a text")).expect("base64")
    }

    /// Shows pages in light or dark colors.
    pub fn set_dark(&self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let feature = json!({ "name": "prefers-color-scheme", "value": value });
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// Shows pages in the few colors of a person's own palette.
    pub fn force_colors(&self) {
        let feature = json!({ "name": "forced-colors", "value": "active" });
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// Turns scripts of pages off.
    pub fn forbid_scripts(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    }

    /// Adds headers to each request, as a proxy in front of the server does.
    pub fn send_headers(&self, headers: &[(&str, &str)]) {
        let headers: serde_json::Map<String, Value> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        self.devtools("Network.enable", &json!({}));
        self.devtools("Network.setExtraHTTPHeaders", &json!({ "headers": headers }));
    }

    /// Opens another window, and returns its name. The following commands are for it.
    pub fn new_window(&self) -> String {
        let window =
            self.post("window/new", &json!({ "type": "window" }))["handle"].as_str().expect("a name").to_owned();
        self.switch_to(&window);
        // Each window is visible, as if it were beside the others.
        self.devtools("Emulation.setFocusEmulationEnabled", &json!({ "enabled": true }));
        window
    }

    /// Sends the following commands to a window.
    pub fn switch_to(&self, window: &str) {
        self.post("window", &json!({ "handle": window }));
    }

    /// Stops all processes of the browser, as when its machine sleeps. It takes no command until [`Chromium::wake`].
    pub fn sleep(&self) {
        self.driver.signal(Signal::STOP);
    }

    /// Continues the browser after [`Chromium::sleep`].
    pub fn wake(&self) {
        self.driver.signal(Signal::CONT);
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
        self.driver.command(&format!("/session/{}/{path}", self.session), None)
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.driver.command(&format!("/session/{}/{path}", self.session), Some(body))
    }
}
