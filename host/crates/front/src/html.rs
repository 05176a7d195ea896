//! Converts bodies of messages that enter Front to safe HTML. Typed text stays text.
//!
//! [`Html`] is generated, not filtered: it consists of tags from a fixed list, without attributes, and of escaped text.
//! A body that is parsed wrongly may look odd, but can never become a link, an image, a style or a script. Therefore a
//! browser-grade parser is not needed. Each body is processed once, in linear time.

mod elements;

use self::elements::{HIDDEN, KEPT, SILENT, UNWRAPPED};
use super::text::{FILES_ONLY, NOTHING, Piece, Pieces, entity, is_visible, plain};

/// Maximum depth of nested elements; deeper elements are left out.
const DEPTH_MAX: usize = 32;

/// The spaces that replace a tab.
const TAB: &str = "&nbsp;&nbsp;&nbsp;&nbsp;";

/// A body for Front: generated HTML, or plain text that reads the same as HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Converts plain text. Line breaks and spaces are kept; control characters are left out. A text that needs no
    /// markup stays unchanged; any other text becomes one element, so that Front cannot show entities as text.
    pub fn of_text(text: &str) -> Self {
        let mut html = String::with_capacity(text.len() + text.len() / 8);
        let mut letters = text.chars().peekable();
        let mut at_space = true;
        while let Some(letter) = letters.next() {
            let is_space = letter == ' ';
            match letter {
                ' ' if at_space => html += "&nbsp;",
                '\t' => html += TAB,
                '\r' if letters.peek() == Some(&'\n') => continue,
                '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => html += "<br>",
                letter if letter.is_control() => continue,
                letter => escape(&mut html, letter),
            }
            at_space = is_space || html.ends_with("<br>");
        }
        Self::wrapped(html)
    }

    /// Converts untrusted HTML: paragraphs, lists, tables and emphasis are kept, the target of a link is shown after
    /// its text, and everything else is left out. If nothing visible would remain of a body with content, the body is
    /// shown as text.
    pub fn of_html(body: &str) -> Self {
        let mut writer = Writer::default();
        let mut pieces = Pieces::of(body);
        // Marks the hidden elements that have no end tag.
        let mut open_ended = [false; HIDDEN.len()];
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Text(run) => writer.text(run),
                Piece::Tag(name, raw) if name.is_empty() && !raw.ends_with("-->") => writer.text(raw),
                Piece::Tag(name, raw) => {
                    let hidden = HIDDEN.iter().position(|element| *element == name).filter(|at| !open_ended[*at]);
                    if hidden.is_some() && pieces.skip_element(&name) {
                        writer.left_out = true;
                        continue;
                    }
                    hidden.into_iter().for_each(|at| open_ended[at] = true);
                    writer.tag(&name, raw);
                }
            }
        }
        let left_out = writer.left_out;
        let html = Self::wrapped(writer.end());
        if left_out && html.is_blank() { Self::of_text(body) } else { html }
    }

    /// Appends a line of plain text.
    pub fn with_line(self, text: &str) -> Self {
        Self(format!("<div>{}<br>{}</div>", self.0, Self::of_text(text).0))
    }

    /// Replaces a blank body by a word.
    pub fn or_word(self, has_files: bool) -> Self {
        if self.is_blank() { Self(self.filled(has_files).to_owned()) } else { self }
    }

    /// Returns whether the body shows nothing visible.
    pub fn is_blank(&self) -> bool {
        !plain(&self.0).chars().any(is_visible)
    }

    /// Returns the body for Front, or a word if the body is blank.
    pub fn filled(&self, has_files: bool) -> &str {
        match (self.is_blank(), has_files) {
            (false, _) => &self.0,
            (true, true) => FILES_ONLY,
            (true, false) => NOTHING,
        }
    }

    /// Returns the length in bytes.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    fn wrapped(html: String) -> Self {
        if html.contains(['<', '&']) { Self(format!("<div>{html}</div>")) } else { Self(html) }
    }
}

fn escape(html: &mut String, letter: char) {
    match letter {
        '&' => *html += "&amp;",
        '<' => *html += "&lt;",
        '>' => *html += "&gt;",
        letter => html.push(letter),
    }
}

/// A writer of the elements and the text of one body.
#[derive(Default)]
struct Writer {
    html: String,
    open: Vec<&'static str>,
    /// The target of the open link, and the offset of its text.
    link: Option<(String, usize)>,
    /// Whether visible content was left out.
    left_out: bool,
}

