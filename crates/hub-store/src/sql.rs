//! The store's logic over any engine.

mod audit;
mod changes;
mod columns;
mod companies;
mod condition;
mod derived;
#[cfg(test)]
mod distribution;
mod documents;
mod feed;
mod hashes;
mod imports;
mod listing;
mod merge;
mod people;
mod previews;
mod prices;
mod removals;
mod schema;
mod sites;
mod streams;
mod tables;
mod thread;
mod tie_out;
mod tokens;
mod view;
mod webhooks;

pub(crate) use merge::Rows;
pub(crate) use schema::sqlite_version;
pub(crate) use tables::{child_table, column_list};

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::Path;

use catalog::{Catalog, Dataset, DocumentBatch, ShapeError};
use jiff::Timestamp;
use model::Decision;
use values::{
    AgentId, CompanyId, DatasetName, Date, Hash, ImportId, Key, LeaseEpoch, Secret, StoreId, TenantId,
};
use wire::BatchHeader;
use wire::agent::{
    Accept, BatchAck, ChecksumPage, ChecksumRequest, Decide, DecideAction, Discarded, Enroll, Enrolled,
    HashPage, HashRequest, ImportDocument, Lease, LeaseRequest, OpenPage, OpenRequest, Preview,
    PreviewAnswer, Report, Reserve, StreamRequest, StreamReset, StreamState,
};
use wire::status::AgentStatus;

use crate::engine::{Address, Engine, Postgres, Sqlite, Tx};
use crate::{
    Actor, AgentInfo, AgentKey, AgentRole, AgentScope, ApiTokenInfo, AuditPage, AuditQuery, ChangePage,
    ChangeQuery, CompanyInfo, EnrolmentCodeInfo, Import, ImportPage, ImportQuery, Lookup, NewImport,
    NewPreview, OrderThread, PreviewResult, RecordPage, RecordQuery, RemovedCompany, Selection, Sites,
    SitesQuery, Store, StoreError, TenantInfo, TenantScope, TieOut, TokenGrant, TokenQuery, TokenUse,
    WakeListener,
};

/// A store in a database.
#[derive(Debug)]
pub struct SqlStore {
    id: StoreId,
    catalog: Catalog,
    engine: Engine,
}

impl SqlStore {
    /// Opens the store at `sqlite:PATH` or `postgres://…`, as [`Self::sqlite`] and
    /// [`Self::postgres`] do.
    ///
    /// # Errors
    /// Theirs, and [`StoreError::AddressInvalid`].
    pub fn open(
        address: &str,
        password: Option<&str>,
        catalog: Catalog,
        fresh_id: &StoreId,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        match address.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() && path != ":memory:" => {
                Self::sqlite(Path::new(path), catalog, fresh_id, now)
            }
            Some(("postgres" | "postgresql", _)) => Self::postgres(address, password, catalog, fresh_id, now),
            Some(_) | None => Err(StoreError::AddressInvalid(
                "it is neither sqlite:PATH nor postgres://USER@HOST/DATABASE".to_owned(),
            )),
        }
    }

    /// Opens the store in an SQLite file, creating and migrating it as needed. `fresh_id`
    /// becomes its identity when it is new: give random text.
    ///
    /// # Errors
    /// [`StoreError::TooNew`], [`StoreError::NoStore`], or the file cannot be opened.
    pub fn sqlite(
        path: &Path,
        catalog: Catalog,
        fresh_id: &StoreId,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        Self::over(
            Engine::Sqlite(Box::new(Sqlite::open(path)?)),
            catalog,
            fresh_id,
            now,
        )
    }

    /// Opens the store in a PostgreSQL database, creating and migrating it as needed.
    /// `address` is `postgres://USER@HOST/DATABASE` with options `sslmode`, `sslrootcert`,
    /// `pool_size` and `password_file`; `password` counts where it names none.
    ///
    /// # Errors
    /// [`StoreError::AddressInvalid`], [`StoreError::TooNew`], [`StoreError::NoStore`],
    /// [`StoreError::ServerTooOld`], or the database cannot be reached.
    pub fn postgres(
        address: &str,
        password: Option<&str>,
        catalog: Catalog,
        fresh_id: &StoreId,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let pool = Postgres::open(Address::parse(address, password)?)?;
        Self::over(Engine::Postgres(Box::new(pool)), catalog, fresh_id, now)
    }

    fn over(
        engine: Engine,
        catalog: Catalog,
        fresh_id: &StoreId,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let id = schema::migrate(&engine, &catalog, fresh_id, now)?;
        Ok(Self { id, catalog, engine })
    }

    /// As the tenant's one writer.
    fn write<T>(
        &self,
        tenant: &TenantId,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.engine.write(Some(tenant), |_| Ok(()), work)
    }

    /// Beside other writers: for what one statement decides.
    fn write_beside<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.engine.write(None, |_| Ok(()), work)
    }

    fn read<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.engine.read(work)
    }

    fn resolve(&self, name: &DatasetName) -> Result<Cow<'_, Dataset>, StoreError> {
        self.catalog
            .resolve(name.as_str())
            .ok_or_else(|| StoreError::DatasetUnknown(name.clone()))
    }
}

