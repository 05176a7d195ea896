//! Selects records by `key:value` terms, such as `callback:crm,routing status:>=500 -tenant:demo took:>1s`.
//!
//! A record must match each term. Commas separate alternatives, and `-` before a term negates it.

mod parse;

use std::fmt;

pub use self::parse::FilterError;
use crate::record::{Facts, Record};

/// Values of `simulated`.
const YES: &str = "yes";
const NO: &str = "no";

/// Selection of records. Parsed with `str::parse`; `Display` returns the same text, with single spaces. The empty text
/// matches all records.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    is_negated: bool,
    condition: Condition,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// A text is one of these.
    Text(Field, Vec<Box<str>>),
    /// The status of the response, which is absent if the caller disconnected.
    Status(Comparison, u16),
    /// The duration of the request.
    Took(Comparison, u64, Unit),
}

/// A text of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Tenant,
    Callback,
    Event,
    Code,
    Plugin,
    Conversation,
    Id,
    /// Whether the console's simulator sent the request: `yes` or `no`.
    Simulated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    AtLeast,
    Above,
    AtMost,
    Below,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Microseconds,
    Milliseconds,
    Seconds,
}

impl Filter {
    /// Returns whether a record matches each term.
    pub fn matches(&self, record: &Record) -> bool {
        self.terms.iter().all(|term| term.condition.matches(&record.facts) != term.is_negated)
    }

    /// Returns the filter without simulated requests, unless it mentions `simulated`.
    #[must_use]
    pub fn without_simulated(mut self) -> Self {
        let is_mentioned = |term: &Term| matches!(term.condition, Condition::Text(Field::Simulated, _));
        if !self.terms.iter().any(is_mentioned) {
            let condition = Condition::Text(Field::Simulated, vec![NO.into()]);
            self.terms.push(Term { is_negated: false, condition });
        }
        self
    }

    /// Returns whether all records match.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

impl Condition {
    fn matches(&self, facts: &Facts) -> bool {
        match self {
            Self::Text(Field::Plugin, values) => {
                let called = facts.calls.iter().map(|call| &*call.plugin);
                called.chain(facts.plugin.as_deref()).any(|plugin| values.iter().any(|value| **value == *plugin))
            }
            Self::Text(field, values) => {
                field.of(facts).is_some_and(|text| values.iter().any(|value| **value == *text))
            }
            Self::Status(comparison, value) => facts.status.is_some_and(|status| comparison.holds(&status, value)),
            Self::Took(comparison, value, unit) => {
                comparison.holds(&facts.took_us, &value.saturating_mul(unit.microseconds()))
            }
        }
    }
}

impl Field {
    const ALL: [Self; 8] = [
        Self::Tenant,
        Self::Callback,
        Self::Event,
        Self::Code,
        Self::Plugin,
        Self::Conversation,
        Self::Id,
        Self::Simulated,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Callback => "callback",
            Self::Event => "event",
            Self::Code => "code",
            Self::Plugin => "plugin",
            Self::Conversation => "conversation",
            Self::Id => "id",
            Self::Simulated => "simulated",
        }
    }

    fn of(self, facts: &Facts) -> Option<&str> {
        match self {
            Self::Tenant => Some(facts.tenant.as_deref().unwrap_or("-")),
            Self::Callback => Some(facts.callback),
            Self::Event => facts.event.as_deref(),
            Self::Code => Some(facts.code),
            Self::Plugin => facts.plugin.as_deref(),
            Self::Conversation => facts.conversation.as_deref(),
            Self::Id => Some(&facts.id),
            Self::Simulated => Some(if facts.is_simulated { YES } else { NO }),
        }
    }
}

impl Comparison {
    /// All comparisons; a sign that begins with another sign precedes it.
    const ALL: [Self; 5] = [Self::AtLeast, Self::Above, Self::AtMost, Self::Below, Self::Equal];

    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "",
            Self::AtLeast => ">=",
            Self::Above => ">",
            Self::AtMost => "<=",
            Self::Below => "<",
        }
    }

    fn holds<T: Ord>(self, value: &T, bound: &T) -> bool {
        match self {
            Self::Equal => value == bound,
            Self::AtLeast => value >= bound,
            Self::Above => value > bound,
            Self::AtMost => value <= bound,
            Self::Below => value < bound,
        }
    }
}

impl Unit {
    /// All units; one that ends with another one precedes it.
    const ALL: [Self; 3] = [Self::Microseconds, Self::Milliseconds, Self::Seconds];

    fn name(self) -> &'static str {
        match self {
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
        }
    }

    fn microseconds(self) -> u64 {
        match self {
            Self::Microseconds => 1,
            Self::Milliseconds => 1_000,
            Self::Seconds => 1_000_000,
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, term) in self.terms.iter().enumerate() {
            let space = if at > 0 { " " } else { "" };
            let minus = if term.is_negated { "-" } else { "" };
            write!(f, "{space}{minus}{}", term.condition)?;
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(field, values) => write!(f, "{}:{}", field.name(), values.join(",")),
            Self::Status(comparison, value) => write!(f, "{}:{}{value}", parse::STATUS, comparison.sign()),
            Self::Took(comparison, value, unit) => {
                write!(f, "{}:{}{value}{}", parse::TOOK, comparison.sign(), unit.name())
            }
        }
    }
}

#[cfg(test)]
mod tests;
