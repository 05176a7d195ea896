//! The mapping: which requests the CRM answers, and where its answers have what a customer consists of.

mod check;
mod merge;
mod one_or_many;
mod request;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;

use crm_values::Workers;
use crm_values::phone::Country;
use frontgate_sdk::files::Cached;
use frontgate_sdk::{Error, Result, settings};
use serde::Deserialize;

pub(crate) use self::merge::PRESETS;
pub(crate) use self::one_or_many::OneOrMany;
pub(crate) use self::request::{Call, Condition, ErrorRule, Kind, Meaning, Paging, Request};
use crate::path::Path;
use crate::record::Text;
use crate::template::{Argument, Template, Values};
use crate::time::TimeFormat;

/// The default name of the mapping's file.
const FILE: &str = "mapping.toml";

thread_local! {
    static MAPPING: Cached<Mapping> = const { Cached::new() };
}

/// A whole mapping, merged with its preset.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    #[serde(rename = "preset", default)]
    _preset: Option<String>,
    /// Settings that have to be set, each with an explanation.
    #[serde(default)]
    needs: BTreeMap<String, String>,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    pub(crate) url: Template,
    pub(crate) country: Option<Country>,
    #[serde(default = "yes")]
    pub(crate) own_customers_only: bool,
    #[serde(default = "busy_s")]
    pub(crate) busy_s: u32,
    pub(crate) busy_header: Option<String>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Template>,
    #[serde(default)]
    pub(crate) workers: Workers,
    #[serde(default)]
    pub(crate) errors: Vec<ErrorRule>,
    list: Request,
    changes: Option<Request>,
    removed: Option<Request>,
    get: Option<Request>,
    get_many: Option<Request>,
    search: Option<Request>,
    by_number: Option<Request>,
    owners: Option<Request>,
    #[serde(default)]
    pub(crate) owner: OwnerFields,
    pub(crate) record: Record,
    #[serde(default)]
    pub(crate) sync: Sync,
    /// A digest of the mapping: another mapping makes other customers, so that cursors of this one are expired.
    #[serde(skip)]
    pub(crate) digest: u64,
}

/// `[owner]`: the fields of a record that the request `owners` returns.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerFields {
    pub(crate) id: Option<Path>,
    pub(crate) email: Option<Path>,
    /// Owners without this are treated as having left.
    pub(crate) only: Option<Condition>,
    pub(crate) keep_s: Option<u32>,
}

/// `[record]`: the fields of a customer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) id: Path,
    #[serde(default)]
    pub(crate) id_form: IdForm,
    #[serde(default)]
    pub(crate) name: OneOrMany<Text>,
    #[serde(default)]
    pub(crate) company: OneOrMany<Path>,
    #[serde(default)]
    pub(crate) emails: OneOrMany<Path>,
    #[serde(default)]
    pub(crate) numbers: OneOrMany<Path>,
    #[serde(default)]
    pub(crate) whatsapp: OneOrMany<Path>,
    #[serde(default)]
    pub(crate) owner: OneOrMany<Path>,
    pub(crate) avatar: Option<Path>,
    #[serde(default)]
    pub(crate) details: BTreeMap<String, Path>,
    #[serde(default)]
    pub(crate) links: BTreeMap<String, Text>,
    pub(crate) updated: Option<Path>,
    pub(crate) deleted: Option<Condition>,
    pub(crate) only: Option<Condition>,
}

/// Which ids exist at all. Others are unknown without a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum IdForm {
    /// Anything but control characters.
    #[default]
    Any,
    /// Only digits, at most 19.
    Digits,
    /// Letters, digits, hyphens and underscores.
    Word,
}

/// `[sync]`: how changes are read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sync {
    pub(crate) time: TimeFormat,
    pub(crate) overlap_s: u32,
    pub(crate) sorted: bool,
    pub(crate) keeps_cursor: bool,
    pub(crate) reports_removals: Option<bool>,
    pub(crate) reports_visibility: bool,
}

impl Default for Sync {
    fn default() -> Self {
        Self {
            time: TimeFormat::default(),
            overlap_s: 60,
            sorted: true,
            keeps_cursor: false,
            reports_removals: None,
            reports_visibility: true,
        }
    }
}

impl Mapping {
    /// Returns the current mapping of the operator.
    pub(crate) fn load() -> Result<Rc<Self>> {
        settings::only(&["mapping"])?;
        let path = settings::get("mapping").unwrap_or_else(|| FILE.to_owned());
        MAPPING.with(|mapping| mapping.get(&path, |text| Self::read(&path, &text)))
    }

    /// Reads the content of the file.
    pub(crate) fn read(path: &str, text: &str) -> Result<Self> {
        let failed = |problem: String| Error::failed(format!("`{path}`: {problem}"));
        let own: toml::Table = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            Error::failed(format!("`{path}`, line {line}: {}", error.message()))
        })?;
        let whole = merge::whole(own).map_err(failed)?;
        let mut hasher = DefaultHasher::new();
        whole.to_string().hash(&mut hasher);
        // The error ends with the table that it is in.
        let read = Self::deserialize(toml::Value::Table(whole))
            .map_err(|error| failed(error.to_string().trim().replace('\n', " ")));
        let mut mapping = Self { digest: hasher.finish(), ..read? };
        mapping.drop_requests_without_setting();
        mapping.check().map_err(failed)?;
        Ok(mapping)
    }

    /// Returns a request of the mapping.
    pub(crate) fn request(&self, call: Call) -> Option<&Request> {
        match call {
            Call::List => Some(&self.list),
            Call::Changes => self.changes.as_ref(),
            Call::Removed => self.removed.as_ref(),
            Call::Get => self.get.as_ref(),
            Call::GetMany => self.get_many.as_ref(),
            Call::Search => self.search.as_ref(),
            Call::ByNumber => self.by_number.as_ref(),
            Call::Owners => self.owners.as_ref(),
        }
    }

    /// Removes requests that exist only with a setting that is not set.
    fn drop_requests_without_setting(&mut self) {
        let all = &self.settings;
        let is_without = |request: &Request| {
            request.only_with.as_ref().is_some_and(|name| all.get(name).is_none_or(String::is_empty))
        };
        let optional = [
            &mut self.changes,
            &mut self.removed,
            &mut self.get,
            &mut self.get_many,
            &mut self.search,
            &mut self.by_number,
            &mut self.owners,
        ];
        for request in optional {
            if request.as_ref().is_some_and(is_without) {
                *request = None;
            }
        }
    }

    /// Returns the settings as values of placeholders.
    pub(crate) fn values(&self) -> Values {
        self.settings.iter().map(|(name, text)| (name.clone(), Argument::Text(text.clone()))).collect()
    }

    /// Returns whether `changes` reports removed customers.
    pub(crate) fn reports_removals(&self) -> bool {
        self.sync.reports_removals.unwrap_or(self.removed.is_some())
    }
}

fn yes() -> bool {
    true
}

fn busy_s() -> u32 {
    10
}
