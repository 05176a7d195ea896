//! Sends generated requests, signed and unsigned, to the real gateway. The gateway must answer each of them without an
//! internal error, and leak no connections.
//!
//! `FRONTGATE_REQUESTS=1000000` makes the test longer; `FRONTGATE_SEED=7` changes the requests.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use frontgate_tests::{Front, Gateway, PUBLIC_URL, TOKEN, component, eventually, front, sign};
use url::form_urlencoded;

use crate::channels::ChannelFixture;

/// The number of requests if `FRONTGATE_REQUESTS` is not set.
const REQUESTS: u64 = 3_000;
/// The number of concurrent callers.
const CALLERS: u64 = 4;
/// The number of additional descriptors allowed afterwards, for idle connections to platforms and of plugins.
const DESCRIPTORS_MORE: usize = 24;
/// The time limit for an answer, longer than any answer takes.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Fragments of values, paths and bodies.
const WORDS: [&str; 40] = [
    "",
    "a",
    "0",
    "-1",
    "1e400",
    "%",
    "%2",
    "%00",
    "%ff",
    "+",
    "&",
    "=",
    ";",
    "'",
    "\"",
    "\\",
    "<",
    ">",
    "<script>",
    "</p>",
    "&amp;",
    "&#0;",
    "{",
    "}",
    "[",
    "]",
    "null",
    "\u{0}",
    "\r\n",
    "\u{202e}",
    "\u{feff}",
    "é",
    "漢",
    "𝒳",
    "../",
    "//",
    "+4930901820",
    "GetCustomersList",
    "GetCustomerDetailsByCustomerId",
    "ana@x.example",
];
/// Field names of callbacks.
const FIELDS: [&str; 14] = [
    "Location",
    "Worker",
    "PageSize",
    "Anchor",
    "Query",
    "CustomerId",
    "Body",
    "EventType",
    "ConversationSid",
    "Body[]",
    "Attributes",
    "MessagingBinding.Address",
    "AccountSid",
    "",
];
/// Keys in Front's JSON.
const KEYS: [&str; 16] = [
    "type",
    "payload",
    "metadata",
    "id",
    "channel_id",
    "recipients",
    "handle",
    "role",
    "attachments",
    "url",
    "filename",
    "text",
    "body",
    "created_at",
    "external_conversation_ids",
    "_links",
];
/// Values for the key `type`.
const TYPES: [&str; 7] =
    ["message", "message_autoreply", "message_imported", "authorization", "list_addresses", "delete", "other"];
/// Paths of known endpoints; the last two belong to a channel.
const PATHS: [&str; 9] = [
    "/",
    "/callbacks/crm",
    "/callbacks/routing",
    "/callbacks/conversations",
    "/front/sms",
    "/front/sms/",
    "/front/other",
    "CHANNEL",
    "CHANNEL/provider",
];

/// The generator SplitMix64, which yields the same requests for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(bound.max(1)).expect("a size")).expect("below a size")
    }

    fn one<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.below(words.len())]
    }

    fn text(&mut self) -> String {
        (0..self.below(5)).map(|_| self.one(&WORDS)).collect()
    }

    fn json(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 5 } else { 8 }) {
            0 => serde_json::json!(self.text()).to_string(),
            1 => self.one(&["null", "true", "0", "-0.0", "1e308", "18446744073709551616", "1700000000.123"]).to_owned(),
            2 => format!("\"{}\"", self.one(&["\\ud800", "\\u0000", "x", "https://127.0.0.1/a"])),
            3 => "[]".to_owned(),
            4 => "{}".to_owned(),
            5 => format!("[{},{}]", self.json(depth - 1), self.json(depth - 1)),
            _ => {
                let fields = (0..self.below(7)).map(|_| format!("{:?}:{}", self.one(&KEYS), self.json(depth - 1)));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// The addresses to which a caller sends requests.
struct Target {
    /// The path of a channel, with its key.
    channel: String,
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: gw.example.org\r\nConnection: close\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes());
    bytes.extend(body);
    bytes
}

/// Returns a callback with random fields and a signature of Twilio.
fn twilio(dice: &mut Dice) -> Vec<u8> {
    // The signing helper does not support repeated names.
    let names: std::collections::BTreeSet<&str> = (0..dice.below(8)).map(|_| dice.one(&FIELDS)).collect();
    let pairs: Vec<(&str, String)> = names.into_iter().map(|name| (name, dice.text())).collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let path = dice.one(&["/callbacks/crm", "/callbacks/routing", "/callbacks/conversations"]);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}{path}"), &pairs);
    let kind = ("content-type", "application/x-www-form-urlencoded");
    request("POST", path, &[kind, ("x-twilio-signature", &signature)], body.as_bytes())
}

/// Returns a request with random JSON, sometimes truncated, and a signature of Front.
fn signed_by_front(dice: &mut Dice, target: &Target) -> Vec<u8> {
    let mut body = match dice.below(8) {
        0 => dice.json(4),
        1 => "[".repeat(dice.below(3_000)),
        _ => {
            let kind = dice.one(&TYPES);
            format!("{{\"type\":\"{kind}\",\"payload\":{},\"metadata\":{}}}", dice.json(4), dice.json(3))
        }
    };
    if dice.below(6) == 0 {
        body.truncate(body.char_indices().map(|(at, _)| at).nth(dice.below(body.chars().count())).unwrap_or_default());
    }
    // A delete request must not remove the channel that later requests need.
    let path = if dice.below(2) == 0 || body.contains("\"delete\"") { "/front/sms" } else { &target.channel };
    let method = if path == "/front/sms" { dice.one(&["POST", "POST", "DELETE"]) } else { "POST" };
    // The timestamp is always new, since a long run exceeds the signature window.
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let timestamp = (now_ms + u128::from(dice.roll() % 1_000)).to_string();
    let signature = front::signature(Front::SECRET, &timestamp, body.as_bytes());
    let headers = [("x-front-request-timestamp", &*timestamp), ("x-front-signature", &*signature)];
    request(method, path, &[headers.as_slice(), &[("content-type", "application/json")]].concat(), body.as_bytes())
}

