//! A plugin for tests that follows the instruction in the search text of a request, usually to misbehave.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is one of its instructions")]

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use frontgate_sdk::bindings::frontgate::plugin::webhook_signatures::{self, Algorithm};
use frontgate_sdk::bindings::frontgate::plugin::{directory, http_client};
use frontgate_sdk::{Crm, Customer, CustomerPage, CustomerSummary, ListRequest, Position, Result, settings, warn};

mod actions;
mod roles;
mod state;

struct Misbehaving;

/// The number of calls in this instance.
static CALLS: AtomicU32 = AtomicU32::new(0);

frontgate_sdk::export!(Misbehaving: crm, templates, outgoing, routing, conversations, calls);

impl Crm for Misbehaving {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        let instruction = request.query.clone().unwrap_or_default();
        let (what, how) = instruction.split_once(' ').unwrap_or((&instruction, ""));
        let many: usize = how.parse().unwrap_or_default();
        roles::misbehave(&instruction)?;
        match what {
            "allocate" => {
                let mut all = Vec::new();
                while how.is_empty() || all.len() < many {
                    all.push(black_box(vec![1_u8; 1 << 20]));
                }
                Ok(named([all.len().to_string()]))
            }
            "recurse" => Ok(named([recurse(0).to_string()])),
            "print" => {
                for line in 0..many {
                    println!("line {line}");
                    eprintln!("complaint {line}");
                    warn!("warning {line}");
                }
                Ok(named(["printed"]))
            }
            "print-for-ever" => loop {
                print!("{}", "x".repeat(4096));
            },
            "host-calls" => loop {
                black_box(settings::get("nothing"));
            },
            "huge-question" => Ok(named([settings::get(&"x".repeat(many)).unwrap_or_default()])),
            "open" => {
                let open = || std::fs::File::open(how).expect("a file");
                let all: Vec<_> = std::iter::repeat_with(open).take(100_000).collect();
                Ok(named([all.len().to_string()]))
            }
            "count" => Ok(named([CALLS.fetch_add(1, Ordering::Relaxed).to_string()])),
            "sleep" => Ok(named(["slept"])),
            "huge-answer" => Ok(named(["x".repeat(many)])),
            "long-ids" => Ok(long_ids(&request, many)),
            "too-many" => Ok(named(vec!["one of many"; many])),
            "forge" => {
                warn!(
                    "first line\n2026-11-21T00:00:00Z ERROR forged: line\u{2028}another \u{202e}turned\u{85}\u{1b}[31m"
                );
                Ok(named(["forged"]))
            }
            "bad-values" => Ok(bad_values()),
            "imports" => Ok(named(imports())),
            "files" => Ok(named([files(how)])),
            "list" => {
                Ok(named([format!("{:?}", std::fs::read_dir(how).map(Iterator::count).map_err(|error| error.kind()))]))
            }
            "hold" => {
                let (megabytes, time) = how.split_once(' ').unwrap_or((how, "0"));
                let held = black_box(vec![1_u8; megabytes.parse::<usize>().unwrap_or_default() << 20]);
                warn!("holding {}", held.len() >> 20);
                roles::misbehave(&format!("sleep {time}"))?;
                Ok(named([held.len().to_string()]))
            }
            "setting" => Ok(named([settings::get(how).unwrap_or_else(|| "none".to_owned())])),
            "settings" => Ok(named([format!("{:?}", settings::all())])),
            "verify" => Ok(named([verify(how)])),
            "act" => Ok(named([actions::script(how)?])),
            "state" => Ok(named([state::script(how)?])),
            "request" => Ok(named([format!("{request:?}")])),
            _ => Ok(named(["version 1"])),
        }
    }

    fn find_customer(address: &str) -> Result<Option<Customer>> {
        roles::misbehave(&settings::get("find").unwrap_or_default())?;
        // Fictional North American numbers belong to customers, except numbers that end in 99.
        let number = address.strip_prefix("whatsapp:").unwrap_or(address);
        let known = number.starts_with("+1202555") && !number.ends_with("99");
        let avatar = "https://img.example.org/c.png";
        Ok(known.then(|| Customer::new(format!("c-{number}"), "Mora Lind").avatar(avatar).owned_by("ana@example.org")))
    }

    fn get_customer(_: &str, customer_id: &str) -> Result<Customer> {
        if let Some(script) = customer_id.strip_prefix("state ") {
            return Ok(Customer::new(state::script(script)?, "Mora Lind"));
        }
        match customer_id.parse() {
            Ok(length) => Ok(Customer::new(customer_id, "Mora Lind").details("Text", "ä\n\"".repeat(length))),
            Err(_) => Ok(Customer::new(customer_id, "Mora\nLind")
                .avatar("c-7.png")
                .sms("+12025550107")
                .sms("555-0107")
                .whatsapp("+12025550107")
                .link("CRM", "https://crm.example.com/7", "Open")
                .link("Bad", "javascript:alert(1)", "Open")
                .owned_by("ana@example.org")),
        }
    }
}

