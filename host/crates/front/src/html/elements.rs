//! The elements of HTML that are kept, unwrapped or hidden.

/// Elements that are kept, each with the element that it is written as.
pub(super) const KEPT: [(&str, &str); 54] = [
    ("address", "div"),
    ("article", "div"),
    ("aside", "div"),
    ("b", "b"),
    ("blockquote", "blockquote"),
    ("caption", "div"),
    ("center", "div"),
    ("code", "code"),
    ("dd", "dd"),
    ("del", "s"),
    ("details", "div"),
    ("div", "div"),
    ("dl", "dl"),
    ("dt", "dt"),
    ("em", "em"),
    ("figcaption", "div"),
    ("figure", "div"),
    ("footer", "div"),
    ("form", "div"),
    ("h1", "h1"),
    ("h2", "h2"),
    ("h3", "h3"),
    ("h4", "h4"),
    ("h5", "h5"),
    ("h6", "h6"),
    ("header", "div"),
    ("i", "i"),
    ("ins", "u"),
    ("kbd", "code"),
    ("legend", "div"),
    ("li", "li"),
    ("main", "div"),
    ("nav", "div"),
    ("ol", "ol"),
    ("option", "div"),
    ("p", "p"),
    ("pre", "pre"),
    ("q", "i"),
    ("s", "s"),
    ("samp", "code"),
    ("section", "div"),
    ("strike", "s"),
    ("strong", "strong"),
    ("sub", "sub"),
    ("summary", "div"),
    ("sup", "sup"),
    ("table", "table"),
    ("tbody", "tbody"),
    ("td", "td"),
    ("th", "th"),
    ("thead", "thead"),
    ("tr", "tr"),
    ("u", "u"),
    ("ul", "ul"),
];

/// Elements of which only the content is kept. Unknown elements are kept as text, since a person has probably typed them: an address in `<` and `>`, for example.
pub(super) const UNWRAPPED: [&str; 51] = [
    "a", "abbr", "acronym", "audio", "base", "bdi", "bdo", "big", "body", "button", "canvas", "cite", "col",
    "colgroup", "dfn", "embed", "fieldset", "font", "head", "html", "iframe", "img", "input", "label", "link", "map",
    "mark", "meta", "meter", "noscript", "object", "optgroup", "param", "picture", "progress", "rp", "rt", "ruby",
    "script", "select", "small", "source", "span", "textarea", "tfoot", "time", "tt", "var", "video", "wbr", "title",
];

/// The unwrapped elements that show nothing: a body that consists only of these is blank.
pub(super) const SILENT: [&str; 10] =
    ["base", "body", "col", "colgroup", "font", "head", "html", "meta", "span", "wbr"];

/// Elements whose content is not shown. An element that is not closed hides nothing.
pub(super) const HIDDEN: [&str; 5] = ["head", "math", "style", "svg", "template"];
