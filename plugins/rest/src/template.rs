//! Texts with placeholders: `/people/{id}`, `{query|phrase}`. Values are escaped for the place that they are put into.

use std::collections::BTreeMap;

use frontgate_sdk::http;
use serde::Deserialize;

/// A parsed text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value { name: String, filters: Vec<Filter> },
}

/// A conversion of a value for the language that surrounds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    /// `'…'` with backslashes, as in Airtable's formulas and Salesforce's SOQL.
    Backslash,
    /// `'…'` with doubled quotes, as in OData and SQL.
    Doubled,
    /// `"…"` without quotes and backslashes inside, as in search boxes.
    Phrase,
    /// Backslashes before parentheses, commas and backslashes, as in Zoho's criteria.
    Criteria,
    /// Only the digits.
    Digits,
    /// Lower case.
    Lower,
}

/// All filters, for errors.
const FILTERS: [(&str, Filter); 6] = [
    ("backslash", Filter::Backslash),
    ("doubled", Filter::Doubled),
    ("phrase", Filter::Phrase),
    ("criteria", Filter::Criteria),
    ("digits", Filter::Digits),
    ("lower", Filter::Lower),
];

/// The values of placeholders.
pub(crate) type Values = BTreeMap<String, Argument>;

/// A value of a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument {
    Text(String),
    Number(u64),
    List(Vec<String>),
}

impl Argument {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::List(texts) => texts.join(","),
        }
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
            Self::List(texts) => texts.as_slice().into(),
        }
    }
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text.as_str());
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let sign = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(sign) {
                plain.push_str(sign);
                rest = after;
                continue;
            }
            let Some((name, after)) = rest.split_once('}').filter(|_| sign == "{") else {
                return Err(format!(
                    "`{text}` has a single brace; write {{{{ and }}}} for braces, {{name}} for a value"
                ));
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::value(name)?);
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }
}

impl Piece {
    fn value(text: &str) -> Result<Self, String> {
        let mut parts = text.split('|').map(str::trim);
        let name = parts.next().unwrap_or_default().to_owned();
        let filters = parts.map(|name| {
            let found = FILTERS.iter().find(|(known, _)| *known == name).map(|(_, filter)| *filter);
            found.ok_or_else(|| {
                let known: Vec<_> = FILTERS.iter().map(|(name, _)| *name).collect();
                format!("unknown filter `{name}` in `{{{text}}}`; known: {}", known.join(", "))
            })
        });
        Ok(Self::Value { name, filters: filters.collect::<Result<_, _>>()? })
    }
}

impl Filter {
    fn apply(self, text: &str) -> String {
        match self {
            Self::Backslash => {
                let mut literal = String::from("'");
                for letter in text.chars() {
                    match letter {
                        '\\' | '\'' | '"' => literal.extend(['\\', letter]),
                        '\n' => literal.push_str("\\n"),
                        '\r' => literal.push_str("\\r"),
                        '\t' => literal.push_str("\\t"),
                        letter if letter.is_control() => {}
                        letter => literal.push(letter),
                    }
                }
                literal + "'"
            }
            Self::Doubled => format!("'{}'", text.replace('\'', "''")),
            Self::Phrase => {
                let plain = text.replace(['"', '\\'], "");
                let words: Vec<_> = plain.split(|c: char| c.is_whitespace() || c.is_control()).collect();
                format!("\"{}\"", words.join(" "))
            }
            Self::Criteria => {
                let escaped =
                    |letter: char| ['\\'].into_iter().filter(move |_| "\\(),".contains(letter)).chain([letter]);
                text.chars().filter(|letter| !letter.is_control()).flat_map(escaped).collect()
            }
            Self::Digits => text.chars().filter(char::is_ascii_digit).collect(),
            Self::Lower => text.to_lowercase(),
        }
    }
}

