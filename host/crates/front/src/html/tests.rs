use proptest::prelude::*;

use super::*;
use crate::text;

fn of_text(text: &str) -> String {
    Html::of_text(text).0
}

fn of_html(body: &str) -> String {
    Html::of_html(body).0
}

/// Returns the names of a body's tags; panics if the body has anything but bare tags and escaped text.
fn tags(html: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '>']) {
        assert!(rest[at..].starts_with('<'), "a bare > in {html}");
        let end = at + rest[at..].find('>').unwrap_or_else(|| panic!("a bare < in {html}"));
        names.push(rest[at + 1..end].to_owned());
        rest = &rest[end + 1..];
    }
    names
}

/// Checks that a body has only generated markup, and that every element is closed.
fn is_ours(html: &str) {
    let mut open: Vec<String> = Vec::new();
    for name in tags(html) {
        match name.strip_prefix('/') {
            Some(element) => assert_eq!(open.pop().as_deref(), Some(element), "{html}"),
            None if name == "br" || name == "hr" => {}
            None => {
                assert!(KEPT.iter().any(|(_, becomes)| *becomes == name), "<{name}> in {html}");
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "{open:?} in {html}");
}

#[test]
fn text_is_shown_unchanged() {
    let table = [
        ("Your parcel left.", "Your parcel left."),
        ("say \"hi\" it's 👋", "say \"hi\" it's 👋"),
        ("Tom & Jerry", "<div>Tom &amp; Jerry</div>"),
        ("a <3 b", "<div>a &lt;3 b</div>"),
        ("&lt;b&gt; &#60;", "<div>&amp;lt;b&amp;gt; &amp;#60;</div>"),
        (
            "<a href=\"https://evil\">https://your-bank</a>",
            "<div>&lt;a href=\"https://evil\"&gt;https://your-bank&lt;/a&gt;</div>",
        ),
        ("<script>alert(1)</script>", "<div>&lt;script&gt;alert(1)&lt;/script&gt;</div>"),
        ("one\ntwo\r\nthree\rfour\u{2028}five", "<div>one<br>two<br>three<br>four<br>five</div>"),
        ("  a   b\n c\td", "<div>&nbsp;&nbsp;a &nbsp;&nbsp;b<br>&nbsp;c&nbsp;&nbsp;&nbsp;&nbsp;d</div>"),
        ("a\u{0}b\u{1b}[31mc\u{7f}", "ab[31mc"),
        ("", ""),
    ];
    for (text, want) in table {
        assert_eq!(of_text(text), want, "{text:?}");
    }
}

#[test]
fn html_keeps_formatting_and_loses_active_content() {
    let table = [
        ("Hello", "Hello"),
        ("<p>Dear <b>Lee</b>,</p><ul><li>a</ul>", "<div><p>Dear <b>Lee</b>,</p><ul><li>a</li></ul></div>"),
        ("<P CLASS=\"x\" onclick=\"alert(1)\">a</P>", "<div><p>a</p></div>"),
        ("<section>a</section><article>b</article>", "<div><div>a</div><div>b</div></div>"),
        ("a<br/>b<BR>c<hr>", "<div>a<br>b<br>c<hr></div>"),
        ("<span style=\"display:none\">a</span> &eacute; &copy; &", "<div>a &eacute; &copy; &amp;</div>"),
        ("<style>p{color:red}</style><p>seen</p>", "<div><p>seen</p></div>"),
        ("a<script>alert(1)</script>b", "aalert(1)b"),
        ("<img src=\"https://tracker\" alt=\"a cat\">", "a cat"),
        ("<img src=\"https://tracker\">seen", "seen"),
        (
            "<a href=\"https://evil.example/?a=1&amp;b=2\">https://your-bank.example</a>.",
            "<div>https://your-bank.example (https://evil.example/?a=1&amp;b=2).</div>",
        ),
        ("<a href='https://a.example/'>https://a.example</a>", "https://a.example"),
        ("<a href=mailto:m@example.org>m@example.org</a>", "m@example.org"),
        ("<a href=\"javascript:alert(1)\">here</a>", "here"),
        ("<a data-href=\"https://a\" href = https://b>here", "here (https://b)"),
        ("<iframe src=x></iframe><object><p>a</p></object>", "<div><p>a</p></div>"),
        ("<!-- no --><!doctype html><html><body>yes", "yes"),
        ("</p></div>a", "a"),
        ("<b><i>a</b>b</i>", "<div><b><i>a</i></b>b</div>"),
    ];
    for (body, want) in table {
        assert_eq!(of_html(body), want, "{body}");
        is_ours(&of_html(body));
    }
}

#[test]
fn text_that_a_plugin_calls_html_is_not_lost() {
    let table = [
        ("<script></script>", "<div>&lt;script&gt;&lt;/script&gt;</div>"),
        ("<style>x</style>", "<div>&lt;style&gt;x&lt;/style&gt;</div>"),
        ("<!-- x -->", "<div>&lt;!-- x --&gt;</div>"),
        ("<img src=x onerror=alert(1)>", "<div>&lt;img src=x onerror=alert(1)&gt;</div>"),
        ("<a href=\"https://a\"></a>", " (https://a)"),
        ("use <style> and <!-- here", "<div>use &lt;style&gt; and &lt;!-- here</div>"),
        ("write to <lee@example.org> or <b2b>", "<div>write to &lt;lee@example.org&gt; or &lt;b2b&gt;</div>"),
        ("1 < 2 > 1", "<div>1 &lt; 2 &gt; 1</div>"),
    ];
    for (body, want) in table {
        assert_eq!(of_html(body), want, "{body}");
    }
}

#[test]
fn a_blank_body_gets_a_word() {
    let blank = ["", " \r\n\t", "\u{200b}", "\u{0}"].map(Html::of_text);
    let markup = ["<p></p>", "<div><br></div>", "<p>&nbsp;</p>", "<html><body></body>"].map(Html::of_html);
    for html in blank.into_iter().chain(markup) {
        assert_eq!((html.filled(true), html.filled(false)), (FILES_ONLY, NOTHING), "{html:?}");
    }
    for text in ["a", "<", "<p></p>", "👋", "&nbsp;", "&#8203;"] {
        assert!(!Html::of_text(text).is_blank(), "{text}");
    }
}

#[test]
fn a_note_is_text_on_its_own_line() {
    let html = Html::of_text("Hello").with_line("[<b>.png is too large]");
    assert_eq!(html.0, "<div>Hello<br><div>[&lt;b&gt;.png is too large]</div></div>");
    let html = Html::of_text("").or_word(true).with_line("[a.png is too large]");
    assert_eq!(html.0, "<div>Attachment<br>[a.png is too large]</div>");
}

#[test]
fn a_hostile_body_is_converted_in_one_pass() {
    let starts = ["<a", "<style>", "<svg><style>", "</", "<!--", "<b>", "</b>", "&", "<a href=\"", "<style></styl"];
    for start in starts {
        for end in ["", ">"] {
            let body = start.repeat(300_000) + end;
            assert!(Html::of_html(&body).bytes() < 10 * body.len());
        }
    }
}

proptest! {
    #[test]
    fn any_text_comes_back_from_html(text in "[^\\s\\pC]{1,5}([ \n]{1,3}[^\\s\\pC]{1,5}){0,5}") {
        let html = of_text(&text);
        is_ours(&html);
        let unescaped = html.replace("&nbsp;", " ").replace("<br>", "\n").replace("<div>", "").replace("</div>", "");
        let unescaped = unescaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        prop_assert_eq!(unescaped, text);
    }

    #[test]
    fn any_body_becomes_generated_markup(body in "(</?[a-z!]{0,6}[ =\"'a-z:/]{0,6}|<(a|img|style|svg|p|b|td) ?(href=|alt=)?|>|--!?>|<!--|&#?x?[0-9a-z]{0,4};?|\\PC{0,3}){0,30}") {
        is_ours(&of_html(&body));
        is_ours(&of_text(&body));
    }

    #[test]
    fn a_body_with_content_is_never_blank(text in "[^\\s\\pC\u{ad}\u{200b}-\u{200f}\u{2060}-\u{2064}\u{feff}]{1,8}") {
        prop_assert!(!Html::of_text(&text).is_blank());
        prop_assert!(text::plain(&text).len() <= text.len());
    }
}
