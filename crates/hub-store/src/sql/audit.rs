//! The audit log. [`note`] is the one place where entries are made: in the transaction that
//! does what they tell of, so that neither is there without the other.

use jiff::Timestamp;
use serde_json::Value as Json;
use values::{CompanyId, TenantId};

use super::condition::Condition;
use super::{micros, timestamp};
use crate::StoreError;
use crate::audit::{Actor, AuditAction, AuditEntry, AuditPage, AuditQuery};
use crate::engine::{Param, Row, Tx};

/// Entries are small.
const MOST: u32 = 1_000;

/// What was done.
pub(super) struct Act<'a> {
    pub(super) action: AuditAction,
    /// An id, a token's first characters, a company: never a secret, nothing of people.
    pub(super) subject: &'a str,
    pub(super) company: Option<&'a CompanyId>,
    /// What it was and what it became; null where there is nothing to tell.
    pub(super) details: Json,
}

/// Adds an entry to the tenant's log.
pub(super) fn note(
    t: &Tx<'_>,
    tenant: &TenantId,
    by: &Actor,
    act: Act<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE hub_tenants SET audited = audited + 1 WHERE tenant = ? RETURNING audited";
    let number: i64 = t.row(sql, [tenant.as_str()], |row| row.get(0))?;
    let details = (!act.details.is_null()).then(|| act.details.to_string());
    let sql = "INSERT INTO hub_audit (tenant, number, at, actor, address, action, subject, company, details) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    t.execute(
        sql,
        (
            tenant.as_str(),
            number,
            micros(now),
            by.to_string(),
            by.address().map(|address| address.to_string()),
            act.action.as_str(),
            act.subject,
            act.company.map(CompanyId::as_str),
            details,
        ),
    )?;
    Ok(())
}

/// Was the tenant's log told of these settings last?
pub(super) fn knows_settings(t: &Tx<'_>, tenant: &TenantId, settings: &Json) -> Result<bool, StoreError> {
    let query = AuditQuery {
        action: Some(AuditAction::HubSettings),
        limit: 1,
        ..AuditQuery::default()
    };
    let last = page(t, tenant, &query)?.data.pop();
    Ok(last.is_some_and(|entry| entry.details == *settings))
}

pub(super) fn note_settings(
    t: &Tx<'_>,
    tenant: &TenantId,
    settings: &Json,
    by: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    // Another process may have told it meanwhile.
    if knows_settings(t, tenant, settings)? {
        return Ok(());
    }
    let act = Act {
        action: AuditAction::HubSettings,
        subject: "hub",
        company: None,
        details: settings.clone(),
    };
    note(t, tenant, by, act, now)
}

pub(super) fn page(t: &Tx<'_>, tenant: &TenantId, query: &AuditQuery) -> Result<AuditPage, StoreError> {
    let limit = query.limit.clamp(1, MOST);
    let mut wanted = Condition::of(tenant);
    wanted.and(
        "action =",
        query.action.map(|action| Param::Text(action.as_str())),
    );
    wanted.and("actor =", query.actor.as_deref().map(Param::Text));
    wanted.and("subject =", query.subject.as_deref().map(Param::Text));
    wanted.and("at >=", query.from.map(|at| Param::Integer(micros(at))));
    wanted.and("at <", query.to.map(|at| Param::Integer(micros(at))));
    let before = query.before.map(|number| Param::Integer(number.cast_signed()));
    wanted.and("number <", before);
    wanted.of_companies(query.companies.as_ref());
    // One more than asked for tells whether there is a next page.
    let limited = wanted.place(Param::Integer(i64::from(limit) + 1));
    let sql = format!(
        "SELECT number, at, actor, address, action, subject, company, details FROM hub_audit \
         WHERE {} ORDER BY number DESC LIMIT {limited}",
        wanted.text
    );
    let mut data = t.all(&sql, wanted.values.as_slice(), entry)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = data.len() > most;
    data.truncate(most);
    let next = data.last().map(|last| last.number).filter(|_| more);
    Ok(AuditPage { data, next })
}

/// Tenants that have entries of before an instant.
pub(super) fn tenants_due(t: &Tx<'_>, before: Timestamp) -> Result<Vec<TenantId>, StoreError> {
    let sql = "SELECT tenant FROM hub_tenants WHERE EXISTS (SELECT 1 FROM hub_audit \
               WHERE hub_audit.tenant = hub_tenants.tenant AND at < ?) ORDER BY tenant";
    t.all(sql, [micros(before)], |row| {
        Ok(TenantId::new(row.get::<String>(0)?))
    })
}

pub(super) fn forget(t: &Tx<'_>, tenant: &TenantId, before: Timestamp) -> Result<u64, StoreError> {
    let sql = "DELETE FROM hub_audit WHERE tenant = ? AND at < ?";
    t.execute(sql, (tenant.as_str(), micros(before)))
}

fn entry(row: &Row<'_>) -> Result<AuditEntry, StoreError> {
    let action: String = row.get(4)?;
    let details: Option<String> = row.get(7)?;
    let details = details.map(|text| {
        serde_json::from_str(&text)
            .map_err(|e| StoreError::corrupt(format!("details of an audit entry: {e}")))
    });
    Ok(AuditEntry {
        number: row.get::<i64>(0)?.cast_unsigned(),
        at: timestamp(row.get(1)?)?,
        actor: row.get(2)?,
        address: row.get(3)?,
        action: AuditAction::from_name(&action)
            .ok_or_else(|| StoreError::corrupt(format!("the audited action {action}")))?,
        subject: row.get(5)?,
        company: row.get::<Option<String>>(6)?.map(CompanyId::new),
        details: details.transpose()?.unwrap_or_default(),
    })
}
