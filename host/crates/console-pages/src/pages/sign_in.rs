//! Pages for people who are not signed in, and pages about a request that is refused.

use maud::{Markup, html};
use serde::Serialize;

use crate::layout::{Frame, Page, bare_document, json};

/// Returns the page on which a login link or a typed code begins a session.
pub fn sign_in(problem: Option<&str>) -> String {
    let content = html! {
        @if let Some(problem) = problem { p .problem role="alert" { (problem) } }
        p { "Run this command on the gateway's machine, as the gateway's user, and open the link that it prints:" }
        pre { "frontgate console" }
        form id="enter" action="/enter" method="post" {
            label .field { "Or type the code of the link"
                input name="code" autocomplete="off" autocapitalize="characters" spellcheck="false" required;
            }
            button .main type="submit" { "Sign in" }
        }
        noscript { p .quiet { "Without JavaScript you can read the pages, but change nothing." } }
    };
    bare_document("Sign in", &content)
}

/// Returns the page that begins the session of a person who is signed in at a proxy. Its script sends the form.
pub fn enter_by_proxy(who: &str) -> String {
    let content = html! {
        p { "Signed in as " bdi { (who) } "." }
        form id="enter" action="/enter" method="post" data-proxy {
            input type="hidden" name="code" value="";
            button .main type="submit" { "Continue" }
        }
        noscript { p .quiet { "Without JavaScript you can read the pages, but change nothing." } }
    };
    bare_document("Console", &content)
}

/// Returns the page after signing out, for a person who is still signed in at a proxy. `sign_out` signs out there, too.
pub fn signed_out(sign_out: Option<&str>) -> String {
    let content = html! {
        p { "The session of the console has ended." }
        @if let Some(url) = sign_out { p { a href=(url) { "Sign out of the proxy, too" } } }
        p { a href="/enter" { "Sign in again" } }
    };
    bare_document("Signed out", &content)
}

/// A refused request.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// What is wrong.
    pub title: String,
    /// What to do.
    pub text: String,
}

impl Page for Problem {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn content(&self, _: &Frame) -> Markup {
        html! { p .problem role="alert" { bdi { (self.text) } } p { a href="/" { "Overview" } } }
    }

    fn json(&self) -> Vec<u8> {
        json(self)
    }
}

impl Problem {
    /// Returns the whole document for a person who is not signed in.
    pub fn bare(&self) -> String {
        bare_document(&self.title, &html! { p .problem role="alert" { bdi { (self.text) } } })
    }
}
