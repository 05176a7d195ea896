//! Erases customers: one on an operator's request, or all of a tenant without an index.

use frontgate_store::sql::{self, Transaction};
use frontgate_store::values;

use super::apply::{Writer, id_digest};
use super::source;

/// Rows that one transaction deletes.
const DELETED_AT_ONCE: i64 = 500;

/// Removes a customer and excludes its id from now on; returns whether the customer was stored. Its id and sort key are
/// kept until [`empty_forgotten`].
pub(crate) fn forget(transaction: &Transaction<'_>, tenant: &str, id: &str) -> sql::Result<bool> {
    let Some(source) = source::read(transaction, tenant)? else { return Ok(false) };
    let insert = "INSERT INTO customers_forgotten (source, id_digest) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    transaction.execute(insert, values![source.id, id_digest(id)])?;
    let mut writer = Writer::new(transaction, &source);
    let removed = writer.remove([id].into())?;
    let update = "UPDATE customer_sources SET seq = ?2, live = ?3 WHERE id = ?1";
    let live = source.live - i64::try_from(removed).unwrap_or_default();
    transaction.execute(update, values![source.id, writer.seq, live])?;
    Ok(removed > 0)
}

/// Empties what is left of an erased customer: the key reveals the beginning of the name, and the id may be personal.
/// Gateways that still have the customer in memory load everything again, since the row has lost its place.
pub(crate) fn empty_forgotten(transaction: &Transaction<'_>, tenant: &str, id: &str) -> sql::Result<()> {
    let Some(source) = source::read(transaction, tenant)? else { return Ok(()) };
    let empty = "UPDATE customers SET sort_key = ?3, customer_id = '', digest = ?3
                 WHERE source = ?1 AND customer_id = ?2 AND gone_ms IS NOT NULL";
    transaction.execute(empty, values![source.id, id, Vec::<u8>::new()]).map(drop)
}

/// Allows the id of an erased customer again.
pub(crate) fn allow(transaction: &Transaction<'_>, tenant: &str, id: &str) -> sql::Result<bool> {
    let Some(source) = source::read(transaction, tenant)? else { return Ok(false) };
    let delete = "DELETE FROM customers_forgotten WHERE source = ?1 AND id_digest = ?2";
    Ok(transaction.execute(delete, values![source.id, id_digest(id)])? > 0)
}

/// Gives the source of a tenant whose index was switched off another tenant's name, which it returns. If the index is
/// switched on meanwhile, it begins anew, and never shows what is left during the deletion.
pub(crate) fn set_aside(transaction: &Transaction<'_>, tenant: &str) -> sql::Result<String> {
    let Some(source) = source::read(transaction, tenant)? else { return Ok(tenant.to_owned()) };
    // No tenant has a name with a space.
    let aside = format!("deleted {}", source.id);
    transaction.execute("UPDATE customer_sources SET tenant = ?2 WHERE id = ?1", values![source.id, aside])?;
    Ok(aside)
}

/// Deletes some rows of a tenant whose index was switched off; returns whether more are left.
pub(crate) fn delete_all(transaction: &Transaction<'_>, tenant: &str) -> sql::Result<bool> {
    let Some(source) = source::read(transaction, tenant)? else { return Ok(false) };
    let mut is_more = false;
    for table in ["customer_addresses", "customer_records", "customers"] {
        let delete = format!(
            "DELETE FROM {table} WHERE source = ?1 AND n IN (SELECT n FROM {table} WHERE source = ?1 ORDER BY n LIMIT ?2)"
        );
        is_more |= transaction.execute(&delete, values![source.id, DELETED_AT_ONCE])? > 0;
    }
    if !is_more {
        transaction.execute("DELETE FROM customers_forgotten WHERE source = ?1", values![source.id])?;
        transaction.execute("DELETE FROM customer_sources WHERE id = ?1", values![source.id])?;
    }
    Ok(is_more)
}
