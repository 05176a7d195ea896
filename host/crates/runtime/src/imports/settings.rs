//! `settings`: the operator's settings for the plugin.

use std::collections::BTreeMap;

use frontgate_contract::bindings::settings::Host;
use wasmtime::component::HasData;

/// `settings` in one call.
pub(crate) struct SettingsHost<'a>(pub(crate) &'a BTreeMap<String, String>);

impl HasData for SettingsHost<'static> {
    type Data<'a> = SettingsHost<'a>;
}

impl Host for SettingsHost<'_> {
    fn get(&mut self, key: String) -> Option<String> {
        self.0.get(&key).cloned()
    }

    fn all(&mut self) -> Vec<(String, String)> {
        self.0.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
