//! Tenants, agents and companies.

use std::net::IpAddr;

use crate::engine::{Row, Tx};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use values::{AgentId, CompanyId, LeaseEpoch, Secret, TenantId};
use wire::agent::{Enroll, Enrolled};

use super::audit::{self, Act};
use super::{micros, timestamp};
use crate::digest::hash_secret;
use crate::{
    Actor, AgentInfo, AgentKey, AgentRole, AgentScope, AuditAction, CompanyInfo, EnrolmentCodeInfo,
    StoreError, TenantInfo,
};

/// A request may be dated five minutes ahead and be replayed until five minutes after.
const NONCE_LIFE: SignedDuration = SignedDuration::from_mins(11);
/// Of a code's digest: enough to tell one from the others.
const CODE_ID_BYTES: usize = 6;
/// The last contact is for people: written at most so often.
const CONTACT_GRAIN: SignedDuration = SignedDuration::from_secs(30);

pub(super) fn add_tenant(
    t: &Tx<'_>,
    id: &TenantId,
    name: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO hub_tenants (tenant, name, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    if t.execute(sql, (id.as_str(), name, micros(now)))? == 0 {
        return Err(StoreError::TenantExists(name.to_owned()));
    }
    let act = Act {
        action: AuditAction::TenantAdded,
        subject: id.as_str(),
        company: None,
        details: json!({ "name": name }),
    };
    audit::note(t, id, by, act, now)
}

pub(super) fn find_tenant(t: &Tx<'_>, name_or_id: &str) -> Result<TenantId, StoreError> {
    // A name wins over an id: ids are random, so nobody has to choose names around them.
    let sql = "SELECT tenant FROM hub_tenants WHERE name = ?1 OR tenant = ?1 ORDER BY name = ?1 DESC LIMIT 1";
    let found = t.one(sql, [name_or_id], |row| row.get::<String>(0))?;
    found
        .map(TenantId::new)
        .ok_or_else(|| StoreError::TenantUnknown(name_or_id.to_owned()))
}

pub(super) fn tenants(t: &Tx<'_>) -> Result<Vec<TenantInfo>, StoreError> {
    let mut tenants = Vec::new();
    t.each(
        "SELECT tenant, name, created_at FROM hub_tenants ORDER BY name",
        (),
        |row| {
            tenants.push(TenantInfo {
                tenant: TenantId::new(row.get::<String>(0)?),
                name: row.get(1)?,
                created_at: timestamp(row.get(2)?)?,
            });
            Ok(())
        },
    )?;
    Ok(tenants)
}

pub(super) fn add_enrolment_code(
    t: &Tx<'_>,
    tenant: &TenantId,
    (code, role, expires_at): (&Secret, AgentRole, Timestamp),
    by: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO hub_enrolment_codes VALUES (?, ?, ?, ?, ?, NULL)";
    t.execute(
        sql,
        (
            tenant.as_str(),
            hash_secret(code),
            role.as_str(),
            micros(now),
            micros(expires_at),
        ),
    )?;
    let act = Act {
        action: AuditAction::CodeAdded,
        subject: role.as_str(),
        company: None,
        details: json!({ "id": code_id(&hash_secret(code)), "expires_at": expires_at }),
    };
    audit::note(t, tenant, by, act, now)
}

pub(super) fn enrolment_codes(t: &Tx<'_>, tenant: &TenantId) -> Result<Vec<EnrolmentCodeInfo>, StoreError> {
    let sql = "SELECT hash, role, created_at, expires_at, used_at FROM hub_enrolment_codes WHERE tenant = ? \
               ORDER BY created_at DESC, hash";
    t.all(sql, [tenant.as_str()], |row| {
        Ok(EnrolmentCodeInfo {
            id: code_id(&row.get::<Vec<u8>>(0)?),
            role: role(&row.get::<String>(1)?)?,
            created_at: timestamp(row.get(2)?)?,
            expires_at: timestamp(row.get(3)?)?,
            used_at: row.get::<Option<i64>>(4)?.map(timestamp).transpose()?,
        })
    })
}

/// The first digits of its digest.
fn code_id(hash: &[u8]) -> String {
    hex::encode(hash.get(..CODE_ID_BYTES).unwrap_or(hash))
}

pub(super) fn revoke_enrolment_code(
    t: &Tx<'_>,
    tenant: &TenantId,
    code_or_id: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let given = hash_secret(&Secret::new(code_or_id));
    let sql = "SELECT hash, role, used_at FROM hub_enrolment_codes WHERE tenant = ?";
    let codes = t.all(sql, [tenant.as_str()], |row| {
        Ok((
            row.get::<Vec<u8>>(0)?,
            row.get::<String>(1)?,
            row.get::<Option<i64>>(2)?,
        ))
    })?;
    let meant = codes
        .into_iter()
        .find(|(hash, ..)| *hash == given || code_id(hash) == code_or_id);
    let (hash, role, used_at) = meant.ok_or(StoreError::CodeUnknown)?;
    if used_at.is_some() {
        return Err(StoreError::CodeUsed);
    }
    let sql = "DELETE FROM hub_enrolment_codes WHERE tenant = ? AND hash = ?";
    t.execute(sql, (tenant.as_str(), hash.clone()))?;
    let act = Act {
        action: AuditAction::CodeRevoked,
        subject: &role,
        company: None,
        details: json!({ "id": code_id(&hash) }),
    };
    audit::note(t, tenant, by, act, now)
}

pub(super) fn enroll(
    t: &Tx<'_>,
    request: &Enroll,
    agent: &AgentId,
    from: Option<IpAddr>,
    now: Timestamp,
) -> Result<Enrolled, StoreError> {
    let hash = hash_secret(&request.code);
    // Of two who redeem a code at once, the second one finds it used.
    let owner = "SELECT tenant FROM hub_enrolment_codes WHERE hash = ?";
    if let Some(tenant) = t.one(owner, [&hash], |row| row.get::<String>(0))? {
        t.lock(&TenantId::new(tenant))?;
    }
    let sql = "SELECT c.tenant, n.name, c.role, c.expires_at, c.used_at \
               FROM hub_enrolment_codes c JOIN hub_tenants n ON n.tenant = c.tenant WHERE c.hash = ?";
    let found = t.one(sql, [&hash], |row| {
        let tenant = TenantId::new(row.get::<String>(0)?);
        let name: String = row.get(1)?;
        Ok((
            tenant,
            name,
            row.get::<String>(2)?,
            row.get::<i64>(3)?,
            row.get::<Option<i64>>(4)?,
        ))
    })?;
    let (tenant, tenant_name, role, expires_at, used_at) = found.ok_or(StoreError::CodeUnknown)?;
    if used_at.is_some() {
        return Err(StoreError::CodeUsed);
    }
    if expires_at <= micros(now) {
        return Err(StoreError::CodeExpired(timestamp(expires_at)?.to_string()));
    }
    t.execute(
        "UPDATE hub_enrolment_codes SET used_at = ? WHERE tenant = ? AND hash = ?",
        (micros(now), tenant.as_str(), &hash),
    )?;
    t.execute(
        "INSERT INTO hub_agents VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, NULL)",
        (
            tenant.as_str(),
            agent.as_str(),
            &role,
            &request.public_key,
            &request.host,
            &request.version,
            micros(now),
        ),
    )?;
    let act = Act {
        action: AuditAction::AgentEnrolled,
        subject: agent.as_str(),
        company: None,
        details: json!({ "role": role, "host": request.host, "version": request.version }),
    };
    audit::note(t, &tenant, &Actor::agent(agent, from), act, now)?;
    Ok(Enrolled {
        agent: agent.clone(),
        tenant,
        tenant_name,
    })
}

pub(super) fn agents(t: &Tx<'_>, tenant: &TenantId) -> Result<Vec<AgentInfo>, StoreError> {
    let sql = "SELECT agent, role, host, version, enrolled_at, last_contact_at, revoked_at FROM hub_agents \
               WHERE tenant = ? ORDER BY enrolled_at, agent";
    let mut agents = Vec::new();
    t.each(sql, [tenant.as_str()], |row| {
        agents.push(AgentInfo {
            agent: AgentId::new(row.get::<String>(0)?),
            role: role(&row.get::<String>(1)?)?,
            host: row.get(2)?,
            version: row.get(3)?,
            enrolled_at: timestamp(row.get(4)?)?,
            last_contact_at: row.get::<Option<i64>>(5)?.map(timestamp).transpose()?,
            revoked_at: row.get::<Option<i64>>(6)?.map(timestamp).transpose()?,
        });
        Ok(())
    })?;
    Ok(agents)
}

pub(super) fn revoke_agent(
    t: &Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    by: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    if is_revoked(t, tenant, agent)? {
        return Ok(());
    }
    let sql = "UPDATE hub_agents SET revoked_at = ? WHERE tenant = ? AND agent = ?";
    t.execute(sql, (micros(now), tenant.as_str(), agent.as_str()))?;
    let act = Act {
        action: AuditAction::AgentRevoked,
        subject: agent.as_str(),
        company: None,
        details: Json::Null,
    };
    audit::note(t, tenant, by, act, now)
}

pub(super) fn agent_key(t: &Tx<'_>, agent: &AgentId) -> Result<AgentKey, StoreError> {
    let sql = "SELECT public_key, revoked_at IS NOT NULL FROM hub_agents WHERE agent = ?";
    let read = |row: &Row<'_>| {
        Ok(AgentKey {
            public_key: row.get(0)?,
            revoked: row.get(1)?,
        })
    };
    let found = t.one(sql, [agent.as_str()], read)?;
    found.ok_or_else(|| StoreError::AgentUnknown(agent.clone()))
}

