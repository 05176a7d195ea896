//! A page of a worker's contacts.

use std::time::Duration;

use crm_values::phone;
use frontgate_sdk::{CustomerPage, Error, ListRequest, Position, Result, clock, warn};

use crate::api::{self, Found, Rows};
use crate::contact::{CONTACT, Contact, common_digits};
use crate::settings::Settings;
use crate::soql;

/// Time after which no further request starts: a shorter page in time is better than a whole page too late.
const PATIENCE: Duration = Duration::from_secs(2);
/// Salesforce's limit on rows of one response.
const ROWS_MAX: usize = 2_000;
/// Fewest rows of a request that is filtered here, too.
const FILTERED_ROWS_MIN: usize = 200;
/// The length beyond which a search text is cut, so that the query fits into a URL.
const QUERY_CHARS_MAX: usize = 100;
/// The number of digits from which on a text of digits is searched in numbers.
const DIGITS_MIN: usize = 3;

/// Returns the page at a position, or an empty page for an unknown position.
pub(crate) fn page(settings: &Settings, request: &ListRequest) -> Result<CustomerPage> {
    let mut last = match &request.position {
        Position::First => None,
        Position::After(id) | Position::Token(id) if soql::is_id(id) => Some(id.clone()),
        Position::After(_) | Position::Token(_) => return Ok(CustomerPage::empty()),
    };
    let search = request.query.as_deref().map_or(Search::All, |query| Search::of(query, settings));
    let (began, size) = (clock::now(), request.page_size as usize);
    let mut page = CustomerPage::empty();
    loop {
        let left = size - page.customers.len();
        // One row more shows whether there is a next page.
        let limit = (left + 1).min(ROWS_MAX).max(if search.is_filtered_here() { FILTERED_ROWS_MIN } else { 0 });
        let mut conditions: Vec<_> = settings.seen_by(&request.worker).into_iter().collect();
        conditions.extend(search.conditions(settings));
        conditions.extend(last.as_deref().map(soql::after));
        let soql =
            soql::select(&search.fields(settings), CONTACT, &conditions, u32::try_from(limit).unwrap_or(u32::MAX));
        let found = match api::query::<Contact>(settings, Rows::Existing, &soql).map_err(Error::from) {
            Err(Error::Unavailable(why)) if !page.customers.is_empty() => {
                warn!("the page is shorter than requested: {why}");
                return Ok(next(page, last));
            }
            found => found?,
        };
        let Found { records, done, .. } = found;
        let mut has_more = !done || records.len() == limit;
        let before = last.clone();
        for contact in records {
            if before.as_ref() == Some(&contact.id) {
                return Err(Error::failed("Salesforce's results are not in the requested order"));
            }
            if page.customers.len() == size {
                has_more = true;
                break;
            }
            if search.finds(&contact, settings) {
                page.customers.push(contact.summary(settings));
            }
            last = Some(contact.id);
        }
        let is_late = clock::now().duration_since(began).is_ok_and(|time| time >= PATIENCE);
        if !has_more {
            return Ok(page);
        }
        if page.customers.len() >= size || is_late {
            return Ok(next(page, last));
        }
    }
}

/// Adds the position after the last row that was read.
fn next(page: CustomerPage, last: Option<String>) -> CustomerPage {
    match last {
        Some(last) => page.then(last),
        None => page,
    }
}

/// The worker's search.
enum Search {
    All,
    Words(Vec<String>),
    /// Digits of a number.
    Digits(String),
}

impl Search {
    fn of(query: &str, settings: &Settings) -> Self {
        let query: String = query.chars().take(QUERY_CHARS_MAX).collect();
        let is_number = query.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c));
        if is_number && phone::digits(&query).len() >= DIGITS_MIN {
            return Self::Digits(common_digits(&query, settings.country));
        }
        Self::Words(query.split_whitespace().map(str::to_owned).collect())
    }

    /// Salesforce compares digits only in their order, with anything between them.
    fn is_filtered_here(&self) -> bool {
        matches!(self, Self::Digits(_))
    }

    fn fields<'s>(&self, settings: &'s Settings) -> Vec<&'s str> {
        let numbers = settings.number_fields().filter(|_| self.is_filtered_here());
        settings.list_fields().into_iter().chain(numbers).collect()
    }

    /// Every word must be in a field.
    fn conditions(&self, settings: &Settings) -> Vec<String> {
        match self {
            Self::All => Vec::new(),
            Self::Words(words) => {
                let condition = |word: &String| {
                    let pattern = soql::containing(word);
                    soql::any(settings.word_fields().map(|field| format!("{field} LIKE {pattern}")))
                };
                words.iter().map(condition).collect()
            }
            Self::Digits(digits) => {
                let pattern = soql::with_digits(digits);
                vec![soql::any(settings.number_fields().map(|field| format!("{field} LIKE {pattern}")))]
            }
        }
    }

    fn finds(&self, contact: &Contact, settings: &Settings) -> bool {
        match self {
            Self::All | Self::Words(_) => true,
            Self::Digits(digits) => contact.has_digits(digits, settings),
        }
    }
}
