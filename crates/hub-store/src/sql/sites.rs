//! What agents tell of themselves, and the overview of everything.

use std::collections::HashMap;

use crate::engine::Tx;
use catalog::Catalog;
use jiff::Timestamp;
use values::{AgentId, CompanyId, DatasetName, Epoch, Sequence, TenantId};
use wire::status::{AgentStatus, CompanyStatus, DatasetStatus};

use super::{micros, people, tables, timestamp};
use crate::{
    AgentScope, AgentSite, CompanyInfo, CompanySite, DatasetSite, ReportSite, Sites, SitesQuery, StoreError,
    StreamSite, TenantScope,
};

pub(super) fn put_status(
    t: &Tx<'_>,
    scope: &AgentScope,
    status: &AgentStatus,
    now: Timestamp,
) -> Result<(), StoreError> {
    let own = people::companies(t, scope.tenant())?;
    let has = |company: &CompanyId| {
        own.iter()
            .any(|c| c.company == *company && c.agent == *scope.agent())
    };
    let kept = AgentStatus {
        clock_offset_s: status.clock_offset_s,
        companies: status
            .companies
            .iter()
            .filter(|c| has(&c.company))
            .cloned()
            .collect(),
    };
    let text = serde_json::to_string(&kept).map_err(|e| StoreError::corrupt(format!("a status: {e}")))?;
    let sql = "INSERT INTO hub_agent_status VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (tenant, agent) DO UPDATE SET reported_at = ?3, status = ?4";
    t.execute(
        sql,
        (scope.tenant().as_str(), scope.agent().as_str(), micros(now), text),
    )?;
    Ok(())
}

pub(super) fn sites(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    query: &SitesQuery,
    now: Timestamp,
) -> Result<Sites, StoreError> {
    let is_asked = |company: &CompanyId| query.company.as_ref().is_none_or(|asked| asked == company);
    let companies: Vec<_> = people::companies(t, scope.tenant())?
        .into_iter()
        .filter(|c| scope.sees(&c.company) && is_asked(&c.company))
        .collect();
    let reports = reports(t, scope.tenant(), now)?;
    let mut sites = Sites::default();
    // A token of some companies does not learn of agents that have none of them.
    let sees_all = scope.companies.is_none() && query.company.is_none();
    let shown = |agent: &AgentId| sees_all || companies.iter().any(|c| c.agent == *agent);
    let agents = match query.after {
        None => people::agents(t, scope.tenant())?,
        Some(_) => Vec::new(),
    };
    for info in agents {
        if shown(&info.agent) {
            let report = reports.get(&info.agent);
            sites.agents.push(AgentSite {
                clock_offset_s: report.and_then(|r| r.status.clock_offset_s),
                status_at: report.map(|r| r.at),
                status_age_s: report.map(|r| r.age_s),
                info,
            });
        }
    }
    let is_behind = |company: &CompanyId| query.after.as_ref().is_none_or(|after| company > after);
    let mut page: Vec<_> = companies.into_iter().filter(|c| is_behind(&c.company)).collect();
    let most = usize::try_from(query.limit.max(1)).unwrap_or(usize::MAX);
    let more = page.len() > most;
    page.truncate(most);
    sites.next = page.last().filter(|_| more).map(|last| last.company.clone());
    for info in page {
        // What another agent told of the company before it was moved is void.
        let report = reports.get(&info.agent);
        let told = report.and_then(|r| r.status.companies.iter().find(|c| c.company == info.company));
        let age_s = report.map_or(0, |r| r.age_s);
        sites
            .datasets
            .extend(datasets(t, catalog, scope.tenant(), &info, told, age_s)?);
        sites.companies.push(CompanySite {
            problem: told.and_then(|c| c.problem.clone()),
            paused: told.and_then(|c| c.paused.clone()),
            imports: told.and_then(|c| c.imports.clone()),
            info,
        });
    }
    Ok(sites)
}

