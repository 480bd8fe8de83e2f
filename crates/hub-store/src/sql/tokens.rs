//! API tokens.

use catalog::Class;
use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use values::{CompanyId, Secret, TenantId};

use super::audit::{self, Act};
use super::{micros, timestamp};
use crate::digest::hash_secret;
use crate::engine::{Row, Tx};
use crate::{
    Actor, ApiTokenInfo, AuditAction, StoreError, TenantScope, TokenGrant, TokenQuery, TokenScope, TokenUse,
};

/// Shown of a token: enough to name it, far too little to guess the rest.
const PREFIX_CHARS: usize = 12;
const COLUMNS: &str = "prefix, name, scope, companies, classes, addresses, created_at, expires_at, last_used_at, \
                       revoked_at";

pub(super) fn add(
    t: &Tx<'_>,
    tenant: &TenantId,
    token: &Secret,
    grant: &TokenGrant,
    by: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let companies = grant.companies.as_ref().map(|c| {
        serde_json::Value::from(c.iter().map(|c| c.as_str().to_owned()).collect::<Vec<_>>()).to_string()
    });
    let classes: Vec<_> = grant.classes.iter().map(|c| c.as_str()).collect();
    let addresses: Vec<_> = grant.addresses.iter().map(IpNet::to_string).collect();
    let sql = "INSERT INTO hub_api_tokens (tenant, hash, prefix, name, scope, companies, classes, addresses, \
               created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    t.execute(
        sql,
        (
            tenant.as_str(),
            hash_secret(token),
            prefix(token.reveal()),
            &grant.name,
            grant.scope.as_str(),
            companies,
            classes.join(","),
            addresses.join(","),
            micros(now),
            grant.expires_at.map(micros),
        ),
    )?;
    let act = Act {
        action: AuditAction::TokenAdded,
        subject: &prefix(token.reveal()),
        company: None,
        details: json!({
            "scope": grant.scope, "companies": grant.companies, "classes": classes, "addresses": grant.addresses,
            "expires_at": grant.expires_at,
        }),
    };
    audit::note(t, tenant, by, act, now)
}

pub(super) fn all(t: &Tx<'_>, tenant: &TenantId) -> Result<Vec<ApiTokenInfo>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM hub_api_tokens WHERE tenant = ? ORDER BY created_at, hash");
    t.all(&sql, [tenant.as_str()], info)
}

pub(super) fn page(
    t: &Tx<'_>,
    tenant: &TenantId,
    query: &TokenQuery,
) -> Result<Vec<ApiTokenInfo>, StoreError> {
    let (at, prefix) = query
        .after
        .as_ref()
        .map_or((i64::MIN, ""), |(at, prefix)| (micros(*at), prefix.as_str()));
    let standing = if query.revoked {
        ""
    } else {
        " AND revoked_at IS NULL"
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM hub_api_tokens WHERE tenant = ?1 \
         AND (created_at > ?2 OR (created_at = ?2 AND prefix > ?3)){standing} \
         ORDER BY created_at, prefix LIMIT ?4"
    );
    t.all(&sql, (tenant.as_str(), at, prefix, query.limit), info)
}

/// The token, by itself or by its first characters.
pub(super) fn find(t: &Tx<'_>, tenant: &TenantId, token_or_prefix: &str) -> Result<ApiTokenInfo, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM hub_api_tokens WHERE tenant = ? AND (hash = ? OR prefix = ?) \
         ORDER BY created_at DESC LIMIT 1"
    );
    let hash = hash_secret(&Secret::new(token_or_prefix));
    let found = t.one(&sql, (tenant.as_str(), hash, token_or_prefix), info)?;
    // What was given may be the secret itself.
    found.ok_or_else(|| StoreError::TokenUnknown(prefix(token_or_prefix)))
}