/// Notes in a file of this version, which stays as it is but for that, that it was copied.
pub(crate) fn note_copy(path: &Path, name: &str, by: &Actor, now: Timestamp) -> Result<(), StoreError> {
    let engine = Engine::Sqlite(Box::new(Sqlite::open(path)?));
    engine.write(None, |_| Ok(()), |t| schema::note_copy(t, name, by, now))
}

/// Instants are stored as microseconds since 1970.
fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

fn timestamp(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::corrupt(format!("{micros} as an instant")))
}

impl Store for SqlStore {
    fn id(&self) -> &StoreId {
        &self.id
    }

    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn start_epoch(&self, fresh_id: &StoreId, by: &Actor, now: Timestamp) -> Result<(), StoreError> {
        self.write_beside(|t| schema::start_epoch(t, fresh_id, by, now))
    }

    fn ping(&self) -> Result<(), StoreError> {
        self.read(|t| t.row("SELECT 1 FROM hub_store", (), |_| Ok(())))
    }

    fn on_wake(&self, listener: WakeListener) {
        self.engine.on_wake(listener);
    }

    fn add_tenant(&self, id: &TenantId, name: &str, by: &Actor, now: Timestamp) -> Result<(), StoreError> {
        self.write_beside(|t| people::add_tenant(t, id, name, by, now))
    }

    fn find_tenant(&self, name_or_id: &str) -> Result<TenantId, StoreError> {
        self.read(|t| people::find_tenant(t, name_or_id))
    }

    fn tenants(&self) -> Result<Vec<TenantInfo>, StoreError> {
        self.read(people::tenants)
    }

    fn add_enrolment_code(
        &self,
        tenant: &TenantId,
        code: &Secret,
        role: AgentRole,
        expires_at: Timestamp,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(tenant, |t| {
            people::add_enrolment_code(t, tenant, (code, role, expires_at), by, now)
        })
    }

    fn enrolment_codes(&self, tenant: &TenantId) -> Result<Vec<EnrolmentCodeInfo>, StoreError> {
        self.read(|t| people::enrolment_codes(t, tenant))
    }

    fn revoke_enrolment_code(
        &self,
        tenant: &TenantId,
        code_or_id: &str,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(tenant, |t| {
            people::revoke_enrolment_code(t, tenant, code_or_id, by, now)
        })
    }

