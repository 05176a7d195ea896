//! Splits a query into tokens. Escape sequences are those of the SOQL and SOSL Reference, "Quoted String Escape
//! Sequences"; a backslash in any other context is an error.

/// A quoted text. `LIKE` distinguishes wildcards from escaped characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub Vec<TextChar>);

/// A character of a quoted text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextChar {
    /// A character as written, or `%` or `_`, which are wildcards of `LIKE`.
    Plain(char),
    /// An escaped `%` or `_`, which only `LIKE` has.
    Escaped(char),
}

impl Text {
    /// Returns the text, with wildcards as characters.
    pub fn plain(&self) -> String {
        let plain = |c: &TextChar| match c {
            TextChar::Plain(c) | TextChar::Escaped(c) => *c,
        };
        self.0.iter().map(plain).collect()
    }

    pub(super) fn has_escaped_wildcards(&self) -> bool {
        self.0.iter().any(|c| matches!(c, TextChar::Escaped(_)))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, keyword, number or time.
    Word(String),
    Text(Text),
    /// One of `( ) , = != <> < <= > >=`.
    Sign(&'static str),
}

const SIGNS: [&str; 10] = ["!=", "<>", "<=", ">=", "(", ")", ",", "=", "<", ">"];

/// Returns the tokens of a query, or Salesforce's message.
pub(super) fn tokens(soql: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = soql;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if first == '\'' {
            let (text, after) = quoted(&rest[1..])?;
            tokens.push(Token::Text(text));
            rest = after;
        } else {
            let is_word = |c: char| c.is_ascii_alphanumeric() || "._:+-".contains(c);
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(format!("unexpected token: '{first}'"));
            }
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
}

/// Reads a text up to its closing quote. Returns the text and what follows.
fn quoted(text: &str) -> Result<(Text, &str), String> {
    let mut found = Vec::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Ok((Text(found), &text[at + 1..])),
            '\n' | '\r' => return Err("line breaks not allowed in string literals".to_owned()),
            '\\' => found.push(match chars.next().map(|(_, c)| c) {
                Some('n' | 'N') => TextChar::Plain('\n'),
                Some('r' | 'R') => TextChar::Plain('\r'),
                Some('t' | 'T') => TextChar::Plain('\t'),
                Some('b' | 'B') => TextChar::Plain('\u{7}'),
                Some('f' | 'F') => TextChar::Plain('\u{c}'),
                Some(c @ ('"' | '\'' | '\\')) => TextChar::Plain(c),
                Some(c @ ('%' | '_')) => TextChar::Escaped(c),
                Some(c) => {
                    return Err(format!(
                        "Invalid string literal. Illegal character sequence '\\{c}' in string literal."
                    ));
                }
                None => break,
            }),
            c => found.push(TextChar::Plain(c)),
        }
    }
    Err("unexpected token: '<EOF>' (unterminated string literal)".to_owned())
}
