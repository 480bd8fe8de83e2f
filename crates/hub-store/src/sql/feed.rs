//! The tenant's feed: positions in it, and the tombstones that stand there for records
//! that have left.

use std::ops::RangeInclusive;

use crate::engine::{Row, Tx};
use catalog::{Dataset, RemovalReason};
use jiff::Timestamp;
use values::{CompanyId, Key, TenantId};

use super::{micros, timestamp};
use crate::{StoreError, Tombstone, WakeKind};

/// The next so many positions.
pub(super) fn take(t: &Tx<'_>, tenant: &TenantId, length: usize) -> Result<RangeInclusive<i64>, StoreError> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    if length > 0 {
        t.wake(WakeKind::Change, tenant);
    }
    let head: i64 = t.row(
        "UPDATE hub_tenants SET head = head + ? WHERE tenant = ? RETURNING head",
        (length, tenant.as_str()),
        |row| row.get(0),
    )?;
    Ok(head - length + 1..=head)
}

/// The next of those taken.
pub(super) fn next(positions: &mut RangeInclusive<i64>) -> Result<i64, StoreError> {
    positions
        .next()
        .ok_or_else(|| StoreError::corrupt("fewer positions than changes"))
}

pub(super) fn bury(
    t: &Tx<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
    (key, reason): (&Key, RemovalReason),
    position: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO hub_tombstones VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
               ON CONFLICT (tenant, company, dataset, key) DO UPDATE SET \
               position = ?5, deleted_at = ?6, reason = ?7";
    t.execute(
        sql,
        (
            tenant.as_str(),
            company.as_str(),
            dataset.name.as_str(),
            key.as_str(),
            position,
            micros(now),
            reason.as_str(),
        ),
    )?;
    Ok(())
}

/// These records are there again.
pub(super) fn forget_tombstones(
    t: &Tx<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
    keys: &[Key],
) -> Result<(), StoreError> {
    let own = (tenant.as_str(), company.as_str(), dataset.name.as_str());
    let sql = "SELECT 1 FROM hub_tombstones WHERE tenant = ? AND company = ? AND dataset = ? LIMIT 1";
    // A first load has millions of rows and no tombstone.
    if !t.exists(sql, own)? {
        return Ok(());
    }
    let own = [("tenant", own.0), ("company", own.1), ("dataset", own.2)];
    t.delete_by_key("hub_tombstones", &own, keys)
}

/// Tombstones behind a position and up to another, with their own.
pub(super) fn tombstones(
    t: &Tx<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
    (after, until): (i64, i64),
    limit: u32,
) -> Result<Vec<(u64, Tombstone)>, StoreError> {
    let sql = "SELECT key, reason, deleted_at, position FROM hub_tombstones \
               WHERE tenant = ? AND company = ? AND dataset = ? AND position > ? \
               AND position <= ? ORDER BY position LIMIT ?";
    let mut found = Vec::new();
    t.each(
        sql,
        (
            tenant.as_str(),
            company.as_str(),
            dataset.name.as_str(),
            after,
            until,
            limit,
        ),
        |row| {
            let position: i64 = row.get(3)?;
            found.push((position.cast_unsigned(), read(row, company)?));
            Ok(())
        },
    )?;
    Ok(found)
}

pub(super) fn tombstone(
    t: &Tx<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
    key: &Key,
) -> Result<Option<Tombstone>, StoreError> {
    let sql = "SELECT key, reason, deleted_at FROM hub_tombstones \
               WHERE tenant = ? AND company = ? AND dataset = ? AND key = ?";
    let own = (
        tenant.as_str(),
        company.as_str(),
        dataset.name.as_str(),
        key.as_str(),
    );
    t.one(sql, own, |row| read(row, company))
}

fn read(row: &Row<'_>, company: &CompanyId) -> Result<Tombstone, StoreError> {
    let reason: String = row.get(1)?;
    Ok(Tombstone {
        key: Key::from_stored(row.get(0)?),
        company: company.clone(),
        reason: RemovalReason::from_name(&reason)
            .ok_or_else(|| StoreError::corrupt(format!("the reason {reason}")))?,
        deleted_at: timestamp(row.get(2)?)?,
    })
}
