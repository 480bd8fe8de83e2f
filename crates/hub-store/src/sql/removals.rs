//! Records that leave, and the brake that stops a driver that lets too many leave.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::engine::{ByKey, Tx};
use catalog::{BRAKE_WINDOW_S, Dataset, RemovalReason, removal_allowance};
use jiff::{SignedDuration, Timestamp};
use values::{Key, TenantId};
use wire::BatchHeader;

use super::merge::Rows;
use super::tables::child_table;
use super::{feed, micros, tables};
use crate::StoreError;

/// The removals of a batch that change something.
pub(super) struct Leaving {
    list: Vec<Leaver>,
}

struct Leaver {
    key: Key,
    reason: RemovalReason,
    /// It was not purged before.
    live: bool,
}

impl Leaving {
    /// Of the batch's removals those whose records are here.
    pub(super) fn find(
        t: &Tx<'_>,
        tenant: &TenantId,
        header: &BatchHeader,
        rows: &Rows<'_>,
    ) -> Result<Self, StoreError> {
        let mut list = Vec::new();
        if header.removals.is_empty() {
            return Ok(Self { list });
        }
        let mut seen = HashSet::new();
        let removals = header.removals.iter().filter(|r| seen.insert(&r.key));
        let (keys, reasons): (Vec<Key>, Vec<RemovalReason>) =
            removals.map(|r| (r.key.clone(), r.reason)).unzip();
        let by_key = ByKey {
            table: rows.dataset.name.as_str(),
            columns: "_purged_at IS NULL",
            order: "key",
        };
        let own = (tenant.as_str(), header.company.as_str());
        t.each_by_key(&[by_key], own.0, own.1, &keys, |_, place, row| {
            let live: bool = row.get(0)?;
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            if let (Some(key), Some(&reason)) = (keys.get(place), reasons.get(place))
                && (live || reason != RemovalReason::Purged)
            {
                list.push(Leaver {
                    key: key.clone(),
                    reason,
                    live,
                });
            }
            Ok(())
        })?;
        Ok(Self { list })
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// How many of them are live.
    pub(super) fn live(&self) -> i64 {
        let live = self.list.iter().filter(|l| l.live).count();
        i64::try_from(live).unwrap_or(i64::MAX)
    }

    /// Keys of these and of the batch's rows.
    pub(super) fn keys(&self, rows: &Rows<'_>) -> Vec<Key> {
        let leaving = self.list.iter().map(|l| &l.key);
        leaving.chain(&rows.keys).cloned().collect()
    }

    /// Refuses when more would leave unexplained than may. The driver has a brake of its
    /// own; this one is for the driver that is broken.
    pub(super) fn brake(
        &self,
        t: &Tx<'_>,
        tenant: &TenantId,
        header: &BatchHeader,
        rows: &Rows<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let unexplained = self.unexplained();
        if unexplained == 0 {
            return Ok(());
        }
        let live = tables::count_live(t, rows.dataset, tenant, &header.company)?;
        let before = removed_lately(t, tenant, header, now)?;
        // The share is one of what there was before the day's removals.
        let records = live.saturating_add(before);
        let allowed = removal_allowance(records).saturating_add(header.approved);
        let leaving_live = self.list.iter().filter(|l| l.live).count();
        let nothing_left = rows.keys.is_empty() && u64::try_from(leaving_live).is_ok_and(|n| n >= live);
        let emptied = nothing_left && header.approved == 0;
        let unexplained = unexplained.saturating_add(before);
        if unexplained <= allowed && !emptied {
            return Ok(());
        }
        Err(StoreError::BrakeEngaged {
            company: header.company.clone(),
            dataset: header.dataset.clone(),
            unexplained,
            allowed,
            records,
            emptied,
        })
    }

    /// Takes them out of the live records.
    pub(super) fn remove(
        &self,
        t: &Tx<'_>,
        tenant: &TenantId,
        header: &BatchHeader,
        dataset: &Dataset,
        positions: &mut RangeInclusive<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for Leaver { key, reason, .. } in &self.list {
            let position = feed::next(positions)?;
            match reason {
                RemovalReason::Purged => mark_purged(t, tenant, header, dataset, key, position, now)?,
                RemovalReason::Deleted
                | RemovalReason::Filtered
                | RemovalReason::Moved
                | RemovalReason::Settled => {
                    delete(t, tenant, header, dataset, key)?;
                    let grave = (key, *reason);
                    feed::bury(t, dataset, tenant, &header.company, grave, position, now)?;
                }
            }
        }
        match self.unexplained() {
            0 => Ok(()),
            unexplained => tally(t, tenant, header, unexplained.cast_signed(), now),
        }
    }

    fn unexplained(&self) -> u64 {
        let list = self.list.iter().filter(|l| l.live && !l.reason.is_explained());
        u64::try_from(list.count()).unwrap_or(u64::MAX)
    }
}

fn window_start(now: Timestamp) -> Timestamp {
    now.checked_sub(SignedDuration::from_secs(i64::from(BRAKE_WINDOW_S)))
        .unwrap_or(Timestamp::MIN)
}

fn removed_lately(
    t: &Tx<'_>,
    tenant: &TenantId,
    header: &BatchHeader,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "SELECT CAST(coalesce(sum(unexplained), 0) AS BIGINT) FROM hub_removals \
               WHERE tenant = ? AND company = ? AND dataset = ? AND at > ?";
    let removed: i64 = t.row(
        sql,
        (
            tenant.as_str(),
            header.company.as_str(),
            header.dataset.as_str(),
            micros(window_start(now)),
        ),
        |row| row.get(0),
    )?;
    Ok(removed.cast_unsigned())
}

fn tally(
    t: &Tx<'_>,
    tenant: &TenantId,
    header: &BatchHeader,
    unexplained: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let own = (tenant.as_str(), header.company.as_str(), header.dataset.as_str());
    let sql = "DELETE FROM hub_removals WHERE tenant = ? AND company = ? AND dataset = ? AND at <= ?";
    t.execute(sql, (own.0, own.1, own.2, micros(window_start(now))))?;
    let sql = "INSERT INTO hub_removals VALUES (?1, ?2, ?3, ?4, ?5) \
               ON CONFLICT (tenant, company, dataset, at) DO UPDATE SET \
               unexplained = hub_removals.unexplained + ?5";
    t.execute(sql, (own.0, own.1, own.2, micros(now), unexplained))?;
    Ok(())
}

fn mark_purged(
    t: &Tx<'_>,
    tenant: &TenantId,
    header: &BatchHeader,
    dataset: &Dataset,
    key: &Key,
    position: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE \"{}\" SET _purged_at = ?1, updated_at = ?1, _position = ?2 \
         WHERE tenant = ?3 AND company = ?4 AND key = ?5",
        dataset.name
    );
    t.execute(
        &sql,
        (
            micros(now),
            position,
            tenant.as_str(),
            header.company.as_str(),
            key.as_str(),
        ),
    )?;
    Ok(())
}

fn delete(
    t: &Tx<'_>,
    tenant: &TenantId,
    header: &BatchHeader,
    dataset: &Dataset,
    key: &Key,
) -> Result<(), StoreError> {
    let name = dataset.name.as_str();
    let children = dataset.children.iter().map(|c| child_table(name, &c.name));
    for table in std::iter::once(name.to_owned()).chain(children) {
        let sql = format!("DELETE FROM \"{table}\" WHERE tenant = ? AND company = ? AND key = ?");
        t.execute(&sql, (tenant.as_str(), header.company.as_str(), key.as_str()))?;
    }
    Ok(())
}
