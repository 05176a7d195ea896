//! The data of an org, and its clock.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::salesforce::ids;
use crate::salesforce::problem::Problem;
use crate::salesforce::schema::{Kind, Object};
use crate::salesforce::soql::{Cell, Row};
use crate::salesforce::token::Access;
use crate::twilio::clock::rest_time;

/// Time for which deleted records are in the recycle bin (Salesforce Help, "Recycle Bin").
const RECYCLE_BIN: Duration = Duration::from_secs(15 * 86_400);

/// Rows of one object, by id.
pub(super) type Table = BTreeMap<String, Record>;

/// A row: values by field.
#[derive(Debug, Clone, Default)]
pub(super) struct Record(pub(super) BTreeMap<String, Cell>);

impl Record {
    pub(super) fn cell(&self, field: &str) -> Cell {
        let found = self
            .0
            .get(field)
            .or_else(|| self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, cell)| cell));
        found.cloned().unwrap_or(Cell::Null)
    }

    pub(super) fn text(&self, field: &str) -> String {
        match self.cell(field) {
            Cell::Text(text) => text,
            _ => String::new(),
        }
    }

    pub(super) fn is(&self, field: &str) -> bool {
        self.cell(field) == Cell::Boolean(true)
    }

    pub(super) fn set(&mut self, field: &str, cell: Cell) {
        self.0.insert(field.to_owned(), cell);
    }
}

/// An org of Salesforce: its records, and who may read them.
pub struct Org {
    /// The URL of the org, for token responses.
    pub(super) url: String,
    /// A fixed time instead of this machine's, in seconds since 1970.
    fixed: Option<u64>,
    ahead: Duration,
    next: u64,
    pub(super) contacts: Table,
    pub(super) accounts: Table,
    pub(super) users: Table,
    /// The contacts that queries see while a transaction is open.
    pub(super) committed: Option<Table>,
    /// Fields that the app's user may not read.
    pub(super) hidden: Vec<(Object, String)>,
    /// Custom fields of contacts.
    pub(super) custom: Vec<String>,
    /// Most rows of a response, if fewer than asked for.
    pub(super) rows_max: usize,
    pub(super) cursors: Vec<(String, Vec<serde_json::Value>, usize)>,
    pub(super) access: Access,
    /// API requests so far, and the most that are allowed.
    pub(super) requests: u64,
    pub(super) requests_max: u64,
}

impl Org {
    /// Creates an org without records. `url`: its My Domain URL.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            fixed: None,
            ahead: Duration::ZERO,
            next: 1_000,
            contacts: Table::new(),
            accounts: Table::new(),
            users: Table::new(),
            committed: None,
            hidden: Vec::new(),
            custom: Vec::new(),
            rows_max: usize::MAX,
            cursors: Vec::new(),
            access: Access::default(),
            requests: 0,
            requests_max: 100_000,
        }
    }

    /// Creates an org whose clock stands still at this time, in seconds since 1970.
    pub fn at(seconds: u64) -> Self {
        Self { fixed: Some(seconds), ..Self::new("https://acme.my.salesforce.com") }
    }

    /// Returns the time in the org.
    pub(super) fn time(&self) -> SystemTime {
        let now = self.fixed.map_or_else(SystemTime::now, |seconds| UNIX_EPOCH + Duration::from_secs(seconds));
        now + self.ahead
    }

    /// Returns the time in the org, in seconds since 1970. Times of records have no smaller unit.
    pub(super) fn now(&self) -> u64 {
        self.time().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }

    /// Advances the org's clock.
    pub fn pass(&mut self, time: Duration) {
        self.ahead += time;
    }

    pub(super) fn new_id(&mut self, prefix: &str) -> String {
        // Ids of all objects are mixed, with gaps.
        self.next += 7;
        ids::id(prefix, self.next)
    }

    pub(super) fn table(&self, object: Object) -> &Table {
        match object {
            Object::Contact => self.committed.as_ref().unwrap_or(&self.contacts),
            Object::Account => &self.accounts,
            Object::User => &self.users,
        }
    }

    /// Returns whether a deleted record is still in the recycle bin.
    pub(super) fn is_in_recycle_bin(&self, record: &Record) -> bool {
        let Cell::Time(deleted) = record.cell("SystemModstamp") else { return false };
        self.now().saturating_sub(deleted) <= RECYCLE_BIN.as_secs()
    }

    /// Returns the canonical name and type of a field, with dots for those of related records.
    pub(super) fn field(&self, soql: &str, object: Object, path: &str) -> Result<(String, Kind), Problem> {
        if let Some((relation, rest)) = path.split_once('.') {
            let Some((related, _)) = object.related(relation) else {
                let message = format!(
                    "\n{soql}\n^\nERROR at Row:1:Column:8\nDidn't understand relationship '{relation}' in field path. If you \
                     are attempting to use a custom relationship, be sure to append the '__r' after the custom \
                     relationship name."
                );
                return Err(Problem::new(400, "INVALID_FIELD", message));
            };
            let (name, kind) = self.field(soql, related, rest)?;
            let relation = if relation.eq_ignore_ascii_case("Owner") { "Owner" } else { "Account" };
            return Ok((format!("{relation}.{name}"), kind));
        }
        let is_it = |name: &str| name.eq_ignore_ascii_case(path);
        let standard =
            object.fields().iter().find(|(name, _)| is_it(name)).map(|(name, kind)| ((*name).to_owned(), *kind));
        let custom = self.custom.iter().find(|name| object == Object::Contact && is_it(name));
        let is_hidden = self.hidden.iter().any(|(of, name)| *of == object && is_it(name));
        let found = standard.or_else(|| custom.map(|name| (name.clone(), Kind::Text)));
        found.filter(|_| !is_hidden).ok_or_else(|| Problem::no_field(soql, path, object.name()))
    }
}

impl fmt::Debug for Org {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} contacts, {} users, {} requests", self.contacts.len(), self.users.len(), self.requests)
    }
}

/// A record with those that it is related to.
pub(super) struct View<'o> {
    pub(super) org: &'o Org,
    pub(super) object: Object,
    pub(super) record: &'o Record,
}

impl<'o> View<'o> {
    /// Returns the related record.
    pub(super) fn related(&self, relation: &str) -> Option<View<'o>> {
        let (object, field) = self.object.related(relation)?;
        let record = self.org.table(object).get(&self.record.text(field))?;
        Some(View { org: self.org, object, record })
    }
}

impl Row for View<'_> {
    fn cell(&self, field: &str) -> Cell {
        match field.split_once('.') {
            Some((relation, rest)) => self.related(relation).map_or(Cell::Null, |view| view.cell(rest)),
            None => self.record.cell(field),
        }
    }
}

/// Formats a time as the REST API does: `2026-01-01T00:00:00.000+0000`.
pub(super) fn shown_time(seconds: u64) -> String {
    rest_time(UNIX_EPOCH + Duration::from_secs(seconds)).replace('Z', ".000+0000")
}
