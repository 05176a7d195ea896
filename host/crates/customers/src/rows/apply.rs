//! Writes a batch of customers and the cursor behind it in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use frontgate_store::sql::{self, Transaction, Value};
use frontgate_store::values;
use sha2::{Digest as _, Sha256};

use super::read::known_select;
use super::source::{self, SourceRow};
use super::{KEYS_MAX, groups, places};
use crate::record::PreparedCustomer;

/// Rows that one statement inserts.
const ROWS_MAX: usize = if cfg!(test) { 4 } else { 100 };

/// The replica that may write; `None` in a database that is not shared.
#[derive(Debug, Clone, Copy)]
pub struct Fence {
    /// Id of the replica.
    pub replica: i64,
    /// Number that grows with every change of the keeper.
    pub fence: i64,
}

/// Which cursor a batch continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorKind {
    /// Changes since the last enumeration.
    Changes,
    /// The running enumeration.
    Sweep,
    /// None: customers that were fetched by id, after this change of the source. What changed since is newer.
    Fetched {
        /// See [`crate::TenantCustomers::last_change`].
        after: i64,
    },
}

/// A batch to write.
#[derive(Debug, Clone)]
pub struct Batch {
    pub(crate) kind: CursorKind,
    /// The cursor before, which must be the stored one.
    pub(crate) since: Vec<u8>,
    pub(crate) next: Vec<u8>,
    pub(crate) upserts: Vec<PreparedCustomer>,
    pub(crate) removals: Vec<String>,
    /// JSON, if reported.
    pub(crate) teams: Option<String>,
    pub(crate) total: Option<u64>,
    pub(crate) fence: Option<Fence>,
    pub(crate) customers_max: u32,
}

/// What a batch changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Customers that were not there.
    pub added: u64,
    /// Customers that were changed.
    pub changed: u64,
    /// Customers that were as reported.
    pub same: u64,
    /// Customers that were removed.
    pub removed: u64,
}

/// The result of writing a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// The batch is written.
    Applied(Applied),
    /// The cursor is another one: another replica, or an earlier run of this write, was faster.
    Superseded,
    /// The source has more customers than `customers_max`.
    Full,
}

/// A stored row of a customer.
struct Known {
    n: i64,
    sort_key: Vec<u8>,
    digest: Vec<u8>,
    version: Option<i64>,
}

pub(crate) fn apply(transaction: &Transaction<'_>, tenant: &str, batch: &Batch) -> sql::Result<Write> {
    let Some(source) = source::read(transaction, tenant)? else { return Ok(Write::Superseded) };
    let stored = match batch.kind {
        CursorKind::Changes => &source.cursor,
        CursorKind::Sweep => &source.sweep_cursor,
        CursorKind::Fetched { .. } => &batch.since,
    };
    if *stored != batch.since || !is_keeper(transaction, tenant, batch.fence)? {
        return Ok(Write::Superseded);
    }
    let mut writer = Writer { transaction, source: &source, seq: source.seq, n: source.next_n };
    // Of two with the same id, the last one counts.
    let by_id = batch.upserts.iter().map(|customer| (customer.customer_id.as_str(), customer));
    let mut upserts: BTreeMap<&str, &PreparedCustomer> = by_id.collect();
    for id in &batch.removals {
        upserts.remove(id.as_str());
    }
    writer.drop_forgotten(&mut upserts)?;
    let mut removals: BTreeSet<&str> = batch.removals.iter().map(String::as_str).collect();
    if let CursorKind::Fetched { after } = batch.kind {
        writer.drop_changed(after, &mut upserts, &mut removals)?;
    }
    let Some(mut applied) = writer.upsert(&upserts, batch.customers_max)? else { return Ok(Write::Full) };
    applied.removed = writer.remove(removals)?;
    let (seq, next_n) = (writer.seq, writer.n);
    let live = source.live + difference(applied.added, applied.removed);
    let update = match batch.kind {
        CursorKind::Changes => "cursor = ?4, ",
        CursorKind::Sweep => "sweep_cursor = ?4, ",
        CursorKind::Fetched { .. } => "cursor = coalesce(cursor, ?4), ",
    };
    let update = format!(
        "UPDATE customer_sources SET {update}seq = ?2, next_n = ?3, live = ?7, teams = coalesce(?5, teams),
           total = coalesce(?6, total)
         WHERE id = ?1"
    );
    let total = batch.total.map(|total| i64::try_from(total).unwrap_or(i64::MAX));
    transaction.execute(&update, values![source.id, seq, next_n, batch.next, batch.teams, total, live])?;
    Ok(Write::Applied(applied))
}

