//! Deserializes settings: a tree whose leaves are texts, addressed by keys with dots.

mod leaf;

use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use self::leaf::Leaf;
use crate::settings::known::{self, missing};
use crate::{Error, json};

/// A node of the tree: the text of a key, or all settings whose keys start with the key and a dot.
#[derive(Clone)]
pub(super) struct Tree<'s> {
    all: &'s [(String, String)],
    /// Empty for the root.
    key: String,
}

/// An error in a setting.
#[derive(Debug)]
pub(super) enum Problem {
    /// A field without a setting: its name within its table.
    Missing(&'static str),
    /// A message that does not name the setting yet.
    Unnamed(String),
    /// A complete message.
    Complete(String),
}

impl<'s> Tree<'s> {
    pub(super) fn whole(all: &'s [(String, String)]) -> Self {
        Self { all, key: String::new() }
    }

    pub(super) fn one(all: &'s [(String, String)], key: &str) -> Self {
        Self { all, key: key.to_owned() }
    }

    /// Returns the full key of a name in this table.
    fn key_of(&self, name: &str) -> String {
        if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) }
    }

    /// Returns names and texts in this table. Names may contain dots.
    fn below(&self) -> impl Iterator<Item = (&'s str, &'s str)> {
        let table = self.key_of("");
        let inside = move |(key, text): &'s (String, String)| Some((key.strip_prefix(&*table)?, text.as_str()));
        self.all.iter().filter_map(inside)
    }

    fn text(&self) -> Option<&'s str> {
        self.all.iter().find(|(key, _)| *key == self.key).map(|(_, text)| text.as_str())
    }

    fn leaf(&self) -> Result<Leaf<'_>, Problem> {
        let problem = || Problem::Complete(format!("the setting `{}` is a table; write one value", self.key));
        Ok(Leaf { key: &self.key, text: self.text().ok_or_else(problem)? })
    }

    /// Rejects a value instead of a table.
    fn is_table(&self) -> Result<(), Problem> {
        match self.text() {
            Some(_) => Err(Problem::Complete(format!("the setting `{}` is one value; write a table", self.key))),
            None => Ok(()),
        }
    }
}

/// Delegates scalar types to [`Leaf`].
macro_rules! as_leaf {
    ($($name:ident)+) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            self.leaf()?.$name(visitor)
        })+
    };
}