    fn enroll(
        &self,
        request: &Enroll,
        agent: &AgentId,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Enrolled, StoreError> {
        self.write_beside(|t| people::enroll(t, request, agent, from, now))
    }

    fn agents(&self, tenant: &TenantId) -> Result<Vec<AgentInfo>, StoreError> {
        self.read(|t| people::agents(t, tenant))
    }

    fn revoke_agent(
        &self,
        tenant: &TenantId,
        agent: &AgentId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(tenant, |t| people::revoke_agent(t, tenant, agent, by, now))
    }

    fn agent_key(&self, agent: &AgentId) -> Result<AgentKey, StoreError> {
        self.read(|t| people::agent_key(t, agent))
    }

    fn issue_agent_token(
        &self,
        agent: &AgentId,
        nonce: &str,
        version: &str,
        token: &Secret,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_beside(|t| people::issue_agent_token(t, agent, nonce, version, token, expires_at, now))
    }

    fn authenticate_agent(&self, token: &Secret, now: Timestamp) -> Result<AgentScope, StoreError> {
        let (scope, contact_is_old) = self.engine.look(|t| people::authenticate_agent(t, token, now))?;
        if contact_is_old {
            self.write_beside(|t| people::touch_agent(t, &scope, now))?;
        }
        Ok(scope)
    }

    fn add_api_token(
        &self,
        tenant: &TenantId,
        token: &Secret,
        grant: &TokenGrant,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(tenant, |t| tokens::add(t, tenant, token, grant, by, now))
    }

    fn api_tokens(&self, tenant: &TenantId) -> Result<Vec<ApiTokenInfo>, StoreError> {
        self.read(|t| tokens::all(t, tenant))
    }

    fn api_token_page(&self, tenant: &TenantId, query: &TokenQuery) -> Result<Vec<ApiTokenInfo>, StoreError> {
        self.read(|t| tokens::page(t, tenant, query))
    }

    fn api_token(&self, tenant: &TenantId, token_or_prefix: &str) -> Result<ApiTokenInfo, StoreError> {
        self.read(|t| tokens::find(t, tenant, token_or_prefix))
    }

    fn revoke_api_token(
        &self,
        tenant: &TenantId,
        token_or_prefix: &str,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ApiTokenInfo, StoreError> {
        self.write(tenant, |t| tokens::revoke(t, tenant, token_or_prefix, by, now))
    }

    fn note_token_uses(&self, uses: &[TokenUse]) -> Result<(), StoreError> {
        self.write_beside(|t| tokens::note_uses(t, uses))
    }

    fn authenticate(&self, token: &Secret, now: Timestamp) -> Result<TenantScope, StoreError> {
        self.engine.look(|t| tokens::authenticate(t, token, now))
    }

    fn commit_mark(&self) -> Result<Option<i64>, StoreError> {
        self.engine.mark()
    }

    fn companies(&self, tenant: &TenantId) -> Result<Vec<CompanyInfo>, StoreError> {
        self.read(|t| people::companies(t, tenant))
    }

    fn move_company(
        &self,
        tenant: &TenantId,
        company: &CompanyId,
        to: &AgentId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(tenant, |t| people::move_company(t, tenant, company, to, by, now))
    }

    fn remove_company(
        &self,
        tenant: &TenantId,
        company: &CompanyId,
        discard_open: bool,
        by: &Actor,
        now: Timestamp,
    ) -> Result<RemovedCompany, StoreError> {
        let which = (tenant, company);
        self.write(tenant, |t| {
            companies::remove(t, &self.catalog, which, discard_open, by, now)
        })
    }

    fn price_options(
        &self,
        tenant: &TenantId,
        company: &CompanyId,
    ) -> Result<serde_json::Map<String, serde_json::Value>, StoreError> {
        self.read(|t| prices::options(t, tenant, company))
    }

    fn choose_price_options(
        &self,
        tenant: &TenantId,
        company: &CompanyId,
        choices: &serde_json::Map<String, serde_json::Value>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<serde_json::Map<String, serde_json::Value>, StoreError> {
        self.write(tenant, |t| prices::choose(t, (tenant, company), choices, by, now))
    }

    fn audit(&self, tenant: &TenantId, query: &AuditQuery) -> Result<AuditPage, StoreError> {
        self.read(|t| audit::page(t, tenant, query))
    }

    fn note_settings(
        &self,
        settings: &serde_json::Value,
        by: &Actor,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut told = 0;
        for TenantInfo { tenant, .. } in self.read(people::tenants)? {
            if !self.read(|t| audit::knows_settings(t, &tenant, settings))? {
                self.write(&tenant, |t| audit::note_settings(t, &tenant, settings, by, now))?;
                told += 1;
            }
        }
        Ok(told)
    }

    fn drop_audit(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut dropped = 0;
        for tenant in self.read(|t| audit::tenants_due(t, before))? {
            dropped += self.write(&tenant, |t| audit::forget(t, &tenant, before))?;
        }
        Ok(dropped)
    }

    fn stream(&self, scope: &AgentScope, request: &StreamRequest) -> Result<StreamState, StoreError> {
        let dataset = self.resolve(&request.dataset)?;
        self.read(|t| {
            people::check_claim(t, scope, &request.company)?;
            streams::state(
                t,
                &self.id,
                &dataset,
                scope.tenant(),
                &request.company,
                request.count,
            )
        })
    }

    fn reset_stream(
        &self,
        scope: &AgentScope,
        request: &StreamReset,
        now: Timestamp,
    ) -> Result<StreamState, StoreError> {
        let dataset = self.resolve(&request.dataset)?;
        self.write(scope.tenant(), |t| {
            people::claim(t, scope, &request.company, now)?;
            streams::reset(t, &self.id, &dataset, scope.tenant(), request, now)
        })
    }

    fn ingest(
        &self,
        scope: &AgentScope,
        header: &BatchHeader,
        batch: &DocumentBatch,
        digest: Hash,
        now: Timestamp,
    ) -> Result<BatchAck, StoreError> {
        let dataset = self.resolve(&header.dataset)?;
        if header.fingerprint != dataset.fingerprint() {
            return Err(StoreError::FingerprintMismatch(header.dataset.clone()));
        }
        dataset.check(batch)?;
        let rows = merge::Rows {
            dataset: &dataset,
            batch,
            keys: dataset.keys(batch),
            hashes: dataset.hashes(batch),
        };
        rows.check(&header.removals).map_err(|problem| ShapeError {
            dataset: header.dataset.to_string(),
            problem,
        })?;
        let stage = |t: &Tx<'_>| t.stage(&rows, scope.tenant(), &header.company);
        self.engine.write(Some(scope.tenant()), stage, |t| {
            people::check_claim(t, scope, &header.company)?;
            streams::ingest(t, &self.catalog, scope.tenant(), header, &rows, digest, now)
        })
    }

    fn hashes(&self, scope: &AgentScope, request: &HashRequest) -> Result<HashPage, StoreError> {
        let dataset = self.resolve(&request.dataset)?;
        self.read(|t| {
            people::check_claim(t, scope, &request.company)?;
            hashes::hashes(t, &dataset, scope.tenant(), request)
        })
    }

    fn checksums(&self, scope: &AgentScope, request: &ChecksumRequest) -> Result<ChecksumPage, StoreError> {
        let dataset = self.resolve(&request.dataset)?;
        self.read(|t| {
            people::check_claim(t, scope, &request.company)?;
            hashes::checksums(t, &dataset, scope.tenant(), request)
        })
    }

    fn put_status(&self, scope: &AgentScope, status: &AgentStatus, now: Timestamp) -> Result<(), StoreError> {
        self.write(scope.tenant(), |t| sites::put_status(t, scope, status, now))
    }

    fn grant_lease(
        &self,
        scope: &AgentScope,
        request: &LeaseRequest,
        now: Timestamp,
    ) -> Result<Lease, StoreError> {
        self.write(scope.tenant(), |t| {
            people::claim(t, scope, &request.company, now)?;
            imports::grant_lease(t, &self.id, scope, request)
        })
    }

    fn open_imports(&self, scope: &AgentScope, request: &OpenRequest) -> Result<OpenPage, StoreError> {
        self.read(|t| imports::open(t, scope, request))
    }

    fn work(
        &self,
        scope: &AgentScope,
        companies: &[(CompanyId, LeaseEpoch)],
        limit: u32,
    ) -> Result<Vec<ImportDocument>, StoreError> {
        self.read(|t| imports::work(t, scope, companies, limit))
    }

    fn discarded(
        &self,
        scope: &AgentScope,
        companies: &[(CompanyId, LeaseEpoch)],
    ) -> Result<Vec<Discarded>, StoreError> {
        self.read(|t| imports::discarded(t, scope, companies))
    }

    fn accept(
        &self,
        scope: &AgentScope,
        id: &ImportId,
        accept: &Accept,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(scope.tenant(), |t| imports::accept(t, scope, id, accept, now))
    }

    fn reserve(
        &self,
        scope: &AgentScope,
        id: &ImportId,
        reserve: &Reserve,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(scope.tenant(), |t| imports::reserve(t, scope, id, reserve, now))
    }

    fn report(
        &self,
        scope: &AgentScope,
        id: &ImportId,
        report: &Report,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(scope.tenant(), |t| {
            imports::report(t, &self.catalog, scope, id, report, now)
        })
    }

    fn dataset(&self, scope: &TenantScope, name: &str) -> Result<Cow<'_, Dataset>, StoreError> {
        let name = DatasetName::new(name);
        let dataset = self.resolve(&name)?;
        if dataset.user_defined && !self.read(|t| tables::is_seen(t, scope, &name))? {
            return Err(StoreError::DatasetUnknown(name));
        }
        Ok(dataset)
    }

    fn records(
        &self,
        scope: &TenantScope,
        query: &RecordQuery<'_>,
        now: Timestamp,
    ) -> Result<RecordPage, StoreError> {
        self.read(|t| listing::page(t, &self.catalog, scope, query, now))
    }

    fn record(
        &self,
        scope: &TenantScope,
        dataset: &Dataset,
        company: &CompanyId,
        key: &Key,
        fields: Option<&Selection>,
        now: Timestamp,
    ) -> Result<Lookup, StoreError> {
        let wanted = (dataset, company, key, fields);
        self.read(|t| listing::one(t, &self.catalog, scope, wanted, now))
    }

    fn changes(
        &self,
        scope: &TenantScope,
        query: &ChangeQuery,
        now: Timestamp,
    ) -> Result<ChangePage, StoreError> {
        self.read(|t| changes::page(t, &self.catalog, scope, query, now))
    }

    fn drop_tombstones(&self, deleted_before: Timestamp) -> Result<u64, StoreError> {
        let mut dropped = 0;
        for tenant in self.read(|t| changes::with_tombstones(t, deleted_before))? {
            dropped += self.write(&tenant, |t| changes::drop_tombstones(t, &tenant, deleted_before))?;
        }
        Ok(dropped)
    }

    fn add_import(&self, scope: &TenantScope, new: &NewImport, now: Timestamp) -> Result<Import, StoreError> {
        self.write(scope.tenant(), |t| {
            imports::add(t, &self.catalog, scope, new, now)
        })
    }

    fn import(&self, scope: &TenantScope, id: &ImportId) -> Result<Import, StoreError> {
        self.read(|t| imports::get(t, scope, id))
    }

    fn imports(&self, scope: &TenantScope, query: &ImportQuery) -> Result<ImportPage, StoreError> {
        self.read(|t| imports::list(t, scope, query))
    }

    fn edit_import(
        &self,
        scope: &TenantScope,
        id: &ImportId,
        revision: u32,
        body: &serde_json::Value,
        now: Timestamp,
    ) -> Result<Import, StoreError> {
        self.write(scope.tenant(), |t| {
            imports::edit(t, &self.catalog, scope, id, (revision, body), now)
        })
    }

    fn decide_import(
        &self,
        scope: &TenantScope,
        id: &ImportId,
        revision: Option<u32>,
        action: DecideAction,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<Import, StoreError> {
        let decided = (revision, action, decision);
        self.write(scope.tenant(), |t| {
            imports::decide_by_platform(t, &self.catalog, scope, id, decided, now)
        })
    }

    fn decide(
        &self,
        scope: &AgentScope,
        id: &ImportId,
        decide: &Decide,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(scope.tenant(), |t| {
            imports::decide_at_driver(t, &self.catalog, scope, id, decide, now)
        })
    }

    fn redact_imports(&self, settled_before: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
        // Others write between two tenants.
        let mut redacted = 0_u64;
        for tenant in self.read(|t| imports::tenants_due(t, settled_before))? {
            redacted += self.write(&tenant, |t| imports::redact(t, &tenant, settled_before, now))?;
        }
        Ok(redacted)
    }

    fn order_thread(&self, scope: &TenantScope, import: &Import) -> Result<Option<OrderThread>, StoreError> {
        self.read(|t| thread::order_thread(t, &self.catalog, scope, import))
    }

    fn tie_out(&self, scope: &TenantScope, company: &CompanyId, day: Date) -> Result<TieOut, StoreError> {
        self.read(|t| tie_out::tie_out(t, &self.catalog, scope, company, day))
    }

    fn add_preview(&self, scope: &TenantScope, new: &NewPreview, now: Timestamp) -> Result<(), StoreError> {
        self.write(scope.tenant(), |t| previews::add(t, scope, new, now))
    }

    fn preview(&self, scope: &TenantScope, id: &ImportId) -> Result<Option<PreviewResult>, StoreError> {
        self.read(|t| previews::get(t, scope, id))
    }

    fn take_previews(
        &self,
        scope: &AgentScope,
        companies: &[(CompanyId, LeaseEpoch)],
        now: Timestamp,
    ) -> Result<Vec<Preview>, StoreError> {
        // Drivers ask all the time: those who wait for nothing do not write.
        if self
            .read(|t| previews::waiting(t, scope, companies, now))?
            .is_empty()
        {
            return Ok(Vec::new());
        }
        self.write(scope.tenant(), |t| previews::take(t, scope, companies, now))
    }

    fn answer_preview(
        &self,
        scope: &AgentScope,
        id: &ImportId,
        answer: &PreviewAnswer,
    ) -> Result<(), StoreError> {
        self.write(scope.tenant(), |t| previews::answer(t, scope, id, answer))
    }

    fn drop_previews(&self, asked_before: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
        self.write_beside(|t| previews::drop_older(t, asked_before, now))
    }

    fn sites(&self, scope: &TenantScope, query: &SitesQuery, now: Timestamp) -> Result<Sites, StoreError> {
        self.read(|t| sites::sites(t, &self.catalog, scope, query, now))
    }
}