fn difference(added: u64, removed: u64) -> i64 {
    i64::try_from(added).unwrap_or_default() - i64::try_from(removed).unwrap_or_default()
}

/// Returns whether this replica may write.
fn is_keeper(transaction: &Transaction<'_>, tenant: &str, fence: Option<Fence>) -> sql::Result<bool> {
    let Some(Fence { replica, fence }) = fence else { return Ok(true) };
    let select = "SELECT EXISTS (SELECT 1 FROM keepers
                  WHERE tenant = ?1 AND part = 'customers' AND replica = ?2 AND fence = ?3)";
    transaction.value(select, values![tenant, replica, fence])
}

/// Returns the digest of a customer's id, by which an erased customer is recognized.
pub(crate) fn id_digest(id: &str) -> Vec<u8> {
    Sha256::digest(id).to_vec()
}

/// Writes rows of one source, and counts its changes.
pub(crate) struct Writer<'w> {
    pub(crate) transaction: &'w Transaction<'w>,
    pub(crate) source: &'w SourceRow,
    pub(crate) seq: i64,
    n: i64,
}

impl<'w> Writer<'w> {
    pub(crate) fn new(transaction: &'w Transaction<'w>, source: &'w SourceRow) -> Self {
        Self { transaction, source, seq: source.seq, n: source.next_n }
    }

    /// Removes customers from a batch that an operator erased.
    fn drop_forgotten(&self, upserts: &mut BTreeMap<&str, &PreparedCustomer>) -> sql::Result<()> {
        let any = "SELECT EXISTS (SELECT 1 FROM customers_forgotten WHERE source = ?1)";
        if !self.transaction.value::<bool>(any, values![self.source.id])? {
            return Ok(());
        }
        let digests: Vec<(String, Vec<u8>)> = upserts.keys().map(|id| ((*id).to_owned(), id_digest(id))).collect();
        for chunk in digests.chunks(KEYS_MAX) {
            let select = format!(
                "SELECT id_digest FROM customers_forgotten WHERE source = ?1 AND id_digest IN ({})",
                places(1, chunk.len())
            );
            let mut values: Vec<&dyn Value> = vec![&self.source.id];
            values.extend(chunk.iter().map(|(_, digest)| digest as &dyn Value));
            for forgotten in self.transaction.rows(&select, &values, |row| row.get::<Vec<u8>>(0))? {
                let id = chunk.iter().find(|(_, digest)| *digest == forgotten);
                id.and_then(|(id, _)| upserts.remove(id.as_str()));
            }
        }
        Ok(())
    }

    /// Leaves out customers that changed after they were asked for, also those that were removed.
    fn drop_changed(
        &self,
        after: i64,
        upserts: &mut BTreeMap<&str, &PreparedCustomer>,
        removals: &mut BTreeSet<&str>,
    ) -> sql::Result<()> {
        let ids: Vec<String> = upserts.keys().chain(&*removals).map(|id| (*id).to_owned()).collect();
        for chunk in ids.chunks(KEYS_MAX) {
            let select = format!(
                "SELECT customer_id FROM customers WHERE source = ?1 AND seq > ?2 AND customer_id IN ({})",
                places(2, chunk.len())
            );
            let mut values: Vec<&dyn Value> = vec![&self.source.id, &after];
            values.extend(chunk.iter().map(|id| id as &dyn Value));
            for changed in self.transaction.rows(&select, &values, |row| row.get::<String>(0))? {
                upserts.remove(changed.as_str());
                removals.remove(changed.as_str());
            }
        }
        Ok(())
    }

