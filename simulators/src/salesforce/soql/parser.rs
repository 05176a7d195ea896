//! Parses a query. As in Salesforce, `AND` and `OR` need parentheses when they are mixed.

use super::lexer::{Token, tokens};
use super::{Condition, Operator, Query, Value};

/// Salesforce's limit on the length of a query.
const QUERY_CHARS_MAX: usize = 100_000;

pub(super) fn parse(soql: &str) -> Result<Query, String> {
    if soql.chars().count() > QUERY_CHARS_MAX {
        return Err("SOQL statements cannot be longer than 100000 characters.".to_owned());
    }
    let mut parser = Parser { tokens: tokens(soql)?, at: 0 };
    let query = parser.query()?;
    match parser.peek() {
        None => Ok(query),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn unexpected(&self) -> String {
        match self.peek() {
            Some(Token::Word(word)) => format!("unexpected token: '{word}'"),
            Some(Token::Text(text)) => format!("unexpected token: '{}'", text.plain()),
            Some(Token::Sign(sign)) => format!("unexpected token: '{sign}'"),
            None => "unexpected token: '<EOF>'".to_owned(),
        }
    }

    /// Consumes a keyword if it is next.
    fn keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(found);
        found
    }

    /// Consumes a sign if it is next.
    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, is_there: bool) -> Result<(), String> {
        if is_there { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Reads a name, of a field with dots.
    fn name(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(Token::Word(word)) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn query(&mut self) -> Result<Query, String> {
        let found = self.keyword("SELECT");
        self.expect(found)?;
        let mut fields = Vec::new();
        if self.keyword("COUNT") {
            let is_empty = self.sign("(") && self.sign(")");
            self.expect(is_empty)?;
        } else {
            fields.push(self.name()?);
            while self.sign(",") {
                fields.push(self.name()?);
            }
        }
        let found = self.keyword("FROM");
        self.expect(found)?;
        let object = self.name()?;
        let condition = if self.keyword("WHERE") { Some(self.condition()?) } else { None };
        let mut order = Vec::new();
        if self.keyword("ORDER") {
            let found = self.keyword("BY");
            self.expect(found)?;
            loop {
                let field = self.name()?;
                let is_descending = self.keyword("DESC");
                if !is_descending {
                    self.keyword("ASC");
                }
                order.push((field, is_descending));
                if !self.sign(",") {
                    break;
                }
            }
        }
        let limit = if self.keyword("LIMIT") { Some(self.number()?) } else { None };
        Ok(Query { fields, object, condition, order, limit })
    }

    fn number(&mut self) -> Result<usize, String> {
        let Some(Token::Word(word)) = self.peek() else { return Err(self.unexpected()) };
        let Ok(number) = word.parse() else { return Err(self.unexpected()) };
        self.at += 1;
        Ok(number)
    }

    fn condition(&mut self) -> Result<Condition, String> {
        let first = self.single()?;
        let mut all = vec![first];
        let is_and = self.keyword("AND");
        if !is_and && !self.keyword("OR") {
            return Ok(all.remove(0));
        }
        let (same, other) = if is_and { ("AND", "OR") } else { ("OR", "AND") };
        loop {
            all.push(self.single()?);
            if self.keyword(same) {
                continue;
            }
            if matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(other)) {
                return Err(self.unexpected());
            }
            return Ok(if is_and { Condition::All(all) } else { Condition::Any(all) });
        }
    }

    fn single(&mut self) -> Result<Condition, String> {
        if self.keyword("NOT") {
            return Ok(Condition::Not(Box::new(self.single()?)));
        }
        if self.sign("(") {
            let inner = self.condition()?;
            let found = self.sign(")");
            self.expect(found)?;
            return Ok(inner);
        }
        let field = self.name()?;
        let is_not = self.keyword("NOT");
        if self.keyword("IN") {
            return self.list(field, !is_not);
        }
        self.expect(!is_not)?;
        let operator = self.operator()?;
        Ok(Condition::Compare(field, operator, self.value()?))
    }

    fn list(&mut self, field: String, is_in: bool) -> Result<Condition, String> {
        let found = self.sign("(");
        self.expect(found)?;
        let mut values = vec![self.value()?];
        while self.sign(",") {
            values.push(self.value()?);
        }
        let found = self.sign(")");
        self.expect(found)?;
        Ok(Condition::In(field, values, is_in))
    }

    fn operator(&mut self) -> Result<Operator, String> {
        let signs = [
            ("=", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<>", Operator::NotEqual),
            ("<", Operator::Less),
            ("<=", Operator::LessOrEqual),
            (">", Operator::Greater),
            (">=", Operator::GreaterOrEqual),
        ];
        if self.keyword("LIKE") {
            return Ok(Operator::Like);
        }
        match signs.into_iter().find(|(sign, _)| self.sign(sign)) {
            Some((_, operator)) => Ok(operator),
            None => Err(self.unexpected()),
        }
    }

    fn value(&mut self) -> Result<Value, String> {
        let value = match self.peek() {
            Some(Token::Text(text)) => Some(Value::Text(text.clone())),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Some(Value::Boolean(true)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => Some(Value::Boolean(false)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null") => Some(Value::Null),
            Some(Token::Word(word)) => seconds(word).map(Value::Time),
            _ => None,
        };
        match value {
            Some(value) => {
                self.at += 1;
                Ok(value)
            }
            None => Err(self.unexpected()),
        }
    }
}

/// Parses `YYYY-MM-DDThh:mm:ssZ` (SOQL and SOSL Reference, "Date Formats and Date Literals"). The simulator knows UTC
/// only.
fn seconds(word: &str) -> Option<u64> {
    let (date, time) = word.strip_suffix('Z')?.split_once('T')?;
    let part = |text: &str, at: std::ops::Range<usize>| text.get(at)?.parse::<u64>().ok();
    let is_written = date.len() == 10 && time.len() == 8 && &date[4..5] == "-" && &time[2..3] == ":";
    if !is_written {
        return None;
    }
    let (year, month, day) = (part(date, 0..4)?, part(date, 5..7)?, part(date, 8..10)?);
    let (hour, minute, second) = (part(time, 0..2)?, part(time, 3..5)?, part(time, 6..8)?);
    let is_valid = (1970..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    // Years begin in March, so that the leap day is the last one.
    let (shifted, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + (153 * months + 2) / 5 + day - 1;
    // The days up to 1 January 1970 in the same calculation.
    (is_valid && hour < 24 && minute < 60 && second < 60)
        .then(|| (days - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_parsed() {
        let soql = "select Id, Owner.Email from Contact where (Name like 'O\\'H%' or Phone = null) and IsDeleted = false \
                    order by SystemModstamp desc, Id limit 7";
        let query = parse(soql).expect("a query");
        assert_eq!((query.fields.len(), query.limit, query.order[0].1), (2, Some(7), true));
        assert_eq!(query.texts(), ["O'H%"]);
        assert!(matches!(query.condition, Some(Condition::All(all)) if matches!(all[0], Condition::Any(_))));
        assert!(parse("SELECT COUNT() FROM Contact").expect("a query").fields.is_empty());
    }

    #[test]
    fn everything_unknown_is_rejected() {
        for soql in [
            "",
            "SELECT FROM Contact",
            "SELECT Id FROM Contact WHERE",
            "SELECT Id FROM Contact WHERE Name = 'x' AND Phone = 'y' OR Email = 'z'",
            "SELECT Id FROM Contact WHERE Name = \"x\"",
            "SELECT Id FROM Contact WHERE Name = 'x",
            "SELECT Id FROM Contact WHERE Name = 'x\\q'",
            "SELECT Id FROM Contact WHERE Name = 'x\ny'",
            "SELECT Id FROM Contact WHERE CreatedDate > 2026-13-01T00:00:00Z",
            "SELECT Id, (SELECT Id FROM Cases) FROM Contact",
            "SELECT Id FROM Contact GROUP BY Name",
            "SELECT Id FROM Contact LIMIT 1; DELETE",
        ] {
            assert!(parse(soql).is_err(), "{soql}");
        }
    }

    #[test]
    fn times_are_seconds_since_1970() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T00:00:00Z", Some(951_782_400)),
            ("2024-12-31T23:59:59Z", Some(1_735_689_599)),
            ("2024-12-31", None),
            ("2024-12-31T23:59:60Z", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
