//! Keyed hashes (HMAC): the primitive of every signature that the gateway checks.
//!
//! [`KeyedHash`] signs, [`WebhookKey`] verifies webhooks of providers for plugins, which never hold the key. Pure: no
//! clock, no IO. See "Flow of a callback" in ARCHITECTURE.md, step 2.

mod encoding;
mod keyed_hash;
mod webhook_key;

pub use self::encoding::{BASE64, BASE64_URL, from_hex, hex};
pub use self::keyed_hash::{Algorithm, Hash, KeyedHash};
pub use self::webhook_key::WebhookKey;
