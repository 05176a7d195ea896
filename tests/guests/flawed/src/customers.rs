//! Implements the roles that Frontline calls.

use std::hint::black_box;

use frontgate_sdk::{
    Category, Crm, Customer, CustomerPage, CustomerSummary, Error, ListRequest, Outgoing, OutgoingRequest, Position,
    Result, Template, TemplateRequest, Templates, http, settings,
};

use crate::{Flawed, has};

/// Names of the customers. The id of a customer contains the position in this list, from 1.
pub(crate) const NAMES: [&str; 12] = [
    "Ada Adler",
    "Boris Brown",
    "Chloé Costa",
    "Dora Diaz",
    "Emil Evans",
    "Farah Fischer",
    "Gus García",
    "Hana Haas",
    "Ivo Ito",
    "Jun Jansen",
    "Kai Kranz",
    "Lou Lind",
];

pub(crate) fn customer(number: usize) -> Customer {
    let address = if has("number") { format!("202-555-01{number:02}") } else { format!("+120255501{number:02}") };
    Customer::new(format!("c{number:02}"), NAMES[number - 1]).sms(address)
}

fn row(number: usize) -> CustomerSummary {
    let Customer { customer_id, display_name, avatar, .. } = customer(number);
    CustomerSummary { customer_id, display_name, avatar }
}

pub(crate) fn number(id: &str) -> Option<usize> {
    let number = id.strip_prefix('c')?.parse().ok()?;
    (1..=NAMES.len()).contains(&number).then_some(number)
}

impl Crm for Flawed {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        call_upstream()?;
        let found: Vec<usize> = (1..=NAMES.len())
            .filter(|number| request.query.as_ref().is_none_or(|query| NAMES[number - 1].contains(query.as_str())))
            .collect();
        if request.query.as_ref().is_some_and(|query| query.contains('[') && has("query")) {
            panic!("this query is no regular expression");
        }
        let found = if has("search") && request.query.is_some() { Vec::new() } else { found };
        let size = request.page_size as usize;
        let behind = match &request.position {
            Position::First => 0,
            Position::After(id) | Position::Token(id) => match number(id) {
                Some(number) => found.iter().filter(|found| **found <= number).count(),
                None if has("after") => 0,
                None => found.len(),
            },
        };
        let start = match behind {
            0 => 0,
            behind if has("gap") => behind + 1,
            behind if has("repeat") => behind - 1,
            behind => behind,
        };
        let taken = if has("size") { size + 1 } else { size };
        let rows: Vec<CustomerSummary> = found.iter().skip(start).take(taken).map(|number| row(*number)).collect();
        let is_last = start + rows.len() >= found.len() || has("ends");
        let next_page_token = rows.last().filter(|_| !is_last).map(|row| row.customer_id.clone());
        let mut page = CustomerPage { customers: rows, next_page_token };
        if has("huge") {
            page.customers.iter_mut().for_each(|row| row.display_name = "x".repeat(1 << 20));
        }
        if has("slow") {
            loop {
                black_box(settings::get("nothing"));
            }
        }
        Ok(page)
    }

    fn get_customer(_worker: &str, id: &str) -> Result<Customer> {
        call_upstream()?;
        match number(id) {
            Some(number) if has("other") => Ok(customer(number % NAMES.len() + 1)),
            Some(number) if has("link") => Ok(customer(number).link("CRM", "http://crm.example.com", "CRM")),
            Some(number) => Ok(customer(number)),
            None if has("unknown") => Err(Error::failed("no such customer")),
            None => Err(Error::NotFound),
        }
    }

    fn find_customer(address: &str) -> Result<Option<Customer>> {
        call_upstream()?;
        let plain = address.trim_start_matches("whatsapp:");
        let found = (1..=NAMES.len()).find(|number| customer(*number).channels[0].value == plain);
        Ok(found.filter(|_| !has("nobody")).map(customer))
    }
}

/// Sends a request to the upstream server, if the setting `url` is present.
pub(crate) fn call_upstream() -> Result<()> {
    let Some(url) = settings::get("url") else { return Ok(()) };
    match http::get(&url).send() {
        _ if has("calm") => Ok(()),
        answer => answer?.success().map(|answer| answer.body.is_empty()).and_then(|empty| match empty {
            true => Ok(()),
            false => Err(Error::failed("the answer is not what it should be")),
        }),
    }
}

impl Templates for Flawed {
    fn list_templates(request: TemplateRequest) -> Result<Vec<Category>> {
        if request.customer_id.is_none() && has("templates-need-a-customer") {
            return Err(Error::NotFound);
        }
        let content = if has("empty-template") { " " } else { "Hello" };
        let template = Template { content: content.to_owned(), whatsapp_approved: false };
        Ok(vec![Category { display_name: "Greetings".to_owned(), templates: vec![template] }])
    }
}

impl Outgoing for Flawed {
    fn proxy_address(request: OutgoingRequest) -> Result<String> {
        if has("known-only") && number(&request.customer_id).is_none() {
            return Err(Error::NotFound);
        }
        let prefix = if request.channel.kind == "whatsapp" && !has("no-prefix") { "whatsapp:" } else { "" };
        match has("own-number") {
            true => Ok(request.channel.value),
            false => Ok(format!("{prefix}+12025550199")),
        }
    }
}