fn named<N: Into<String>>(names: impl IntoIterator<Item = N>) -> CustomerPage {
    let customer = |(id, name): (usize, N)| Customer::new(id.to_string(), name);
    CustomerPage::last(names.into_iter().enumerate().map(customer))
}

/// Returns a page of a hundred customers with ids longer than `length`.
fn long_ids(request: &ListRequest, length: usize) -> CustomerPage {
    let start = match &request.position {
        Position::First => 0,
        Position::After(id) | Position::Token(id) => {
            id.split('-').next().and_then(|id| id.parse::<usize>().ok()).map_or(100, |id| id + 1)
        }
    };
    let end = 100.min(start + request.page_size as usize);
    CustomerPage::last((start..end).map(|id| Customer::new(format!("{id}-{}", "x".repeat(length)), "Mora Lind")))
}

fn bad_values() -> CustomerPage {
    let avatar = |url: &str| Some(url.to_owned());
    let summary = |id: &str, name: &str, avatar| CustomerSummary {
        customer_id: id.to_owned(),
        display_name: name.to_owned(),
        avatar,
    };
    CustomerPage::last([
        summary("1", "two\nlines\tand a tab", avatar("https://img.example.org/1.png")),
        summary("", "no id", None),
        summary("3", "  ", avatar("relative.png")),
    ])
}

fn imports() -> Vec<String> {
    let request = http_client::OutboundRequest {
        method: "GET".to_owned(),
        url: "http://127.0.0.1/".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: None,
    };
    vec![
        format!("{:?}", frontgate_sdk::state::set("key", "value", None)),
        format!("{:?}", http_client::send(&request)),
        format!("{:?}", directory::find_customer("+12025550107")),
        format!("{}", frontgate_sdk::random::uuid().len()),
        format!("{:?}", std::env::vars().count()),
        format!("{:?}", std::net::TcpStream::connect("127.0.0.1:1").map(|_| ()).is_err()),
    ]
}

/// Parses `KEY ALGORITHM MESSAGE SIGNATURE TIMES`, checks the signature that often, and returns the last result.
fn verify(how: &str) -> String {
    let [key, algorithm, message, signature, times] = how.split(' ').collect::<Vec<_>>()[..] else {
        return "five words".to_owned();
    };
    let algorithm = if algorithm == "sha1" { Algorithm::HmacSha1 } else { Algorithm::HmacSha256 };
    let check = || webhook_signatures::verify(key, algorithm, message.as_bytes(), signature);
    let answers = std::iter::repeat_with(check).take(times.parse().unwrap_or(1));
    format!("{:?}", answers.last())
}

fn files(path: &str) -> String {
    let read = std::fs::read_to_string(path).map_err(|error| error.kind());
    let write = std::fs::write(format!("{path}.new"), "x").is_ok();
    format!("{read:?} {write}")
}

#[expect(unconditional_recursion, reason = "that is the point")]
fn recurse(depth: u64) -> u64 {
    black_box(depth) + black_box(recurse(depth + 1))
}
