//! Reads the configuration of one plugin without tenants, from the file of the plugin's author.

use std::collections::BTreeMap;
use std::path::Path;

use frontgate_runtime::settings::oauth::TOKEN;
use frontgate_settings::{Diagnostic, Diagnostics, open_as_is};

use super::document::Document;
use super::{Config, check};

impl Config {
    /// Reads the table `[plugin]` of an author's file, which has the keys of `[plugins.named.NAME]`.
    ///
    /// The values of `placeholders` replace the secrets with the same names.
    pub fn of_plugin(
        file: &Path,
        name: &str,
        settings: &toml::Table,
        placeholders: &BTreeMap<String, String>,
    ) -> Result<Self, Diagnostics> {
        let nested = |key: &str, table: toml::Table| toml::Table::from_iter([(key.to_owned(), table.into())]);
        let whole = nested("plugins", nested("named", nested(name, settings.clone())));
        let text = toml::to_string(&whole).expect("what was TOML is TOML again");
        let document = Document::parse(file, &text)?;
        let (mut config, mut diagnostics) = document.read();
        if diagnostics.is_empty() {
            // Owners are not checked, because this process runs with the author's rights.
            config.resolve(&file.parent().map(Path::to_path_buf).unwrap_or_default(), open_as_is);
            for (key, secret) in config.secrets_mut() {
                // For an element of a list, the key ends with an index.
                let name = key.rsplit('.').next().and_then(|name| name.split('[').next());
                let value = name.and_then(|name| placeholders.get(name));
                if let Some(value) = value {
                    secret.replace(value);
                }
            }
            if let Some(token) = placeholders.get(TOKEN) {
                let named = config.plugins.named.values_mut();
                named.flat_map(|named| &mut named.bound_secrets).for_each(|bound| bound.replace_oauth(token));
            }
            check::check_plugins(&mut config, &document, &mut diagnostics);
        }
        if diagnostics.is_empty() {
            return Ok(config);
        }
        // Lines and columns refer to the generated text, so only the file is reported.
        let here = |diagnostic: Diagnostic| Diagnostic {
            place: file.display().to_string(),
            problem: diagnostic.problem.replace(&format!("plugins.named.{name}."), "plugin."),
            fix: diagnostic.fix,
        };
        Err(Diagnostics(diagnostics.into_iter().map(here).collect()))
    }
}
