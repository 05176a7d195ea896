//! Formats values for the output of commands.

use std::time::{Duration, UNIX_EPOCH};

use comfy_table::{CellAlignment, ContentArrangement, Table};
use frontgate_telemetry::is_invisible;

/// Returns an external text without terminal control characters.
pub(super) fn plain(text: &str) -> String {
    text.replace(is_invisible, " ")
}

/// Returns a value as indented JSON. Terminal control characters are escaped, which preserves the value.
pub(super) fn escaped(value: &impl serde::Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    let acts = |character: char| character != '\n' && is_invisible(character);
    if !text.contains(acts) {
        return Ok(text);
    }
    let letter = |character: char| match acts(character) {
        true => format!("\\u{:04x}", u32::from(character)),
        false => character.to_string(),
    };
    Ok(text.chars().map(letter).collect())
}

/// Creates a table without borders: two spaces between columns, never wrapped. `numbers` are the right-aligned columns.
pub(super) fn table(titles: &[&str], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(titles);
    table.set_content_arrangement(ContentArrangement::Disabled);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if numbers.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Formats a duration in milliseconds: `12 s`, `3 min`, `2 h`, `5 d`.
pub(super) fn short(ms: i64) -> String {
    match ms / 1_000 {
        s @ ..120 => format!("{} s", s.max(0)),
        s @ ..7_200 => format!("{} min", s / 60),
        s @ ..172_800 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

/// Formats a time in milliseconds since 1970 as an HTTP date.
pub(super) fn time(ms: i64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(ms.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_aligned_columns_without_borders() {
        let mut table = table(&["ID", "STATE"], &[0]);
        table.add_row(["7", "ready"]).add_row(["1234", "a text that is never wrapped, however long it becomes"]);
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        let long = "1234  a text that is never wrapped, however long it becomes";
        assert_eq!(lines, ["  ID  STATE", "   7  ready", long]);
    }

    #[test]
    fn escaped_json_keeps_its_meaning_and_cannot_act_on_the_terminal() {
        let value = serde_json::json!({ "text": "a\u{9b}31m\u{202e}b\u{1b}\n" });
        let text = escaped(&value).expect("JSON");
        assert!(!text.replace('\n', "").contains(is_invisible), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
    }
}