pub(super) fn revoke(
    t: &Tx<'_>,
    tenant: &TenantId,
    token_or_prefix: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<ApiTokenInfo, StoreError> {
    let found = find(t, tenant, token_or_prefix)?;
    if found.revoked_at.is_some() {
        return Ok(found);
    }
    let sql = "UPDATE hub_api_tokens SET revoked_at = coalesce(revoked_at, ?) \
               WHERE tenant = ? AND (hash = ? OR prefix = ?)";
    let hash = hash_secret(&Secret::new(token_or_prefix));
    t.execute(sql, (micros(now), tenant.as_str(), hash, token_or_prefix))?;
    let act = Act {
        action: AuditAction::TokenRevoked,
        subject: &found.prefix,
        company: None,
        details: Json::Null,
    };
    audit::note(t, tenant, by, act, now)?;
    find(t, tenant, token_or_prefix)
}

pub(super) fn note_uses(t: &Tx<'_>, uses: &[TokenUse]) -> Result<(), StoreError> {
    let sql = "UPDATE hub_api_tokens SET last_used_at = ?1 \
               WHERE tenant = ?2 AND hash = ?3 AND coalesce(last_used_at, 0) < ?1";
    for TokenUse { tenant, token, at } in uses {
        t.execute(sql, (micros(*at), tenant.as_str(), token.to_vec()))?;
    }
    Ok(())
}

pub(super) fn authenticate(t: &Tx<'_>, token: &Secret, now: Timestamp) -> Result<TenantScope, StoreError> {
    let sql = "SELECT tenant, scope, companies, classes, prefix, addresses, expires_at \
               FROM hub_api_tokens WHERE hash = ? AND revoked_at IS NULL";
    let read = |row: &Row<'_>| {
        Ok(TenantScope {
            tenant: TenantId::new(row.get::<String>(0)?),
            scope: scope(&row.get::<String>(1)?)?,
            companies: companies(row.get(2)?)?,
            classes: classes(&row.get::<String>(3)?),
            prefix: row.get(4)?,
            addresses: addresses(&row.get::<String>(5)?)?,
            expires_at: row.get::<Option<i64>>(6)?.map(timestamp).transpose()?,
            address: None,
        })
    };
    let found = t.one(sql, [hash_secret(token)], read)?;
    let found = found.ok_or(StoreError::TokenInvalid)?;
    found.check_time(now)?;
    Ok(found)
}

fn info(row: &Row<'_>) -> Result<ApiTokenInfo, StoreError> {
    let classes = classes(&row.get::<String>(4)?);
    let at = |column| row.get::<Option<i64>>(column)?.map(timestamp).transpose();
    Ok(ApiTokenInfo {
        prefix: row.get(0)?,
        name: row.get(1)?,
        scope: scope(&row.get::<String>(2)?)?,
        companies: companies(row.get(3)?)?,
        classes: classes.into_iter().map(Class::as_str).collect(),
        addresses: addresses(&row.get::<String>(5)?)?,
        created_at: timestamp(row.get(6)?)?,
        expires_at: at(7)?,
        last_used_at: at(8)?,
        revoked_at: at(9)?,
    })
}

fn companies(text: Option<String>) -> Result<Option<Vec<CompanyId>>, StoreError> {
    let read = |text: String| {
        serde_json::from_str(&text).map_err(|e| StoreError::corrupt(format!("a token's companies: {e}")))
    };
    text.map(read).transpose()
}

fn classes(text: &str) -> Vec<Class> {
    text.split(',').filter_map(Class::from_name).collect()
}

fn addresses(text: &str) -> Result<Vec<IpNet>, StoreError> {
    let each = text.split(',').filter(|network| !network.is_empty());
    let read = |network: &str| {
        network
            .parse()
            .map_err(|_| StoreError::corrupt(format!("the network {network}")))
    };
    each.map(read).collect()
}

fn scope(name: &str) -> Result<TokenScope, StoreError> {
    TokenScope::from_name(name).ok_or_else(|| StoreError::corrupt(format!("the token scope {name}")))
}

fn prefix(token: &str) -> String {
    token.chars().take(PREFIX_CHARS).collect()
}
