//! Forgetting what settled documents say of people.

use crate::engine::Tx;
use jiff::Timestamp;
use model::{Decision, ImportReport};
use values::TenantId;

use super::decisions::written;
use super::{decision_of, report_of};
use crate::StoreError;
use crate::sql::micros;

/// Documents in one transaction: others write between two of them.
const AT_A_TIME: u32 = 500;

/// Tenants with documents that are due.
pub(in crate::sql) fn tenants_due(
    t: &Tx<'_>,
    settled_before: Timestamp,
) -> Result<Vec<TenantId>, StoreError> {
    let sql = "SELECT tenant FROM hub_tenants n WHERE EXISTS (SELECT 1 FROM hub_imports i WHERE i.tenant = n.tenant \
               AND i.settled_at IS NOT NULL AND i.redacted_at IS NULL AND i.settled_at < ?) ORDER BY tenant";
    t.all(sql, [micros(settled_before)], |row| {
        Ok(TenantId::new(row.get::<String>(0)?))
    })
}

/// Identity, hash, numbers and amounts stay.
pub(in crate::sql) fn redact(
    t: &Tx<'_>,
    tenant: &TenantId,
    settled_before: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "SELECT id, report, decision FROM hub_imports WHERE tenant = ? AND settled_at IS NOT NULL \
               AND redacted_at IS NULL AND settled_at < ? ORDER BY settled_at LIMIT ?";
    let tenant = tenant.as_str();
    let due = t.all(sql, (tenant, micros(settled_before), AT_A_TIME), |row| {
        Ok((row.get::<String>(0)?, row.get(1)?, row.get(2)?))
    })?;
    let done = u64::try_from(due.len()).unwrap_or(u64::MAX);
    for (id, report, decision) in due {
        let report = report_of(report)?.map(|report| what_stays(&report)).transpose()?;
        // What stands in the body's place says nothing; of a decision its codes stay.
        let decision = decision_of(decision)?.map(|decision| {
            written(&Decision {
                why: String::new(),
                ..decision
            })
        });
        let sql = "UPDATE hub_imports SET body = 'null', report = ?, redacted_at = ?, decision = ? \
                   WHERE tenant = ? AND id = ?";
        t.execute(sql, (report, micros(now), decision.transpose()?, tenant, &id))?;
        let sql = "DELETE FROM hub_import_revisions WHERE tenant = ? AND import = ?";
        t.execute(sql, (tenant, &id))?;
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
