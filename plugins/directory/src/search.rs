//! Searches name, company, e-mail and number, ignoring case and accents.

use crate::phone;
use crate::row::Row;
use crate::settings::Settings;

/// The minimum number of digits in a search for a number. Fewer digits match almost every customer.
const DIGITS_MIN: usize = 3;

/// Returns the rows that contain every word of the query, or have a matching number.
pub(crate) fn search<'r>(rows: Vec<&'r Row>, query: &str, settings: &Settings) -> Vec<&'r Row> {
    let folded = fold(query);
    let words: Vec<&str> = folded.split_whitespace().collect();
    let digits = number(query);
    let matches = |row: &&Row| {
        let by_number = digits.as_deref().is_some_and(|digits| {
            row.numbers(settings).any(|written| phone::contains(written, digits, settings.country))
        });
        by_number || {
            let text = text(row, settings);
            words.iter().all(|word| text.contains(word))
        }
    };
    rows.into_iter().filter(matches).collect()
}

/// Returns the digits if the query is a part of a number.
fn number(query: &str) -> Option<String> {
    if query.chars().any(|c| !(c.is_ascii_digit() || " +-()./".contains(c))) {
        return None;
    }
    // The zero of "+44 (0)131" is not dialed.
    let digits: String = query.replace("(0)", "").chars().filter(char::is_ascii_digit).collect();
    (digits.len() >= DIGITS_MIN).then_some(digits)
}

fn text(row: &Row, settings: &Settings) -> String {
    let fields = [&settings.name, &settings.company, &settings.email];
    fold(&fields.map(|field| field.fill(|column| row.value(column))).join("\n"))
}

/// Normalizes a text for comparison: lower case, without accents.
pub(crate) fn fold(text: &str) -> String {
    let plain = if text.is_ascii() { text.to_owned() } else { deunicode::deunicode(text) };
    plain.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_ignores_case_and_accents() {
        for (written, typed) in [("Gonçalves", "goncalves"), ("Bjørn", "BJORN"), ("Weiß", "weiss"), ("Zoë", "zoë")]
        {
            assert_eq!(fold(written), fold(typed));
        }
    }
}
