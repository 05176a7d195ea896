//! A plugin for tests: the search text of a request says which requests it sends, and the answer says
//! what came back.
//!
//! `flat GET http://crm.test/ header:accept=x size=100 timeout=50 times=3` goes through `http-client`, the
//! same with `wasi` through `wasi:http`; `find-after URL 7a7b...` searches its own memory after both. `show=all` gives
//! everything that came back, as far as a plugin can see it; `longer=100` makes the URL that much longer.
#![cfg(target_family = "wasm")]

use std::borrow::Cow;

use frontgate_sdk::{Crm, Customer, CustomerPage, Error, ListRequest, Result};

mod flat;
mod memory;
mod wasi;

struct Caller;

frontgate_sdk::export!(Caller: crm);

/// What is to be sent.
struct Wish<'w> {
    method: &'w str,
    url: Cow<'w, str>,
    headers: Vec<(&'w str, &'w str)>,
    body: Vec<u8>,
    timeout_ms: Option<u32>,
    times: usize,
    together: bool,
    /// Whether everything that came back is wanted.
    all: bool,
}

impl Crm for Caller {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        let wish = request.query.unwrap_or_default();
        let (door, rest) = wish.split_once(' ').unwrap_or((&wish, ""));
        let said = match door {
            "find-after" => {
                let (url, shifted) = rest.split_once(' ').unwrap_or_default();
                let get = format!("GET {url}");
                let kept = [flat::send(&Wish::read(&get)), wasi::send(&Wish::read(&get))];
                format!("{} {}", memory::holds(shifted), kept.iter().filter(|said| said.ends_with("hello")).count())
            }
            "hoard" => wasi::hoard(rest),
            "flat" => often(&Wish::read(rest), flat::send),
            "wasi" => {
                let wish = Wish::read(rest);
                if wish.together { wasi::send_together(&wish) } else { often(&wish, wasi::send) }
            }
            _ => "nothing was wished".to_owned(),
        };
        Ok(CustomerPage::last([Customer::new("1", said)]))
    }

    fn get_customer(_: &str, _: &str) -> Result<Customer> {
        Err(Error::NotFound)
    }
}

impl<'w> Wish<'w> {
    fn read(text: &'w str) -> Self {
        let mut words = text.split(' ');
        let (method, url) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().into());
        let (headers, body) = (Vec::new(), Vec::new());
        let mut wish = Self { method, url, headers, body, timeout_ms: None, times: 1, together: false, all: false };
        for (key, value) in words.filter_map(|word| word.split_once('=')) {
            match key {
                "body" => wish.body = value.into(),
                "size" => wish.body = vec![b'x'; value.parse().unwrap_or_default()],
                "longer" => wish.url.to_mut().push_str(&"a".repeat(value.parse().unwrap_or_default())),
                "show" => wish.all = value == "all",
                "timeout" => wish.timeout_ms = value.parse().ok(),
                "times" => wish.times = value.parse().unwrap_or(1),
                "together" => (wish.times, wish.together) = (value.parse().unwrap_or(1), true),
                _ => wish.headers.extend(key.strip_prefix("header:").map(|name| (name, value))),
            }
        }
        wish
    }
}

/// What came back the last time, and how often it was the same.
fn often(wish: &Wish<'_>, send: impl Fn(&Wish<'_>) -> String) -> String {
    let said: Vec<String> = (0..wish.times).map(|_| send(wish)).collect();
    let last = said.last().cloned().unwrap_or_default();
    match wish.times {
        1 => last,
        _ => format!("{} times {last}", said.iter().filter(|said| **said == last).count()),
    }
}

/// The beginning of a body.
fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned()
}
