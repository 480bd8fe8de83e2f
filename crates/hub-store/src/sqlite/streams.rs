//! Streams and ingest.

use catalog::{Catalog, Dataset, DocumentBatch, Field};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction};
use values::{CompanyId, DatasetName, Epoch, Hash, Key, Sequence, StoreId, TenantId};
use wire::BatchHeader;
use wire::agent::{BatchAck, StreamReset, StreamState};

use super::columns::Columns;
use super::schema::{child_table, column_list};
use super::{micros, timestamp};
use crate::{DatasetInfo, StoreError};

/// Where a stream stands.
struct Position {
    epoch: Epoch,
    sequence: Sequence,
    digest: Hash,
    previous: Hash,
    fingerprint: Hash,
}

/// A checked batch with what both sides compute from it.
pub(super) struct Rows<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) batch: &'a DocumentBatch,
    pub(super) keys: Vec<Key>,
    pub(super) hashes: Vec<Hash>,
}

pub(super) fn state(
    t: &Transaction<'_>,
    store: &StoreId,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
) -> Result<StreamState, StoreError> {
    let at = position(t, tenant, company, &dataset.name)?;
    Ok(StreamState {
        store: store.clone(),
        epoch: at.epoch,
        sequence: at.sequence,
        digest: at.digest,
        previous: at.previous,
        fingerprint: at.fingerprint,
        hub_fingerprint: dataset.fingerprint(),
        records: count(t, dataset, tenant, company)?,
    })
}

pub(super) fn reset(
    t: &Transaction<'_>,
    store: &StoreId,
    dataset: &Dataset,
    tenant: &TenantId,
    request: &StreamReset,
    now: Timestamp,
) -> Result<StreamState, StoreError> {
    if request.fingerprint != dataset.fingerprint() {
        return Err(StoreError::FingerprintMismatch(request.dataset.clone()));
    }
    let at = position(t, tenant, &request.company, &request.dataset)?;
    let rests_on = (request.from_epoch, request.from_sequence, request.from_digest);
    if rests_on != (at.epoch, at.sequence, at.digest) || request.epoch <= at.epoch {
        let given = format!(
            "epoch {} sequence {} digest {}, with new epoch {}",
            request.from_epoch, request.from_sequence, request.from_digest, request.epoch
        );
        return Err(stale(&at, &request.company, &request.dataset, given));
    }
    let sql = "INSERT INTO hub_streams VALUES (?1, ?2, ?3, ?4, 0, 0, 0, ?5, ?6) \
               ON CONFLICT (tenant, company, dataset) DO UPDATE SET \
               epoch = ?4, sequence = 0, digest = 0, previous = 0, fingerprint = ?5, updated_at = ?6";
    t.prepare_cached(sql)?.execute((
        tenant.as_str(),
        request.company.as_str(),
        request.dataset.as_str(),
        request.epoch.0.cast_signed(),
        request.fingerprint.to_signed(),
        micros(now),
    ))?;
    state(t, store, dataset, tenant, &request.company)
}

pub(super) fn ingest(
    t: &Transaction<'_>,
    tenant: &TenantId,
    header: &BatchHeader,
    rows: &Rows<'_>,
    digest: Hash,
    now: Timestamp,
) -> Result<BatchAck, StoreError> {
    let at = position(t, tenant, &header.company, &header.dataset)?;
    if header.epoch != at.epoch {
        return Err(stale(
            &at,
            &header.company,
            &header.dataset,
            format!("epoch {}", header.epoch),
        ));
    }
    if header.fingerprint != at.fingerprint {
        return Err(StoreError::FingerprintMismatch(header.dataset.clone()));
    }
    let diverged = || StoreError::StreamDiverged {
        company: header.company.clone(),
        dataset: header.dataset.clone(),
        sequence: header.sequence.0,
    };
    let ack = |repeated| BatchAck {
        epoch: header.epoch,
        sequence: header.sequence,
        repeated,
    };
    if header.sequence == at.sequence && header.sequence.0 > 0 {
        return if digest == at.digest {
            Ok(ack(true))
        } else {
            Err(diverged())
        };
    }
    if header.sequence != at.sequence.next() {
        return Err(StoreError::OutOfOrder {
            company: header.company.clone(),
            dataset: header.dataset.clone(),
            expected: at.sequence.next().0,
            given: header.sequence.0,
        });
    }
    if header.previous != at.digest {
        return Err(diverged());
    }
    merge(t, tenant, &header.company, rows, now)?;
    let sql = "UPDATE hub_streams SET sequence = ?, digest = ?, previous = ?, updated_at = ? \
               WHERE tenant = ? AND company = ? AND dataset = ?";
    t.prepare_cached(sql)?.execute((
        header.sequence.0.cast_signed(),
        digest.to_signed(),
        header.previous.to_signed(),
        micros(now),
        tenant.as_str(),
        header.company.as_str(),
        header.dataset.as_str(),
    ))?;
    Ok(ack(false))
}

pub(super) fn list(
    t: &Transaction<'_>,
    catalog: &Catalog,
    tenant: &TenantId,
    company: &CompanyId,
) -> Result<Vec<DatasetInfo>, StoreError> {
    let sql = "SELECT dataset, epoch, sequence, updated_at FROM hub_streams \
               WHERE tenant = ? AND company = ? ORDER BY dataset";
    let mut statement = t.prepare_cached(sql)?;
    let mut rows = statement.query((tenant.as_str(), company.as_str()))?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let records = match catalog.get(&name) {
            Some(dataset) => count(t, dataset, tenant, company)?,
            None => 0,
        };
        list.push(DatasetInfo {
            company: company.clone(),
            dataset: DatasetName::new(name),
            epoch: Epoch(row.get::<_, i64>(1)?.cast_unsigned()),
            sequence: Sequence(row.get::<_, i64>(2)?.cast_unsigned()),
            updated_at: timestamp(row.get(3)?)?,
            records,
        });
    }
    Ok(list)
}