/// Returns an unsigned request.
fn unsigned(dice: &mut Dice, target: &Target) -> Vec<u8> {
    let mut path = dice.one(&PATHS).replace("CHANNEL", &target.channel);
    for _ in 0..dice.below(3) {
        path.push('/');
        path += &form_urlencoded::byte_serialize(dice.text().as_bytes()).collect::<String>();
    }
    let signature = ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="];
    let header =
        dice.one(&["x-twilio-signature", "x-front-signature", "x-front-request-timestamp", "cookie", "expect"]);
    let (signature, method) =
        (dice.one(&signature), dice.one(&["POST", "GET", "DELETE", "PUT", "HEAD", "OPTIONS", "FOO"]));
    let body = if dice.below(2) == 0 { dice.json(4) } else { dice.text().repeat(dice.below(500)) };
    request(method, &path, &[(header, signature)], body.as_bytes())
}

/// Returns the request with some bytes changed, inserted or removed.
fn damaged(dice: &mut Dice, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..=dice.below(6) {
        let at = dice.below(bytes.len());
        match dice.below(5) {
            0 => bytes[at] = u8::try_from(dice.below(256)).expect("a byte"),
            1 => bytes.insert(at, u8::try_from(dice.below(256)).expect("a byte")),
            2 => drop(bytes.splice(at..at, dice.one(&WORDS).bytes())),
            3 => drop(bytes.drain(at..(at + dice.below(20)).min(bytes.len()))),
            _ => bytes.extend_from_within(..at),
        }
        if bytes.is_empty() {
            bytes.push(b'\n');
        }
    }
    bytes
}

fn any(dice: &mut Dice, target: &Target) -> Vec<u8> {
    let bytes = match dice.below(4) {
        0 => twilio(dice),
        1 => signed_by_front(dice, target),
        _ => unsigned(dice, target),
    };
    if dice.below(4) == 0 { damaged(dice, bytes) } else { bytes }
}

/// Sends bytes on a new connection, and returns all bytes received until the gateway closes the connection.
fn exchange(gateway: &Gateway, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(gateway.address()).expect("a connection");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
    // The gateway may reject the request and close the connection before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        let reset = error.kind() == std::io::ErrorKind::ConnectionReset;
        assert!(reset, "not answered and not closed: {error}; {:?}", String::from_utf8_lossy(bytes));
    }
    answer
}

/// Sends the requests of one caller, and returns the number of successful answers.
fn call(gateway: &Gateway, target: &Target, seed: u64, requests: u64) -> usize {
    let mut dice = Dice(seed);
    let mut accepted = 0;
    for number in 0..requests {
        let bytes = any(&mut dice, target);
        let answer = exchange(gateway, &bytes);
        let answer = String::from_utf8_lossy(&answer);
        let failed = answer.contains("HTTP/1.1 500") || answer.contains("HTTP/1.0 500");
        assert!(!failed, "request {number} of seed {seed}: {answer}; {:?}", String::from_utf8_lossy(&bytes));
        accepted += usize::from(answer.starts_with("HTTP/1.1 20"));
    }
    accepted
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

#[test]
fn generated_requests_cause_no_internal_errors_and_no_leaks() {
    let fixture = ChannelFixture::with(|setup| {
        let setup = ["crm", "routing", "conversations"]
            .iter()
            .fold(setup, |setup, role| setup.set(&format!("tenants.demo.roles.{role}"), "[\"plugin\"]"));
        // Timeouts are short, since damaged requests may announce more bytes than they contain.
        setup
            .plugin("plugin", &component("misbehaving"))
            .set("server.header_timeout_ms", "200")
            .set("server.body_timeout_ms", "200")
    });
    let gateway = &fixture.gateway;
    let url = fixture.front.channel(&fixture.channel).webhook_url;
    let target = Target { channel: url.strip_prefix(PUBLIC_URL).expect("an address of ours").to_owned() };
    let (requests, seed) = (number("FRONTGATE_REQUESTS", REQUESTS), number("FRONTGATE_SEED", 1));

    let before = gateway.descriptors();
    let accepted: usize = thread::scope(|scope| {
        let target = &target;
        let callers = (0..CALLERS).map(|caller| {
            scope
                .spawn(move || call(gateway, target, seed.wrapping_mul(1_000).wrapping_add(caller), requests / CALLERS))
        });
        let callers: Vec<_> = callers.collect();
        callers.into_iter().map(|caller| caller.join().expect("a caller")).sum()
    });
    assert!(accepted > usize::try_from(requests / 20).expect("a count"), "only {accepted} of {requests} were accepted");

    // The request for the metrics uses one connection itself.
    let connections = || gateway.metric("frontgate_connections");
    eventually("all connections are closed", connections, |open| *open <= 1.0);
    let after = gateway.descriptors();
    assert!(after <= before + DESCRIPTORS_MORE, "{before} descriptors before, {after} afterwards");
    assert!(!gateway.log().text().contains("panicked"), "a panic is in the log");
    assert_eq!(gateway.crm(&frontgate_tests::LIST).status, 200);
}
