//! The bytes of versions, which are stored in parts: one statement never carries a whole file.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use bytes::{Bytes, BytesMut};
use frontgate_contract::digest::Digest;
use frontgate_store::sql::{Scope, Transaction};
use frontgate_store::{Database, NO_TENANT, Origin, StoreError, values};

/// Size of a part in bytes.
const PART_BYTES: usize = 1 << 20;

/// Stores the bytes of a version, if they are not there yet. A version that is never offered is deleted by `rows::trim`.
pub(super) async fn store(database: &Arc<Database>, digest: Digest, wasm: &Bytes) -> Result<(), StoreError> {
    for (number, from) in (0..wasm.len()).step_by(PART_BYTES).enumerate() {
        let part = wasm.slice(from..wasm.len().min(from + PART_BYTES));
        let (digest, number) = (digest.to_string(), i64::try_from(number).unwrap_or(i64::MAX));
        let write = move |transaction: &Transaction<'_>| {
            // The time keeps the parts from being deleted before the offer.
            let insert = "INSERT INTO plugin_bytes (digest, part, bytes, time_ms) VALUES (?1, ?2, ?3, ?4)
                          ON CONFLICT (digest, part) DO UPDATE SET time_ms = excluded.time_ms";
            let bytes: &[u8] = &part;
            transaction.execute(insert, values![digest, number, bytes, transaction.now_ms()]).map(drop)
        };
        database.write_in_time(Origin::internal(), Scope::Rows, write).await?;
    }
    Ok(())
}

/// Reads the bytes of a version.
pub(super) async fn read(database: &Arc<Database>, digest: Digest) -> anyhow::Result<Bytes> {
    let context = || format!("failed to read version {}", digest.short());
    let mut wasm = BytesMut::new();
    for number in 0_i64.. {
        let name = digest.to_string();
        let part = database.read(NO_TENANT, move |read| {
            let select = "SELECT bytes FROM plugin_bytes WHERE digest = ?1 AND part = ?2";
            read.row(select, values![name, number], |row| row.get::<Vec<u8>>(0))
        });
        match part.await.with_context(context)? {
            Some(part) => wasm.extend_from_slice(&part),
            None => break,
        }
    }
    if Digest::of(&wasm) != digest {
        bail!("version {} is missing or damaged in the database; deploy the file again", digest.short());
    }
    Ok(wasm.freeze())
}
