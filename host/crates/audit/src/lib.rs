//! The record of everything that people did, by commands and in the console.
//!
//! Rows are appended in the transaction of the change that they are about. Each row has a digest over the digest of the
//! row before it and its own columns, so [`verify`] finds a row that was changed, removed or inserted later. The digest
//! has no key: a person who can write to the database can compute all digests again. The gateway therefore logs the
//! newest digest at intervals ([`newest`]); a log that was shipped elsewhere reveals that, too.

mod chain;

use frontgate_store::sql::{self, Row, Transaction};
use frontgate_store::values;
use serde::Serialize;

pub use self::chain::{Verification, verify};

/// Role of a person who ran a command on the gateway's machine.
pub const COMMAND: &str = "command";

/// Maximum length of a person's reason, in characters.
pub const REASON_CHARS_MAX: usize = 500;

/// The person who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Account of a command, or name of a person in the console.
    pub who: String,
    /// [`COMMAND`], or the role in the console.
    pub role: &'static str,
}

impl Actor {
    /// Returns the account that runs this process, which is a command.
    pub fn of_command() -> Self {
        Self::of_account(rustix::process::getuid().as_raw())
    }

    /// Returns the account that runs a command, as the system knows it. The command's environment could name another.
    pub fn of_account(uid: u32) -> Self {
        Self { who: frontgate_system::account::described(uid), role: COMMAND }
    }
}

/// An action to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct NewAction<'a> {
    /// The person who acts.
    pub actor: &'a Actor,
    /// The tenant, if the object belongs to one.
    pub tenant: Option<&'a str>,
    /// The action, such as `retry`.
    pub action: &'a str,
    /// Kind and id of the object, such as `delivery 7`.
    pub object: &'a str,
    /// State of the object before the action.
    pub before: Option<&'a str>,
    /// State of the object after it.
    pub after: Option<&'a str>,
    /// The person's reason.
    pub reason: Option<&'a str>,
}

impl<'a> NewAction<'a> {
    /// Returns an action without states, tenant and reason.
    pub fn new(actor: &'a Actor, action: &'a str, object: &'a str) -> Self {
        Self { actor, tenant: None, action, object, before: None, after: None, reason: None }
    }
}

/// A recorded action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Action {
    /// Number of the row; later actions have higher numbers.
    pub id: i64,
    /// Time in milliseconds since 1970.
    pub time_ms: i64,
    /// The person who acted.
    pub who: String,
    /// [`COMMAND`], or the role in the console.
    pub role: String,
    /// The tenant, if the object belongs to one.
    pub tenant: Option<String>,
    /// The action.
    pub action: String,
    /// Kind and id of the object.
    pub object: String,
    /// State of the object before the action.
    pub before: Option<String>,
    /// State of the object after it.
    pub after: Option<String>,
    /// The person's reason.
    pub reason: Option<String>,
    /// The digest; `None` for rows of older programs.
    pub chain: Option<String>,
}

impl Action {
    /// Returns action and states in words.
    pub fn text(&self) -> String {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => format!("{}: {before} to {after}", self.action),
            _ => self.action.clone(),
        }
    }
}

/// Restricts a list of actions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only about this object.
    pub object: Option<String>,
    /// Only by this person.
    pub who: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only of this tenant.
    pub tenant: Option<String>,
    /// Only rows before this one.
    pub before_id: Option<i64>,
}

const COLUMNS: &str = "id, time_ms, who, role, tenant, action, object, state_before, state_after, reason, chain";

