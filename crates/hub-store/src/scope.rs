//! Who is asking. A scope comes only out of a store that has checked a token, so that no
//! call on a tenant's data can be written without one.

use std::net::IpAddr;

use catalog::Class;
use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use values::{AgentId, CompanyId, TenantId};

use crate::{Actor, StoreError};

/// What an API token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenScope {
    /// Read records and imports.
    Read,
    /// Read, and post documents.
    Write,
    /// Read, and run support queries under a grant.
    Support,
    /// Everything.
    Admin,
}

impl TokenScope {
    const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Support, Self::Admin];

    /// The name on the command line and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Support => "support",
            Self::Admin => "admin",
        }
    }

    /// From the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }

    /// What it allows.
    #[must_use]
    pub const fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Read => &[Permission::Read],
            Self::Write => &[Permission::Read, Permission::Write],
            Self::Support => &[Permission::Read, Permission::Support],
            Self::Admin => &Permission::ALL,
        }
    }
}

/// One thing that a token's scope may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See records, documents and sites.
    Read,
    /// Post documents and decide about them.
    Write,
    /// Run support queries under a grant.
    Support,
    /// Make and revoke tokens, see the audit log.
    Administer,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Support, Self::Administer];
}

/// What an enrolled agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentRole {
    /// Syncs companies and writes their documents.
    Driver,
    /// Runs support queries.
    QueryManager,
}

impl AgentRole {
    /// The name on the command line and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::QueryManager => "query-manager",
        }
    }

    /// From the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Driver, Self::QueryManager]
            .into_iter()
            .find(|r| r.as_str() == name)
    }
}

/// A tenant, seen through an API token.
#[derive(Clone, Debug)]
pub struct TenantScope {
    pub(crate) tenant: TenantId,
    pub(crate) scope: TokenScope,
    /// None means all.
    pub(crate) companies: Option<Vec<CompanyId>>,
    pub(crate) classes: Vec<Class>,
    /// First characters of the token; blank for whoever stands at the store itself.
    pub(crate) prefix: String,
    /// None means from anywhere.
    pub(crate) addresses: Vec<IpNet>,
    pub(crate) expires_at: Option<Timestamp>,
    /// From where it is used now.
    pub(crate) address: Option<IpAddr>,
}

impl TenantScope {
    /// Whose data.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// What the token may do.
    #[must_use]
    pub const fn scope(&self) -> TokenScope {
        self.scope
    }

    /// Does the token's scope allow this?
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.scope.permissions().contains(&permission)
    }

    /// First characters of the token: it is known by them.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The same, used from there: the audit log names it.
    #[must_use]
    pub fn at(self, address: Option<IpAddr>) -> Self {
        Self { address, ..self }
    }

    /// Who acts with the token.
    #[must_use]
    pub fn actor(&self) -> Actor {
        if self.prefix.is_empty() {
            return Actor::command_line();
        }
        Actor::token(&self.prefix, self.address)
    }

    /// Companies that the token sees; None means all.
    #[must_use]
    pub fn companies(&self) -> Option<&[CompanyId]> {
        self.companies.as_deref()
    }

    /// May the token be used from there? Where that is not known, only one that is taken from
    /// anywhere may.
    #[must_use]
    pub fn admits(&self, address: Option<IpAddr>) -> bool {
        self.addresses.is_empty()
            || address.is_some_and(|address| self.addresses.iter().any(|n| n.contains(&address)))
    }

    /// Is the token's time over?
    ///
    /// # Errors
    /// [`StoreError::TokenExpired`].
    pub fn check_time(&self, now: Timestamp) -> Result<(), StoreError> {
        match self.expires_at {
            Some(at) if at <= now => Err(StoreError::TokenExpired(at)),
            Some(_) | None => Ok(()),
        }
    }

    /// Does it reach no less than a token of these companies (None means all) and classes?
    #[must_use]
    pub fn covers(&self, companies: Option<&[CompanyId]>, classes: &[Class]) -> bool {
        let companies = match companies {
            None => self.companies.is_none(),
            Some(companies) => companies.iter().all(|c| self.sees(c)),
        };
        companies && classes.iter().all(|c| self.reads(*c))
    }

    /// Is it taken from all of these networks (none means from anywhere), and for as long?
    #[must_use]
    pub fn outlasts(&self, addresses: &[IpNet], expires_at: Option<Timestamp>) -> bool {
        let within = |network: &IpNet| self.addresses.iter().any(|own| own.contains(network));
        let networks = self.addresses.is_empty() || (!addresses.is_empty() && addresses.iter().all(within));
        networks
            && self
                .expires_at
                .is_none_or(|own| expires_at.is_some_and(|at| at <= own))
    }

    /// Does the token see this company?
    #[must_use]
    pub fn sees(&self, company: &CompanyId) -> bool {
        self.companies.as_ref().is_none_or(|c| c.contains(company))
    }

    /// The company alone with fields of all classes, for what the hub works out of them, if the
    /// token sees it. What is worked out has classes of its own.
    #[must_use]
    pub fn whole_company(&self, company: &CompanyId) -> Option<Self> {
        self.sees(company).then(|| Self {
            companies: Some(vec![company.clone()]),
            classes: Class::ALL.to_vec(),
            ..self.clone()
        })
    }

    /// Does the token read fields of this class?
    #[must_use]
    pub fn reads(&self, class: Class) -> bool {
        self.classes.contains(&class)
    }
}

/// An agent, seen through its short-lived token.
#[derive(Clone, Debug)]
pub struct AgentScope {
    pub(crate) tenant: TenantId,
    pub(crate) agent: AgentId,
    pub(crate) role: AgentRole,
    /// From where it asks now.
    pub(crate) address: Option<IpAddr>,
}

impl AgentScope {
    /// The same, asking from there: the audit log names it.
    #[must_use]
    pub fn at(self, address: Option<IpAddr>) -> Self {
        Self { address, ..self }
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::agent(&self.agent, self.address)
    }

    /// Whose agent.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Which agent.
    #[must_use]
    pub const fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// What it is.
    #[must_use]
    pub const fn role(&self) -> AgentRole {
        self.role
    }
}
