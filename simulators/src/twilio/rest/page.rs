//! Pages of lists. The URL of the next page is in `meta` and contains a token.

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::twilio::problem::Problem;
use crate::twilio::rest::{Done, RestRequest};

const PAGE_SIZE: usize = 50;

/// Returns one page of `items` under `key`.
pub(crate) fn page(request: &RestRequest, key: &str, items: &[Value], size_max: usize) -> Result<Done, Problem> {
    let number = |name: &str| {
        let parse = |text: &str| text.parse::<usize>().map_err(|_| Problem::invalid(format!("{name} is not a number")));
        request.asked(name).map(parse).transpose()
    };
    let size = number("PageSize")?.unwrap_or(PAGE_SIZE.min(size_max));
    if !(1..=size_max).contains(&size) {
        return Err(Problem::invalid(format!("PageSize must be between 1 and {size_max}")));
    }
    let page = number("Page")?.unwrap_or(0);
    let start = match request.asked("PageToken") {
        Some(token) => token.strip_prefix("PT").and_then(|start| start.parse::<usize>().ok()),
        // Reject pages that are not reached through the URL in `meta`.
        None => (page == 0).then_some(0),
    };
    let start = start.ok_or_else(|| Problem::invalid("PageToken is missing or wrong"))?;
    let end = items.len().min(start.saturating_add(size));
    let url = |page: usize, start: usize| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let paging = ["PageSize", "Page", "PageToken"];
        query.extend_pairs(request.query.iter().filter(|(name, _)| !paging.contains(&name.as_str())));
        query.append_pair("PageSize", &size.to_string()).append_pair("Page", &page.to_string());
        if start > 0 {
            query.append_pair("PageToken", &format!("PT{start}"));
        }
        format!("{}{}?{}", request.url, request.path, query.finish())
    };
    let meta = json!({
        "page": page,
        "page_size": size,
        "first_page_url": url(0, 0),
        "previous_page_url": (page > 0).then(|| url(page - 1, start.saturating_sub(size))),
        "url": url(page, start),
        "next_page_url": (end < items.len()).then(|| url(page + 1, end)),
        "key": key,
    });
    let mut body = Map::new();
    body.insert("meta".to_owned(), meta);
    body.insert(key.to_owned(), items.get(start..end).unwrap_or_default().into());
    Ok(Done::read(body.into()))
}
