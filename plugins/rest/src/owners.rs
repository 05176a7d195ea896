//! Owners of customers: looked up by the request `owners`, or named by their addresses in the records themselves.

use std::time::Duration;

use frontgate_sdk::{Error, Team, debug, state};
use serde::{Deserialize, Serialize};

use crate::ask::Stop;
use crate::mapping::{Call, Mapping};
use crate::page::{Place, page};
use crate::template::Values;

/// Most requests for owners in one call.
pub(crate) const PAGES_MAX: u32 = 5;
/// The key of all owners in the store.
const ALL: &str = "owners";
/// Default time for which owners are remembered, in seconds.
const KEEP_S: u32 = 600;

#[derive(Serialize, Deserialize)]
struct Owner {
    id: String,
    email: String,
}

/// The owners that have an address.
#[derive(Default)]
pub(crate) struct Owners {
    /// `None`: records name the addresses.
    all: Option<Vec<Owner>>,
}

/// Owners in the store, and the mapping by which they were read.
#[derive(Serialize, Deserialize)]
struct Stored {
    mapping: u64,
    all: Vec<Owner>,
}

impl Owners {
    /// Returns all owners. Without a store, every call costs a request.
    pub(crate) fn all(mapping: &Mapping) -> Result<Self, Stop> {
        if mapping.request(Call::Owners).is_none() {
            return Ok(Self::default());
        }
        if let Ok(Some(stored)) = state::get_json::<Stored>(ALL)
            && stored.mapping == mapping.digest
        {
            return Ok(Self { all: Some(stored.all) });
        }
        let all = read(mapping)?;
        let stored = Stored { mapping: mapping.digest, all };
        let keep = mapping.owner.keep_s.unwrap_or(KEEP_S);
        if keep > 0
            && let Err(error) = state::set_json(ALL, &stored, Duration::from_secs(keep.into()))
        {
            debug!("owners are not cached: {error:?}");
        }
        Ok(Self { all: Some(stored.all) })
    }

    /// Returns whether records name ids of owners, not addresses.
    pub(crate) fn are_by_id(&self) -> bool {
        self.all.is_some()
    }

    /// Returns the address of an owner in a record, or `None` for one that has left.
    pub(crate) fn email_of<'o>(&'o self, owner: &'o str) -> Option<&'o str> {
        match &self.all {
            None => Some(owner),
            Some(all) => all.iter().find(|known| known.id == owner).map(|known| known.email.as_str()),
        }
    }

    /// Returns a team for each owner: the workers who see the owner's customers.
    pub(crate) fn teams(&self, mapping: &Mapping) -> Option<Vec<Team>> {
        let all = self.all.as_ref()?.iter();
        Some(all.map(|owner| Team::new(&owner.id, mapping.workers.workers_with(&owner.email))).collect())
    }
}

fn read(mapping: &Mapping) -> Result<Vec<Owner>, Stop> {
    let size = mapping.request(Call::Owners).map_or(1, |request| request.limit);
    let (mut all, mut place) = (Vec::new(), Place::Start);
    for _ in 0..PAGES_MAX {
        let found = page(mapping, Call::Owners, &Values::new(), &place, size)?;
        let fields = &mapping.owner;
        for record in &found.records {
            let id = fields.id.as_ref().and_then(|path| path.text(record));
            let email = fields.email.as_ref().and_then(|path| path.text(record));
            let is_active = fields.only.as_ref().is_none_or(|only| only.is_met(record));
            if let (Some(id), Some(email), true) = (id, email, is_active) {
                all.push(Owner { id, email });
            }
        }
        match found.next {
            Some(next) => place = next,
            None => return Ok(all),
        }
    }
    Err(Error::failed(format!("request `owners`: more than {PAGES_MAX} pages; raise `owners.limit`")).into())
}
