//! The move from a SQLite file to a Postgres server.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use super::{open, upgrade};
use crate::postgres::{self, Committed};
use crate::settings::Settings;
use crate::sql::{self, Cell, Kind, Scope, Transaction, Value};
use crate::sqlite::schema::Tables;
use crate::write::Flush;
use crate::{sqlite, values};

/// A table with the columns that are copied.
struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Kind)],
}

use Kind::{Boolean, Bytes, Integer, Key, Text};

/// The tables in the order in which they are copied. Counts are kept by triggers.
const TABLES: [Table; 17] = [
    Table {
        name: "events",
        columns: &[
            ("tenant", Text),
            ("identity", Text),
            ("answer", Bytes),
            ("rejected", Boolean),
            ("status", Integer),
            ("time_ms", Integer),
        ],
    },
    Table {
        name: "deliveries",
        columns: &[
            ("id", Integer),
            ("tenant", Text),
            ("kind", Text),
            ("name", Text),
            ("conversation", Text),
            ("payload", Text),
            ("request", Text),
            ("state", Text),
            ("due_ms", Integer),
            ("lease", Text),
            ("plan", Text),
            ("sending", Boolean),
            ("waits_for_plugin", Boolean),
            ("attempts", Integer),
            ("questions", Integer),
            ("reason", Text),
            ("result", Text),
            ("created_ms", Integer),
            ("since_ms", Integer),
            ("begun_ms", Integer),
            ("changed_ms", Integer),
            ("channel", Integer),
            ("message", Integer),
            ("reason_group", Text),
        ],
    },
    Table {
        name: "attempts",
        columns: &[
            ("delivery", Integer),
            ("number", Integer),
            ("begun_ms", Integer),
            ("took_ms", Integer),
            ("state", Text),
            ("reason", Text),
            ("replica", Integer),
        ],
    },
    Table { name: "turns", columns: &[("tenant", Text), ("list", Text), ("count", Integer), ("used_ms", Integer)] },
    Table {
        name: "oauth_tokens",
        columns: &[
            ("client", Text),
            ("refresh_token", Text),
            ("access_token", Text),
            ("expires_ms", Integer),
            ("generation", Integer),
        ],
    },
    Table {
        name: "actions",
        columns: &[
            ("id", Integer),
            ("time_ms", Integer),
            ("who", Text),
            ("role", Text),
            ("tenant", Text),
            ("action", Text),
            ("object", Text),
            ("state_before", Text),
            ("state_after", Text),
            ("reason", Text),
            ("chain", Text),
        ],
    },
    Table {
        name: "front_channels",
        columns: &[
            ("id", Integer),
            ("tenant", Text),
            ("app", Text),
            ("channel_id", Text),
            ("key", Text),
            ("credential", Text),
            ("state", Text),
            ("created_ms", Integer),
            ("changed_ms", Integer),
        ],
    },
    Table {
        name: "front_channel_health",
        columns: &[
            ("channel", Integer),
            ("failing_since_ms", Integer),
            ("refusals", Integer),
            ("reason", Text),
            ("is_offline", Boolean),
            ("is_reported", Boolean),
        ],
    },
    Table {
        name: "front_grants",
        columns: &[
            ("id", Text),
            ("tenant", Text),
            ("app", Text),
            ("client", Text),
            ("account_id", Text),
            ("account_name", Text),
            ("account_address", Text),
            ("redirect_uri", Text),
            ("challenge", Text),
            ("code_digest", Bytes),
            ("code_credential", Bytes),
            ("code_expires_ms", Integer),
            ("issued_ms", Integer),
            ("access_digest", Bytes),
            ("access_credential", Bytes),
            ("access_expires_ms", Integer),
            ("earlier_access_digest", Bytes),
            ("earlier_access_credential", Bytes),
            ("earlier_access_expires_ms", Integer),
            ("refresh_digest", Bytes),
            ("refresh_credential", Bytes),
            ("refresh_expires_ms", Integer),
            ("earlier_refresh_digest", Bytes),
            ("earlier_refresh_answer", Bytes),
            ("ended_ms", Integer),
            ("created_ms", Integer),
            ("keep_until_ms", Integer),
            ("is_redirect_uri_named", Boolean),
        ],
    },
    Table {
        name: "front_conversations",
        columns: &[
            ("channel", Integer),
            ("external_id", Text),
            ("front_id", Text),
            ("lane", Text),
            ("handle", Text),
            ("used_ms", Integer),
        ],
    },
    Table { name: "front_conversation_names", columns: &[("channel", Integer), ("name", Text), ("external_id", Text)] },
    Table {
        name: "front_messages",
        columns: &[
            ("id", Integer),
            ("channel", Integer),
            ("identity", Text),
            ("outbound", Boolean),
            ("external_id", Text),
            ("external_conversation_id", Text),
            ("name", Text),
            ("front_id", Text),
            ("uid", Text),
            ("status", Integer),
            ("answer", Bytes),
            ("settled", Boolean),
            ("created_ms", Integer),
        ],
    },
    Table {
        name: "front_templates",
        columns: &[("channel", Integer), ("id", Text), ("template", Text), ("in_front", Text)],
    },
    Table { name: "front_template_lists", columns: &[("channel", Integer), ("due_ms", Integer)] },
    Table { name: "state_buckets", columns: &[("id", Integer), ("plugin", Text), ("tenant", Text)] },
    Table {
        name: "state_entries",
        columns: &[("bucket", Integer), ("key", Key), ("value", Bytes), ("version", Integer), ("expires_ms", Integer)],
    },
    Table {
        name: "console_tokens",
        columns: &[
            ("id", Text),
            ("who", Text),
            ("role", Text),
            ("tenants", Text),
            ("created_ms", Integer),
            ("expires_ms", Integer),
            ("used_ms", Integer),
        ],
    },
];