    /// Writes new and changed customers; `None` if there would be too many.
    fn upsert(
        &mut self,
        upserts: &BTreeMap<&str, &PreparedCustomer>,
        customers_max: u32,
    ) -> sql::Result<Option<Applied>> {
        let known = self.known(upserts.keys().copied())?;
        let mut applied = Applied::default();
        let (mut seen, mut left, mut written) = (Vec::new(), Vec::new(), Vec::new());
        for (id, customer) in upserts {
            let Some(known) = known.get(*id) else {
                applied.added += 1;
                written.push((self.next_n(), *customer));
                continue;
            };
            let is_older = known.version.zip(customer.version).is_some_and(|(known, new)| new < known);
            if known.digest == customer.digest || is_older {
                applied.same += 1;
                seen.push(known.n);
                continue;
            }
            applied.changed += 1;
            if known.sort_key == customer.sort_key {
                written.push((known.n, *customer));
            } else {
                // A row never moves in the list: the old one is marked as gone.
                left.push(known.n);
                written.push((self.next_n(), *customer));
            }
        }
        if applied.added > 0 && self.source.live + difference(applied.added, 0) > i64::from(customers_max) {
            return Ok(None);
        }
        self.mark_gone(&left)?;
        self.mark_seen(&seen)?;
        for chunk in written.chunks(ROWS_MAX) {
            self.write(chunk)?;
        }
        Ok(Some(applied))
    }

    fn next_n(&mut self) -> i64 {
        self.n += 1;
        self.n - 1
    }

