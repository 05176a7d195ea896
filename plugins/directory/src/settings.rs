//! The operator's settings: file, columns, and visibility.

use std::borrow::Cow;

use crm_values::phone::Country;
use frontgate_sdk::{Error, Result, settings};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters to escape in a URL: all except the unreserved ones of RFC 3986.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// All settings.
const KNOWN: [&str; 15] = [
    "customers",
    "country",
    "own_customers_only",
    "columns.id",
    "columns.name",
    "columns.company",
    "columns.email",
    "columns.phone",
    "columns.whatsapp",
    "columns.chat",
    "columns.owner",
    "columns.avatar",
    "links.*",
    "details.title",
    "details.columns",
];

/// The settings of one call.
pub(crate) struct Settings {
    /// The file, in the granted folder.
    pub(crate) customers: String,
    /// The country of numbers without a country code.
    pub(crate) country: Option<Country>,
    /// Whether a worker sees only their own customers and those without an owner.
    pub(crate) own_customers_only: bool,
    pub(crate) id: Text,
    pub(crate) name: Text,
    pub(crate) company: Text,
    pub(crate) email: Text,
    pub(crate) owner: Text,
    pub(crate) avatar: Text,
    /// Columns with SMS numbers.
    pub(crate) phone: Vec<String>,
    /// Columns with WhatsApp numbers.
    pub(crate) whatsapp: Vec<String>,
    /// Columns with identities of chat customers.
    pub(crate) chat: Vec<String>,
    /// Labels and URLs.
    pub(crate) links: Vec<(String, Text)>,
    pub(crate) details_title: String,
    /// Columns in the text block; `None` for every column that is not shown elsewhere.
    pub(crate) details: Option<Vec<String>>,
    /// Columns that the operator named, each with its setting: they must exist.
    pub(crate) named: Vec<(String, String)>,
}

/// A column name, or a text with columns in braces: `{FirstName} {LastName}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Words(String),
    Column(String),
}

impl Settings {
    /// Returns the path of the customers' file.
    pub(crate) fn path() -> Result<String> {
        settings::get("customers").ok_or_else(|| {
            Error::failed("the setting `customers` is missing: name a .csv or .json file in the granted folder")
        })
    }

    pub(crate) fn read() -> Result<Self> {
        settings::only(&KNOWN)?;
        let customers = Self::path()?;
        let country = settings::get("country").map(Country::try_from).transpose();
        let country = country.map_err(|problem| Error::failed(format!("the setting `country`: {problem}")))?;
        let column = |key: &str| settings::get(&format!("columns.{key}"));
        let all = settings::all();
        let named = all.iter().filter(|(key, _)| key.starts_with("columns.") || key == "details.columns");
        let text = |key: &str| Text::parse(&column(key).unwrap_or_else(|| key.to_owned()));
        let list = |key: &str| names(&column(key).unwrap_or_else(|| key.to_owned()));
        let links = all.iter().filter_map(|(key, url)| {
            let label = key.strip_prefix("links.")?;
            Some((label.to_owned(), Text::parse_braced(url)))
        });
        Ok(Self {
            customers,
            country,
            own_customers_only: settings::flag("own_customers_only", true)?,
            id: text("id"),
            name: text("name"),
            company: text("company"),
            email: text("email"),
            owner: text("owner"),
            avatar: text("avatar"),
            phone: list("phone"),
            whatsapp: list("whatsapp"),
            chat: list("chat"),
            links: links.collect(),
            details_title: settings::get("details.title").unwrap_or_else(|| "Details".to_owned()),
            details: settings::get("details.columns").map(|columns| names(&columns)),
            named: named.flat_map(|(key, text)| columns_in(key, text)).collect(),
        })
    }

    /// Columns that are shown outside the text block.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &str> {
        let texts = [&self.id, &self.name, &self.email, &self.owner, &self.avatar];
        let channels = self.phone.iter().chain(&self.whatsapp).chain(&self.chat).map(String::as_str);
        texts.into_iter().flat_map(Text::columns).chain(channels)
    }
}

/// Returns the columns that a setting names.
fn columns_in(key: &str, text: &str) -> Vec<(String, String)> {
    let columns = match text.contains('{') {
        true => Text::parse(text).columns().map(str::to_owned).collect(),
        false => names(text),
    };
    columns.into_iter().map(|column| (key.to_owned(), column)).collect()
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

impl Text {
    /// Parses a single column, or a text with braces.
    fn parse(text: &str) -> Self {
        match text.contains('{') {
            true => Self::parse_braced(text),
            false => Self(vec![Piece::Column(text.to_owned())]),
        }
    }

    /// Parses a text with columns in braces.
    fn parse_braced(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((words, column, tail)) = rest
            .split_once('{')
            .and_then(|(words, tail)| tail.split_once('}').map(|(column, tail)| (words, column, tail)))
        {
            pieces.push(Piece::Words(words.to_owned()));
            pieces.push(Piece::Column(column.trim().to_owned()));
            rest = tail;
        }
        pieces.push(Piece::Words(rest.to_owned()));
        Self(pieces)
    }

    /// Returns the column, if the text is a single one.
    pub(crate) fn column(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Column(name)] => Some(name),
            _ => None,
        }
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Column(name) => Some(name.as_str()),
            Piece::Words(_) => None,
        })
    }

    /// Returns the text with the row's values; empty if no column has a value.
    pub(crate) fn fill<'v>(&self, value: impl Fn(&str) -> &'v str) -> String {
        self.fill_with(value, Cow::Borrowed)
    }

    /// Like `text`, with values escaped for URLs.
    pub(crate) fn fill_url<'v>(&self, value: impl Fn(&str) -> &'v str) -> String {
        self.fill_with(value, |value| utf8_percent_encode(value, VALUE).into())
    }

    fn fill_with<'v>(&self, value: impl Fn(&str) -> &'v str, escape: impl Fn(&'v str) -> Cow<'v, str>) -> String {
        if self.columns().all(|column| value(column).is_empty()) {
            return String::new();
        }
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Words(words) => text.push_str(words),
                Piece::Column(column) => text.push_str(&escape(value(column))),
            }
        }
        text.trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use frontgate_sdk::testing;

    use super::*;

    #[test]
    fn known_settings_are_accepted_and_mistyped_ones_rejected() {
        let value = |key: &&str| match *key {
            "country" => "US",
            "own_customers_only" => "false",
            _ => "x",
        };
        testing::settings(KNOWN.iter().map(|key| (*key, value(key))));
        assert!(Settings::read().is_ok());
        for (mistyped, meant) in
            [("columns.onwer", "columns.owner"), ("link.CRM", "links.CRM"), ("own_customer_only", "own_customers_only")]
        {
            testing::settings([("customers", "customers.csv"), (mistyped, "x")]);
            let want = format!("unknown setting `{mistyped}`: did you mean `{meant}`?");
            assert_eq!(Settings::read().err(), Some(Error::Failed(want)));
        }
    }
}
