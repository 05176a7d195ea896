//! A template's text, with placeholders for customer and worker.

/// A text, taken apart once: what is filled in is never looked at again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Text(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Placeholder(Placeholder),
}

/// What can be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placeholder {
    CustomerName,
    CustomerFirstName,
    CustomerId,
    WorkerName,
    WorkerFirstName,
    WorkerIdentity,
}

/// As they are written in braces.
const PLACEHOLDERS: [(&str, Placeholder); 6] = [
    ("customer.name", Placeholder::CustomerName),
    ("customer.first_name", Placeholder::CustomerFirstName),
    ("customer.id", Placeholder::CustomerId),
    ("worker.name", Placeholder::WorkerName),
    ("worker.first_name", Placeholder::WorkerFirstName),
    ("worker.identity", Placeholder::WorkerIdentity),
];

/// What is longer is no mistyped placeholder, but a brace that stands alone, and the message behind it.
const NAME_CHARS_MAX: usize = 32;

impl Text {
    /// Placeholders stand in braces; `{{` and `}}` stand for one brace.
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
                return Err(format!("a `{brace}` stands alone; for the character itself write `{brace}{brace}`"));
            };
            pieces.push(Piece::Words(std::mem::take(&mut words)));
            pieces.push(Piece::Placeholder(Placeholder::named(name.trim())?));
            rest = tail;
        }
        words.push_str(rest);
        pieces.push(Piece::Words(words));
        Ok(Self(pieces))
    }

    /// The text with everything filled in; none where there is nothing to fill in.
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
        Err(format!("there is no placeholder `{{{name}}}`; there are {known}"))
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
    fn every_placeholder_is_filled_and_what_is_filled_in_is_taken_as_it_is() {
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
    fn what_is_no_placeholder_is_an_error_without_the_text_around_it() {
        let known = "there are {customer.name}, {customer.first_name}, {customer.id}, {worker.name}, \
                     {worker.first_name}, {worker.identity}";
        let table = [
            ("Hi {customer}!", format!("there is no placeholder `{{customer}}`; {known}")),
            ("Hi {}!", format!("there is no placeholder `{{}}`; {known}")),
            ("Hi {Worker.Name}", format!("there is no placeholder `{{Worker.Name}}`; {known}")),
            ("Hi {customer name}", format!("there is no placeholder `{{customer name}}`; {known}")),
            (
                "Hi {worker.name, how is {customer.name}?",
                "a `{` stands alone; for the character itself write `{{`".to_owned(),
            ),
            ("Hi {worker.name", "a `{` stands alone; for the character itself write `{{`".to_owned()),
            ("Hi worker.name}", "a `}` stands alone; for the character itself write `}}`".to_owned()),
            ("Hi } {worker.name}", "a `}` stands alone; for the character itself write `}}`".to_owned()),
        ];
        for (text, want) in table {
            assert_eq!(fill(text), Err(want), "{text}");
        }
    }
}
