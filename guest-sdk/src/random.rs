//! Random numbers from the gateway. They also work in toolchains that freeze their own generator at build time.
//!
//! ```
//! use frontgate_sdk::random;
//!
//! assert_ne!(random::uuid(), random::uuid());
//! assert_ne!(random::bytes(32), random::bytes(32));
//! ```

use crate::host;

/// The contract's limit for one call.
const BYTES_MAX: u32 = 65_536;

/// Returns cryptographically secure bytes, at most 65,536. Native tests get the same bytes in every run.
///
/// ```
/// use frontgate_sdk::random;
///
/// assert_eq!(random::bytes(16).len(), 16);
/// assert_eq!(random::bytes(1_000_000).len(), 65_536);
/// ```
pub fn bytes(count: usize) -> Vec<u8> {
    host::random::bytes(u32::try_from(count).unwrap_or(BYTES_MAX).min(BYTES_MAX))
}

/// Returns a random (version 4) UUID in its usual text form. Native tests get a counter in the same form.
///
/// ```
/// assert_eq!(frontgate_sdk::random::uuid().len(), 36);
/// ```
pub fn uuid() -> String {
    host::random::uuid()
}
