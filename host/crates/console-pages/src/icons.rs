//! Icons of the navigation, drawn as lines on a grid of 16.

use maud::{Markup, html};

/// Returns the icon with these paths.
fn lines(paths: &[&str]) -> Markup {
    html! {
        svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" aria-hidden="true" {
            @for path in paths { path d=(path) {} }
        }
    }
}

/// Returns the icon of a page by its path.
pub(crate) fn of(path: &str) -> Markup {
    match path {
        "/" => lines(&["M3 13V8", "M6.3 13V3", "M9.7 13V6", "M13 13V9.5"]),
        "/live" => lines(&["M1.5 8.5h3l2-6 3 11 2-5h3"]),
        "/conversations" => lines(&["M2.5 3.5h11v7h-6l-3 2.5v-2.5h-2z"]),
        "/deliveries" => lines(&["M1.5 4h8v7h-8z", "M9.5 6.5h3l2 2.5v2h-5", "M4.5 12.5h.1", "M11.5 12.5h.1"]),
        "/channels" => lines(&["M2.5 5h11", "M2.5 8h11", "M2.5 11h7"]),
        "/plugins" => lines(&["M5.5 2v3", "M10.5 2v3", "M4 5h8v3a4 4 0 0 1-8 0z", "M8 12v2.5"]),
        "/simulator" => lines(&["M5 1.5h6v13h-6z", "M7 12.5h2"]),
        "/setup" => {
            lines(&["M6 10l4-4", "M7 4.5l1.2-1.2a3 3 0 0 1 4.5 4.5L11.5 9", "M9 11.5l-1.2 1.2a3 3 0 0 1-4.5-4.5L4.5 7"])
        }
        "/replicas" => lines(&["M2.5 3h11v4h-11z", "M2.5 9h11v4h-11z", "M5 5h.1", "M5 11h.1"]),
        _ => lines(&["M4 2.5h8v11h-8z", "M6 5.5h4", "M6 8h4", "M6 10.5h2.5"]),
    }
}

/// Returns the product's sign: a gate.
pub(crate) fn gate() -> Markup {
    lines(&["M2.5 13.5v-6a5.5 5.5 0 0 1 11 0v6", "M5.5 13.5v-6a2.5 2.5 0 0 1 5 0v6"])
}
