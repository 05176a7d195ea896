//! The model: rows in a map, and the rules of searches as plain as possible.

use std::collections::BTreeMap;

use crate::{Audience, Change, Index, Position, Row, SortKey, fold};

/// Returns whether a query finds a text.
pub(super) fn matches(query: &str, text: &str) -> bool {
    let folded: String = fold(query).chars().take(200).collect();
    let mut words: Vec<&str> = Vec::new();
    for word in folded.split_whitespace() {
        let is_new = !words.contains(&word);
        if is_new {
            words.push(word);
        }
    }
    let all = words.clone();
    words.retain(|word| length(word) < 3 || !all.iter().any(|other| other != word && other.contains(word)));
    let by_text = words.iter().take(8).all(|word| has_word(text, word));
    !words.is_empty() && (by_text || has_number(text, &folded))
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn has_word(text: &str, word: &str) -> bool {
    if length(word) >= 3 {
        return text.contains(word);
    }
    text.char_indices().any(|(at, first)| {
        let is_inside = text[..at].chars().last().is_some_and(char::is_alphanumeric);
        let starts_always = matches!(first, '\u{e00}'..='\u{e7f}' | '\u{3041}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')
            || first >= '\u{1f300}'
            || "+$<=>^|~".contains(first);
        text[at..].starts_with(word) && (!is_inside || starts_always)
    })
}

fn has_number(text: &str, folded: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    if digits(folded).len() < 3 || folded.contains(|c: char| !c.is_ascii_digit() && !" +-()./".contains(c)) {
        return false;
    }
    let mut wanted = digits(&folded.replace("(0)", ""));
    if wanted.starts_with("00") {
        wanted.drain(..2);
    }
    let mut all = vec![wanted.clone()];
    if wanted.starts_with('0') && !wanted.starts_with("00") {
        all.push(wanted[1..].to_owned());
    }
    all.retain(|wanted| wanted.len() >= 2);
    let mut numbers = text.lines().filter(|line| line.chars().all(|c| c.is_ascii_digit()));
    numbers.any(|number| all.iter().any(|wanted| number.contains(wanted)))
}

/// A row of the model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Customer {
    pub(super) key: SortKey,
    pub(super) text: String,
    pub(super) audiences: Vec<Audience>,
}

impl Customer {
    pub(super) fn row(&self, n: u32) -> Row<'_> {
        Row { n, key: &self.key, text: &self.text, audiences: &self.audiences }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Model(pub(super) BTreeMap<u32, Customer>);

impl Model {
    pub(super) fn index(&self) -> Index {
        Index::build(self.0.iter().map(|(n, customer)| customer.row(*n)))
    }

    pub(super) fn position(&self, n: u32) -> Option<Position> {
        self.0.get(&n).map(|customer| Position { key: customer.key.clone(), n })
    }

    /// Changes the model and the index in the same way.
    pub(super) fn apply(&mut self, index: &Index, changes: &[(u32, Option<Customer>)]) -> Index {
        let mut applied = Vec::new();
        for (n, new) in changes {
            applied.push(Change { old: self.position(*n), new: new.as_ref().map(|customer| customer.row(*n)) });
            match new {
                Some(customer) => drop(self.0.insert(*n, customer.clone())),
                None => drop(self.0.remove(n)),
            }
        }
        index.apply(&applied)
    }

    /// Returns what audiences see of what a query finds, in order.
    pub(super) fn list(&self, audiences: &[Audience], query: Option<&str>) -> Vec<Position> {
        let seen = self.0.iter().filter(|(_, customer)| customer.audiences.iter().any(|one| audiences.contains(one)));
        let found = seen.filter(|(_, customer)| query.is_none_or(|query| matches(query, &customer.text)));
        let mut rows: Vec<Position> = found.map(|(n, row)| Position { key: row.key.clone(), n: *n }).collect();
        rows.sort();
        rows
    }
}
