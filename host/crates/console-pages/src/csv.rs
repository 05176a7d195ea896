//! Lists as CSV, for spreadsheets. Cells that a spreadsheet would run as a formula are neutralized.

/// A table of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Name of the file, without its end.
    pub name: &'static str,
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// The rows, as long as `columns`.
    pub rows: Vec<Vec<String>>,
}

/// First characters of a cell that begin a formula in a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Returns a cell that a spreadsheet shows as text: `'` before the start of a formula.
fn neutral(cell: &str) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell.to_owned() }
}

impl Table {
    /// Returns the file: a line of names, then a line for each row, as in RFC 4180.
    ///
    /// # Panics
    ///
    /// Panics if a row has another length than `columns`.
    pub fn bytes(&self) -> Vec<u8> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(&self.columns).expect("memory can be written");
        for row in &self.rows {
            writer.write_record(row.iter().map(|cell| neutral(cell))).expect("rows of equal length");
        }
        writer.into_inner().expect("memory can be written")
    }
}

/// Returns a time for a cell: RFC 3339 in UTC.
pub(crate) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |time| time.to_string())
}

/// Returns a cell that may be empty.
pub(crate) fn cell(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(cell: &str) -> String {
        let table = Table { name: "list", columns: vec!["a"], rows: vec![vec![cell.to_owned()]] };
        String::from_utf8(table.bytes()).expect("UTF-8")
    }

    #[test]
    fn quotes_commas_and_line_ends_are_quoted() {
        assert_eq!(written("a \"b\", c\nd"), "a\r\n\"a \"\"b\"\", c\nd\"\r\n");
    }

    proptest! {
        #[test]
        fn no_cell_begins_a_formula(start in "[=+@\t\r-]", rest in "\\PC{0,20}") {
            let text = written(&format!("{start}{rest}"));
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let cell = reader.records().next().expect("a row").expect("a valid row")[0].to_owned();
            prop_assert_eq!(cell, format!("'{start}{rest}"));
        }
    }
}