pub(super) fn issue_agent_token(
    t: &Tx<'_>,
    agent: &AgentId,
    nonce: &str,
    version: &str,
    token: &Secret,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "SELECT tenant, revoked_at IS NOT NULL FROM hub_agents WHERE agent = ?";
    let read = |row: &Row<'_>| Ok((row.get::<String>(0)?, row.get::<bool>(1)?));
    let found = t.one(sql, [agent.as_str()], read)?;
    let (tenant, revoked) = found.ok_or_else(|| StoreError::AgentUnknown(agent.clone()))?;
    if revoked {
        return Err(StoreError::AgentRevoked(agent.clone()));
    }
    let now_micros = micros(now);
    for table in ["hub_agent_tokens", "hub_agent_nonces"] {
        let sql = format!("DELETE FROM {table} WHERE tenant = ? AND agent = ? AND expires_at <= ?");
        t.execute(&sql, (&tenant, agent.as_str(), now_micros))?;
    }
    let sql = "INSERT INTO hub_agent_nonces VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    if t.execute(
        sql,
        (&tenant, agent.as_str(), nonce, micros(later(now, NONCE_LIFE))),
    )? == 0
    {
        return Err(StoreError::NonceUsed);
    }
    let sql = "INSERT INTO hub_agent_tokens VALUES (?, ?, ?, ?)";
    t.execute(
        sql,
        (&tenant, hash_secret(token), agent.as_str(), micros(expires_at)),
    )?;
    let sql = "UPDATE hub_agents SET version = ?, last_contact_at = ? WHERE tenant = ? AND agent = ?";
    t.execute(sql, (version, now_micros, &tenant, agent.as_str()))?;
    Ok(())
}

