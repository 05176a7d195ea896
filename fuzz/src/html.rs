//! `front::text`: HTML that a teammate, Front or a plugin wrote, as plain text, and plain text as HTML.

use frontgate::front::text;

/// Plain text is never longer than its HTML, a body is never sent blank, and escaped text contains no markup.
pub fn run(input: &[u8]) {
    let Ok(body) = std::str::from_utf8(input) else { return };
    let plain = text::plain(body);
    assert!(plain.len() <= body.len());
    for has_files in [false, true] {
        assert!(!text::is_blank(text::filled(body, has_files)));
    }
    let html = text::html(body);
    let without_breaks = html.replace("<br>", "");
    assert!(!without_breaks.contains(['<', '>', '"']), "escaped text contains markup");
    let visible = |text: &str| text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let again = text::plain(&html).into_owned();
    // A body without tags is returned as it is, with its entities; a paragraph makes it HTML.
    let paragraph = text::plain(&format!("<p>{html}</p>")).into_owned();
    assert!(again.len() <= html.len());
    let trimmed = |text: &str| visible(&text.lines().map(str::trim).collect::<Vec<_>>().join("\n"));
    if body.chars().all(|letter| !letter.is_whitespace() || letter == ' ' || letter == '\n') {
        assert_eq!(trimmed(&paragraph), trimmed(body), "text changes on its way through HTML");
    }
}