fn position(
    t: &Transaction<'_>,
    tenant: &TenantId,
    company: &CompanyId,
    dataset: &DatasetName,
) -> Result<Position, StoreError> {
    let sql = "SELECT epoch, sequence, digest, previous, fingerprint FROM hub_streams \
               WHERE tenant = ? AND company = ? AND dataset = ?";
    let found = t
        .prepare_cached(sql)?
        .query_row((tenant.as_str(), company.as_str(), dataset.as_str()), |row| {
            Ok(Position {
                epoch: Epoch(row.get::<_, i64>(0)?.cast_unsigned()),
                sequence: Sequence(row.get::<_, i64>(1)?.cast_unsigned()),
                digest: Hash::from_signed(row.get(2)?),
                previous: Hash::from_signed(row.get(3)?),
                fingerprint: Hash::from_signed(row.get(4)?),
            })
        })
        .optional()?;
    Ok(found.unwrap_or(Position {
        epoch: Epoch(0),
        sequence: Sequence(0),
        digest: Hash(0),
        previous: Hash(0),
        fingerprint: Hash(0),
    }))
}

fn stale(at: &Position, company: &CompanyId, dataset: &DatasetName, given: String) -> StoreError {
    StoreError::EpochStale {
        company: company.clone(),
        dataset: dataset.clone(),
        found: format!("epoch {} sequence {} digest {}", at.epoch, at.sequence, at.digest),
        given,
    }
}

fn count(
    t: &Transaction<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
) -> Result<u64, StoreError> {
    let sql = format!(
        "SELECT count(*) FROM \"{}\" WHERE tenant = ? AND company = ?",
        dataset.name
    );
    let count: i64 = t
        .prepare_cached(&sql)?
        .query_row((tenant.as_str(), company.as_str()), |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// Upserts the parents, replaces their children and gives each record its place in the
/// tenant's feed.
fn merge(
    t: &Transaction<'_>,
    tenant: &TenantId,
    company: &CompanyId,
    rows: &Rows<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let length = i64::try_from(rows.keys.len()).unwrap_or(i64::MAX);
    let head: i64 = t
        .prepare_cached("UPDATE hub_tenants SET head = head + ? WHERE tenant = ? RETURNING head")?
        .query_row((length, tenant.as_str()), |row| row.get(0))?;

    let dataset = rows.dataset;
    let name = dataset.name.as_str();
    let mut upsert = t.prepare_cached(&upsert_sql(name, &dataset.fields))?;
    let mut columns = Columns::new(&rows.batch.parents, &dataset.fields, 0);
    let mut position = head - length;
    for (row, (key, hash)) in rows.keys.iter().zip(&rows.hashes).enumerate() {
        position += 1;
        upsert.raw_bind_parameter(1, tenant.as_str())?;
        upsert.raw_bind_parameter(2, company.as_str())?;
        upsert.raw_bind_parameter(3, key.as_str())?;
        upsert.raw_bind_parameter(4, hash.to_signed())?;
        upsert.raw_bind_parameter(5, position)?;
        upsert.raw_bind_parameter(6, micros(now))?;
        columns.bind(&mut upsert, 7, row)?;
        upsert.raw_execute()?;
    }
    for (place, child) in dataset.children.iter().enumerate() {
        let table = child_table(name, &child.name);
        let mut delete = t.prepare_cached(&format!(
            "DELETE FROM \"{table}\" WHERE tenant = ? AND company = ? AND key = ?"
        ))?;
        let mut insert = t.prepare_cached(&insert_child_sql(&table, &child.fields))?;
        let mut columns = rows
            .batch
            .children
            .get(place)
            .map(|r| Columns::new(r, &child.fields, 1));
        let parents = rows.batch.parents_of(place);
        let mut next = 0;
        for (parent, key) in (0_u32..).zip(&rows.keys) {
            delete.execute((tenant.as_str(), company.as_str(), key.as_str()))?;
            let mut ordinal = 0_i64;
            while next < parents.values().len() && parents.value(next) == parent {
                insert.raw_bind_parameter(1, tenant.as_str())?;
                insert.raw_bind_parameter(2, company.as_str())?;
                insert.raw_bind_parameter(3, key.as_str())?;
                insert.raw_bind_parameter(4, ordinal)?;
                if let Some(columns) = &mut columns {
                    columns.bind(&mut insert, 5, next)?;
                }
                insert.raw_execute()?;
                ordinal += 1;
                next += 1;
            }
        }
    }
    Ok(())
}

fn upsert_sql(table: &str, fields: &[Field]) -> String {
    let updates: Vec<_> = fields
        .iter()
        .map(|f| format!(", \"{0}\" = excluded.\"{0}\"", f.name))
        .collect();
    format!(
        "INSERT INTO \"{table}\" (tenant, company, key, _hash, _position, updated_at, {}) \
         VALUES (?, ?, ?, ?, ?, ?{}) ON CONFLICT (tenant, company, key) DO UPDATE SET \
         _hash = excluded._hash, _position = excluded._position, updated_at = excluded.updated_at{}",
        column_list(fields),
        ", ?".repeat(fields.len()),
        updates.concat()
    )
}

fn insert_child_sql(table: &str, fields: &[Field]) -> String {
    format!(
        "INSERT INTO \"{table}\" (tenant, company, key, _ordinal, {}) VALUES (?, ?, ?, ?{})",
        column_list(fields),
        ", ?".repeat(fields.len())
    )
}
