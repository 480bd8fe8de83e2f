//! Who is asking. A scope comes only out of a store that has checked a token, so that no
//! call on a tenant's data can be written without one.

use catalog::Class;
use serde::{Deserialize, Serialize};
use values::{AgentId, CompanyId, TenantId};

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

    /// May it post documents?
    #[must_use]
    pub const fn may_write(self) -> bool {
        match self {
            Self::Write | Self::Admin => true,
            Self::Read | Self::Support => false,
        }
    }
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
            tenant: self.tenant.clone(),
            scope: self.scope,
            companies: Some(vec![company.clone()]),
            classes: Class::ALL.to_vec(),
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
}

impl AgentScope {
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
