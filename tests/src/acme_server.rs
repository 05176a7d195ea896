//! An ACME server (RFC 8555, RFC 9773): verifies each signature and nonce, checks challenges, and issues certificates.
//!
//! The code follows the RFCs and shares none with the gateway's client.

mod challenge;
mod jws;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use parking_lot::{Condvar, Mutex};
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData,
    SignatureAlgorithm,
};
use serde_json::{Value, json};
use x509_cert::der::Decode as _;

use self::jws::Signed;

/// The time limit for the gateway's address.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Life of issued certificates.
const LIFE: Duration = Duration::from_secs(90 * 86_400);

/// A running server on loopback. Its threads end with the test program.
#[derive(Clone)]
pub struct AcmeServer(Arc<Shared>);

struct Shared {
    address: SocketAddr,
    authority: (CertificateParams, KeyPair, String),
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Where the server finds the host: the address for TLS, and the one for HTTP.
    host_at: Option<(SocketAddr, Option<SocketAddr>)>,
    number: u64,
    nonces: Vec<String>,
    /// Keys of accounts by URL.
    accounts: HashMap<String, Value>,
    orders: Vec<Order>,
    /// Refusals of the next orders: error type and `Retry-After`.
    refusals: Vec<(&'static str, u32)>,
    /// Number of the next challenges that fail.
    failing_challenges: u32,
    /// Suggested window, in seconds from now.
    window: Option<(i64, i64)>,
    /// Number of questions for the window.
    windows: usize,
    /// Errors of protocol, which fail a test.
    deviations: Vec<String>,
}

struct Order {
    host: String,
    replaces: Option<String>,
    token: String,
    status: &'static str,
    authorization: &'static str,
    certificate: Option<String>,
}

struct RawKey(Vec<u8>);

impl PublicKeyData for RawKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// A response: status, headers, body.
type Reply = (u16, Vec<(&'static str, String)>, String);

impl AcmeServer {
    /// Starts a server with a new certificate authority.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let shared = Shared {
            address: listener.local_addr().expect("an address"),
            authority: (params, key, pem),
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        let server = Self(Arc::new(shared));
        let serving = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                thread::spawn(move || server.take(stream));
            }
        });
        server
    }

    /// Returns the URL of the directory.
    pub fn directory(&self) -> String {
        self.url("/directory")
    }

    /// Returns the port of the server.
    pub fn port(&self) -> u16 {
        self.0.address.port()
    }

    /// Returns the certificate of the authority, in PEM format.
    pub fn authority(&self) -> &str {
        &self.0.authority.2
    }

    /// Tells the server where it finds every host, for TLS and HTTP. Challenges wait until then.
    pub fn host_is_at(&self, tls: SocketAddr, http: Option<SocketAddr>) {
        self.0.state.lock().host_at = Some((tls, http));
        self.0.changed.notify_all();
    }

    /// Makes the next challenge fail.
    pub fn fail_challenge(&self) {
        self.0.state.lock().failing_challenges += 1;
    }

    /// Refuses the next order with an error type and `Retry-After` in seconds.
    pub fn refuse_order(&self, kind: &'static str, retry_after: u32) {
        self.0.state.lock().refusals.push((kind, retry_after));
    }

    /// Suggests a window for renewals, in seconds from now.
    pub fn suggest(&self, start: i64, end: i64) {
        self.0.state.lock().window = Some((start, end));
    }

    /// Returns the number of questions for the window.
    pub fn windows(&self) -> usize {
        self.0.state.lock().windows
    }

    /// Returns the number of orders.
    pub fn orders(&self) -> usize {
        self.0.state.lock().orders.len()
    }

    /// Returns the certificates that orders replace.
    pub fn replaced(&self) -> Vec<String> {
        self.0.state.lock().orders.iter().filter_map(|order| order.replaces.clone()).collect()
    }

    /// Issues a certificate with its key, in one text, as if it was ordered some time ago.
    pub fn issue(&self, host: &str, age: Duration) -> String {
        let key = KeyPair::generate().expect("a key");
        let chain = self.certificate(host, &RawKey(key.public_key_raw().to_vec()), SystemTime::now() - age);
        format!("{}{chain}", key.serialize_pem())
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0.address)
    }

    fn certificate(&self, host: &str, key: &RawKey, not_before: SystemTime) -> String {
        let mut params = CertificateParams::new([host.to_owned()]).expect("a name");
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (not_before.into(), (not_before + LIFE).into());
        let issuer = Issuer::from_params(&self.0.authority.0, &self.0.authority.1);
        params.signed_by(key, &issuer).expect("a certificate").pem()
    }

    fn take(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
        loop {
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                if reader.read_line(&mut head).is_ok_and(|read| read > 0) {
                    let line = head.lines().last().unwrap_or_default();
                    length =
                        line.strip_prefix("content-length: ").map_or(length, |text| text.parse().expect("a number"));
                    continue;
                }
                return;
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let mut words = head.split(' ');
            let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let (status, mut headers, text) = self.answer(method, path, &body);
            headers.push(("replay-nonce", self.nonce()));
            let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let body = if method == "HEAD" { "" } else { &text };
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n\r\n{body}");
        }
    }

    fn nonce(&self) -> String {
        let mut state = self.0.state.lock();
        state.number += 1;
        let nonce = BASE64.encode(state.number.to_be_bytes());
        state.nonces.push(nonce.clone());
        nonce
    }

    fn answer(&self, method: &str, path: &str, body: &[u8]) -> Reply {
        let id = path.rsplit('/').next().and_then(|id| id.parse::<usize>().ok());
        match (method, path) {
            ("GET", "/directory") => return json(200, &self.resources()),
            ("HEAD", "/nonce") => return (200, Vec::new(), String::new()),
            ("GET", path) if path.starts_with("/renewal/") => return self.renewal(),
            ("POST", _) => {}
            _ => return problem(405, "malformed", 0),
        }
        let signed = match self.verify(path, body) {
            Ok(signed) => signed,
            Err(error) => {
                self.0.state.lock().deviations.push(error.clone());
                return problem(400, "malformed", 0);
            }
        };
        match (path, id) {
            ("/account", _) => self.account(signed),
            ("/order", _) => self.order(&signed.payload),
            (path, Some(id)) if path.starts_with("/order/") => self.shown(id, 200),
            (path, Some(id)) if path.starts_with("/authorization/") => self.authorization(id),
            (path, Some(id)) if path.starts_with("/challenge/") => self.challenge(id, &signed),
            (path, Some(id)) if path.starts_with("/finalize/") => self.finalize(id, &signed.payload),
            (path, Some(id)) if path.starts_with("/certificate/") => {
                let state = self.0.state.lock();
                (200, vec![], state.orders[id].certificate.clone().expect("an issued certificate"))
            }
            _ => problem(404, "malformed", 0),
        }
    }

    fn verify(&self, path: &str, body: &[u8]) -> Result<Signed, String> {
        let mut state = self.0.state.lock();
        let State { nonces, accounts, .. } = &mut *state;
        Signed::verify(body, &self.url(path), nonces, accounts)
    }

    fn resources(&self) -> Value {
        let [nonce, account, order, renewal] = ["/nonce", "/account", "/order", "/renewal"].map(|path| self.url(path));
        json!({ "newNonce": nonce, "newAccount": account, "newOrder": order, "renewalInfo": renewal })
    }

    fn renewal(&self) -> Reply {
        self.0.state.lock().windows += 1;
        let Some((start, end)) = self.0.state.lock().window else { return problem(404, "malformed", 0) };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_secs();
        let time = |offset: i64| {
            Timestamp::from_second(i64::try_from(now).expect("a time") + offset).expect("a time").to_string()
        };
        let window = json!({ "suggestedWindow": { "start": time(start), "end": time(end) } });
        (200, vec![("retry-after", "21600".to_owned())], window.to_string())
    }

    fn account(&self, signed: Signed) -> Reply {
        if signed.payload["termsOfServiceAgreed"] != true {
            return problem(403, "userActionRequired", 0);
        }
        let mut state = self.0.state.lock();
        let url = self.url(&format!("/account/{}", state.accounts.len()));
        state.accounts.insert(url.clone(), signed.key);
        (201, vec![("location", url)], json!({ "status": "valid" }).to_string())
    }

    fn order(&self, payload: &Value) -> Reply {
        let mut state = self.0.state.lock();
        if !state.refusals.is_empty() {
            let (kind, retry_after) = state.refusals.remove(0);
            return problem(429, kind, retry_after);
        }
        let id = state.orders.len();
        state.orders.push(Order {
            host: payload["identifiers"][0]["value"].as_str().unwrap_or_default().to_owned(),
            replaces: payload["replaces"].as_str().map(str::to_owned),
            token: BASE64.encode(format!("token of order {id}")),
            status: "pending",
            authorization: "pending",
            certificate: None,
        });
        drop(state);
        let (status, mut headers, text) = self.shown(id, 201);
        headers.push(("location", self.url(&format!("/order/{id}"))));
        (status, headers, text)
    }

    fn shown(&self, id: usize, status: u16) -> Reply {
        let state = self.0.state.lock();
        let order = &state.orders[id];
        let certificate = order.certificate.as_ref().map(|_| self.url(&format!("/certificate/{id}")));
        json(
            status,
            &json!({
                "status": order.status,
                "identifiers": [{ "type": "dns", "value": order.host }],
                "authorizations": [self.url(&format!("/authorization/{id}"))],
                "finalize": self.url(&format!("/finalize/{id}")),
                "certificate": certificate,
                "replaces": order.replaces,
            }),
        )
    }

    fn authorization(&self, id: usize) -> Reply {
        let state = self.0.state.lock();
        let order = &state.orders[id];
        let challenge = |kind: &str, number: usize| {
            let url = self.url(&format!("/challenge/{kind}/{number}"));
            json!({ "type": kind, "url": url, "token": order.token, "status": order.authorization })
        };
        json(
            200,
            &json!({
                "status": order.authorization,
                "identifier": { "type": "dns", "value": order.host },
                "challenges": [challenge("http-01", id), challenge("tls-alpn-01", id)],
            }),
        )
    }

    fn challenge(&self, id: usize, signed: &Signed) -> Reply {
        let is_http = signed.url.contains("/http-01/");
        let mut state = self.0.state.lock();
        while state.host_at.is_none() {
            assert!(!self.0.changed.wait_for(&mut state, TIMEOUT).timed_out(), "the host has no address");
        }
        let (tls, http) = state.host_at.expect("an address");
        let (host, token) = (state.orders[id].host.clone(), state.orders[id].token.clone());
        let fails = state.failing_challenges > 0;
        state.failing_challenges = state.failing_challenges.saturating_sub(1);
        drop(state);
        let proof = format!("{token}.{}", signed.thumbprint());
        let checked = match (is_http, http) {
            _ if fails => Err("the challenge fails on demand".to_owned()),
            (true, Some(address)) => challenge::http(address, &token, &proof),
            _ => challenge::tls(tls, &host, &proof),
        };
        let mut state = self.0.state.lock();
        let order = &mut state.orders[id];
        (order.status, order.authorization) = if checked.is_ok() { ("ready", "valid") } else { ("invalid", "invalid") };
        let answer = json!({ "type": "x", "url": signed.url, "token": token, "status": "processing" });
        json(200, &answer)
    }

    fn finalize(&self, id: usize, payload: &Value) -> Reply {
        let csr = BASE64.decode(payload["csr"].as_str().unwrap_or_default()).unwrap_or_default();
        let Ok(csr) = x509_cert::request::CertReq::from_der(&csr) else { return problem(400, "badCSR", 0) };
        let mut state = self.0.state.lock();
        let order = &mut state.orders[id];
        if order.status != "ready" {
            return problem(403, "orderNotReady", 0);
        }
        let key = RawKey(csr.info.public_key.subject_public_key.raw_bytes().to_vec());
        order.certificate = Some(self.certificate(&order.host, &key, SystemTime::now()));
        order.status = "valid";
        drop(state);
        self.shown(id, 200)
    }

    /// Fails if the client deviated from the protocol.
    pub fn assert_no_deviation(&self) {
        assert_eq!(self.0.state.lock().deviations, Vec::<String>::new());
    }
}

fn json(status: u16, body: &Value) -> Reply {
    (status, vec![("content-type", "application/json".to_owned())], body.to_string())
}

fn problem(status: u16, kind: &str, retry_after: u32) -> Reply {
    let body = json!({ "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": kind, "status": status });
    let (status, mut headers, text) = json(status, &body);
    if retry_after > 0 {
        headers.push(("retry-after", retry_after.to_string()));
    }
    (status, headers, text)
}
