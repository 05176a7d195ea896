//! Support for black-box tests: the real program, a platform that signs requests, and a live view of the log.

mod acme_server;
mod authorization_server;
mod balancer;
mod chromium;
mod console;
mod contract;
pub mod database_proxy;
mod demo;
mod eventually;
mod examples;
mod gateway;
mod guard;
pub mod hostile;
mod log;
mod names;
mod oauth_client;
mod platform;
pub mod provider;
mod raw;
mod replicas;
mod setup;
mod sign_in;
mod terminal;
mod tls;
mod tls_client;
mod web;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

pub use crate::acme_server::AcmeServer;
pub use crate::authorization_server::AuthorizationServer;
pub use crate::balancer::Balancer;
pub use crate::chromium::Chromium;
pub use crate::console::{Person, enter};
pub use crate::contract::built_against;
pub use crate::demo::Demo;
pub use crate::eventually::eventually;
pub use crate::examples::{Edit, Example, Mistake};
pub use crate::gateway::{Gateway, run};
pub use crate::guard::SetOnDrop;
pub use crate::log::Log;
pub use crate::names::Names;
pub use crate::oauth_client::OauthClient;
pub use crate::platform::{Answer, LIST, callback, get, list, post, sign, sign_sha256};
pub use crate::provider::Provider;
pub use crate::raw::{Raw, RawAnswer, callback as raw_callback, signed_callback};
pub use crate::replicas::Replicas;
pub use crate::setup::{Setup, on_postgres};
pub use crate::sign_in::{Browser, Page};
pub use crate::terminal::Terminal;
pub use crate::tls::Tls;
pub use crate::tls_client::{Pair, TlsClient};
pub use frontgate_simulators::twilio::{
    Action, Authorization, Call, CallEnd, Conversation, ConversationState, DeliveryStatus, Deviation, Effect, Fault,
    FileToSend, Fired, Initializing, Media, Message, Participant, PlayedCall, Receipt, Recorded, Rejection, State,
    Twilio, TwilioBuilder,
};
pub use frontgate_simulators::{
    Front, HubSpot, RestCrm, Salesforce, SmallCrm, WhatsApp, crm, front, hubspot, rest, salesforce, whatsapp,
};
pub use frontgate_test_postgres::{Database, Pooler, Server as PostgresServer};

pub use crate::web::Web;

/// The auth token that signs the tests' requests.
pub const TOKEN: &str = Twilio::AUTH_TOKEN;
/// The public URL under which the platform calls the gateway.
pub const PUBLIC_URL: &str = "https://gw.example.org";

/// Instructions that make the plugin of [`Setup::misbehaving`] fail, with the status and code of the answer.
pub const PLUGIN_ERRORS: [(&str, u16, &str); 6] = [
    ("not-found", 404, "not-found"),
    ("forbidden", 403, "forbidden"),
    ("invalid", 422, "invalid"),
    ("unavailable", 503, "unavailable"),
    ("failed", 502, "plugin-failed"),
    ("panic", 502, "plugin-trapped"),
];

/// Returns the root of the workspace.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // The path at compile time may belong to another clone if clones share a target folder.
        let package =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        package.parent().expect("the tests lie in the workspace").to_owned()
    });
    &ROOT
}

/// Returns Cargo's target folder.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Returns the path of the program, as `cargo xtask test` builds it.
pub fn program() -> PathBuf {
    std::env::var_os("FRONTGATE_PROGRAM").map_or_else(|| target().join("quick/frontgate"), PathBuf::from)
}

/// Returns the path of the program with crash points, as `cargo xtask test` builds it.
pub fn crashing_program() -> PathBuf {
    let program = std::env::var_os("FRONTGATE_CRASH_PROGRAM");
    program.map_or_else(|| target().join("quick/frontgate-crash-points"), PathBuf::from)
}

/// Returns the bytes of a plugin that `cargo xtask build` or `cargo xtask test` built.
pub fn component(name: &str) -> Vec<u8> {
    let folder = std::env::var_os("FRONTGATE_COMPONENTS");
    let folder = folder.map_or_else(|| target().join("wasm32-wasip2/quick"), PathBuf::from);
    let path = folder.join(format!("{}.wasm", name.replace('-', "_")));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask test`", path.display()))
}

/// Returns a `PATH` with the compilers for plugins in other languages, which `cargo xtask test` installs.
pub fn languages_path() -> String {
    let installed = std::env::var_os("FRONTGATE_LANGUAGES");
    let installed = installed.map_or_else(|| target().join("tools/bin"), PathBuf::from);
    assert!(installed.is_dir(), "{} is missing; run `cargo xtask test`", installed.display());
    format!("{}:{}", installed.display(), std::env::var("PATH").unwrap_or_default())
}

/// Returns a plugin with the mark of `plugin test`, which says that its instances can be reused.
pub fn marked(component: &[u8]) -> Vec<u8> {
    use sha2::Digest as _;
    [component, b"\x00\x33\x12frontgate-reusable", &sha2::Sha256::digest(component)[..]].concat()
}

/// Returns an equivalent plugin with different bytes, by appending a custom section.
pub fn another_build(component: &[u8], note: u8) -> Vec<u8> {
    [component, &[0, 3, 1, b'n', note]].concat()
}

/// Returns an equivalent plugin with different bytes; unlike [`another_build`], numbers may exceed 255.
pub fn numbered_build(component: &[u8], number: u32) -> Vec<u8> {
    [component, &[0, 6, 1, b'n'], &number.to_le_bytes()[..]].concat()
}

/// Returns the SHA-256 of a plugin's bytes in the format of receipts.
pub fn digest(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the plugin with a name replaced by another of the same length.
pub fn renamed(component: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "the binary contains the lengths of names");
    let mut bytes = component.to_vec();
    let starts: Vec<usize> =
        (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
    assert!(!starts.is_empty(), "{from} is not in the component");
    for start in starts {
        bytes[start..start + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

/// Runs statements on a SQLite file that a gateway or another program may have open.
pub fn execute_sqlite(path: &std::path::Path, statements: &str) {
    rusqlite::Connection::open(path).and_then(|file| file.execute_batch(statements)).expect("valid statements");
}

/// Returns the rows of a query on a SQLite file that a gateway may have open. Each row is a text and a number.
pub fn query_sqlite(path: &std::path::Path, query: &str) -> Vec<(String, u64)> {
    let file = rusqlite::Connection::open(path).expect("a file");
    let mut statement = file.prepare(query).expect("a valid query");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).expect("rows");
    rows.map(|row| row.expect("a text and a number")).map(|(text, number)| (text, number.cast_unsigned())).collect()
}

/// Returns the steps of the plan of a statement on a SQLite file, or `None` if the file has no such tables.
pub fn plan_of_sqlite(path: &std::path::Path, statement: &str) -> Option<Vec<String>> {
    let file = rusqlite::Connection::open(path).expect("a file");
    let mut statement = file.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).ok()?;
    let steps = statement.raw_query().mapped(|row| row.get(3)).collect::<Result<_, _>>();
    Some(steps.expect("steps"))
}
