//! What the operator wrote for this plugin: `config` and `secrets` of `[plugins.named.NAME]`.
//!
//! ```
//! use frontgate_sdk::{settings, testing};
//!
//! testing::settings([("greeting", "Hello"), ("columns.name", "Name")]);
//! assert_eq!(settings::get("greeting").as_deref(), Some("Hello"));
//! assert_eq!(settings::all().len(), 2);
//! ```

/// One setting. A key inside a table is written with dots: `columns.name`.
pub fn get(key: &str) -> Option<String> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::settings::get(key);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::get(key);
}

/// Every setting, sorted by key.
pub fn all() -> Vec<(String, String)> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::settings::all();
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::all();
}
