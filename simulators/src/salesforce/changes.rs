//! Changes of an org's records, as people and bulk jobs make them.

use std::collections::BTreeMap;

use crate::salesforce::org::{Org, Record};
use crate::salesforce::schema::Object;
use crate::salesforce::soql::Cell;

/// A contact to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person(BTreeMap<String, String>);

impl Person {
    /// Creates a contact with this name.
    pub fn new(first: &str, last: &str) -> Self {
        Self(BTreeMap::new()).with("FirstName", first).with("LastName", last)
    }

    /// Sets a field.
    pub fn with(mut self, field: &str, value: &str) -> Self {
        self.0.insert(field.to_owned(), value.to_owned());
        self
    }
}

/// Returns the value of a text. Salesforce has no empty texts.
fn cell(value: &str) -> Cell {
    if value.is_empty() { Cell::Null } else { Cell::Text(value.to_owned()) }
}

impl Org {
    /// Creates a record with its times. Returns its id.
    fn create(&mut self, object: Object, fields: impl IntoIterator<Item = (String, Cell)>) -> String {
        let id = self.new_id(object.prefix());
        let mut record = Record::default();
        record.set("Id", Cell::Text(id.clone()));
        record.set("IsDeleted", Cell::Boolean(false));
        record.set("CreatedDate", Cell::Time(self.now()));
        fields.into_iter().for_each(|(field, cell)| record.set(&field, cell));
        touch(&mut record, self.now());
        let table = match object {
            Object::Contact => &mut self.contacts,
            Object::Account => &mut self.accounts,
            Object::User => &mut self.users,
        };
        table.insert(id.clone(), record);
        id
    }

    /// Adds a contact and returns its id. Ids increase.
    pub fn add(&mut self, person: Person) -> String {
        self.create(Object::Contact, person.0.into_iter().map(|(field, value)| (field, cell(&value))))
    }

    /// Adds an account with this name and returns its id.
    pub fn account(&mut self, name: &str) -> String {
        self.create(Object::Account, [("Name".to_owned(), cell(name))])
    }

    /// Adds an active user with this e-mail address and returns the id.
    pub fn user(&mut self, email: &str) -> String {
        let username = format!("{email}.acme");
        let texts = [("Email", email), ("Username", &username), ("UserType", "Standard")];
        let texts = texts.map(|(field, value)| (field.to_owned(), cell(value)));
        self.create(Object::User, texts.into_iter().chain([("IsActive".to_owned(), Cell::Boolean(true))]))
    }

    /// Returns the id of a new queue, which owns contacts but is no user.
    pub fn queue(&mut self) -> String {
        self.new_id("00G")
    }

    /// Changes a field of a contact.
    pub fn set(&mut self, id: &str, field: &str, value: &str) {
        self.set_all(&[id], field, value);
    }

    /// Changes a field of contacts in a bulk job: all of them get the same time.
    pub fn set_all(&mut self, ids: &[impl AsRef<str>], field: &str, value: &str) {
        let now = self.now();
        for id in ids {
            let record = self.contacts.get_mut(id.as_ref()).expect("the contact");
            record.set(field, cell(value));
            touch(record, now);
        }
    }

    /// Changes a text of a user.
    pub fn set_user(&mut self, id: &str, field: &str, value: &str) {
        let now = self.now();
        let record = self.users.get_mut(id).expect("the user");
        record.set(field, cell(value));
        touch(record, now);
    }

    /// Activates or deactivates a user.
    pub fn set_active(&mut self, id: &str, is_active: bool) {
        let now = self.now();
        let record = self.users.get_mut(id).expect("the user");
        record.set("IsActive", Cell::Boolean(is_active));
        touch(record, now);
    }

    /// Moves a contact to the recycle bin.
    pub fn delete(&mut self, id: &str) {
        let now = self.now();
        let record = self.contacts.get_mut(id).expect("the contact");
        record.set("IsDeleted", Cell::Boolean(true));
        touch(record, now);
    }

    /// Restores a contact from the recycle bin.
    pub fn undelete(&mut self, id: &str) {
        let now = self.now();
        let record = self.contacts.get_mut(id).expect("the contact");
        record.set("IsDeleted", Cell::Boolean(false));
        record.set("MasterRecordId", Cell::Null);
        touch(record, now);
    }

    /// Deletes a contact for good, as "hard delete" and emptying the recycle bin do.
    pub fn purge(&mut self, id: &str) {
        self.contacts.remove(id).expect("the contact");
    }

    /// Merges a contact into another one, which remains.
    pub fn merge(&mut self, master: &str, loser: &str) {
        let now = self.now();
        let record = self.contacts.get_mut(loser).expect("the contact");
        record.set("IsDeleted", Cell::Boolean(true));
        record.set("MasterRecordId", Cell::Text(master.to_owned()));
        touch(record, now);
        touch(self.contacts.get_mut(master).expect("the contact"), now);
    }

    /// Opens a transaction: changes of contacts get their time now, and queries see them after [`Org::commit`].
    pub fn begin(&mut self) {
        self.committed = Some(self.contacts.clone());
    }

    /// Ends the transaction.
    pub fn commit(&mut self) {
        self.committed = None;
    }

    /// Adds a custom text field of contacts.
    pub fn custom_field(&mut self, name: &str) {
        self.custom.push(name.to_owned());
    }

    /// Hides a field from the app's user by field-level security.
    pub fn hide_field(&mut self, object: Object, name: &str) {
        self.hidden.push((object, name.to_owned()));
    }

    /// Shows all hidden fields again.
    pub fn show_fields(&mut self) {
        self.hidden.clear();
    }

    /// Returns at most this many rows in a response, as Salesforce does if rows are large.
    pub fn shorten_responses(&mut self, rows: usize) {
        self.rows_max = rows;
    }

    /// Allows this many API requests in total.
    pub fn limit_requests(&mut self, requests: u64) {
        self.requests_max = requests;
    }

    /// Returns the number of API requests so far.
    pub fn requests(&self) -> u64 {
        self.requests
    }
}

/// Sets the times of a change, and the compound name.
fn touch(record: &mut Record, now: u64) {
    record.set("LastModifiedDate", Cell::Time(now));
    record.set("SystemModstamp", Cell::Time(now));
    if record.0.contains_key("LastName") {
        let name = format!("{} {}", record.text("FirstName"), record.text("LastName"));
        record.set("Name", cell(name.trim()));
    }
}
