//! One request of a mapping: path, parameters, body, and where its answer has records and the next page.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::path::Path;
use crate::template::{Template, Values};

/// The requests of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    List,
    Changes,
    Removed,
    Get,
    GetMany,
    Search,
    ByNumber,
    Owners,
}

impl Call {
    pub(crate) const ALL: [Self; 8] = [
        Self::List,
        Self::Changes,
        Self::Removed,
        Self::Get,
        Self::GetMany,
        Self::Search,
        Self::ByNumber,
        Self::Owners,
    ];

    /// Returns the placeholders that only this request has.
    pub(crate) fn placeholders(self) -> &'static [&'static str] {
        match self {
            Self::List | Self::Owners => &["limit", "cursor", "offset", "page"],
            Self::Changes | Self::Removed => &["since", "limit", "cursor", "offset", "page"],
            Self::Get => &["id"],
            Self::GetMany => &["ids"],
            Self::Search => &["query", "limit", "cursor", "offset", "page"],
            Self::ByNumber => &["number", "national", "limit"],
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::List => "list",
            Self::Changes => "changes",
            Self::Removed => "removed",
            Self::Get => "get",
            Self::GetMany => "get_many",
            Self::Search => "search",
            Self::ByNumber => "by_number",
            Self::Owners => "owners",
        })
    }
}

/// `[list]`, `[search]` and so on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    #[serde(default)]
    pub(crate) method: Method,
    pub(crate) path: Template,
    #[serde(default)]
    pub(crate) query: BTreeMap<String, Template>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Template>,
    pub(crate) body: Option<Body>,
    pub(crate) records: Path,
    #[serde(default = "limit")]
    pub(crate) limit: u32,
    pub(crate) paging: Option<Paging>,
    pub(crate) only_with: Option<String>,
    /// Only the ids are taken from the answer; the customers are read by `get_many`, or removed.
    pub(crate) ids: Option<Path>,
    pub(crate) each: Option<Template>,
    pub(crate) join: Option<String>,
    #[serde(default)]
    pub(crate) min_chars: u32,
}

fn limit() -> u32 {
    100
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    #[default]
    Get,
    Post,
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl Request {
    /// Returns whether nothing but an empty page says that the list has ended.
    pub(crate) fn ends_with_empty_page(&self) -> bool {
        let is_so = |paging: &Paging| {
            matches!(paging.kind, Kind::Offset | Kind::Page) && paging.more.is_none() && paging.end.is_none()
        };
        self.paging.as_ref().is_some_and(is_so)
    }
}

/// How an answer leads to the next one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    pub(crate) kind: Kind,
    /// The cursor or URL of the next page.
    pub(crate) next: Option<Path>,
    /// A flag that is true if there are more pages.
    pub(crate) more: Option<Path>,
    /// A flag that is true on the last page.
    pub(crate) end: Option<Path>,
    #[serde(default = "first")]
    pub(crate) first: u64,
}

fn first() -> u64 {
    1
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Cursor,
    Url,
    Offset,
    Page,
}

/// A value that has to be one of some texts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    path: Path,
    is: Vec<String>,
}

impl Condition {
    pub(crate) fn is_met(&self, record: &Value) -> bool {
        self.path.texts(record).iter().any(|text| self.is.contains(text))
    }
}

/// `[[errors]]`: what a status of this CRM means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorRule {
    status: u16,
    path: Option<Path>,
    #[serde(default)]
    is: Vec<String>,
    pub(crate) means: Meaning,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Meaning {
    Busy,
    CursorExpired,
    Empty,
    Forbidden,
    Invalid,
    NotFound,
    Unavailable,
}

impl ErrorRule {
    pub(crate) fn applies(&self, status: u16, answer: &Value) -> bool {
        let is_named = |path: &Path| path.texts(answer).iter().any(|text| self.is.contains(text));
        self.status == status && self.path.as_ref().is_none_or(is_named)
    }
}

/// A JSON body whose texts are templates.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) enum Body {
    Text(Template),
    Fixed(Value),
    List(Vec<Body>),
    Table(Vec<(String, Body)>),
}

impl TryFrom<Value> for Body {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::try_from(text)?),
            Value::Array(items) => Self::List(items.into_iter().map(Self::try_from).collect::<Result<_, _>>()?),
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| Ok((name, Self::try_from(value)?)));
                Self::Table(members.collect::<Result<_, String>>()?)
            }
            fixed => Self::Fixed(fixed),
        })
    }
}

impl Body {
    /// Returns the JSON. A member whose placeholder has no value is left out.
    pub(crate) fn json(&self, values: &Values) -> Option<Value> {
        match self {
            Self::Text(template) => template.json(values),
            Self::Fixed(value) => Some(value.clone()),
            Self::List(items) => Some(items.iter().filter_map(|item| item.json(values)).collect()),
            Self::Table(members) => {
                let filled = members.iter().filter_map(|(name, body)| Some((name.clone(), body.json(values)?)));
                Some(Value::Object(filled.collect()))
            }
        }
    }

    /// Returns all templates.
    pub(crate) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Text(template) => vec![template],
            Self::Fixed(_) => Vec::new(),
            Self::List(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Table(members) => members.iter().flat_map(|(_, body)| body.templates()).collect(),
        }
    }
}
