//! Forgetting what settled documents say of people.

use jiff::Timestamp;
use model::ImportReport;
use rusqlite::Transaction;

use super::report_of;
use crate::StoreError;
use crate::sqlite::micros;

/// Documents in one transaction: others write between two of them.
const AT_A_TIME: u32 = 500;

/// Identity, hash, numbers and amounts stay.
pub(in crate::sqlite) fn redact(
    t: &Transaction<'_>,
    settled_before: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let tenants: Vec<String> = t
        .prepare_cached("SELECT tenant FROM hub_tenants ORDER BY tenant")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let sql = "SELECT id, report FROM hub_imports WHERE tenant = ? AND settled_at IS NOT NULL \
               AND redacted_at IS NULL AND settled_at < ? ORDER BY settled_at LIMIT ?";
    let mut done = 0;
    for tenant in tenants {
        let mut statement = t.prepare_cached(sql)?;
        let due: Vec<(String, Option<String>)> = statement
            .query_map((&tenant, micros(settled_before), AT_A_TIME), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<_, _>>()?;
        for (id, report) in due {
            let report = report_of(report)?.map(|report| what_stays(&report)).transpose()?;
            // What stands in the body's place says nothing; of a decision its codes stay.
            let sql = "UPDATE hub_imports SET body = 'null', report = ?, redacted_at = ?, \
                       decision = json_remove(decision, '$.why') WHERE tenant = ? AND id = ?";
            t.prepare_cached(sql)?
                .execute((report, micros(now), &tenant, &id))?;
            t.prepare_cached("DELETE FROM hub_import_revisions WHERE tenant = ? AND import = ?")?
                .execute((&tenant, &id))?;
            done += 1;
        }
    }
    Ok(done)
}

fn what_stays(report: &ImportReport) -> Result<String, StoreError> {
    let left = ImportReport {
        state: report.state,
        numbers: report.numbers.clone(),
        totals: report.totals.clone(),
        lines: Vec::new(),
        warnings: Vec::new(),
        problems: Vec::new(),
        attempts: Vec::new(),
    };
    serde_json::to_string(&left).map_err(|e| StoreError::corrupt(format!("a report: {e}")))
}
