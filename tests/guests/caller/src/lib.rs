//! A plugin for tests that sends requests: the search text is the instruction, and the answer contains the responses.
//!
//! `flat GET http://crm.test/ header:accept=x size=100 timeout=50 times=3` uses `http-client`; with the first word
//! `wasi`, the instruction uses `wasi:http`. `find-after URL 7a7b...` sends a request through both, then searches the
//! plugin's memory. `show=all` returns everything that a plugin can see of a response; `longer=100` lengthens the URL
//! by 100 characters.
#![cfg(target_family = "wasm")]

use std::borrow::Cow;

use frontgate_sdk::{Crm, Customer, CustomerPage, Error, ListRequest, Result};

mod flat;
mod memory;
mod wasi;

struct Caller;

frontgate_sdk::export!(Caller: crm);

/// A request to send.
struct Instruction<'i> {
    method: &'i str,
    url: Cow<'i, str>,
    headers: Vec<(&'i str, &'i str)>,
    body: Vec<u8>,
    timeout_ms: Option<u32>,
    times: usize,
    together: bool,
    /// Whether to return the whole response.
    all: bool,
}

impl Crm for Caller {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        let query = request.query.unwrap_or_default();
        let (api, rest) = query.split_once(' ').unwrap_or((&query, ""));
        let output = match api {
            "find-after" => {
                let (url, shifted) = rest.split_once(' ').unwrap_or_default();
                let get = format!("GET {url}");
                let kept = [flat::send(&Instruction::read(&get)), wasi::send(&Instruction::read(&get))];
                format!("{} {}", memory::holds(shifted), kept.iter().filter(|result| result.ends_with("hello")).count())
            }
            "hoard" => wasi::hoard(rest),
            "flat" => repeat(&Instruction::read(rest), flat::send),
            "wasi" => {
                let instruction = Instruction::read(rest);
                if instruction.together { wasi::send_together(&instruction) } else { repeat(&instruction, wasi::send) }
            }
            _ => "unknown instruction".to_owned(),
        };
        Ok(CustomerPage::last([Customer::new("1", output)]))
    }

    fn get_customer(_: &str, _: &str) -> Result<Customer> {
        Err(Error::NotFound)
    }
}

impl<'i> Instruction<'i> {
    fn read(text: &'i str) -> Self {
        let mut words = text.split(' ');
        let (method, url) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().into());
        let (headers, body) = (Vec::new(), Vec::new());
        let mut instruction =
            Self { method, url, headers, body, timeout_ms: None, times: 1, together: false, all: false };
        for (key, value) in words.filter_map(|word| word.split_once('=')) {
            match key {
                "body" => instruction.body = value.into(),
                "size" => instruction.body = vec![b'x'; value.parse().unwrap_or_default()],
                "longer" => instruction.url.to_mut().push_str(&"a".repeat(value.parse().unwrap_or_default())),
                "show" => instruction.all = value == "all",
                "timeout" => instruction.timeout_ms = value.parse().ok(),
                "times" => instruction.times = value.parse().unwrap_or(1),
                "together" => (instruction.times, instruction.together) = (value.parse().unwrap_or(1), true),
                _ => instruction.headers.extend(key.strip_prefix("header:").map(|name| (name, value))),
            }
        }
        instruction
    }
}

/// Sends a request repeatedly, and returns the last result and how often it occurred.
fn repeat(instruction: &Instruction<'_>, send: impl Fn(&Instruction<'_>) -> String) -> String {
    let results: Vec<String> = (0..instruction.times).map(|_| send(instruction)).collect();
    let last = results.last().cloned().unwrap_or_default();
    match instruction.times {
        1 => last,
        _ => format!("{} times {last}", results.iter().filter(|result| **result == last).count()),
    }
}

/// Returns the first 100 bytes of a body.
fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned()
}
