//! `settings`: what the operator wrote for the plugin.

use frontgate_contract::bindings::settings::Host;

use crate::run::store::CallStore;

impl Host for CallStore {
    fn get(&mut self, key: String) -> Option<String> {
        self.grants.settings.get(&key).cloned()
    }

    fn all(&mut self) -> Vec<(String, String)> {
        let settings = self.grants.settings.iter();
        settings.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
