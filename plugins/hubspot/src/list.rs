//! A page of a worker's contacts.

use std::time::Duration;

use frontgate_sdk::{CustomerPage, Error, ListRequest, Position, Result, clock, warn};

use crate::search::{CONTACTS, Filter, Found, Group, PAGE_MAX, Search};
use crate::settings::Settings;
use crate::{api, owners};

/// Time after which no further request starts: a shorter page in time is better than a whole page too late.
const PATIENCE: Duration = Duration::from_secs(2);

/// Returns the page at a position, or an empty page for an unknown position.
pub(crate) fn page(settings: &Settings, request: &ListRequest) -> Result<CustomerPage> {
    let mut last = match &request.position {
        Position::First => "0".to_owned(),
        Position::After(id) | Position::Token(id) if api::is_id(id) => id.clone(),
        Position::After(_) | Position::Token(_) => {
            return Ok(CustomerPage::empty());
        }
    };
    let began = clock::now();
    let whose = Whose::asks(settings, &request.worker)?;
    let mut page = CustomerPage::empty();
    loop {
        let left = request.page_size.saturating_sub(u32::try_from(page.customers.len()).unwrap_or(u32::MAX));
        let search = Search::new(whose.after(&last), settings.list_properties(), left.min(PAGE_MAX));
        let found: Found = match search.with(request.query.as_deref(), settings).ask(CONTACTS, settings) {
            Err(Error::Unavailable(why)) if !page.customers.is_empty() => {
                warn!("the page is shorter than requested: {why}");
                return Ok(page.then(last));
            }
            found => found?,
        };
        let has_more = found.has_more() && !found.results.is_empty();
        add(&mut page, found, &mut last, settings)?;
        let is_late = clock::now().duration_since(began).is_ok_and(|time| time >= PATIENCE);
        match has_more {
            true if page.customers.len() >= request.page_size as usize || is_late => return Ok(page.then(last)),
            true => {}
            false => return Ok(page),
        }
    }
}

/// Appends the results. Rejects results that are out of order, which could cause an endless loop.
fn add(page: &mut CustomerPage, found: Found, last: &mut String, settings: &Settings) -> Result<()> {
    for contact in found.results {
        contact.check_order(last)?;
        last.clone_from(&contact.id);
        page.customers.push(contact.summary(settings));
    }
    Ok(())
}

/// Selects the contacts that are listed.
enum Whose {
    Everybodys,
    /// Contacts of this owner, and contacts without an owner.
    Owners(String),
    Nobodys,
}

impl Whose {
    fn asks(settings: &Settings, worker: &str) -> Result<Self> {
        if !settings.own_customers_only {
            return Ok(Self::Everybodys);
        }
        Ok(owners::id_of(settings, worker)?.map_or(Self::Nobodys, Self::Owners))
    }

    /// Returns the filters for contacts after a record id.
    fn after<'s>(&'s self, id: &'s str) -> Vec<Group<'s>> {
        let nobodys = || Group::of([Filter::is_missing("hubspot_owner_id"), Filter::after(id)]);
        match self {
            Self::Everybodys => vec![Group::of([Filter::after(id)])],
            Self::Owners(owner) => {
                vec![Group::of([Filter::is("hubspot_owner_id", owner.as_str()), Filter::after(id)]), nobodys()]
            }
            Self::Nobodys => vec![nobodys()],
        }
    }
}
