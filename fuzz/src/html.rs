//! `front::text`: HTML that a teammate, Front or a plugin wrote, as plain text, and plain text as HTML.

use frontgate::front::text;

/// Plain text is never longer than its HTML, escaped text contains no markup, and survives the way there and back.
pub fn run(input: &[u8]) {
    let Ok(body) = std::str::from_utf8(input) else { return };
    let plain = text::plain(body);
    assert!(plain.len() <= body.len());
    let html = text::html(body);
    assert!(!html.replace("<br>", "").contains(['<', '>', '"']), "escaped text contains markup: {html}");
    assert!(text::plain(&html).len() <= html.len());
    // A body without tags is returned as it is; a paragraph makes it HTML. White space may change.
    let paragraph = text::plain(&format!("<p>{html}</p>")).into_owned();
    if body.chars().all(|letter| !letter.is_whitespace() || matches!(letter, ' ' | '\n')) {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&paragraph), words(body), "text changes on its way through HTML");
    }
}