impl Writer {
    /// Writes text and keeps entities.
    fn text(&mut self, run: &str) {
        let mut rest = run;
        while let Some(letter) = rest.chars().next() {
            let length = match letter {
                '&' => match reference(rest) {
                    Some(length) => {
                        self.html += &rest[..length];
                        length
                    }
                    None => {
                        self.html += "&amp;";
                        1
                    }
                },
                _ => {
                    if !letter.is_control() || letter.is_ascii_whitespace() {
                        escape(&mut self.html, letter);
                    }
                    letter.len_utf8()
                }
            };
            rest = &rest[length..];
        }
    }

    fn tag(&mut self, name: &str, raw: &str) {
        let element = name.trim_start_matches('/');
        let is_end = element.len() < name.len();
        let kept = KEPT.iter().find(|(known, _)| *known == element).map(|(_, becomes)| *becomes);
        match (element, kept) {
            ("br" | "hr", _) if !is_end => self.html += if element == "br" { "<br>" } else { "<hr>" },
            ("br" | "hr", _) => {}
            (_, Some(element)) if is_end => self.close(element),
            (_, Some(element)) if self.open.len() < DEPTH_MAX => {
                self.open.push(element);
                self.html.extend(["<", element, ">"]);
            }
            (_, Some(_)) => {}
            ("a", None) => {
                self.end_link();
                if !is_end {
                    self.link = attribute(raw, "href").map(|href| (href, self.html.len()));
                    self.left_out = true;
                }
            }
            ("img", None) => {
                let alternative = attribute(raw, "alt").unwrap_or_default();
                self.text(&alternative);
                self.left_out = true;
            }
            (element, None) if UNWRAPPED.contains(&element) => self.left_out |= !SILENT.contains(&element),
            // A comment.
            ("", None) => self.left_out = true,
            (element, None) if element.starts_with('!') => {}
            (_, None) => self.text(raw),
        }
    }

    fn close(&mut self, element: &'static str) {
        let Some(at) = self.open.iter().rposition(|open| *open == element) else { return };
        for element in self.open.drain(at..).rev() {
            self.html.extend(["</", element, ">"]);
        }
    }

    /// Appends the target of a link, unless its text is the same.
    fn end_link(&mut self) {
        let Some((href, begin)) = self.link.take() else { return };
        let is_address = ["http://", "https://", "mailto:", "tel:"]
            .iter()
            .any(|scheme| href.get(..scheme.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(scheme)));
        let shown = plain(&self.html[begin..]).trim().to_owned();
        let bare = |text: &str| {
            let text = text.strip_prefix("mailto:").or_else(|| text.strip_prefix("tel:")).unwrap_or(text);
            text.trim_end_matches('/').to_owned()
        };
        if is_address && bare(&shown) != bare(&href) {
            self.html += " (";
            href.chars().for_each(|letter| escape(&mut self.html, letter));
            self.html.push(')');
        }
    }

    fn end(mut self) -> String {
        self.end_link();
        while let Some(element) = self.open.pop() {
            self.html.extend(["</", element, ">"]);
        }
        self.html
    }
}

/// Returns the length of the entity at the beginning. Unknown names are accepted: a browser shows them unchanged.
fn reference(text: &str) -> Option<usize> {
    // The longest name in HTML has 31 letters.
    let end = text.bytes().take(33).position(|byte| byte == b';')?;
    let name = &text[1..end];
    let is_number = name.starts_with('#') && entity(text).is_some_and(|(shown, _)| !shown.contains(char::is_control));
    let is_name = name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_name || is_number).then_some(end + 1)
}

/// Returns the value of an attribute with its entities decoded, trimmed, and without control characters.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    let value = loop {
        let at = rest
            .char_indices()
            .map(|(at, _)| at)
            .find(|at| rest.get(*at..at + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)))?;
        let before = rest[..at].chars().next_back();
        let behind = rest[at + name.len()..].trim_start();
        rest = &rest[at + name.len()..];
        let stands_alone = before.is_some_and(|letter| letter.is_whitespace() || matches!(letter, '"' | '\'' | '/'));
        if let Some(value) = behind.strip_prefix('=').filter(|_| stands_alone) {
            break value.trim_start();
        }
    };
    let end = |ends: &[char], value: &str| value.find(ends).unwrap_or(value.len());
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => &value[1..][..end(&[quote], &value[1..])],
        _ => &value[..end(&[' ', '\t', '\n', '\r', '>'], value)],
    };
    let mut found = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(letter) = rest.chars().next() {
        let (shown, length) = entity(rest).unwrap_or_else(|| {
            let length = letter.len_utf8();
            (rest[..length].into(), length)
        });
        found.extend(shown.chars().filter(|letter| !letter.is_control()));
        rest = &rest[length..];
    }
    Some(found.trim().to_owned())
}

#[cfg(test)]
mod tests;
