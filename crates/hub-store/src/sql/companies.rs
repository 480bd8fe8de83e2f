//! Companies that leave the hub.

use catalog::Catalog;
use jiff::{SignedDuration, Timestamp};
use model::ImportState;
use serde_json::json;
use values::{CompanyId, TenantId};

use super::audit::{self, Act};
use super::{imports, micros, people, tables};
use crate::engine::Tx;
use crate::{Actor, AuditAction, RemovedCompany, StoreError, WakeKind};

/// A driver that was heard of within this time is at work. It asks every half minute or so.
const AT_WORK: SignedDuration = SignedDuration::from_mins(10);
/// Tables of the company's own, besides those of datasets.
const OWN: [&str; 7] = [
    "hub_queued",
    "hub_tombstones",
    "hub_removals",
    "hub_previews",
    "hub_webhook_events",
    "hub_streams",
    "hub_companies",
];

pub(super) fn remove(
    t: &Tx<'_>,
    catalog: &Catalog,
    (tenant, company): (&TenantId, &CompanyId),
    discard_open: bool,
    by: &Actor,
    now: Timestamp,
) -> Result<RemovedCompany, StoreError> {
    let found = people::company(t, tenant, company)?;
    let found = found.ok_or_else(|| StoreError::CompanyUnknown(company.clone()))?;
    let sql = "SELECT 1 FROM hub_agents WHERE tenant = ? AND agent = ? AND revoked_at IS NULL AND last_contact_at > ?";
    let since = micros(now.checked_sub(AT_WORK).unwrap_or(now));
    if t.exists(sql, (tenant.as_str(), found.agent.as_str(), since))? {
        return Err(StoreError::CompanyInUse {
            company: company.clone(),
            agent: found.agent,
        });
    }
    let documents = settle_documents(t, (tenant, company), discard_open, by, now)?;
    let records = drop_records(t, catalog, tenant, company)?;
    for table in OWN {
        let sql = format!("DELETE FROM {table} WHERE tenant = ? AND company = ?");
        t.execute(&sql, (tenant.as_str(), company.as_str()))?;
    }
    // No tombstones tell of all this: whoever follows the feed has to start again.
    let sql = "UPDATE hub_tenants SET head = head + 1, feed_floor = head + 1 WHERE tenant = ?";
    t.execute(sql, [tenant.as_str()])?;
    // Webhooks go on, as far as tombstones of others reach; what is being told by one of them
    // now is told again.
    let sql = "UPDATE hub_webhooks SET epoch = epoch + 1 WHERE tenant = ?";
    t.execute(sql, [tenant.as_str()])?;
    t.wake(WakeKind::Change, tenant);
    let removed = RemovedCompany { records, documents };
    let act = Act {
        action: AuditAction::CompanyRemoved,
        subject: company.as_str(),
        company: Some(company),
        details: json!({ "agent": found.agent, "records": records, "documents_discarded": documents }),
    };
    audit::note(t, tenant, by, act, now)?;
    Ok(removed)
}

/// Gives up what is open, where that is wanted and can be done. Documents stay, with their
/// keys and numbers: they are what was done.
fn settle_documents(
    t: &Tx<'_>,
    (tenant, company): (&TenantId, &CompanyId),
    discard_open: bool,
    by: &Actor,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM hub_imports WHERE tenant = ? AND company = ? AND state = ?";
    let count = |state: ImportState| -> Result<u64, StoreError> {
        let count: i64 = t.row(sql, (tenant.as_str(), company.as_str(), state.as_str()), |row| {
            row.get(0)
        })?;
        Ok(count.cast_unsigned())
    };
    // What may be in the ERP is for a person to find out.
    let unproven = count(ImportState::Writing)? + count(ImportState::InDoubt)?;
    let mut open = 0;
    for state in imports::OPEN {
        open += count(state)?;
    }
    if unproven > 0 || (open > 0 && !discard_open) {
        return Err(StoreError::CompanyHasDocuments {
            company: company.clone(),
            open,
            unproven,
        });
    }
    imports::discard_all(t, tenant, company, by, now)?;
    Ok(open)
}

fn drop_records(
    t: &Tx<'_>,
    catalog: &Catalog,
    tenant: &TenantId,
    company: &CompanyId,
) -> Result<u64, StoreError> {
    let own = (tenant.as_str(), company.as_str());
    let sql = "SELECT dataset FROM hub_streams WHERE tenant = ? AND company = ?";
    let names = t.all(sql, own, |row| row.get::<String>(0))?;
    let mut records = 0;
    for dataset in names.iter().filter_map(|name| catalog.resolve(name)) {
        for child in &dataset.children {
            let table = tables::child_table(dataset.name.as_str(), &child.name);
            t.execute(
                &format!("DELETE FROM \"{table}\" WHERE tenant = ? AND company = ?"),
                own,
            )?;
        }
        let sql = format!(
            "DELETE FROM \"{}\" WHERE tenant = ? AND company = ?",
            dataset.name
        );
        records += t.execute(&sql, own)?;
    }
    Ok(records)
}
