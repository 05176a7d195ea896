//! A subset of SOQL (SOQL and SOSL Reference): one object, conditions, an order and a limit. Everything else is
//! rejected, as Salesforce rejects what it does not know.

mod evaluate;
mod lexer;
mod parser;

pub(super) use self::evaluate::{Cell, Plan, Row};
pub use self::lexer::{Text, TextChar};

/// A query as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The selected fields; those of related records have dots. Empty for `COUNT()`.
    pub fields: Vec<String>,
    /// The object.
    pub object: String,
    /// The condition.
    pub condition: Option<Condition>,
    /// The fields that rows are sorted by, and whether each is descending.
    pub order: Vec<(String, bool)>,
    /// The most rows.
    pub limit: Option<usize>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// All conditions hold.
    All(Vec<Condition>),
    /// One of the conditions holds.
    Any(Vec<Condition>),
    /// The condition does not hold.
    Not(Box<Condition>),
    /// A field compares with a value.
    Compare(String, Operator, Value),
    /// A field has one of these values; `false`: none of them.
    In(String, Vec<Value>, bool),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=` or `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `LIKE`
    Like,
}

/// A value of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A quoted text.
    Text(Text),
    /// A time, in seconds since 1970.
    Time(u64),
    /// `TRUE` or `FALSE`.
    Boolean(bool),
    /// `NULL`
    Null,
}

impl Query {
    /// Parses a query.
    ///
    /// # Errors
    ///
    /// Returns the message of Salesforce's error `MALFORMED_QUERY`.
    pub fn parse(soql: &str) -> Result<Self, String> {
        parser::parse(soql)
    }

    /// Returns all texts of the conditions.
    pub fn texts(&self) -> Vec<String> {
        fn collect(condition: &Condition, texts: &mut Vec<String>) {
            let mut add = |value: &Value| {
                if let Value::Text(text) = value {
                    texts.push(text.plain());
                }
            };
            match condition {
                Condition::All(all) | Condition::Any(all) => all.iter().for_each(|one| collect(one, texts)),
                Condition::Not(one) => collect(one, texts),
                Condition::Compare(_, _, value) => add(value),
                Condition::In(_, values, _) => values.iter().for_each(add),
            }
        }
        let mut texts = Vec::new();
        self.condition.iter().for_each(|condition| collect(condition, &mut texts));
        texts
    }
}
