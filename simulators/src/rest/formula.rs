//! A part of Airtable's formulas: texts, fields, `&`, `=`, and some functions.
//!
//! <https://support.airtable.com/docs/formula-field-reference>

use crate::rest::time;

/// A parsed formula.
#[derive(Debug, PartialEq)]
pub(super) enum Formula {
    Text(String),
    Field(String),
    /// Joined texts.
    Joined(Vec<Formula>),
    Equal(Box<(Formula, Formula)>),
    Call(String, Vec<Formula>),
}

/// Reads a formula.
pub(super) fn read(text: &str) -> Result<Formula, &'static str> {
    let letters: Vec<char> = text.chars().collect();
    let mut reader = Reader { letters: &letters, at: 0 };
    let formula = reader.comparison()?;
    reader.skip_spaces();
    if reader.at == letters.len() { Ok(formula) } else { Err("text after the formula") }
}

struct Reader<'r> {
    letters: &'r [char],
    at: usize,
}

impl Reader<'_> {
    fn skip_spaces(&mut self) {
        while self.letters.get(self.at).is_some_and(|letter| letter.is_whitespace()) {
            self.at += 1;
        }
    }

    fn next_is(&mut self, letter: char) -> bool {
        self.skip_spaces();
        let is_it = self.letters.get(self.at) == Some(&letter);
        self.at += usize::from(is_it);
        is_it
    }

    fn comparison(&mut self) -> Result<Formula, &'static str> {
        let left = self.joined()?;
        if self.next_is('=') { Ok(Formula::Equal(Box::new((left, self.joined()?)))) } else { Ok(left) }
    }

    fn joined(&mut self) -> Result<Formula, &'static str> {
        let mut all = vec![self.single()?];
        while self.next_is('&') {
            all.push(self.single()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Formula::Joined(all) })
    }

    fn single(&mut self) -> Result<Formula, &'static str> {
        self.skip_spaces();
        match self.letters.get(self.at).copied() {
            Some(quote @ ('\'' | '"')) => {
                self.at += 1;
                self.literal(quote)
            }
            Some('{') => {
                let length =
                    self.letters[self.at..].iter().position(|letter| *letter == '}').ok_or("a field without an end")?;
                let name = self.letters[self.at + 1..self.at + length].iter().collect();
                self.at += length + 1;
                Ok(Formula::Field(name))
            }
            Some(letter) if letter.is_ascii_uppercase() => {
                let start = self.at;
                while self.letters.get(self.at).is_some_and(|letter| letter.is_ascii_uppercase() || *letter == '_') {
                    self.at += 1;
                }
                let name = self.letters[start..self.at].iter().collect();
                if !self.next_is('(') {
                    return Err("a function without arguments");
                }
                let mut arguments = Vec::new();
                while !self.next_is(')') {
                    arguments.push(self.comparison()?);
                    if !self.next_is(',') && self.letters.get(self.at) != Some(&')') {
                        return Err("an argument without an end");
                    }
                }
                Ok(Formula::Call(name, arguments))
            }
            _ => Err("unexpected text"),
        }
    }

    fn literal(&mut self, quote: char) -> Result<Formula, &'static str> {
        let mut text = String::new();
        loop {
            let letter = *self.letters.get(self.at).ok_or("a text without an end")?;
            self.at += 1;
            match letter {
                '\\' => {
                    let escaped = *self.letters.get(self.at).ok_or("a text without an end")?;
                    self.at += 1;
                    text.push(match escaped {
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        other => other,
                    });
                }
                // [?] A line break inside a text is no formula.
                '\n' | '\r' => return Err("a line break in a text"),
                letter if letter == quote => return Ok(Formula::Text(text)),
                letter => text.push(letter),
            }
        }
    }
}

impl Formula {
    /// Evaluates the formula for a record. Field names that do not exist, and unknown functions, are errors.
    pub(super) fn is_true(&self, field: &impl Fn(&str) -> Option<String>) -> Result<bool, &'static str> {
        Ok(!matches!(self.text(field)?.as_str(), "" | "0"))
    }

    fn text(&self, field: &impl Fn(&str) -> Option<String>) -> Result<String, &'static str> {
        let flag = |is_true: bool| String::from(if is_true { "1" } else { "0" });
        Ok(match self {
            Self::Text(text) => text.clone(),
            Self::Field(name) => field(name).filter(|_| !name.is_empty()).ok_or("an unknown field")?,
            Self::Joined(all) => all.iter().map(|one| one.text(field)).collect::<Result<Vec<_>, _>>()?.concat(),
            Self::Equal(sides) => flag(sides.0.text(field)? == sides.1.text(field)?),
            Self::Call(name, arguments) => {
                let texts = arguments.iter().map(|one| one.text(field)).collect::<Result<Vec<_>, _>>()?;
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                match (name.as_str(), texts.as_slice()) {
                    ("RECORD_ID", []) => field("").ok_or("a record without an id")?,
                    ("LOWER", [text]) => text.to_lowercase(),
                    ("FIND", [what, text]) => {
                        text.find(what).map_or(0, |at| text[..at].chars().count() + 1).to_string()
                    }
                    ("OR", texts) => flag(texts.iter().any(|text| !matches!(*text, "" | "0"))),
                    ("NOT", [text]) => flag(matches!(*text, "" | "0")),
                    ("REGEX_REPLACE", [text, "[^0-9]", ""]) => text.chars().filter(char::is_ascii_digit).collect(),
                    ("DATETIME_PARSE", [text]) => (*text).to_owned(),
                    ("IS_BEFORE", [one, other]) => {
                        flag(time::read(one).ok_or("no time")? < time::read(other).ok_or("no time")?)
                    }
                    _ => return Err("an unknown function"),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_evaluated() {
        let field = |name: &str| match name {
            "" => Some("rec1".to_owned()),
            "Name" => Some("O'Neil \"x\"\\".to_owned()),
            _ => None,
        };
        let table = [
            (r#"FIND('o\'neil \"x\"\\', LOWER({Name}&' '))"#, Ok(true)),
            ("OR(RECORD_ID()='rec2',RECORD_ID()='rec1')", Ok(true)),
            ("NOT(RECORD_ID()='rec1')", Ok(false)),
            ("FIND('2', REGEX_REPLACE('(1) 2','[^0-9]',''))", Ok(true)),
            ("FIND('a', {Gone})", Err("an unknown field")),
            ("NOPE()", Err("an unknown function")),
        ];
        for (text, want) in table {
            assert_eq!(read(text).and_then(|formula| formula.is_true(&field)), want, "{text}");
        }
        for text in ["FIND('a'b', {Name})", "'a", "OR('a'", "{a", "'a' 'b'", "'a\nb'"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
