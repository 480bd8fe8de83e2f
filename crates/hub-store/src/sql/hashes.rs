//! Hashes and checksums of live records, for `verify`.

use crate::engine::{Row, ToParam as _, Tx};
use catalog::Dataset;
use values::{CompanyId, Hash, Key, TenantId};
use wire::agent::{ChecksumPage, ChecksumRequest, HashPage, HashRequest, RangeChecksum};

use super::documents::{MAX_DOCUMENTS, after_key, load};
use super::tables;
use crate::StoreError;

/// Hashes in one answer: about 1 MiB of JSON.
const MAX_HASHES: u32 = 20_000;
/// Records whose hashes are computed for one answer: a second or so of work.
const MAX_SUMMED: u32 = 50_000;

pub(super) fn hashes(
    t: &Tx<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    request: &HashRequest,
) -> Result<HashPage, StoreError> {
    let most = if request.recompute {
        MAX_DOCUMENTS
    } else {
        MAX_HASHES
    };
    let limit = request.limit.clamp(1, most);
    let after = request.after.as_ref();
    let entries = if !tables::exists(t, dataset, tenant)? {
        Vec::new()
    } else if request.recompute {
        recomputed(t, dataset, tenant, &request.company, after, limit)?
    } else {
        stored(t, dataset, tenant, &request.company, after, limit)?
    };
    let end = u32::try_from(entries.len()).is_ok_and(|n| n < limit);
    Ok(HashPage { entries, end })
}

pub(super) fn checksums(
    t: &Tx<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    request: &ChecksumRequest,
) -> Result<ChecksumPage, StoreError> {
    let range = request.range.clamp(1, MAX_SUMMED);
    let most = request.limit.clamp(1, MAX_SUMMED / range);
    let mut page = ChecksumPage {
        ranges: Vec::new(),
        end: !tables::exists(t, dataset, tenant)?,
    };
    let mut after = request.after.clone();
    let mut open: Option<RangeChecksum> = None;
    while !page.end && page.ranges.len() < usize::try_from(most).unwrap_or(usize::MAX) {
        let missing = range - open.as_ref().map_or(0, |r| r.records);
        let limit = missing.min(MAX_DOCUMENTS);
        let entries = recomputed(t, dataset, tenant, &request.company, after.as_ref(), limit)?;
        page.end = u32::try_from(entries.len()).is_ok_and(|n| n < limit);
        for (key, hash) in entries {
            let sum = Hash::of_bytes(format!("{key}\0{hash}").as_bytes());
            let (records, before) = open.map_or((0, 0), |r| (r.records, r.checksum.0));
            after = Some(key.clone());
            open = Some(RangeChecksum {
                last: key,
                records: records + 1,
                checksum: Hash(before.wrapping_add(sum.0)),
            });
        }
        if page.end || open.as_ref().is_some_and(|r| r.records >= range) {
            page.ranges.extend(open.take());
        }
    }
    Ok(page)
}

fn stored(
    t: &Tx<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
    after: Option<&Key>,
    limit: u32,
) -> Result<Vec<(Key, Hash)>, StoreError> {
    let (compare, after) = after_key(after);
    let sql = format!(
        "SELECT key, _hash FROM \"{}\" WHERE tenant = ? AND company = ? AND key {compare} ? \
         AND _purged_at IS NULL ORDER BY key LIMIT ?",
        dataset.name
    );
    let read = |row: &Row<'_>| Ok((Key::from_stored(row.get(0)?), Hash::from_signed(row.get(1)?)));
    t.all(&sql, (tenant.as_str(), company.as_str(), after, limit), read)
}

/// From the stored columns, so that a row that was damaged shows.
fn recomputed(
    t: &Tx<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
    after: Option<&Key>,
    limit: u32,
) -> Result<Vec<(Key, Hash)>, StoreError> {
    let (compare, after) = after_key(after);
    let condition = format!("key {compare} ?3 AND _purged_at IS NULL ORDER BY key LIMIT ?4");
    let parameters = [
        tenant.as_str().param(),
        company.as_str().param(),
        after.param(),
        limit.param(),
    ];
    let documents = load(t, dataset, tenant, company, &condition, &parameters)?;
    let hashes = dataset.hashes(&documents.batch);
    Ok(documents.keys.into_iter().zip(hashes).collect())
}