/// The scope, and whether the last contact on record is old.
pub(super) fn authenticate_agent(
    t: &Tx<'_>,
    token: &Secret,
    now: Timestamp,
) -> Result<(AgentScope, bool), StoreError> {
    let sql = "SELECT a.tenant, a.agent, a.role, k.expires_at, a.revoked_at IS NOT NULL, coalesce(a.last_contact_at, 0) \
               FROM hub_agent_tokens k JOIN hub_agents a ON a.tenant = k.tenant AND a.agent = k.agent WHERE k.hash = ?";
    let read = |row: &Row<'_>| {
        let tenant = TenantId::new(row.get::<String>(0)?);
        let agent = AgentId::new(row.get::<String>(1)?);
        let times = (row.get::<i64>(3)?, row.get::<i64>(5)?);
        Ok((tenant, agent, row.get::<String>(2)?, times, row.get::<bool>(4)?))
    };
    let found = t.one(sql, [hash_secret(token)], read)?;
    let (tenant, agent, role_name, (expires_at, contact), revoked) = found.ok_or(StoreError::TokenInvalid)?;
    if revoked {
        return Err(StoreError::AgentRevoked(agent));
    }
    if expires_at <= micros(now) {
        return Err(StoreError::TokenInvalid);
    }
    let contact_is_old = timestamp(contact)? < later(now, -CONTACT_GRAIN);
    Ok((
        AgentScope {
            tenant,
            agent,
            role: role(&role_name)?,
            address: None,
        },
        contact_is_old,
    ))
}