/// Counts the records of streams that come from a version which did not keep it.
pub(super) fn count_uncounted(t: &Tx<'_>, catalog: &Catalog) -> Result<(), StoreError> {
    let sql = "SELECT tenant, company, dataset FROM hub_streams WHERE records IS NULL ORDER BY tenant";
    let streams = t.all(sql, (), |row| {
        let tenant = TenantId::new(row.get::<String>(0)?);
        let company = CompanyId::new(row.get::<String>(1)?);
        Ok((tenant, company, row.get::<String>(2)?))
    })?;
    for (tenant, company, name) in streams {
        let records = match catalog.resolve(&name) {
            Some(dataset) => tables::count_live(t, &dataset, &tenant, &company)?,
            None => 0,
        };
        let sql = "UPDATE hub_streams SET records = ? WHERE tenant = ? AND company = ? AND dataset = ?";
        t.execute(
            sql,
            (records.cast_signed(), tenant.as_str(), company.as_str(), name),
        )?;
    }
    Ok(())
}

struct Report {
    status: AgentStatus,
    at: Timestamp,
    age_s: u64,
}

fn reports(t: &Tx<'_>, tenant: &TenantId, now: Timestamp) -> Result<HashMap<AgentId, Report>, StoreError> {
    let sql = "SELECT agent, reported_at, status FROM hub_agent_status WHERE tenant = ?";
    let mut found = HashMap::new();
    t.each(sql, [tenant.as_str()], |row| {
        let at = timestamp(row.get(1)?)?;
        let text: String = row.get(2)?;
        let report = Report {
            status: serde_json::from_str(&text).map_err(|e| StoreError::corrupt(format!("a status: {e}")))?,
            at,
            age_s: u64::try_from(now.duration_since(at).as_secs()).unwrap_or(0),
        };
        found.insert(AgentId::new(row.get::<String>(0)?), report);
        Ok(())
    })?;
    Ok(found)
}

/// The company's streams, and datasets of which its agent has told without sending any.
fn datasets(
    t: &Tx<'_>,
    catalog: &Catalog,
    tenant: &TenantId,
    company: &CompanyInfo,
    told: Option<&CompanyStatus>,
    age_s: u64,
) -> Result<Vec<DatasetSite>, StoreError> {
    let mut streams = streams(t, catalog, tenant, &company.company)?;
    let told = told.map_or(&[][..], |c| &c.datasets);
    for status in told {
        if !streams.iter().any(|(name, _)| *name == status.dataset) {
            streams.push((status.dataset.clone(), StreamSite::default()));
        }
    }
    streams.sort_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
    let shown = streams.into_iter().map(|(dataset, stream)| {
        let status = told.iter().find(|s| s.dataset == dataset);
        DatasetSite {
            company: company.company.clone(),
            dataset,
            stream,
            report: status.map(|s| report(s, age_s)).unwrap_or_default(),
        }
    });
    Ok(shown.collect())
}

fn report(status: &DatasetStatus, age_s: u64) -> ReportSite {
    ReportSite {
        state: Some(status.state),
        documents: Some(status.documents),
        passes: status.passes.clone(),
        progress: status.progress.clone(),
        lag_s: status.lag_s.map(|lag| lag.saturating_add(age_s)),
        watermark: status.watermark.clone(),
        next_run_at: status.next_run_at.clone(),
        findings: status.findings.clone(),
        held: status.held.clone(),
        problem: status.problem.clone(),
    }
}

fn streams(
    t: &Tx<'_>,
    catalog: &Catalog,
    tenant: &TenantId,
    company: &CompanyId,
) -> Result<Vec<(DatasetName, StreamSite)>, StoreError> {
    let sql = "SELECT dataset, epoch, sequence, updated_at, records FROM hub_streams WHERE tenant = ? AND company = ?";
    let mut list = Vec::new();
    t.each(sql, (tenant.as_str(), company.as_str()), |row| {
        let name: String = row.get(0)?;
        let records = match (row.get::<Option<i64>>(4)?, catalog.resolve(&name)) {
            (Some(records), _) => records.cast_unsigned(),
            (None, Some(dataset)) => tables::count_live(t, &dataset, tenant, company)?,
            (None, None) => 0,
        };
        let stream = StreamSite {
            epoch: Epoch(row.get::<i64>(1)?.cast_unsigned()),
            sequence: Sequence(row.get::<i64>(2)?.cast_unsigned()),
            updated_at: Some(timestamp(row.get(3)?)?),
            records,
        };
        list.push((DatasetName::new(name), stream));
        Ok(())
    })?;
    Ok(list)
}
