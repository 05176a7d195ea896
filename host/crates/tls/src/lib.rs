//! TLS of the public listener: which certificate a handshake gets, and when it is replaced.
//!
//! - [`Settings`] is `[server.tls]` of the configuration.
//! - [`Certificate`] is a checked certificate with its key.
//! - [`Certificates`] answers handshakes with the current one, and reads changed files again.
//! - [`Challenges`] has the answers for an ACME server, from which the certificate can come.
//! - [`pinned`] is a client that accepts exactly the certificate of this gateway.
//!
//! The crate neither listens nor knows HTTP.

mod acme;
mod certificate;
mod certificates;
mod files;
mod pinned;
mod settings;

pub use self::acme::Challenges;
pub use self::certificate::Certificate;
pub use self::certificates::{Certificates, Expiry};
pub use self::pinned::pinned;
pub use self::settings::{AcmeSettings, Settings};

/// Returns whether a handshake was only a challenge of an ACME server, after which no request follows.
pub fn is_challenge(protocol: Option<&[u8]>) -> bool {
    protocol == Some(certificates::CHALLENGE)
}
