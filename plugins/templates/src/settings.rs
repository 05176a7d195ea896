//! The operator's settings: file, languages, and workers' names.

use frontgate_sdk::{Error, Result, address, settings};

/// All settings.
const KNOWN: [&str; 4] = ["templates", "language", "languages.*", "workers.*"];

/// The settings of one call.
pub(crate) struct Settings {
    /// The file, in the granted folder.
    pub(crate) templates: String,
    /// For customers whose language is unknown, and for untranslated texts.
    pub(crate) language: Option<String>,
    /// Prefixes of numbers, and the language of customers with such a number.
    languages: Vec<(String, String)>,
    /// Identities and names.
    workers: Vec<(String, String)>,
}

impl Settings {
    /// Returns the file's path.
    pub(crate) fn path() -> Result<String> {
        settings::get("templates")
            .ok_or_else(|| Error::failed("the setting `templates` is missing: name a .toml file in the granted folder"))
    }

    pub(crate) fn read() -> Result<Self> {
        settings::only(&KNOWN)?;
        let templates = Self::path()?;
        let all = settings::all();
        let table = |name: &str| -> Vec<(String, String)> {
            let inside = all.iter().filter_map(|(key, value)| Some((key.strip_prefix(name)?, value.trim())));
            inside.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
        };
        let languages = table("languages.");
        if let Some((code, _)) = languages.iter().find(|(code, _)| !address::is_calling_code(code)) {
            let problem = format!("setting `languages.{code}`: no calling code; write for example \"+49\"");
            return Err(Error::Failed(problem));
        }
        Ok(Self { templates, language: settings::get("language"), languages, workers: table("workers.") })
    }

    /// Returns the language for a number, if known.
    pub(crate) fn language_of(&self, number: &str) -> Option<&str> {
        let fits = self.languages.iter().filter(|(code, _)| number.starts_with(code));
        fits.max_by_key(|(code, _)| code.len()).map(|(_, language)| language.as_str())
    }

    /// Returns the configured languages, each with its setting.
    pub(crate) fn languages(&self) -> impl Iterator<Item = (String, &str)> {
        self.languages.iter().map(|(code, language)| (format!("languages.{code}"), language.as_str()))
    }

    /// Returns a worker's configured name.
    pub(crate) fn worker(&self, identity: &str) -> Option<&str> {
        let worker = self.workers.iter().find(|(known, _)| known.eq_ignore_ascii_case(identity));
        worker.map(|(_, name)| name.as_str()).filter(|name| !name.is_empty())
    }
}
