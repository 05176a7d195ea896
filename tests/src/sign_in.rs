//! A browser without scripts: keeps cookies, follows redirects of the gateway, and submits the form of a page.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use url::form_urlencoded;

use crate::{Answer, PUBLIC_URL, get, post};

/// Redirects that are followed in a row.
const REDIRECTS_MAX: usize = 5;

/// The browser of a person who signs in.
pub struct Browser {
    address: SocketAddr,
    cookies: BTreeMap<String, String>,
}

/// Where a browser is.
#[derive(Debug)]
pub struct Page {
    /// The URL. Pages of other hosts are not opened.
    pub url: String,
    /// The last answer of the gateway.
    pub answer: Answer,
}

impl Page {
    /// Returns the text between the tags of the heading.
    pub fn title(&self) -> &str {
        between(&self.answer.text, "<h1>", "</h1>").unwrap_or_default()
    }

    /// Returns the value of a hidden field of the form.
    #[track_caller]
    pub fn hidden(&self, name: &str) -> &str {
        let found = between(&self.answer.text, &format!("name=\"{name}\" value=\""), "\"");
        found.unwrap_or_else(|| panic!("no field {name} in {}", self.answer.text))
    }

    /// Returns a parameter of the URL.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.url.split_once('?')?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

impl Browser {
    /// Opens a browser that reaches the public URL at a gateway's address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, cookies: BTreeMap::new() }
    }

    /// Continues at another gateway, as behind a load balancer or after a restart.
    pub fn point_at(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// Opens a URL, and follows redirects.
    pub fn open(&mut self, url: &str) -> Page {
        let path = own_path(url).unwrap_or_else(|| panic!("{url} is not the gateway's"));
        let cookies = self.cookies();
        let answer = get(self.address, &path, &[("cookie", &cookies)]);
        self.follow(url, answer)
    }

    /// Submits the form of a page with these values.
    pub fn submit(&mut self, page: &Page, values: &[(&str, &str)]) -> Page {
        let [step, mark] = ["step", "mark"].map(|name| page.hidden(name).to_owned());
        self.submit_as(&[&[("step", &*step), ("mark", &*mark)][..], values].concat(), page)
    }

    /// Submits a form with exactly these values.
    pub fn submit_as(&mut self, values: &[(&str, &str)], page: &Page) -> Page {
        let path = between(&page.answer.text, "action=\"", "\"").expect("a form").replace("&#x2F;", "/");
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(values).finish();
        let cookies = self.cookies();
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", &cookies)];
        let answer = post(self.address, &path, &headers, body.as_bytes());
        self.follow(&format!("{PUBLIC_URL}{path}"), answer)
    }

    /// Returns the cookies as a header.
    pub fn cookies(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn follow(&mut self, url: &str, mut answer: Answer) -> Page {
        let mut url = url.to_owned();
        for _ in 0..REDIRECTS_MAX {
            self.keep(&answer);
            let Some(location) = answer.headers.get("location").cloned() else { break };
            url = location;
            let Some(path) = own_path(&url) else { break };
            let cookies = self.cookies();
            answer = get(self.address, &path, &[("cookie", &cookies)]);
        }
        Page { url, answer }
    }

    fn keep(&mut self, answer: &Answer) {
        let Some(cookie) = answer.headers.get("set-cookie") else { return };
        let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
        match value {
            "" => self.cookies.remove(name),
            value => self.cookies.insert(name.to_owned(), value.to_owned()),
        };
    }
}

/// Returns the path of a URL of the gateway.
fn own_path(url: &str) -> Option<String> {
    url.strip_prefix(PUBLIC_URL).filter(|path| path.starts_with('/')).map(str::to_owned)
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}
