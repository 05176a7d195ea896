//! Randomness from the gateway.
//!
//! ```
//! use frontgate_sdk::random;
//!
//! assert_ne!(random::uuid(), random::uuid());
//! ```

/// A random (version 4) UUID in its usual text form. Natively a counter in the same form, so that
/// tests are repeatable.
pub fn uuid() -> String {
    #[cfg(target_family = "wasm")]
    return crate::bindings::host_random::uuid();
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::uuid();
}