/// A value on its way from SQLite to Postgres.
struct Copied<'c> {
    kind: Kind,
    cell: Cell<'c>,
}

impl Value for Copied<'_> {
    fn cell(&self) -> Cell<'_> {
        match (self.kind, self.cell) {
            (Kind::Boolean, Cell::Integer(number)) => Cell::Boolean(number != 0),
            (Kind::Key, Cell::Text(text)) => Cell::Key(text),
            // SQLite keeps the type of the inserted value.
            (Kind::Bytes, Cell::Text(text)) => Cell::Bytes(text.as_bytes()),
            (_, cell) => cell,
        }
    }

    fn kind(&self) -> Kind {
        self.kind
    }
}

/// Copies all rows of a SQLite file into the empty tables of the configured Postgres server, in one transaction. Returns
/// the number of rows of each table. The file must not be in use, and is not changed except for a migration. `recover`
/// releases the deliveries that were leased when the file's gateway ended.
///
/// # Errors
///
/// Fails if a gateway uses either database, if the tables are not empty, or with the row that could not be copied.
pub fn copy(
    from: &Path,
    settings: &Settings,
    recover: impl FnOnce(&Transaction<'_>) -> sql::Result<usize>,
) -> anyhow::Result<Vec<(&'static str, usize)>> {
    ensure!(settings.is_shared(), "store.url is not a Postgres server: write the new URL into the configuration first");
    ensure!(from.is_file(), "{} does not exist", from.display());
    let (source, _lock) = sqlite::schema::open_exclusive(from, Tables::Gateway)?;
    upgrade(settings)?;
    let (server, session) = open(settings)?;
    postgres::schema::check(&session, &server)?;
    let now = session.begin([&Scope::Rows], Flush::Wait).map_err(sql::Error::from)?;
    let target = Transaction::postgres(&session, now);
    let copied = copy_all(&source, &target).and_then(|copied| {
        recover(&target)?;
        Ok(copied)
    });
    let Ok(copied) = copied else {
        session.roll_back();
        return copied;
    };
    match session.commit() {
        Committed::Yes => Ok(copied),
        Committed::No(failure) => Err(sql::Error::from(failure).into()),
        Committed::Unclear(failure) => {
            bail!(
                "connection lost during the commit, look with `frontgate deliveries list` whether it succeeded: {failure}"
            )
        }
    }
}

fn copy_all(source: &rusqlite::Connection, target: &Transaction<'_>) -> anyhow::Result<Vec<(&'static str, usize)>> {
    let live: i64 = target.value("SELECT count(*) FROM replicas WHERE state <> 'ended'", values![])?;
    ensure!(live == 0, "{live} gateways use the Postgres database; stop them first");
    for Table { name, .. } in &TABLES {
        let is_filled: bool = target.value(&format!("SELECT EXISTS (SELECT 1 FROM {name})"), values![])?;
        ensure!(!is_filled, "table {name} of the Postgres database has rows; copy into an empty database");
    }
    let mut copied = Vec::new();
    for table in &TABLES {
        let rows = copy_table(source, target, table).with_context(|| format!("failed to copy table {}", table.name))?;
        copied.push((table.name, rows));
    }
    for Table { name, columns } in &TABLES {
        if matches!(columns[0], ("id", Integer)) {
            let sequence = format!(
                "SELECT setval(pg_get_serial_sequence('{name}', 'id'), greatest((SELECT max(id) FROM {name}), 1))"
            );
            target.row(&sequence, values![], |_| Ok(()))?;
        }
    }
    Ok(copied)
}

fn copy_table(source: &rusqlite::Connection, target: &Transaction<'_>, table: &Table) -> anyhow::Result<usize> {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let places: Vec<String> = (1..=names.len()).map(|number| format!("?{number}")).collect();
    let (columns, places) = (names.join(", "), places.join(", "));
    let select = format!("SELECT {columns} FROM {}", table.name);
    let insert = format!("INSERT INTO {} ({columns}) VALUES ({places})", table.name);
    let mut statement = source.prepare(&select)?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(names.len());
        for (index, (_, kind)) in table.columns.iter().enumerate() {
            values.push(Copied { kind: *kind, cell: sqlite::cell(row.get_ref(index)?)? });
        }
        let values: Vec<&dyn Value> = values.iter().map(|value| value as &dyn Value).collect();
        target.execute(&insert, &values).with_context(|| format!("row {} of the table", count + 1))?;
        count += 1;
    }
    Ok(count)
}
