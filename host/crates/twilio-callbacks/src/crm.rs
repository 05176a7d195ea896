//! The CRM callback: `GetCustomersList` and `GetCustomerDetailsByCustomerId`.

use std::borrow::Cow;

use frontgate_contract::bindings::crm::{CustomerPage, ListRequest, Position};
use frontgate_contract::bindings::plugin_types::Customer;
use frontgate_twilio::form::Form;
use serde::Serialize;

use super::error::{DecodeError, EncodeError};
use super::{CallbackResponse, RESPONSE_BYTES_MAX, json, location, required, sanitize, worker};

const LIST: &str = "GetCustomersList";
const DETAILS: &str = "GetCustomerDetailsByCustomerId";

/// Prefix of the tokens of pages that the gateway cut; the id of the last customer follows.
const AFTER: &str = "frontgate-after:";
/// Maximum bytes of `next-page-token` in `wit/crm.wit`.
const TOKEN_BYTES_MAX: usize = 4_096;

/// Customers on a page if the request names no number; Frontline asks for as many.
const PAGE_SIZE: u32 = 30;

/// Maximum bytes of a row, so that the row and a token that names it fit into every response.
const ROW_BYTES_MAX: usize = RESPONSE_BYTES_MAX / 4;

/// A decoded callback.
#[derive(Debug)]
pub enum CrmRequest {
    /// A page of customers.
    List(ListRequest),
    /// One customer.
    Details {
        /// Identity of the app's user.
        worker: String,
        /// Id of the customer.
        customer_id: String,
    },
}

/// Decodes a callback. `default_worker` asks if the request names no worker.
pub fn decode(
    form: &Form<'_>,
    query: Option<&str>,
    default_worker: Option<&str>,
    page_size_max: u32,
) -> Result<CrmRequest, DecodeError> {
    match location(form, query)? {
        LIST => {
            let worker = worker(form, default_worker);
            let size = form.get("PageSize").map_or(Ok(PAGE_SIZE), str::parse);
            let size = size.ok().filter(|size| *size > 0);
            let size = size.ok_or(DecodeError::InvalidParameter("PageSize", "not a whole number of at least 1"))?;
            let query = form.get("Query").map(str::trim).filter(|query| !query.is_empty());
            Ok(CrmRequest::List(ListRequest {
                worker,
                page_size: size.min(page_size_max),
                position: position(form),
                query: query.map(str::to_owned),
            }))
        }
        DETAILS => Ok(CrmRequest::Details {
            worker: worker(form, default_worker),
            customer_id: required(form, "CustomerId")?.to_owned(),
        }),
        _ => Err(DecodeError::UnknownLocation("GetCustomersList and GetCustomerDetailsByCustomerId")),
    }
}

/// Returns whether a query belongs to a version 1 callback, which names its operation in the query.
pub fn is_version1(query: &str) -> bool {
    query.split('&').any(|field| field.starts_with("location="))
}

/// Returns the position at which the page starts. A token is more precise than an anchor, and takes precedence.
fn position(form: &Form<'_>) -> Position {
    if let Some(token) = form.get("NextPageToken") {
        return match token.strip_prefix(AFTER) {
            Some(id) => Position::After(id.to_owned()),
            None => Position::Token(token.to_owned()),
        };
    }
    match form.get("Anchor") {
        Some(anchor) => Position::After(anchor.to_owned()),
        None => Position::First,
    }
}

#[derive(Serialize)]
struct Row<'a> {
    customer_id: &'a str,
    display_name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<&'a str>,
}

#[derive(Serialize)]
struct List<'a> {
    customers: &'a [Row<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<Cow<'a, str>>,
    searchable: bool,
}

#[derive(Serialize)]
struct Objects<T> {
    objects: T,
}

/// Encodes a page. A page that is too long is cut, with a token that continues after the cut.
pub fn encode_page(page: &CustomerPage, page_size: u32) -> Result<CallbackResponse, EncodeError> {
    let token = page.next_page_token.as_deref().filter(|token| !token.is_empty());
    if token.is_some_and(|token| token.len() > TOKEN_BYTES_MAX) {
        return Err(EncodeError::Unusable("the plugin's next-page-token is longer than 4096 bytes".to_owned()));
    }
    let mut left_out = 0;
    let mut rows = Vec::with_capacity(page.customers.len());
    for customer in &page.customers {
        let Some((row, dropped)) = row(&customer.customer_id, &customer.display_name, customer.avatar.as_deref())
        else {
            left_out += 1;
            continue;
        };
        left_out += usize::from(dropped);
        rows.push(row);
    }
    let page_size = usize::try_from(page_size).unwrap_or(usize::MAX);
    if rows.len() <= page_size {
        let whole = list(&rows, token.map(Cow::Borrowed));
        if whole.len() <= RESPONSE_BYTES_MAX {
            return Ok(CallbackResponse { body: whole, left_out, shortened: false });
        }
    }
    let all = rows.len();
    rows.retain(|row| json(row).len() <= ROW_BYTES_MAX);
    left_out += all - rows.len();
    let kept = fitting(&rows).min(page_size);
    let next = match rows[..kept].last() {
        Some(last) if kept < rows.len() => Some(Cow::Owned(format!("{AFTER}{}", last.customer_id))),
        _ => token.map(Cow::Borrowed),
    };
    Ok(CallbackResponse { body: list(&rows[..kept], next), left_out, shortened: true })
}

