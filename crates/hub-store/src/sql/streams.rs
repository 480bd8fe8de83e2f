//! Streams: where they stand, and the batches that they take.

use crate::engine::Tx;
use catalog::{Catalog, Dataset};
use jiff::Timestamp;
use values::{CompanyId, DatasetName, Epoch, Hash, Sequence, StoreId, TenantId};
use wire::BatchHeader;
use wire::agent::{BatchAck, StreamReset, StreamState};

use super::merge::{self, Rows};
use super::removals::Leaving;
use super::{derived, feed, micros, tables};
use crate::StoreError;

/// Where a stream stands.
struct Position {
    epoch: Epoch,
    sequence: Sequence,
    digest: Hash,
    previous: Hash,
    fingerprint: Hash,
}

pub(super) fn state(
    t: &Tx<'_>,
    store: &StoreId,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
    count: bool,
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
        records: count
            .then(|| tables::count_live(t, dataset, tenant, company))
            .transpose()?,
    })
}

pub(super) fn reset(
    t: &Tx<'_>,
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
    if dataset.user_defined {
        tables::admit(t, dataset, tenant)?;
    }
    // Counted anew, whatever was kept of it.
    let records = tables::count_live(t, dataset, tenant, &request.company)?;
    let sql = "INSERT INTO hub_streams (tenant, company, dataset, epoch, sequence, digest, previous, fingerprint, \
               updated_at, records) VALUES (?1, ?2, ?3, ?4, 0, 0, 0, ?5, ?6, ?7) \
               ON CONFLICT (tenant, company, dataset) DO UPDATE SET \
               epoch = ?4, sequence = 0, digest = 0, previous = 0, fingerprint = ?5, updated_at = ?6, records = ?7";
    t.execute(
        sql,
        (
            tenant.as_str(),
            request.company.as_str(),
            request.dataset.as_str(),
            request.epoch.0.cast_signed(),
            request.fingerprint.to_signed(),
            micros(now),
            records.cast_signed(),
        ),
    )?;
    state(t, store, dataset, tenant, &request.company, false)
}

pub(super) fn ingest(
    t: &Tx<'_>,
    catalog: &Catalog,
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
    let more = apply(t, catalog, tenant, header, rows, now)?;
    let sql = "UPDATE hub_streams SET sequence = ?, digest = ?, previous = ?, updated_at = ?, records = records + ? \
               WHERE tenant = ? AND company = ? AND dataset = ?";
    t.execute(
        sql,
        (
            header.sequence.0.cast_signed(),
            digest.to_signed(),
            header.previous.to_signed(),
            micros(now),
            more,
            tenant.as_str(),
            header.company.as_str(),
            header.dataset.as_str(),
        ),
    )?;
    Ok(ack(false))
}

/// Everything that a batch does to records, or the brake's refusal. Returns how many more live
/// ones there are.
fn apply(
    t: &Tx<'_>,
    catalog: &Catalog,
    tenant: &TenantId,
    header: &BatchHeader,
    rows: &Rows<'_>,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let company = &header.company;
    let leaving = Leaving::find(t, tenant, header, rows)?;
    leaving.brake(t, tenant, header, rows, now)?;
    let mut touched = derived::touched(t, catalog, rows.dataset, tenant, company, &leaving.keys(rows))?;
    let length = rows.keys.len() + leaving.len();
    let mut positions = feed::take(t, tenant, length)?;
    let come = merge::upsert(t, tenant, company, rows, &mut positions, now)?;
    leaving.remove(t, tenant, header, rows.dataset, &mut positions, now)?;
    touched.extend(derived::touched(
        t,
        catalog,
        rows.dataset,
        tenant,
        company,
        &rows.keys,
    )?);
    derived::move_up(t, catalog, tenant, company, &touched, now)?;
    Ok(come - leaving.live())
}

fn position(
    t: &Tx<'_>,
    tenant: &TenantId,
    company: &CompanyId,
    dataset: &DatasetName,
) -> Result<Position, StoreError> {
    let sql = "SELECT epoch, sequence, digest, previous, fingerprint FROM hub_streams \
               WHERE tenant = ? AND company = ? AND dataset = ?";
    let found = t.one(
        sql,
        (tenant.as_str(), company.as_str(), dataset.as_str()),
        |row| {
            Ok(Position {
                epoch: Epoch(row.get::<i64>(0)?.cast_unsigned()),
                sequence: Sequence(row.get::<i64>(1)?.cast_unsigned()),
                digest: Hash::from_signed(row.get(2)?),
                previous: Hash::from_signed(row.get(3)?),
                fingerprint: Hash::from_signed(row.get(4)?),
            })
        },
    )?;
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
