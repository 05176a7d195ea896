//! Keys, and what does the same with a pointer: buttons for a chosen row, the list of keys, and the palette.
//!
//! All of it is hidden without the script.

use maud::{Markup, html};

/// Keys, each with its effect.
const KEYS: [(&str, &str); 10] = [
    ("j", "Next row"),
    ("k", "Previous row"),
    ("Enter", "Open the row"),
    ("x", "Choose the row, or not"),
    ("y", "Copy the links of the chosen rows, of the row, or of the page"),
    ("/", "Search for an id"),
    ("Ctrl K", "Go to a page, or search"),
    ("g", "Then the letter of a page"),
    ("Esc", "Close, or leave the row"),
    ("?", "This list"),
];

/// Letters of the pages after `g`, by path. The script has the same.
const LETTERS: [(&str, &str); 10] = [
    ("/", "o"),
    ("/live", "l"),
    ("/conversations", "c"),
    ("/deliveries", "d"),
    ("/channels", "h"),
    ("/plugins", "p"),
    ("/setup", "s"),
    ("/replicas", "r"),
    ("/simulator", "m"),
    ("/audit", "a"),
];

/// The buttons of the top bar.
pub(crate) fn buttons() -> Markup {
    html! {
        button .pill type="button" data-open="palette" aria-haspopup="dialog" hidden { "Go to… " kbd { "Ctrl K" } }
        button .pill type="button" data-open="keys" aria-haspopup="dialog" aria-label="Keys" hidden { kbd { "?" } }
    }
}

/// The buttons for the current row of a list.
pub(crate) fn row_bar() -> Markup {
    html! {
        section id="row-bar" aria-label="Row" hidden {
            span data-row-text {}
            button type="button" data-row="open" { "Open " kbd { "Enter" } }
            button type="button" data-row="choose" { "Choose " kbd { "x" } }
            button type="button" data-row="copy" { "Copy links " kbd { "y" } }
            button type="button" data-row="leave" { "Close " kbd { "Esc" } }
        }
    }
}

/// The list of keys, with those of the pages that the person sees.
pub(crate) fn list(pages: impl Iterator<Item = (&'static str, &'static str)>) -> Markup {
    let letter = |path: &str| LETTERS.iter().find(|(known, _)| *known == path).map(|(_, letter)| *letter);
    let pages = pages.filter_map(|(path, name)| Some((letter(path)?, name)));
    html! {
        dialog id="keys" aria-labelledby="keys-title" {
            h2 id="keys-title" { "Keys" }
            p .quiet { "Where no field has the focus. A click on a row shows buttons that do the same." }
            dl { @for (key, effect) in KEYS { dt { kbd { (key) } } dd { (effect) } } }
            dl { @for (letter, page) in pages { dt { kbd { "g" } " " kbd { (letter) } } dd { (page) } } }
            form method="dialog" { button { "Close" } }
        }
    }
}

/// The palette: pages by name, and the search for everything else.
pub(crate) fn palette(pages: impl Iterator<Item = (&'static str, &'static str)>) -> Markup {
    html! {
        dialog id="palette" aria-labelledby="palette-title" {
            h2 id="palette-title" { "Go to a page, or search for an id" }
            form action="/find" method="get" {
                label .hidden for="palette-text" { "Name of a page, or an id" }
                input id="palette-text" name="q" type="search" autocomplete="off" spellcheck="false";
                button type="submit" { "Go" }
            }
            ul .plain { @for (path, name) in pages { li { a href=(path) { (name) } } } }
        }
    }
}
