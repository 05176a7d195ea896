//! Bodies of messages on their way out of Front: plain text out of HTML, and back. The other way is `html`.

use std::borrow::Cow;

/// What Front itself writes where a teammate sends files and no word, and what we write where a
/// customer does: Front takes no message with a blank body.
pub const FILES_ONLY: &str = "Attachment";
/// What we write where a customer's message has neither text nor files.
pub const NOTHING: &str = "(no text)";

/// Tags after which a line ends.
const BLOCKS: [&str; 12] = ["br", "/p", "/div", "/li", "/tr", "/h1", "/h2", "/h3", "/h4", "/blockquote", "/pre", "hr"];
/// Elements whose content nobody sees.
const HIDDEN: [&str; 3] = ["style", "script", "head"];

/// Whether a letter leaves anything on a screen.
pub(super) fn is_visible(letter: char) -> bool {
    let is_filler = matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    !letter.is_whitespace() && !letter.is_control() && !is_filler
}

/// The text of a body. One without tags is plain already, and stays as it is.
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

/// Plain text as HTML.
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

/// A run of text: white space is one space, and entities are what they stand for.
fn push(text: &mut String, run: &str) {
    let mut rest = run;
    while let Some(letter) = rest.chars().next() {
        let (shown, length) = match letter {
            '&' => entity(rest).unwrap_or((letter, 1)),
            _ if letter.is_ascii_whitespace() => (' ', 1),
            _ => (letter, letter.len_utf8()),
        };
        if shown != ' ' || !text.ends_with([' ', '\n']) {
            text.push(shown);
        }
        rest = &rest[length..];
    }
}

/// What the entity at the beginning stands for, and how long it is.
pub(super) fn entity(text: &str) -> Option<(char, usize)> {
    // The longest one that counts is `&#x10ffff;`.
    let end = text.bytes().take(10).position(|byte| byte == b';')?;
    let shown = match &text[1..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        name => {
            let digits = name.strip_prefix('#')?;
            let number = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => digits.parse(),
            };
            char::from_u32(number.ok()?)?
        }
    };
    Some((shown, end + 1))
}

/// A body, taken apart in one pass.
pub(super) struct Pieces<'b> {
    rest: &'b str,
    /// What follows the last `>`: no tag ends there, and nobody looks again.
    tail: usize,
}

pub(super) enum Piece<'b> {
    /// The name in small letters, with the slash of one that closes, and the whole tag. A comment has no name.
    Tag(String, &'b str),
    Text(&'b str),
}

impl<'b> Pieces<'b> {
    pub(super) fn of(body: &'b str) -> Self {
        Self { rest: body, tail: body.rfind('>').map_or(body.len(), |at| body.len() - at - 1) }
    }

    /// Skips the rest of an element whose content is no HTML, its end included; says whether it has an end.
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
        // What looks like the beginning of a tag and is none is text.
        let begin = usize::from(rest.starts_with('<'));
        let end = rest[begin..].find('<').map_or(rest.len(), |at| begin + at);
        self.rest = &rest[end..];
        Some(Piece::Text(&rest[..end]))
    }
}

/// The tag or comment at the beginning: its name and its length.
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
    fn plain_text_stays_and_html_is_read() {
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
            ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
            ("<a href=\"https://x.example/?a=1\">here</a>", "here"),
            ("", ""),
        ];
        for (body, want) in table {
            assert_eq!(plain(body), want, "{body}");
        }
    }

    #[test]
    fn a_body_that_opens_tags_and_never_closes_one_is_read_in_one_pass() {
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
        fn any_body_is_read(body in "(<[a-z/!]{0,3}|>|-->|&#?x?[0-9a-z]{0,4};|\\PC{0,3}){0,30}") {
            let read = plain(&body);
            prop_assert!(read.len() <= body.len());
        }
    }
}
