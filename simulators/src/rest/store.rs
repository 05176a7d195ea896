//! The people of the CRM, and what happens to them.

use std::time::{Duration, SystemTime};

use crate::common::fault::Faults;
use crate::rest::fault::{Action, Call};
use crate::rest::rates::Rates;
use crate::rest::{Dialect, Exchange, RestCrm};

/// The distance between ids.
const ID_STEP: u64 = 7;

/// A person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    pub(super) id: u64,
    pub(super) updated: u64,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) company: String,
    pub(super) owner: String,
    pub(super) is_agent: bool,
}

impl Person {
    /// Creates a person with this name.
    pub fn new(first: &str, last: &str) -> Self {
        Self { first: first.to_owned(), last: last.to_owned(), ..Self::default() }
    }

    /// Sets the e-mail address.
    pub fn email(self, email: &str) -> Self {
        Self { email: email.to_owned(), ..self }
    }

    /// Sets the number, in any notation.
    pub fn phone(self, phone: &str) -> Self {
        Self { phone: phone.to_owned(), ..self }
    }

    /// Sets the company.
    pub fn company(self, company: &str) -> Self {
        Self { company: company.to_owned(), ..self }
    }

    /// Sets the address of the owner. Empty: none.
    pub fn owner(self, owner: &str) -> Self {
        Self { owner: owner.to_owned(), ..self }
    }

    /// Makes an agent of the person: a user of Zendesk who is no customer.
    pub fn agent(self) -> Self {
        Self { is_agent: true, ..self }
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first, self.last).trim().to_owned()
    }

    /// Returns the digits of the number.
    pub(super) fn digits(&self) -> String {
        self.phone.replace("(0)", "").chars().filter(char::is_ascii_digit).collect()
    }

    /// Returns whether name, address, company or number have this text, ignoring case.
    pub(super) fn has(&self, text: &str) -> bool {
        let all = format!("{}\n{}\n{}\n{}", self.name(), self.email, self.company, self.phone).to_lowercase();
        all.contains(&text.to_lowercase())
    }
}

/// The state of the simulator.
#[derive(Debug)]
pub(super) struct State {
    pub(super) dialect: Dialect,
    next_id: u64,
    /// Sorted by id.
    pub(super) people: Vec<Person>,
    /// The last change is the removal.
    pub(super) removed: Vec<Person>,
    /// Addresses; the id of an owner is the place.
    pub(super) owners: Vec<String>,
    /// Cursors of another generation are expired.
    pub(super) generation: u64,
    /// The time by which the CRM's clock is ahead of this machine's.
    ahead: Duration,
    pub(super) rates: Option<Rates>,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) faults: Faults<Action, Call>,
}

impl State {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            next_id: 1_001,
            people: Vec::new(),
            removed: Vec::new(),
            owners: Vec::new(),
            generation: 1,
            ahead: Duration::ZERO,
            rates: None,
            exchanges: Vec::new(),
            faults: Faults::default(),
        }
    }

    pub(super) fn time(&self) -> SystemTime {
        SystemTime::now() + self.ahead
    }

    /// Returns the CRM's time in milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        let since = self.time().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).expect("the time fits")
    }

    /// Returns the id of an owner.
    pub(super) fn owner_id(&self, email: &str) -> Option<usize> {
        self.owners.iter().position(|known| known == email).map(|at| at + 501)
    }

    /// Writes a cursor.
    pub(super) fn cursor(&self, text: &str) -> String {
        format!("g{}.{text}", self.generation)
    }

    /// Reads a cursor of this generation.
    pub(super) fn read_cursor<'c>(&self, cursor: &'c str) -> Option<&'c str> {
        cursor.strip_prefix(&format!("g{}.", self.generation))
    }

    /// Returns a page of people in an order, those after a key, and the key of the next page.
    pub(super) fn page<'p>(
        mut found: Vec<&'p Person>,
        by_time: bool,
        after: Option<&str>,
        limit: usize,
    ) -> Option<(Vec<&'p Person>, Option<String>)> {
        let key = |person: &Person| (if by_time { person.updated } else { 0 }, person.id);
        found.sort_by_key(|person| key(person));
        if let Some(after) = after {
            let (time, id) = after.split_once('-')?;
            let after = (time.parse().ok()?, id.parse().ok()?);
            found.retain(|person| key(person) > after);
        }
        let has_more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| has_more).map(|person| key(person));
        Some((found, last.map(|(time, id)| format!("{time}-{id}"))))
    }

    fn person(&mut self, id: u64) -> &mut Person {
        self.people.iter_mut().find(|person| person.id == id).expect("the person")
    }
}

impl RestCrm {
    /// Adds a person and returns the id, as the API shows it.
    pub fn add(&self, mut person: Person) -> String {
        self.state.update(|state| {
            (person.id, person.updated) = (state.next_id, state.now());
            state.next_id += ID_STEP;
            if !person.owner.is_empty() && !state.owners.contains(&person.owner) {
                state.owners.push(person.owner.clone());
            }
            let id = shown(state.dialect, person.id);
            state.people.push(person);
            id
        })
    }

    /// Changes the last name of a person.
    pub fn rename(&self, id: &str, last: &str) {
        self.change(&[id], |person| last.clone_into(&mut person.last));
    }

    /// Gives people to an owner. All of them get the same time.
    pub fn own(&self, ids: &[impl AsRef<str>], owner: &str) {
        self.state.update(|state| {
            if !owner.is_empty() && !state.owners.iter().any(|known| known == owner) {
                state.owners.push(owner.to_owned());
            }
        });
        self.change(ids, |person| owner.clone_into(&mut person.owner));
    }

    fn change(&self, ids: &[impl AsRef<str>], change: impl Fn(&mut Person)) {
        self.state.update(|state| {
            let now = state.now();
            for id in ids {
                let person = state.person(number(id.as_ref()));
                change(person);
                person.updated = now;
            }
        });
    }

    /// Removes a person.
    pub fn remove(&self, id: &str) {
        self.state.update(|state| {
            let at = state.people.iter().position(|person| person.id == number(id)).expect("the person");
            let mut person = state.people.remove(at);
            person.updated = state.now();
            state.removed.push(person);
        });
    }

    /// Advances the CRM's clock.
    pub fn pass(&self, time: Duration) {
        self.state.update(|state| state.ahead += time);
    }

    /// Makes the CRM forget all cursors that it has returned.
    pub fn expire_cursors(&self) {
        self.state.update(|state| state.generation += 1);
    }

    /// Enforces the vendor's rate limits.
    pub fn limit_rates(&self) {
        self.state.update(|state| state.rates = Some(Rates::of(state.dialect)));
    }
}

/// Returns an id as an API shows it.
pub(super) fn shown(dialect: Dialect, id: u64) -> String {
    match dialect {
        Dialect::Airtable => format!("rec{id:014}"),
        _ => id.to_string(),
    }
}

fn number(id: &str) -> u64 {
    id.trim_start_matches("rec").parse().expect("an id of this simulator")
}
