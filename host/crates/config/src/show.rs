//! Shows the effective configuration as TOML: with defaults filled in, and secrets as their source.

use frontgate_settings::mask_user_info;
use serde_json::Value;

use super::Config;

impl Config {
    /// Returns the configuration as TOML that the gateway can read.
    ///
    /// Secrets are shown as their source, and the user and password in a URL as `***`. Paths are as written in the
    /// file.
    pub fn show(&self) -> Result<String, toml::ser::Error> {
        let mut values = self.values.clone();
        prepare(&mut values);
        toml::to_string(&values)
    }
}

/// Removes values that TOML cannot represent, and masks credentials in URLs.
fn prepare(value: &mut Value) {
    match value {
        Value::Object(table) => {
            table.retain(|_, value| !value.is_null());
            table.values_mut().for_each(prepare);
        }
        Value::Array(list) => list.iter_mut().for_each(prepare),
        Value::String(text) => *text = mask_user_info(text).into_owned(),
        _ => {}
    }
}
