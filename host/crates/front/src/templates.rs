//! Finds the template that a text was written from, and the values of its variables. Pure.
//!
//! Front hands over only the text of a message that a teammate wrote from a template. A text belongs to a template only
//! if exactly one template fits, in exactly one way.

use std::collections::HashSet;

/// Maximum bytes of a text or a body; longer ones fit no template.
pub const TEXT_BYTES_MAX: usize = 16 * 1_024;

/// Maximum bytes of a variable's key.
const KEY_BYTES_MAX: usize = 64;

/// Maximum number of assignments that are compared if a body repeats a variable.
const WAYS_MAX: usize = 64;

/// A body, split at its variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The text before the first variable.
    prefix: String,
    /// The keys of the variables, each with the text behind it.
    variables: Vec<(String, String)>,
}

/// The values of a template's variables: keys with values, in the order of their first use.
pub type Values = Vec<(String, String)>;

impl Pattern {
    /// Parses a body with variables such as `{{1}}` or `{{name}}`.
    pub fn of(body: &str) -> Self {
        let body = normal(body);
        let (mut prefix, mut variables) = (String::new(), Vec::<(String, String)>::new());
        let mut rest = body.as_str();
        while let Some((literal, key, behind)) = next_variable(rest) {
            append(&mut prefix, &mut variables, literal);
            variables.push((key.to_owned(), String::new()));
            rest = behind;
        }
        append(&mut prefix, &mut variables, rest);
        Self { prefix, variables }
    }

    /// Returns the keys of the variables, in the order of their first use.
    pub fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for (key, _) in &self.variables {
            if !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        keys
    }

    /// Returns the values of the variables if the text fits in exactly one way. A value is one line that is not blank.
    pub fn values_in(&self, text: &str) -> Option<Values> {
        let text = normal(text);
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let start = text.starts_with(&self.prefix).then_some(self.prefix.len())?;
        if self.variables.is_empty() {
            return (start == text.len()).then(Vec::new);
        }
        let ways_max = if self.keys().len() == self.variables.len() { 2 } else { WAYS_MAX };
        let mut search = Search { pattern: self, text: &text, dead: HashSet::new(), ways: Vec::new(), ways_max };
        search.continue_at(0, start, &mut Vec::new());
        if search.ways.len() >= ways_max {
            return None;
        }
        let mut fitting = search.ways.iter().filter_map(|way| self.consistent(way));
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// Returns the values by key, unless a repeated variable has two values.
    fn consistent(&self, way: &[&str]) -> Option<Values> {
        let mut values: Values = Vec::new();
        for ((key, _), value) in self.variables.iter().zip(way) {
            match values.iter().find(|(known, _)| known == key) {
                Some((_, known)) if known != value => return None,
                Some(_) => {}
                None => values.push((key.clone(), (*value).to_owned())),
            }
        }
        Some(values)
    }

    /// Returns the text with these values. A missing value leaves its placeholder.
    pub fn filled(&self, values: &[(String, String)]) -> String {
        self.variables.iter().fold(self.prefix.clone(), |text, (key, behind)| {
            let value = values.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone());
            text + &value.unwrap_or_else(|| format!("{{{{{key}}}}}")) + behind
        })
    }
}

/// Returns the only template whose body fits the text, with the values of its variables.
pub fn find<'t, T>(templates: impl IntoIterator<Item = (T, &'t str)>, text: &str) -> Option<(T, Values)> {
    let fits = |(template, body): (T, &'t str)| Some((template, Pattern::of(body).values_in(text)?));
    let mut fitting = templates.into_iter().filter_map(fits);
    let found = fitting.next()?;
    fitting.next().is_none().then_some(found)
}

/// Removes what differs between a template and Front's text of it: the kind of line ends, and spaces around the text.
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

/// Returns the text before the next variable, its key, and the rest.
fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find("{{").map(|at| from + at) {
        let inside = &text[open + 2..];
        if let Some((key, behind)) = inside.split_once("}}") {
            let key = key.trim();
            if is_key(key) {
                return Some((&text[..open], key, behind));
            }
        }
        // In `{{{1}}`, the variable begins at the second brace.
        from = open + 1;
    }
    None
}

fn is_key(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(plain)
}

fn append(prefix: &mut String, variables: &mut [(String, String)], literal: &str) {
    variables.last_mut().map_or(prefix, |(_, behind)| behind).push_str(literal);
}

fn is_value(value: &str) -> bool {
    !value.contains('\n') && !value.trim().is_empty()
}

/// A search for the ways in which a text fits. Places that lead nowhere are visited once, so the time is bounded by the
/// number of variables times the square of the text's length.
struct Search<'s> {
    pattern: &'s Pattern,
    text: &'s str,
    /// Variables and positions from which the rest of the text does not fit.
    dead: HashSet<(usize, usize)>,
    ways: Vec<Vec<&'s str>>,
    ways_max: usize,
}

impl<'s> Search<'s> {
    /// Continues with a variable whose value begins at a position.
    fn continue_at(&mut self, variable: usize, start: usize, values: &mut Vec<&'s str>) {
        if self.dead.contains(&(variable, start)) || self.ways.len() >= self.ways_max {
            return;
        }
        let (text, before) = (self.text, self.ways.len());
        let (_, behind) = &self.pattern.variables[variable];
        let is_last = variable + 1 == self.pattern.variables.len();
        let rest = &text[start..];
        for (length, letter) in rest.char_indices().map(|(at, letter)| (at + letter.len_utf8(), letter)) {
            if letter == '\n' || self.ways.len() >= self.ways_max {
                break;
            }
            let after = &rest[length..];
            let fits = if is_last { after == behind } else { after.starts_with(behind.as_str()) };
            if !fits || !is_value(&rest[..length]) {
                continue;
            }
            values.push(&rest[..length]);
            if is_last {
                self.ways.push(values.clone());
            } else {
                self.continue_at(variable + 1, start + length + behind.len(), values);
            }
            values.pop();
        }
        if self.ways.len() == before {
            self.dead.insert((variable, start));
        }
    }
}

#[cfg(test)]
mod tests;
