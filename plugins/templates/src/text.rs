//! A template's text, with placeholders for customer and worker.

/// A parsed text. Inserted values are never parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Text(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Placeholder(Placeholder),
}

/// A placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placeholder {
    CustomerName,
    CustomerFirstName,
    CustomerId,
    WorkerName,
    WorkerFirstName,
    WorkerIdentity,
}

/// Placeholders by their names in braces.
const PLACEHOLDERS: [(&str, Placeholder); 6] = [
    ("customer.name", Placeholder::CustomerName),
    ("customer.first_name", Placeholder::CustomerFirstName),
    ("customer.id", Placeholder::CustomerId),
    ("worker.name", Placeholder::WorkerName),
    ("worker.first_name", Placeholder::WorkerFirstName),
    ("worker.identity", Placeholder::WorkerIdentity),
];

/// Maximum length of a placeholder's name. A longer text is a single brace followed by the message.
const NAME_CHARS_MAX: usize = 32;

impl Text {
    /// Parses a text. Placeholders are in braces; `{{` and `}}` are literal braces.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut words = String::new();
        let mut rest = text.trim();
        while let Some(at) = rest.find(['{', '}']) {
            words.push_str(&rest[..at]);
            let (brace, tail) = rest[at..].split_at(1);
            if let Some(tail) = tail.strip_prefix(brace) {
                words.push_str(brace);
                rest = tail;
                continue;
            }
            let Some((name, tail)) = tail.split_once('}').filter(|(name, _)| brace == "{" && may_be_name(name)) else {
                return Err(format!("unmatched `{brace}`; write `{brace}{brace}` for the character itself"));
            };
            pieces.push(Piece::Words(std::mem::take(&mut words)));
            pieces.push(Piece::Placeholder(Placeholder::named(name.trim())?));
            rest = tail;
        }
        words.push_str(rest);
        pieces.push(Piece::Words(words));
        Ok(Self(pieces))
    }

    /// Returns the text with all values; `None` if a value is missing.
    pub(crate) fn fill<'v>(&self, value: impl Fn(Placeholder) -> Option<&'v str>) -> Option<String> {
        let piece = |piece| match piece {
            &Piece::Placeholder(placeholder) => value(placeholder),
            Piece::Words(words) => Some(words.as_str()),
        };
        self.0.iter().map(piece).collect()
    }
}

impl Placeholder {
    fn named(name: &str) -> Result<Self, String> {
        if let Some((_, placeholder)) = PLACEHOLDERS.iter().find(|(known, _)| *known == name) {
            return Ok(*placeholder);
        }
        let known = PLACEHOLDERS.map(|(known, _)| format!("{{{known}}}")).join(", ");
        Err(format!("unknown placeholder `{{{name}}}`; known placeholders: {known}"))
    }
}

fn may_be_name(text: &str) -> bool {
    text.chars().count() <= NAME_CHARS_MAX && text.chars().all(|c| c.is_alphanumeric() || " ._-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<Option<String>, String> {
        let value = |placeholder| match placeholder {
            Placeholder::CustomerName => Some("{worker.name} $& }}"),
            Placeholder::WorkerName => Some("Ana"),
            _ => None,
        };
        Ok(Text::parse(text)?.fill(value))
    }

    #[test]
    fn placeholders_are_replaced_and_values_are_literal() {
        let table = [
            ("Hi {customer.name}, {customer.name}!", Some("Hi {worker.name} $& }}, {worker.name} $& }}!")),
            ("{ worker.name }{worker.name}", Some("AnaAna")),
            ("{{worker.name}} {{}} }}{{ {{{worker.name}}}", Some("{worker.name} {} }{ {Ana}")),
            ("\n no braces\nat all \n", Some("no braces\nat all")),
            ("Hi {customer.first_name}, {worker.name} here", None),
        ];
        for (text, want) in table {
            assert_eq!(fill(text), Ok(want.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn unknown_placeholders_are_errors_without_the_surrounding_text() {
        let known = "known placeholders: {customer.name}, {customer.first_name}, {customer.id}, {worker.name}, \
                     {worker.first_name}, {worker.identity}";
        let table = [
            ("Hi {customer}!", format!("unknown placeholder `{{customer}}`; {known}")),
            ("Hi {}!", format!("unknown placeholder `{{}}`; {known}")),
            ("Hi {Worker.Name}", format!("unknown placeholder `{{Worker.Name}}`; {known}")),
            ("Hi {customer name}", format!("unknown placeholder `{{customer name}}`; {known}")),
            (
                "Hi {worker.name, how is {customer.name}?",
                "unmatched `{`; write `{{` for the character itself".to_owned(),
            ),
            ("Hi {worker.name", "unmatched `{`; write `{{` for the character itself".to_owned()),
            ("Hi worker.name}", "unmatched `}`; write `}}` for the character itself".to_owned()),
            ("Hi } {worker.name}", "unmatched `}`; write `}}` for the character itself".to_owned()),
        ];
        for (text, want) in table {
            assert_eq!(fill(text), Err(want), "{text}");
        }
    }
}
