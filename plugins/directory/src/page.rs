//! One page of a list. The page token is the id of the last customer on the page, as in Twilio's parameter `Anchor`.
//! Therefore pages neither repeat nor skip customers when the file changes in between.

use frontgate_sdk::{CustomerPage, Position};

use crate::row::Row;
use crate::settings::Settings;

/// Returns the page at a position, or an empty page for an unknown position.
pub(crate) fn page(rows: Vec<&Row>, settings: &Settings, position: &Position, size: u32) -> CustomerPage {
    let start = match position {
        Position::First => 0,
        Position::After(id) | Position::Token(id) => {
            rows.iter().position(|row| row.id(settings) == *id).map_or(rows.len(), |at| at + 1)
        }
    };
    let end = rows.len().min(start.saturating_add(size as usize));
    let page = CustomerPage::last(rows[start..end].iter().map(|row| row.summary(settings)));
    match page.customers.last() {
        Some(last) if end < rows.len() => {
            let token = last.customer_id.clone();
            page.then(token)
        }
        _ => page,
    }
}