fn list(rows: &[Row<'_>], token: Option<Cow<'_, str>>) -> Vec<u8> {
    json(&Objects { objects: List { customers: rows, next_page_token: token, searchable: true } })
}

/// Returns the number of rows that fit together with the longest possible token.
fn fitting(rows: &[Row<'_>]) -> usize {
    let frame = list(&[], Some(Cow::Borrowed(AFTER))).len() + TOKEN_BYTES_MAX;
    let mut used = frame;
    rows.iter()
        .take_while(|row| {
            used += json(row).len() + 1;
            // The token repeats the id with the same escapes.
            used + json(&row.customer_id).len() <= RESPONSE_BYTES_MAX
        })
        .count()
}

/// Returns a row and whether its picture was left out; `None` if the id is blank.
fn row<'a>(id: &'a str, name: &'a str, avatar: Option<&'a str>) -> Option<(Row<'a>, bool)> {
    if id.trim().is_empty() {
        return None;
    }
    let display_name = match sanitize::one_line(name) {
        name if name.is_empty() => Cow::Borrowed(id),
        name => name,
    };
    let usable = avatar.filter(|url| sanitize::is_avatar_url(url));
    let dropped = avatar.is_some() && usable.is_none();
    let row = Row { customer_id: id, display_name, avatar: usable };
    Some((row, dropped))
}

#[derive(Serialize)]
struct Channel<'a> {
    r#type: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Link<'a> {
    r#type: &'a str,
    value: &'a str,
    display_name: Cow<'a, str>,
}

#[derive(Serialize)]
struct Details<'a> {
    title: Cow<'a, str>,
    content: &'a str,
}

#[derive(Serialize)]
struct Page<'a> {
    #[serde(flatten)]
    row: Row<'a>,
    channels: Vec<Channel<'a>>,
    links: Vec<Link<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    customer: Page<'a>,
}

/// Encodes a customer. Details are cut if the response would be too long.
pub fn encode_customer(customer: &Customer) -> Result<CallbackResponse, EncodeError> {
    let Some((row, dropped)) = row(&customer.customer_id, &customer.display_name, customer.avatar.as_deref()) else {
        return Err(EncodeError::Unusable("the plugin's customer has no id".to_owned()));
    };
    let channels: Vec<_> = customer
        .channels
        .iter()
        .filter(|channel| sanitize::channel(&channel.kind, &channel.value))
        .map(|channel| Channel { r#type: &channel.kind, value: &channel.value })
        .collect();
    let links: Vec<_> = customer
        .links
        .iter()
        .filter(|link| sanitize::link(&link.value))
        .map(|link| Link {
            r#type: &link.kind,
            value: &link.value,
            display_name: sanitize::one_line(&link.display_name),
        })
        .collect();
    let left_out = usize::from(dropped) + customer.channels.len() - channels.len() + customer.links.len() - links.len();
    let details = customer
        .details
        .as_ref()
        .map(|details| Details { title: sanitize::one_line(&details.title), content: &details.content });
    let mut objects = Objects { objects: One { customer: Page { row, channels, links, details } } };
    let mut body = json(&objects);
    let excess = body.len().saturating_sub(RESPONSE_BYTES_MAX);
    if excess > 0 {
        if let Some(details) = &mut objects.objects.customer.details {
            let room = (json(&details.content).len() - 2).saturating_sub(excess);
            details.content = cut(details.content, room);
        }
        body = json(&objects);
    }
    if body.len() > RESPONSE_BYTES_MAX {
        return Err(EncodeError::AnswerTooLarge);
    }
    Ok(CallbackResponse { body, left_out, shortened: excess > 0 })
}

/// Returns the longest prefix of a text that takes at most `room` bytes as JSON.
fn cut(text: &str, mut room: usize) -> &str {
    let end = text.char_indices().find_map(|(at, c)| {
        let mut buffer = [0; 4];
        // The two quotes are subtracted.
        let length = json(&&*c.encode_utf8(&mut buffer)).len() - 2;
        let fits = length <= room;
        room = room.saturating_sub(length);
        (!fits).then_some(at)
    });
    &text[..end.unwrap_or(text.len())]
}
