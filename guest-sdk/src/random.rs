//! Randomness from the gateway, also where a toolchain's own is frozen.
//!
//! ```
//! use frontgate_sdk::random;
//!
//! assert_ne!(random::uuid(), random::uuid());
//! assert_ne!(random::bytes(32), random::bytes(32));
//! ```

/// As many bytes can be had at once.
const BYTES_MAX: usize = 65_536;

/// Bytes that are fit for keys: 65,536 at most, however many are asked for. Natively they are the same in every
/// run, so that tests are repeatable.
///
/// ```
/// use frontgate_sdk::random;
///
/// assert_eq!(random::bytes(16).len(), 16);
/// assert_eq!(random::bytes(1_000_000).len(), 65_536);
/// ```
pub fn bytes(count: usize) -> Vec<u8> {
    let count = count.min(BYTES_MAX);
    #[cfg(target_family = "wasm")]
    return crate::bindings::host_random::bytes(u32::try_from(count).unwrap_or(u32::MAX));
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::bytes(count);
}

/// A random (version 4) UUID in its usual text form. Natively a counter in the same form, so that
/// tests are repeatable.
///
/// ```
/// assert_eq!(frontgate_sdk::random::uuid().len(), 36);
/// ```
pub fn uuid() -> String {
    #[cfg(target_family = "wasm")]
    return crate::bindings::host_random::uuid();
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::uuid();
}
