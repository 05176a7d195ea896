//! Converts bodies of messages that leave Front from HTML to plain text, and plain text to HTML. Bodies that enter
//! Front are converted by `html`.

use std::borrow::Cow;

/// Front's body of a teammate's message with only files. The gateway uses this body for customers' messages as well,
/// since Front rejects blank bodies.
pub(crate) const FILES_ONLY: &str = "Attachment";
/// The gateway's body of a customer's message with neither text nor files.
pub(crate) const NOTHING: &str = "(no text)";

/// Tags that end a line.
const BLOCKS: [&str; 12] = ["br", "/p", "/div", "/li", "/tr", "/h1", "/h2", "/h3", "/h4", "/blockquote", "/pre", "hr"];
/// Maximum bytes of an entity's name, including its semicolon.
const ENTITY_BYTES_MAX: usize = 32;
const NO_BREAK_SPACE: char = '\u{a0}';
/// Elements whose content is not shown.
const HIDDEN: [&str; 3] = ["style", "script", "head"];

/// Returns whether a character is visible.
pub(super) fn is_visible(letter: char) -> bool {
    let is_filler = matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    !letter.is_whitespace() && !letter.is_control() && !is_filler
}

/// Returns the text of a body. A body without tags is plain text, and is returned unchanged.
pub fn plain(body: &str) -> Cow<'_, str> {
    if !Pieces::of(body).any(|piece| matches!(piece, Piece::Tag(..))) {
        return Cow::Borrowed(body);
    }
    let mut text = String::with_capacity(body.len());
    let mut hidden = None;
    for piece in Pieces::of(body) {
        match piece {
            Piece::Tag(name, _) if hidden.is_some_and(|hides: &str| name.strip_prefix('/') == Some(hides)) => {
                hidden = None;
            }
            _ if hidden.is_some() => {}
            Piece::Tag(name, _) => {
                hidden = HIDDEN.into_iter().find(|element| *element == name);
                if is(&name, &BLOCKS) {
                    text.push('\n');
                }
            }
            Piece::Text(run) => push(&mut text, run),
        }
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    Cow::Owned(lines.join("\n").trim().to_owned())
}

/// Converts plain text to HTML.
pub fn html(plain: &str) -> String {
    let mut html = String::with_capacity(plain.len());
    for letter in plain.chars() {
        match letter {
            '&' => html += "&amp;",
            '<' => html += "&lt;",
            '>' => html += "&gt;",
            '"' => html += "&quot;",
            '\n' => html += "<br>",
            '\r' => {}
            _ => html.push(letter),
        }
    }
    html
}

fn is(name: &str, names: &[&str]) -> bool {
    names.contains(&name)
}

/// Appends a run of text: decodes entities, and collapses white space.
fn push(text: &mut String, run: &str) {
    let mut rest = run;
    while let Some(letter) = rest.chars().next() {
        let length = match entity(rest) {
            Some((shown, length)) => {
                shown.chars().for_each(|letter| push_char(text, letter));
                length
            }
            None => {
                push_char(text, if letter.is_ascii_whitespace() { ' ' } else { letter });
                letter.len_utf8()
            }
        };
        rest = &rest[length..];
    }
}

/// Appends a character; only the first of several spaces is kept.
fn push_char(text: &mut String, letter: char) {
    let letter = if letter == NO_BREAK_SPACE { ' ' } else { letter };
    if letter != ' ' || !text.ends_with([' ', '\n']) {
        text.push(letter);
    }
}

/// Decodes the entity at the beginning of a text: returns its characters, and the length of the entity.
///
/// An entity must end with a semicolon. The few entities that are shorter than their characters are not decoded, so
/// that plain text is never longer than its HTML.
pub(super) fn entity(text: &str) -> Option<(Cow<'_, str>, usize)> {
    let inside = text.strip_prefix('&')?;
    let end = inside.bytes().take(ENTITY_BYTES_MAX).position(|byte| matches!(byte, b';' | b'&'))?;
    let entity = text.get(..end + 2).filter(|entity| entity.ends_with(';'))?;
    let decoded = html_escape::decode_html_entities(entity);
    (decoded != entity && decoded.len() <= entity.len()).then_some((decoded, entity.len()))
}

/// An iterator that splits a body into tags and text in one pass.
pub(super) struct Pieces<'b> {
    rest: &'b str,
    /// Number of bytes after the last `>`, where no tag ends.
    tail: usize,
}