impl Template {
    /// Returns the names of the values.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Value { name, .. } => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// Returns the text, or the first name without a value.
    pub(crate) fn fill(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, &str> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Value { name, filters } => {
                    let value = value(name).ok_or(name.as_str())?;
                    text.push_str(&filters.iter().fold(value, |value, filter| filter.apply(&value)));
                }
            }
        }
        Ok(text)
    }

    /// Returns the text as it is, for places that escape it as a whole: parameters and JSON.
    pub(crate) fn plain(&self, values: &Values) -> Result<String, &str> {
        self.fill(|name| values.get(name).map(Argument::text))
    }

    /// Returns the text as a part of a URL: every value is one segment at most. Values that would name another folder
    /// have no place there.
    pub(crate) fn path(&self, values: &Values) -> Result<String, &str> {
        let segment = |name: &str| {
            let text = values.get(name)?.text();
            let is_folder = matches!(text.as_str(), "" | "." | "..");
            (!is_folder).then(|| http::segment(&text))
        };
        self.fill(segment)
    }

    /// Returns the JSON value: of a single placeholder its own, otherwise a text.
    pub(crate) fn json(&self, values: &Values) -> Option<serde_json::Value> {
        if let [Piece::Value { name, filters }] = self.0.as_slice()
            && filters.is_empty()
        {
            return values.get(name).map(Argument::json);
        }
        self.plain(values).ok().map(serde_json::Value::from)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(text: &str) -> Template {
        Template::try_from(text.to_owned()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn values(query: &str) -> Values {
        let text = |text: &str| Argument::Text(text.to_owned());
        [("q", text(query)), ("n", Argument::Number(7)), ("l", Argument::List(vec!["a".to_owned(), "b".to_owned()]))]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    #[test]
    fn a_value_in_a_path_stays_within_its_segment() {
        for (value, want) in [
            ("a/b", "/x/a%2Fb/y"),
            ("?&=#", "/x/%3F%26%3D%23/y"),
            ("é\n'\"", "/x/%C3%A9%0A%27%22/y"),
            ("%2e", "/x/%252e/y"),
        ] {
            assert_eq!(template("/x/{q}/y").path(&values(value)).as_deref(), Ok(want));
        }
        for folder in [".", "..", ""] {
            assert_eq!(template("/x/{q}/y").path(&values(folder)), Err("q"));
        }
    }

    #[test]
    fn filters_escape_for_the_surrounding_language() {
        let nasty = "O'Neil \"x\" \\ a/b&c,(d)\n{e} 王";
        let table = [
            ("{q|backslash}", r#"'O\'Neil \"x\" \\ a/b&c,(d)\n{e} 王'"#),
            ("{q|doubled}", "'O''Neil \"x\" \\ a/b&c,(d)\n{e} 王'"),
            ("{q|phrase}", "\"O'Neil x  a/b&c,(d) {e} 王\""),
            ("{q|criteria}", r#"O'Neil "x" \\ a/b&c\,\(d\){e} 王"#),
            ("{q|lower|backslash}", r#"'o\'neil \"x\" \\ a/b&c,(d)\n{e} 王'"#),
            ("{q|digits}", ""),
        ];
        for (text, want) in table {
            assert_eq!(template(text).plain(&values(nasty)).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn braces_are_written_twice() {
        assert_eq!(template("FIND({q|backslash},{{{n}}})").plain(&values("a")).as_deref(), Ok("FIND('a',{7})"));
        for wrong in ["{", "}", "{a", "a}", "{a}}"] {
            assert!(Template::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        assert!(Template::try_from("{a|nope}".to_owned()).is_err_and(|error| error.contains("unknown filter `nope`")));
    }

    #[test]
    fn a_single_placeholder_keeps_its_type_in_json() {
        assert_eq!(template("{n}").json(&values("")), Some(7.into()));
        assert_eq!(template("{l}").json(&values("")), Some(["a", "b"].as_slice().into()));
        assert_eq!(template("{n} {q}").json(&values("\"")), Some("7 \"".into()));
        assert_eq!(template("{gone}").json(&values("")), None);
    }

    proptest! {
        #[test]
        fn a_literal_ends_only_at_its_last_quote(text in ".*") {
            let literal = template("{q|backslash}").plain(&values(&text)).expect("a value");
            let inside = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).expect("quotes");
            let mut is_escaped = false;
            for letter in inside.chars() {
                prop_assert!(is_escaped || letter != '\'');
                is_escaped = letter == '\\' && !is_escaped;
            }
            prop_assert!(!is_escaped);
        }
    }
}