pub(super) fn touch_agent(t: &Tx<'_>, scope: &AgentScope, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE hub_agents SET last_contact_at = ? WHERE tenant = ? AND agent = ?";
    t.execute(
        sql,
        (micros(now), scope.tenant().as_str(), scope.agent().as_str()),
    )?;
    Ok(())
}

pub(super) fn companies(t: &Tx<'_>, tenant: &TenantId) -> Result<Vec<CompanyInfo>, StoreError> {
    let sql = "SELECT company, agent, time_zone, lease FROM hub_companies WHERE tenant = ? ORDER BY company";
    let found = t.all(sql, [tenant.as_str()], company_row)?;
    Ok(found)
}

pub(super) fn company(
    t: &Tx<'_>,
    tenant: &TenantId,
    company: &CompanyId,
) -> Result<Option<CompanyInfo>, StoreError> {
    let sql = "SELECT company, agent, time_zone, lease FROM hub_companies WHERE tenant = ? AND company = ?";
    t.one(sql, (tenant.as_str(), company.as_str()), company_row)
}

pub(super) fn move_company(
    t: &Tx<'_>,
    tenant: &TenantId,
    name: &CompanyId,
    to: &AgentId,
    by: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    if is_revoked(t, tenant, to)? {
        return Err(StoreError::AgentRevoked(to.clone()));
    }
    let before = company(t, tenant, name)?.ok_or_else(|| StoreError::CompanyUnknown(name.clone()))?;
    // The lease grows, so that the former writer is refused from its next request on.
    let sql = "UPDATE hub_companies SET agent = ?, lease = lease + 1 WHERE tenant = ? AND company = ?";
    t.execute(sql, (to.as_str(), tenant.as_str(), name.as_str()))?;
    let act = Act {
        action: AuditAction::CompanyMoved,
        subject: name.as_str(),
        company: Some(name),
        details: json!({ "agent": { "old": before.agent, "new": to } }),
    };
    audit::note(t, tenant, by, act, now)
}

fn is_revoked(t: &Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<bool, StoreError> {
    let sql = "SELECT revoked_at IS NOT NULL FROM hub_agents WHERE tenant = ? AND agent = ?";
    let revoked = t.one(sql, (tenant.as_str(), agent.as_str()), |row| row.get::<bool>(0))?;
    revoked.ok_or_else(|| StoreError::AgentUnknown(agent.clone()))
}

/// Refuses when another agent has the company.
pub(super) fn check_claim(t: &Tx<'_>, scope: &AgentScope, name: &CompanyId) -> Result<(), StoreError> {
    match company(t, scope.tenant(), name)? {
        Some(found) if found.agent != *scope.agent() => Err(StoreError::CompanyClaimed {
            company: name.clone(),
            by: found.agent,
        }),
        Some(_) | None => Ok(()),
    }
}

/// Claims the company, unless another agent has it.
pub(super) fn claim(
    t: &Tx<'_>,
    scope: &AgentScope,
    company: &CompanyId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO hub_companies (tenant, company, agent, claimed_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let own = (
        scope.tenant().as_str(),
        company.as_str(),
        scope.agent().as_str(),
        micros(now),
    );
    if t.execute(sql, own)? == 0 {
        return check_claim(t, scope, company);
    }
    let act = Act {
        action: AuditAction::CompanyClaimed,
        subject: company.as_str(),
        company: Some(company),
        details: Json::Null,
    };
    audit::note(t, scope.tenant(), &scope.actor(), act, now)
}

fn company_row(row: &Row<'_>) -> Result<CompanyInfo, StoreError> {
    Ok(CompanyInfo {
        company: CompanyId::new(row.get::<String>(0)?),
        agent: AgentId::new(row.get::<String>(1)?),
        time_zone: row.get(2)?,
        lease: LeaseEpoch(row.get::<i64>(3)?.cast_unsigned()),
    })
}

fn role(name: &str) -> Result<AgentRole, StoreError> {
    AgentRole::from_name(name).ok_or_else(|| StoreError::corrupt(format!("the agent role {name}")))
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(now)
}
