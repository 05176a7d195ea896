//! TLS of the public listener: which certificate a handshake gets, and when it is replaced.
//!
//! - [`Settings`] is `[server.tls]` of the configuration.
//! - [`Certificate`] is a checked certificate with its key.
//! - [`Certificates`] answers handshakes with the current one, and reads changed files again.
//! - [`pinned`] is a client that accepts exactly the certificate of this gateway.
//!
//! The crate neither listens nor knows HTTP.

mod certificate;
mod certificates;
mod files;
mod pinned;
mod settings;

pub use self::certificate::Certificate;
pub use self::certificates::{Certificates, Expiry};
pub use self::pinned::pinned;
pub use self::settings::Settings;