/// Records an action and returns its number.
///
/// # Errors
///
/// Fails with the error of the database.
pub fn append(transaction: &Transaction<'_>, new: &NewAction<'_>) -> sql::Result<i64> {
    let NewAction { actor, tenant, action, object, before, after, reason } = *new;
    if transaction.is_shared() {
        // Two transactions must not continue the same row. Statements after the lock see what its previous owner wrote.
        transaction.execute("LOCK TABLE actions IN SHARE ROW EXCLUSIVE MODE", values![])?;
    }
    let reason: Option<String> = reason.map(|reason| reason.chars().take(REASON_CHARS_MAX).collect());
    let mut row = Action {
        id: 0,
        time_ms: transaction.now_ms(),
        who: actor.who.clone(),
        role: actor.role.to_owned(),
        tenant: tenant.map(str::to_owned),
        action: action.to_owned(),
        object: object.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
        reason,
        chain: None,
    };
    let chain = chain::next(newest(transaction)?.as_deref(), &row);
    let insert = "INSERT INTO actions
                    (time_ms, who, role, tenant, action, object, state_before, state_after, reason, chain)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id";
    let values = values![
        row.time_ms,
        row.who,
        row.role,
        row.tenant,
        row.action,
        row.object,
        row.before,
        row.after,
        row.reason,
        chain
    ];
    row.id = transaction.value(insert, values)?;
    Ok(row.id)
}

/// Returns the digest of the newest row, or `None` without a row.
///
/// # Errors
///
/// Fails with the error of the database.
pub fn newest(read: &Transaction<'_>) -> sql::Result<Option<String>> {
    let select = "SELECT chain FROM actions WHERE id = (SELECT max(id) FROM actions)";
    Ok(read.row(select, values![], |row| row.get::<Option<String>>(0))?.flatten())
}

/// Returns actions, newest first.
///
/// # Errors
///
/// Fails with the error of the database.
pub fn list(read: &Transaction<'_>, filter: &Filter, most: u32) -> sql::Result<Vec<Action>> {
    let Filter { object, who, action, tenant, before_id } = filter;
    // An index is used for a comparison with a value only.
    let compared = |column: &str, number: u32, is_given: bool| {
        if is_given { format!("{column} = ?{number}") } else { format!("?{number} IS NULL") }
    };
    let select = format!(
        "SELECT {COLUMNS} FROM actions WHERE {} AND {} AND {} AND {} AND id < ?5 ORDER BY id DESC LIMIT ?6",
        compared("object", 1, object.is_some()),
        compared("who", 2, who.is_some()),
        compared("action", 3, action.is_some()),
        compared("tenant", 4, tenant.is_some()),
    );
    let before = before_id.unwrap_or(i64::MAX);
    read.rows(&select, values![object, who, action, tenant, before, most], read_row)
}

/// Returns the actions about an object, oldest first.
///
/// # Errors
///
/// Fails with the error of the database.
pub fn of_object(read: &Transaction<'_>, object: &str, most: u32) -> sql::Result<Vec<Action>> {
    let select = format!("SELECT {COLUMNS} FROM actions WHERE object = ?1 ORDER BY id LIMIT ?2");
    read.rows(&select, values![object, most], read_row)
}

/// Deletes some of the rows that are older than a time, except the newest one of them: the digests of the rows after it
/// start with its digest. Returns the number of deleted rows.
///
/// # Errors
///
/// Fails with the error of the database.
pub fn prune(transaction: &Transaction<'_>, before_ms: i64, most: u32) -> sql::Result<usize> {
    let delete = "DELETE FROM actions WHERE id IN (
                    SELECT id FROM actions
                    WHERE time_ms < ?1 AND id < (SELECT max(id) FROM actions WHERE time_ms < ?1)
                    ORDER BY id LIMIT ?2)";
    transaction.execute(delete, values![before_ms, most])
}

fn read_row(row: &Row<'_>) -> sql::Result<Action> {
    Ok(Action {
        id: row.named("id")?,
        time_ms: row.named("time_ms")?,
        who: row.named("who")?,
        role: row.named("role")?,
        tenant: row.named("tenant")?,
        action: row.named("action")?,
        object: row.named("object")?,
        before: row.named("state_before")?,
        after: row.named("state_after")?,
        reason: row.named("reason")?,
        chain: row.named("chain")?,
    })
}

#[cfg(test)]
mod tests;