    fn known<'i>(&self, ids: impl Iterator<Item = &'i str>) -> sql::Result<BTreeMap<String, Known>> {
        let ids: Vec<&str> = ids.collect();
        let mut found = BTreeMap::new();
        for chunk in ids.chunks(KEYS_MAX) {
            let mut values: Vec<&dyn Value> = vec![&self.source.id];
            values.extend(chunk.iter().map(|id| id as &dyn Value));
            let rows = self.transaction.rows(&known_select(chunk.len()), &values, |row| {
                let known = Known { n: row.get(1)?, sort_key: row.get(2)?, digest: row.get(3)?, version: row.get(4)? };
                Ok((row.get::<String>(0)?, known))
            })?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// Marks rows as seen by the running enumeration.
    fn mark_seen(&self, rows: &[i64]) -> sql::Result<()> {
        if self.source.sweeping == 0 {
            return Ok(());
        }
        for chunk in rows.chunks(KEYS_MAX) {
            let update =
                format!("UPDATE customers SET generation = ?2 WHERE source = ?1 AND n IN ({})", places(2, chunk.len()));
            let current = self.source.current();
            let mut values: Vec<&dyn Value> = vec![&self.source.id, &current];
            values.extend(chunk.iter().map(|n| n as &dyn Value));
            self.transaction.execute(&update, &values)?;
        }
        Ok(())
    }

    /// Removes customers by id; returns how many were there.
    pub(crate) fn remove(&mut self, ids: BTreeSet<&str>) -> sql::Result<u64> {
        let rows: Vec<i64> = self.known(ids.into_iter())?.into_values().map(|known| known.n).collect();
        self.mark_gone(&rows)?;
        Ok(rows.len() as u64)
    }

    /// Marks rows as gone, and deletes everything about them but id and sort key.
    pub(crate) fn mark_gone(&mut self, rows: &[i64]) -> sql::Result<()> {
        let now = self.transaction.now_ms();
        for n in rows {
            self.seq += 1;
            let update = "UPDATE customers
                          SET gone_ms = ?3, seq = ?4, searched = '', name = '', avatar = NULL, audiences = '[]'
                          WHERE source = ?1 AND n = ?2";
            self.transaction.execute(update, values![self.source.id, n, now, self.seq])?;
        }
        self.delete("customer_records", rows)?;
        self.delete("customer_addresses", rows)
    }

    fn delete(&self, table: &str, rows: &[i64]) -> sql::Result<()> {
        for chunk in rows.chunks(KEYS_MAX) {
            let delete = format!("DELETE FROM {table} WHERE source = ?1 AND n IN ({})", places(1, chunk.len()));
            let mut values: Vec<&dyn Value> = vec![&self.source.id];
            values.extend(chunk.iter().map(|n| n as &dyn Value));
            self.transaction.execute(&delete, &values)?;
        }
        Ok(())
    }

    fn write(&mut self, rows: &[(i64, &PreparedCustomer)]) -> sql::Result<()> {
        const COLUMNS: [&str; 15] = [
            "source",
            "n",
            "customer_id",
            "sort_key",
            "searched",
            "name",
            "avatar",
            "audiences",
            "version",
            "digest",
            "has_unknown_number",
            "generation",
            "seq",
            "fetched_ms",
            "is_complete",
        ];
        let (source, generation, now) = (self.source.id, self.source.current(), self.transaction.now_ms());
        let first = self.seq + 1;
        self.seq += i64::try_from(rows.len()).unwrap_or_default();
        let numbers: Vec<i64> = (first..=self.seq).collect();
        let mut values: Vec<&dyn Value> = Vec::with_capacity(rows.len() * COLUMNS.len());
        for ((n, customer), seq) in rows.iter().zip(&numbers) {
            let row: [&dyn Value; COLUMNS.len()] = [
                &source,
                n,
                &customer.customer_id,
                &customer.sort_key,
                &customer.searched,
                &customer.name,
                &customer.avatar,
                &customer.audiences,
                &customer.version,
                &customer.digest,
                &customer.has_unknown_number,
                &generation,
                seq,
                &now,
                &customer.is_complete,
            ];
            values.extend(row);
        }
        let update: Vec<String> = COLUMNS[2..].iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let insert = format!(
            "INSERT INTO customers ({}) VALUES {} ON CONFLICT (source, n) DO UPDATE SET {}",
            COLUMNS.join(", "),
            groups(0, COLUMNS.len(), rows.len()),
            update.join(", ")
        );
        self.transaction.execute(&insert, &values)?;
        let mut values: Vec<&dyn Value> = Vec::with_capacity(rows.len() * 3);
        for (n, customer) in rows {
            let row: [&dyn Value; 3] = [&source, n, &customer.record];
            values.extend(row);
        }
        let insert = format!(
            "INSERT INTO customer_records (source, n, record) VALUES {}
             ON CONFLICT (source, n) DO UPDATE SET record = excluded.record",
            groups(0, 3, rows.len())
        );
        self.transaction.execute(&insert, &values)?;
        let changed: Vec<i64> = rows.iter().map(|(n, _)| *n).filter(|n| *n < self.source.next_n).collect();
        self.delete("customer_addresses", &changed)?;
        self.write_addresses(rows)
    }

    fn write_addresses(&self, rows: &[(i64, &PreparedCustomer)]) -> sql::Result<()> {
        let all: Vec<(i64, &String)> =
            rows.iter().flat_map(|(n, customer)| customer.addresses.iter().map(|address| (*n, address))).collect();
        for chunk in all.chunks(KEYS_MAX) {
            let mut values: Vec<&dyn Value> = Vec::with_capacity(chunk.len() * 3);
            for (n, address) in chunk {
                let row: [&dyn Value; 3] = [&self.source.id, address, n];
                values.extend(row);
            }
            let insert = format!(
                "INSERT INTO customer_addresses (source, address, n) VALUES {} ON CONFLICT DO NOTHING",
                groups(0, 3, chunk.len())
            );
            self.transaction.execute(&insert, &values)?;
        }
        Ok(())
    }
}
