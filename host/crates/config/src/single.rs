//! The configuration of a gateway that has one plugin and no tenant: what an author's own file says of it.

use std::collections::BTreeMap;
use std::path::Path;

use frontgate_settings::{Fault, Faults, open_as_is};

use super::document::Document;
use super::{Config, check};

impl Config {
    /// Reads the keys of `[plugins.named.NAME]` as they stand under `[plugin]` in an author's file. Values of
    /// secrets can be made up, by their names.
    pub fn of_plugin(
        file: &Path,
        name: &str,
        settings: &toml::Table,
        made_up: &BTreeMap<String, String>,
    ) -> Result<Self, Faults> {
        let nested = |key: &str, table: toml::Table| toml::Table::from_iter([(key.to_owned(), table.into())]);
        let whole = nested("plugins", nested("named", nested(name, settings.clone())));
        let text = toml::to_string(&whole).expect("what was TOML is TOML again");
        let document = Document::parse(file, &text)?;
        let (mut config, mut faults) = document.read();
        if faults.is_empty() {
            // An author's files are the author's own; what runs here has no more rights than its author.
            config.resolve(&file.parent().map(Path::to_path_buf).unwrap_or_default(), open_as_is);
            for (key, secret) in config.secrets_mut() {
                // One of a list has its place behind its name.
                let name = key.rsplit('.').next().and_then(|name| name.split('[').next());
                let value = name.and_then(|name| made_up.get(name));
                if let Some(value) = value {
                    secret.stand_in(value);
                }
            }
            check::check_plugins(&mut config, &document, &mut faults);
        }
        if faults.is_empty() {
            return Ok(config);
        }
        // The places are those of another text.
        let here = |fault: Fault| Fault {
            place: file.display().to_string(),
            problem: fault.problem.replace(&format!("plugins.named.{name}."), "plugin."),
            fix: fault.fix,
        };
        Err(Faults(faults.into_iter().map(here).collect()))
    }
}
