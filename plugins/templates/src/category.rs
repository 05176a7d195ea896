//! Parsed categories of templates, for any customer and language.

use std::rc::Rc;

use frontgate_sdk::files::Cached;
use frontgate_sdk::{Error, Result, warn};

use crate::file::{self, Approved, File};
use crate::languages::{Translations, Wanted};
use crate::people::People;
use crate::settings::Settings;
use crate::text::Text;

/// The maximum length of a message in characters, which Twilio sets.
const CHARS_MAX: usize = 1600;

thread_local! {
    static CATEGORIES: Cached<Categories> = const { Cached::new() };
}

/// The parsed file.
pub(crate) struct Categories {
    pub(crate) settings: Settings,
    /// The default language. Empty if the file has no languages.
    language: String,
    categories: Vec<Category>,
}

struct Category {
    name: Translations<String>,
    templates: Vec<Template>,
}

struct Template {
    text: Translations<Text>,
    approved: Approved,
}

impl Categories {
    /// Reads the file's current categories.
    pub(crate) fn load() -> Result<Rc<Self>> {
        let path = Settings::path()?;
        CATEGORIES.with(|categories| categories.get(&path, |text| Self::read(&text, Settings::read()?)))
    }

    fn read(text: &str, settings: Settings) -> Result<Self> {
        let path = &settings.templates;
        let file = File::read(path, text)?;
        let language = language(&file, &settings)?;
        let categories = file.category.into_iter().map(|category| Category::read(category, &language));
        let categories = categories.collect::<std::result::Result<Vec<_>, String>>();
        let categories = categories.map_err(|problem| Error::failed(format!("`{path}`: {problem}")))?;
        Ok(Self { settings, language, categories })
    }

    /// Returns the categories for one customer. Omits categories without a template for the customer.
    pub(crate) fn show(&self, people: &People, language: Option<&str>) -> Vec<frontgate_sdk::Category> {
        let wanted = Wanted { language: language.unwrap_or(&self.language), default: &self.language };
        self.categories.iter().filter_map(|category| category.show(people, wanted)).collect()
    }
}

/// Returns the default language.
fn language(file: &File, settings: &Settings) -> Result<String> {
    let path = &settings.templates;
    let mut languages = file.languages();
    let several = languages.iter().cloned().collect::<Vec<_>>().join(", ");
    let language = match &settings.language {
        Some(language) if languages.contains(language) || languages.is_empty() => language.clone(),
        // Untranslated texts are in the default language.
        Some(language) if file.has_text_once() => {
            warn!(
                "setting `language` is `{language}`, but `{path}` has translations only in {several}; untranslated \
                 texts are used as `{language}`"
            );
            language.clone()
        }
        Some(language) => {
            let problem = format!("setting `language` is `{language}`, but `{path}` has only {several}");
            return Err(Error::failed(problem));
        }
        None if languages.len() > 1 => {
            return Err(Error::failed(format!("the setting `language` is missing: name one of {several}")));
        }
        None => languages.first().cloned().unwrap_or_default(),
    };
    languages.insert(language.clone());
    for (key, _) in settings.languages().filter(|(_, named)| !languages.contains(*named)) {
        warn!("`{path}` has no text in the language of the setting `{key}`");
    }
    Ok(language)
}

impl Category {
    fn read(written: file::Category, language: &str) -> std::result::Result<Self, String> {
        let names = written.name.by_language(language);
        let Some(name) = names.get(language).or_else(|| names.values().next()).cloned() else {
            return Err("a category has no name".to_owned());
        };
        let templates = written.template.into_iter().map(|template| Template::read(template, language));
        let templates = templates.collect::<std::result::Result<Vec<_>, String>>();
        let templates = templates.map_err(|problem| format!("category `{name}`: {problem}"))?;
        Ok(Self { name: names.into_iter().collect(), templates })
    }

    fn show(&self, people: &People, wanted: Wanted) -> Option<frontgate_sdk::Category> {
        let (_, name) = self.name.get(wanted)?;
        let shown = self.templates.iter().filter_map(|template| template.show(people, wanted));
        let (short, long): (Vec<_>, Vec<_>) = shown.partition(|shown| shown.content.chars().count() <= CHARS_MAX);
        if !long.is_empty() {
            warn!("category `{name}`: omitted {} templates that are longer than {CHARS_MAX} characters", long.len());
        }
        (!short.is_empty()).then(|| frontgate_sdk::Category::new(name.trim(), short))
    }
}

impl Template {
    fn read(written: file::Template, language: &str) -> std::result::Result<Self, String> {
        let texts = written.text.by_language(language).into_iter();
        let texts = texts.map(|(language, text)| Ok((language, Text::parse(&text)?)));
        let text = texts.collect::<std::result::Result<Translations<_>, String>>()?;
        if text.is_empty() {
            return Err("a template has no text".to_owned());
        }
        if let Approved::In(languages) = &written.whatsapp_approved
            && let Some(language) = languages.iter().find(|language| !text.has(language))
        {
            return Err(format!(
                "`whatsapp_approved` names `{language}`, but the template has no text in that language"
            ));
        }
        Ok(Self { text, approved: written.whatsapp_approved })
    }

    /// Renders the template. Returns `None` if there is no text for the customer, or a placeholder has no value.
    fn show(&self, people: &People, wanted: Wanted) -> Option<frontgate_sdk::Template> {
        let (language, text) = self.text.get(wanted)?;
        let shown = frontgate_sdk::Template::new(text.fill(|placeholder| people.value(placeholder))?);
        let approved = match &self.approved {
            Approved::Everywhere(approved) => *approved,
            Approved::In(languages) => languages.iter().any(|approved| approved == language),
        };
        Some(if approved { shown.whatsapp_approved() } else { shown })
    }
}