impl<'de> Deserializer<'de> for Tree<'_> {
    type Error = Problem;

    as_leaf! {
        deserialize_bool deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64 deserialize_seq deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.text() {
            Some(text) => visitor.visit_str(text),
            None => self.deserialize_map(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.is_table()?;
        let is_of = |name: &str, field: &str| {
            name.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if let Some((name, _)) = self.below().find(|(name, _)| !fields.iter().any(|field| is_of(name, field))) {
            return Err(Problem::Complete(self.unknown(name, fields)));
        }
        let is_set = |field: &&&str| self.below().any(|(name, _)| is_of(name, field));
        let entries =
            fields.iter().filter(is_set).map(|field| (*field, Self { all: self.all, key: self.key_of(field) }));
        let read = visitor.visit_map(Table { entries: entries.collect::<Vec<_>>().into_iter(), next: None });
        read.map_err(|problem| match problem {
            Problem::Missing(field) => Problem::Complete(missing(&self.key_of(field))),
            other => other,
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.is_table()?;
        let entries: Vec<_> =
            self.below().map(|(name, _)| (name, Self { all: self.all, key: self.key_of(name) })).collect();
        visitor.visit_map(Table { entries: entries.into_iter(), next: None })
    }

    /// Missing settings have no node, so an existing node is `Some`.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.leaf()?.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! { i128 u128 unit unit_struct tuple tuple_struct ignored_any }
}

impl Tree<'_> {
    /// Suggests a field. A field may be a table, whose keys are unknown here.
    fn unknown(&self, name: &str, fields: &[&str]) -> String {
        let known: Vec<_> = fields.iter().map(|field| self.key_of(field)).collect();
        let key = self.key_of(name);
        let inside = name.split_once('.').map(|(_, inside)| inside);
        let tables: Vec<_> = known.iter().map(|known| inside.map_or(known.clone(), |_| format!("{known}.*"))).collect();
        let as_table = known::unknown(&key, &tables.iter().map(String::as_str).collect::<Vec<_>>());
        match as_table.contains("did you mean") {
            true => as_table,
            false => known::unknown(&key, &known.iter().map(String::as_str).collect::<Vec<_>>()),
        }
    }
}

/// The entries of a table.
struct Table<'s, I> {
    entries: I,
    next: Option<Tree<'s>>,
}

impl<'de, 's, 'n, I: Iterator<Item = (&'n str, Tree<'s>)>> MapAccess<'de> for Table<'s, I> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        let Some((name, node)) = self.entries.next() else { return Ok(None) };
        let key = node.key.clone();
        self.next = Some(node);
        seed.deserialize(Leaf { key: &key, text: name }).map(Some).map_err(|problem| problem.named(&key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        let node = self.next.take().expect("serde reads the key before the value");
        let key = node.key.clone();
        seed.deserialize(node).map_err(|problem| problem.named(&key))
    }
}

impl Problem {
    /// Names the setting if the message does not name one.
    fn named(self, key: &str) -> Self {
        match self {
            Self::Unnamed(text) => Self::Complete(format!("the setting `{key}`: {}", json::without_value(&text))),
            other => other,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => f.write_str(&missing(field)),
            Self::Unnamed(text) | Self::Complete(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Unnamed(text.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use crate::{Error, settings, testing};

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Settings {
        crm: String,
        #[serde(default)]
        pages: Option<u8>,
        #[serde(default)]
        loud: bool,
        #[serde(default)]
        rate: f64,
        #[serde(default)]
        kind: Kind,
        #[serde(default)]
        ports: Vec<u16>,
        #[serde(default)]
        country: Country,
        #[serde(default)]
        columns: Option<Columns>,
        #[serde(default)]
        workers: BTreeMap<String, u32>,
        #[serde(default)]
        links: BTreeMap<String, String>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        #[default]
        Wait,
        UseCache,
        Stop,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Columns {
        id: String,
        name: Option<String>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(try_from = "String")]
    struct Country(String);

    impl TryFrom<String> for Country {
        type Error = &'static str;

        fn try_from(text: String) -> Result<Self, &'static str> {
            if text.len() == 2 { Ok(Self(text)) } else { Err("write two letters such as US or DE") }
        }
    }

    #[test]
    fn a_struct_reads_every_kind_of_setting() {
        testing::settings([
            ("crm", "https://crm.example.com, really"),
            ("pages", "7"),
            ("loud", "true"),
            ("rate", "0.5"),
            ("kind", "use-cache"),
            ("ports", "80, 443,"),
            ("country", "US"),
            ("columns.id", "Id"),
            ("workers.a.b@example.org", "1"),
            ("workers.c", "2"),
            ("links.CRM", "https://x.example.com/{Id}"),
        ]);
        let want = Settings {
            crm: "https://crm.example.com, really".to_owned(),
            pages: Some(7),
            loud: true,
            rate: 0.5,
            kind: Kind::UseCache,
            ports: vec![80, 443],
            country: Country("US".to_owned()),
            columns: Some(Columns { id: "Id".to_owned(), name: None }),
            workers: [("a.b@example.org".to_owned(), 1), ("c".to_owned(), 2)].into(),
            links: [("CRM".to_owned(), "https://x.example.com/{Id}".to_owned())].into(),
        };
        assert_eq!(settings::read(), Ok(want));
        testing::settings([("crm", "x")]);
        assert_eq!(settings::read(), Ok(Settings { crm: "x".to_owned(), ..Settings::default() }));
    }

    #[test]
    fn errors_name_the_setting_and_the_fix() {
        let table = [
            ("pages", "256", "the setting `pages` is `256`; write a whole number from 0 to 255"),
            ("loud", "yes", "the setting `loud` is `yes`; write true or false"),
            ("rate", "x", "the setting `rate` is `x`; write a number"),
            ("kind", "wiat", "the setting `kind` is `wiat`; write wait, use-cache or stop"),
            ("ports", "80, x", "the setting `ports` is `x`; write a whole number from 0 to 65535"),
            ("country", "USA", "the setting `country`: write two letters such as US or DE"),
            ("columns", "x", "the setting `columns` is one value; write a table"),
            ("columns.name", "x", "the setting `columns.id` is missing"),
            ("columns.idd", "x", "unknown setting `columns.idd`: did you mean `columns.id`?"),
            ("column.id", "x", "unknown setting `column.id`: did you mean `columns.id`?"),
            ("page", "7", "unknown setting `page`: did you mean `pages`?"),
            ("loud.very", "x", "the setting `loud` is a table; write one value"),
            ("workers", "x", "the setting `workers` is one value; write a table"),
            ("workers.c", "x", "the setting `workers.c` is `x`; write a whole number from 0 to 4294967295"),
            (
                "nothing",
                "x",
                "unknown setting `nothing`: known settings: crm, pages, loud, rate, kind, ports, country, columns, \
                 workers, links",
            ),
        ];
        for (key, value, want) in table {
            testing::settings([("crm", "x"), (key, value)]);
            assert_eq!(settings::read::<Settings>(), Err(Error::failed(want)), "{key} = {value}");
        }
        testing::settings([("pages", "1")]);
        assert_eq!(settings::read::<Settings>(), Err(Error::failed("the setting `crm` is missing")));
    }
}
