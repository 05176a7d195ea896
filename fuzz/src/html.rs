//! `front::text` and `front::html`: convert HTML of teammates, Front and plugins to plain text, and to bodies for
//! Front.

use frontgate_front::html::Html;
use frontgate_front::text;

/// Elements that a body may contain, without attributes.
const ELEMENTS: [&str; 35] = [
    "b",
    "blockquote",
    "br",
    "code",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
    "",
    "",
];

/// Asserts that plain text is never longer than its HTML, and that escaped text contains no markup. Escaped text also
/// survives conversion in both directions, and a body for Front consists of escaped text and elements without
/// attributes.
pub fn run(input: &[u8]) {
    let Ok(body) = std::str::from_utf8(input) else { return };
    let plain = text::plain(body);
    assert!(plain.len() <= body.len());
    let html = text::html(body);
    assert!(!html.replace("<br>", "").contains(['<', '>', '"']), "escaped text contains markup: {html}");
    assert!(text::plain(&html).len() <= html.len());
    // A body without tags is returned unchanged. Inside a paragraph it is HTML, and white space may change.
    let paragraph = text::plain(&format!("<p>{html}</p>")).into_owned();
    if body.chars().all(|letter| !letter.is_whitespace() || matches!(letter, ' ' | '\n')) {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&paragraph), words(body), "text changes on its way through HTML");
    }
    let made = [
        Html::of_text(body),
        Html::of_html(body),
        Html::of_text(body).or_word(true),
        Html::of_html(body).with_line(body),
    ];
    for html in made {
        for has_files in [false, true] {
            assert_bare(html.filled(has_files));
        }
        assert!(html.bytes() <= 64 * (body.len() + 16), "{} bytes of {}", html.bytes(), body.len());
    }
    if body.chars().any(|letter| letter.is_alphanumeric()) {
        assert!(!Html::of_text(body).is_blank(), "a text is lost");
    }
    let letters = |text: &str| text.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>();
    let shown = text::plain(Html::of_text(body).filled(false)).into_owned();
    if !Html::of_text(body).is_blank() {
        assert_eq!(letters(&shown), letters(body), "a text is shown as another");
    }
}

/// Asserts that HTML contains only listed elements without attributes, correctly nested.
fn assert_bare(html: &str) {
    let mut open = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '>']) {
        let tag = rest[at..].strip_prefix('<').unwrap_or_else(|| panic!("a bare `>` in {html}"));
        let (name, after) = tag.split_once('>').unwrap_or_else(|| panic!("an open tag in {html}"));
        let element = name.strip_prefix('/').unwrap_or(name);
        assert!(!element.is_empty() && ELEMENTS.contains(&element), "<{name}> in {html}");
        match (name.starts_with('/'), element) {
            (false, "br" | "hr") => {}
            (false, element) => open.push(element),
            (true, element) => assert_eq!(open.pop(), Some(element), "{html}"),
        }
        rest = after;
    }
    assert!(open.is_empty(), "{open:?} stay open in {html}");
}
