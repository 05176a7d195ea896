//! Keyed hashes (HMAC), the primitive of every signature that the gateway checks.
//!
//! [`KeyedHash`] signs messages. [`WebhookKey`] verifies providers' webhooks for plugins, so that plugins never hold
//! the key. This crate uses no clock and no IO. See "Flow of a callback" in ARCHITECTURE.md, step 2.

mod encoding;
mod keyed_hash;
mod webhook_key;

pub use self::encoding::{BASE64, BASE64_URL, from_hex, hex};
pub use self::keyed_hash::{Algorithm, Hash, KeyedHash};
pub use self::webhook_key::WebhookKey;
