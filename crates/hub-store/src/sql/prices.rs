//! What companies have chosen for their prices. The store keeps it; what it means is not its own.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use values::{CompanyId, TenantId};

use super::audit::{self, Act};
use super::{feed, imports};
use crate::engine::Tx;
use crate::{Actor, AuditAction, StoreError};

pub(super) fn options(
    t: &Tx<'_>,
    tenant: &TenantId,
    company: &CompanyId,
) -> Result<Map<String, Json>, StoreError> {
    let sql = "SELECT price_options FROM hub_companies WHERE tenant = ? AND company = ?";
    let found = t.one(sql, (tenant.as_str(), company.as_str()), |row| {
        row.get::<Option<String>>(0)
    })?;
    let text = found.ok_or_else(|| StoreError::CompanyUnknown(company.clone()))?;
    text.map_or_else(|| Ok(Map::new()), |text| imports::parsed("price options", &text))
}

pub(super) fn choose(
    t: &Tx<'_>,
    (tenant, company): (&TenantId, &CompanyId),
    choices: &Map<String, Json>,
    by: &Actor,
    now: Timestamp,
) -> Result<Map<String, Json>, StoreError> {
    let mut all = options(t, tenant, company)?;
    let mut changes = Map::new();
    for (name, new) in choices {
        let old = if new.is_null() {
            all.remove(name)
        } else {
            all.insert(name.clone(), new.clone())
        };
        let old = old.unwrap_or_default();
        if old != *new {
            changes.insert(name.clone(), json!({ "old": old, "new": new }));
        }
    }
    if changes.is_empty() {
        return Ok(all);
    }
    let text = (!all.is_empty()).then(|| json!(all).to_string());
    let sql = "UPDATE hub_companies SET price_options = ? WHERE tenant = ? AND company = ?";
    t.execute(sql, (text, tenant.as_str(), company.as_str()))?;
    // No record stands there: whoever keeps prices sees that the feed has moved.
    feed::take(t, tenant, 1)?;
    let act = Act {
        action: AuditAction::CompanyPricesEdited,
        subject: company.as_str(),
        company: Some(company),
        details: json!({ "options": changes }),
    };
    audit::note(t, tenant, by, act, now)?;
    Ok(all)
}