pub(super) enum Piece<'b> {
    /// The lower-case name, with the slash of a closing tag, and the whole tag. The name of a comment is empty.
    Tag(String, &'b str),
    Text(&'b str),
}

impl<'b> Pieces<'b> {
    pub(super) fn of(body: &'b str) -> Self {
        Self { rest: body, tail: body.rfind('>').map_or(body.len(), |at| body.len() - at - 1) }
    }

    /// Skips the content and the end of an element; returns whether the element has an end.
    pub(super) fn skip_element(&mut self, name: &str) -> bool {
        let is_end = |at: &usize| {
            let behind = &self.rest.as_bytes()[at + 2..];
            let found = behind.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()));
            found && !behind.get(name.len()).is_some_and(u8::is_ascii_alphanumeric)
        };
        let Some(at) = self.rest.match_indices("</").map(|(at, _)| at).find(is_end) else { return false };
        let end = self.rest[at..].find('>').map_or(self.rest.len(), |end| at + end + 1);
        self.rest = &self.rest[end..];
        true
    }
}

impl<'b> Iterator for Pieces<'b> {
    type Item = Piece<'b>;

    fn next(&mut self) -> Option<Piece<'b>> {
        let rest = self.rest;
        if rest.is_empty() {
            return None;
        }
        let tag = if rest.len() > self.tail { tag(rest) } else { None };
        if let Some((name, end)) = tag {
            self.rest = &rest[end..];
            return Some(Piece::Tag(name, &rest[..end]));
        }
        // A `<` that starts no tag is text.
        let begin = usize::from(rest.starts_with('<'));
        let end = rest[begin..].find('<').map_or(rest.len(), |at| begin + at);
        self.rest = &rest[end..];
        Some(Piece::Text(&rest[..end]))
    }
}

/// Returns the name and length of the tag or comment at the beginning.
fn tag(text: &str) -> Option<(String, usize)> {
    let inside = text.strip_prefix('<')?;
    if inside.starts_with("!--") {
        return Some((String::new(), text.find("-->").map_or(text.len(), |at| at + 3)));
    }
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '/' | '!');
    let name = &inside[..inside.find(|letter| !is_name(letter))?];
    let first = name.trim_start_matches(['/', '!']).chars().next()?;
    first.is_ascii_alphabetic().then_some(())?;
    let end = inside.find('>')?;
    Some((name.trim_end_matches('/').to_ascii_lowercase(), end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_text_stays_and_html_is_converted() {
        let table = [
            ("Your parcel left.", "Your parcel left."),
            ("1 < 2 && 3 > 2, Tom &amp; Jerry\n\n bye ", "1 < 2 && 3 > 2, Tom &amp; Jerry\n\n bye "),
            ("a <3 b", "a <3 b"),
            ("<p>Your parcel left today.</p>", "Your parcel left today."),
            (
                "<p>Dear <b>Lee</b>,</p>\n<p>it &lt;left&gt;  today &amp; is&nbsp;there.</p>",
                "Dear Lee,\nit <left> today & is there.",
            ),
            ("one<br>two<br/>three<BR />four", "one\ntwo\nthree\nfour"),
            ("<style>p{color:red}</style><p>seen</p><script>a<b</script>", "seen"),
            ("<!-- no > not this -->yes<!doctype html>", "yes"),
            ("<p>&#8364; &#x1f44b; &nope; &#xd800; &</p>", "€ 👋 &nope; &#xd800; &"),
            ("<p>Zo&euml; &ndash; &copy;&nGt;&amp;lt;</p>", "Zoë – ©&nGt;&lt;"),
            ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
            ("<a href=\"https://x.example/?a=1\">here</a>", "here"),
            ("", ""),
        ];
        for (body, want) in table {
            assert_eq!(plain(body), want, "{body}");
        }
    }

    #[test]
    fn a_body_with_tags_that_never_end_is_converted_in_one_pass() {
        for body in ["<a".repeat(500_000), "<a".repeat(500_000) + ">", "<!--".repeat(500_000), "&".repeat(1_000_000)] {
            assert!(plain(&body).len() <= body.len());
        }
    }

    proptest! {
        #[test]
        fn text_is_the_same_after_it_was_html(text in "[^\\s\\pC]{1,5}( [^\\s\\pC]{1,5}){0,5}") {
            let body = format!("<p>{}</p>", html(&text));
            prop_assert_eq!(plain(&body), text);
        }

        #[test]
        fn any_body_is_converted(body in "(<[a-z/!]{0,3}|>|-->|&#?x?[0-9a-z]{0,4};|\\PC{0,3}){0,30}") {
            let read = plain(&body);
            prop_assert!(read.len() <= body.len());
        }
    }
}
