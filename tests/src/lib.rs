//! What the tests drive the gateway with: the real program in a folder of its own, a platform that
//! signs requests, and the log as it is written.

mod contract;
mod demo;
mod examples;
mod gateway;
pub mod hostile;
mod log;
mod names;
mod platform;
pub mod provider;
mod raw;
mod setup;
mod tls;
mod until;
mod web;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

pub use crate::contract::built_against;
pub use crate::demo::Demo;
pub use crate::examples::{Edit, Example, Mistake};
pub use crate::gateway::{Gateway, run};
pub use crate::log::Log;
pub use crate::names::Names;
pub use crate::platform::{Answer, LIST, callback, get, list, post, sign, sign_sha256};
pub use crate::provider::Provider;
pub use crate::raw::{Raw, RawAnswer, callback as raw_callback, signed_callback};
pub use crate::setup::Setup;
pub use crate::tls::Tls;
pub use frontgate_simulators::twilio::{
    Action, Authorization, Call, Conversation, ConversationState, DeliveryStatus, Effect, Fault, FileToSend, Fired,
    Initializing, Media, Message, Participant, Receipt, Recorded, Rejection, State, Twilio, TwilioBuilder,
};
pub use frontgate_simulators::{Front, HubSpot, SmallCrm, crm, front, hubspot};

pub use crate::until::wait_until;
pub use crate::web::Web;

/// What every test's requests are signed with.
pub const TOKEN: &str = Twilio::AUTH_TOKEN;
/// Where the platform believes to call.
pub const PUBLIC_URL: &str = "https://gw.example.org";

/// Wishes that make the plugin of [`Setup::misbehaving`] fail, and the status and code of the answer.
pub const PLUGIN_ERRORS: [(&str, u16, &str); 6] = [
    ("not-found", 404, "not-found"),
    ("forbidden", 403, "forbidden"),
    ("invalid", 422, "invalid"),
    ("unavailable", 503, "unavailable"),
    ("failed", 502, "plugin-failed"),
    ("panic", 502, "plugin-trapped"),
];

/// The root of the workspace.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // What was compiled may be another clone's, where they share what they build.
        let package =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        package.parent().expect("the tests lie in the workspace").to_owned()
    });
    &ROOT
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The program, as `cargo xtask test` makes it.
pub fn program() -> PathBuf {
    std::env::var_os("FRONTGATE_PROGRAM").map_or_else(|| target().join("quick/frontgate"), PathBuf::from)
}

/// The program with places where it can be ended, as `cargo xtask test` makes it.
pub fn crashing_program() -> PathBuf {
    let program = std::env::var_os("FRONTGATE_CRASH_PROGRAM");
    program.map_or_else(|| target().join("quick/frontgate-crash-points"), PathBuf::from)
}

/// The bytes of a plugin that `cargo xtask build` or `cargo xtask test` built.
pub fn component(name: &str) -> Vec<u8> {
    let folder = std::env::var_os("FRONTGATE_COMPONENTS");
    let folder = folder.map_or_else(|| target().join("wasm32-wasip2/plugin"), PathBuf::from);
    let path = folder.join(format!("{}.wasm", name.replace('-', "_")));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask test`", path.display()))
}

/// The PATH with what plugins in other languages than Rust are compiled with, which `cargo xtask test` installs.
pub fn languages_path() -> String {
    let installed = std::env::var_os("FRONTGATE_LANGUAGES");
    let installed = installed.map_or_else(|| target().join("tools/bin"), PathBuf::from);
    assert!(installed.is_dir(), "{} is missing; run `cargo xtask test`", installed.display());
    format!("{}:{}", installed.display(), std::env::var("PATH").unwrap_or_default())
}

/// The same plugin with other bytes and the same meaning: a custom section follows it.
pub fn another_build(component: &[u8], note: u8) -> Vec<u8> {
    [component, &[0, 3, 1, b'n', note]].concat()
}

/// The same with a larger number.
pub fn numbered_build(component: &[u8], number: u32) -> Vec<u8> {
    [component, &[0, 6, 1, b'n'], &number.to_le_bytes()[..]].concat()
}

/// SHA-256 of a plugin's bytes, as receipts have it.
pub fn digest(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same plugin with a name in it replaced by one of the same length.
pub fn renamed(component: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "lengths stand in the binary");
    let mut bytes = component.to_vec();
    let starts: Vec<usize> =
        (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
    assert!(!starts.is_empty(), "{from} is not in the component");
    for start in starts {
        bytes[start..start + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}
