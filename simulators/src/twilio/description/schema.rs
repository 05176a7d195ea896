//! Schemas of values, and checks of values against them. Covers the keywords that Twilio's description uses; an unknown
//! keyword fails when the description is read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

/// Named schemas.
pub(super) type Schemas = BTreeMap<String, Schema>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Schema {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    /// `None` allows every value.
    r#type: Option<Type>,
    #[serde(default)]
    nullable: bool,
    format: Option<Format>,
    pattern: Option<SidPattern>,
    /// The lengths of a SID, which `pattern` implies.
    #[serde(rename = "minLength")]
    _min_length: Option<u32>,
    #[serde(rename = "maxLength")]
    _max_length: Option<u32>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    r#enum: Option<Vec<String>>,
    items: Option<Box<Schema>>,
    properties: Option<BTreeMap<String, Schema>>,
    /// The required fields of a form. Responses have every property, as all examples in Twilio's description do.
    #[serde(default)]
    required: Vec<String>,
    /// Documentation of the default.
    #[serde(rename = "default")]
    _default: Option<Value>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Type {
    String,
    Integer,
    Boolean,
    Array,
    Object,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Format {
    Uri,
    UriMap,
    DateTime,
    Int64,
}

/// A pattern of SIDs, such as `^CH[0-9a-fA-F]{32}$`: the description has no other patterns.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct SidPattern {
    /// `None` allows every prefix of two letters.
    prefix: Option<String>,
}

impl TryFrom<String> for SidPattern {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, String> {
        let prefix = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix("[0-9a-fA-F]{32}$"));
        match prefix {
            Some("[a-zA-Z]{2}") => Ok(Self { prefix: None }),
            Some(prefix) if prefix.len() == 2 => Ok(Self { prefix: Some(prefix.to_owned()) }),
            _ => Err(format!("unknown pattern {pattern}")),
        }
    }
}

impl SidPattern {
    fn matches(&self, text: &str) -> bool {
        let Some((prefix, digits)) = text.split_at_checked(2) else { return false };
        let has_prefix = self
            .prefix
            .as_ref()
            .map_or_else(|| prefix.bytes().all(|letter| letter.is_ascii_alphabetic()), |expected| expected == prefix);
        has_prefix && digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    }
}

impl Schema {
    pub(super) fn is_array(&self) -> bool {
        self.r#type == Some(Type::Array)
    }

    /// Returns the fields of a form: name, whether the field is required, and schema.
    pub(super) fn fields(&self) -> Vec<(&str, bool, &Self)> {
        let fields = self.properties.iter().flatten();
        fields.map(|(name, schema)| (name.as_str(), self.required.contains(name), schema)).collect()
    }

    /// Checks one value of a query, a header or a form.
    pub(super) fn check_text(&self, schemas: &Schemas, text: &str, at: &str, faults: &mut Vec<String>) {
        if let (true, Some(items)) = (self.is_array(), &self.items) {
            return items.check_text(schemas, text, at, faults);
        }
        // [?] An empty value resets a URL: the description has no other way.
        if text.is_empty() && self.format == Some(Format::Uri) {
            return;
        }
        let value = match self.r#type {
            Some(Type::Integer) => text.parse().map(|number: i64| number.into()).ok(),
            Some(Type::Boolean) => text.parse().map(|truth: bool| truth.into()).ok(),
            _ => None,
        };
        self.check(schemas, &value.unwrap_or_else(|| text.into()), at, faults);
    }

    /// Checks a JSON value.
    pub(super) fn check(&self, schemas: &Schemas, value: &Value, at: &str, faults: &mut Vec<String>) {
        if let Some(reference) = &self.reference {
            let name = reference.rsplit('/').next().unwrap_or_default();
            let schema = schemas.get(name).unwrap_or_else(|| panic!("the description has no schema {name}"));
            // OpenAPI 3.0 has no place for `nullable` beside a reference; an example of Twilio's has null there.
            if !(value.is_null() && schema.r#enum.is_some()) {
                schema.check(schemas, value, at, faults);
            }
            return;
        }
        match (self.r#type, value) {
            (None, _) => {}
            (Some(_), Value::Null) if self.nullable => {}
            (Some(Type::String), Value::String(text)) => self.check_string(text, at, faults),
            (Some(Type::Integer), Value::Number(number)) => self.check_number(number.as_i64(), at, faults),
            (Some(Type::Boolean), Value::Bool(_)) => {}
            (Some(Type::Array), Value::Array(values)) => {
                for (index, value) in values.iter().enumerate() {
                    let items = self.items.iter();
                    items.for_each(|items| items.check(schemas, value, &format!("{at}[{index}]"), faults));
                }
            }
            (Some(Type::Object), Value::Object(fields)) => {
                if self.format == Some(Format::UriMap) {
                    for (name, value) in fields {
                        if !value.as_str().is_some_and(is_uri) {
                            faults.push(format!("{at}.{name}: no URI"));
                        }
                    }
                }
                let Some(properties) = &self.properties else { return };
                for name in fields.keys().filter(|name| !properties.contains_key(*name)) {
                    faults.push(format!("{at}.{name}: unknown"));
                }
                for (name, property) in properties {
                    match fields.get(name) {
                        Some(value) => property.check(schemas, value, &format!("{at}.{name}"), faults),
                        None => faults.push(format!("{at}.{name}: missing")),
                    }
                }
            }
            (Some(expected), _) => faults.push(format!("{at}: no {}", expected.name())),
        }
    }

    fn check_string(&self, text: &str, at: &str, faults: &mut Vec<String>) {
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
            faults.push(format!("{at}: no SID with prefix {}", pattern.prefix.as_deref().unwrap_or("of two letters")));
        }
        if let Some(known) = self.r#enum.as_ref().filter(|known| !known.iter().any(|value| value == text)) {
            faults.push(format!("{at}: none of {}", known.join(", ")));
        }
        match self.format {
            Some(Format::Uri) if !is_uri(text) => faults.push(format!("{at}: no URI")),
            Some(Format::DateTime) if !is_time(text) => faults.push(format!("{at}: no time in ISO 8601")),
            _ => {}
        }
    }

    fn check_number(&self, number: Option<i64>, at: &str, faults: &mut Vec<String>) {
        let Some(number) = number else { return faults.push(format!("{at}: no integer")) };
        if self.minimum.is_some_and(|min| number < min) || self.maximum.is_some_and(|max| number > max) {
            faults.push(format!("{at}: {number} is out of range"));
        }
    }
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

fn is_uri(text: &str) -> bool {
    Url::parse(text).is_ok()
}

/// Returns whether a text has the form of Twilio's times: `2024-05-01T10:00:00Z`.
fn is_time(text: &str) -> bool {
    let form = "0000-00-00T00:00:00Z";
    let matches = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(matches)
}
