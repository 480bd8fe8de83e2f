//! What agents tell of themselves, and who sees it.

use catalog::RemovalReason;
use values::{CompanyId, DatasetName};
use wire::agent::LeaseRequest;
use wire::status::{
    AgentStatus, CompanyStatus, DatasetState, DatasetStatus, FindingSummary, HeldSummary, ImportsStanding,
    NamedCondition, PassProgress, PassSummary, Paused, Problem,
};

use super::{Site, Stream, add_agent, documents, later, now, scope};
use crate::{DatasetSite, Sites, SitesQuery, Store, TenantScope, TokenScope};

pub(super) fn check(store: &dyn Store) {
    counted(store);
    paged(store);
    let site = Site::new(store, "sites");
    let second = add_agent(store, &site.tenant, "a_sites2");
    let claim = |agent: &crate::AgentScope, company: &str| {
        let request = LeaseRequest {
            company: CompanyId::new(company),
            time_zone: "America/New_York".to_owned(),
            journal: values::StoreId::new("j"),
        };
        store.grant_lease(agent, &request, now()).unwrap();
    };
    claim(&site.agent, "ABC");
    claim(&second, "XYZ");
    let items = Stream::new(store, &site.agent, "ABC", "items");
    items.reset(1).unwrap();
    items.push(&documents(&items.dataset, &["A", "B"], 0, 1));

    let bare = store.sites(&site.all, &SitesQuery::default(), later(10)).unwrap();
    assert_eq!(
        (bare.agents.len(), bare.companies.len(), bare.datasets.len()),
        (2, 2, 1)
    );
    let shown = dataset(&bare, "ABC", "items");
    assert_eq!((shown.stream.records, shown.stream.epoch.0), (2, 1));
    assert_eq!((shown.report.state, shown.report.lag_s), (None, None));
    assert!(
        bare.agents
            .iter()
            .all(|a| a.status_at.is_none() && a.info.last_contact_at.is_some())
    );

    let full = AgentStatus {
        clock_offset_s: Some(-7),
        companies: vec![company("ABC"), company("XYZ"), company("NOBODYS")],
    };
    store
        .put_status(&site.agent, &AgentStatus::default(), later(20))
        .unwrap();
    store.put_status(&site.agent, &full, later(100)).unwrap();
    let sites = store
        .sites(&site.all, &SitesQuery::default(), later(160))
        .unwrap();
    reported(&sites);
    limited(store, &site);

    store
        .move_company(
            &site.tenant,
            &CompanyId::new("ABC"),
            second.agent(),
            &crate::Actor::command_line(),
            now(),
        )
        .unwrap();
    let moved = store
        .sites(&site.all, &SitesQuery::default(), later(160))
        .unwrap();
    assert_eq!(
        dataset(&moved, "ABC", "items").report.state,
        None,
        "told by an agent that has it no more"
    );
}

/// The number of live records is kept as they come and go.
fn counted(store: &dyn Store) {
    let site = Site::new(store, "sites-count");
    let items = Stream::new(store, &site.agent, "ABC", "items");
    items.reset(1).unwrap();
    let check = |wanted: u64, after: &str| {
        let sites = store.sites(&site.all, &SitesQuery::default(), now()).unwrap();
        let kept = dataset(&sites, "ABC", "items").stream.records;
        assert_eq!((kept, items.state().records), (wanted, Some(wanted)), "{after}");
    };
    check(0, "a new stream");
    let push = |keys: &[&str], version| items.push(&documents(&items.dataset, keys, 0, version));
    push(&["B", "C", "D", "E"], 1);
    check(4, "a first load");
    push(&["F", "G"], 1);
    check(6, "its next page");
    push(&["A", "C", "C", "D"], 2);
    check(7, "one that is new, others that change");
    items
        .remove(&[("A", RemovalReason::Deleted), ("none", RemovalReason::Deleted)])
        .unwrap();
    check(6, "one that leaves");
    items.remove(&[("B", RemovalReason::Purged)]).unwrap();
    check(5, "one that is purged");
    items.remove(&[("B", RemovalReason::Purged)]).unwrap();
    check(5, "again");
    push(&["B"], 3);
    check(6, "one that is back");
    items.reset(2).unwrap();
    check(6, "a new epoch");
    push(&["B", "H"], 4);
    check(7, "its first batch");
}

fn paged(store: &dyn Store) {
    let site = Site::new(store, "sites-pages");
    for company in ["C3", "C1", "C2"] {
        for dataset in ["items", "customers"] {
            Stream::new(store, &site.agent, company, dataset)
                .reset(1)
                .unwrap();
        }
    }
    let ask = |query: &SitesQuery| store.sites(&site.all, query, now()).unwrap();
    let mut query = SitesQuery {
        limit: 2,
        ..SitesQuery::default()
    };
    let names = |sites: &Sites| -> Vec<String> {
        sites
            .companies
            .iter()
            .map(|c| c.info.company.to_string())
            .collect()
    };
    let first = ask(&query);
    assert_eq!(
        (names(&first), first.datasets.len(), first.agents.len()),
        (vec!["C1".into(), "C2".into()], 4, 1)
    );
    query.after.clone_from(&first.next);
    let second = ask(&query);
    assert_eq!(
        (names(&second), second.datasets.len(), second.agents.len()),
        (vec!["C3".into()], 2, 0)
    );
    assert_eq!(
        (first.next.as_ref().map(CompanyId::as_str), &second.next),
        (Some("C2"), &None)
    );
    let one = ask(&SitesQuery {
        company: Some(CompanyId::new("C2")),
        ..SitesQuery::default()
    });
    assert_eq!(
        (names(&one), one.datasets.len(), one.next),
        (vec!["C2".into()], 2, None)
    );
}

fn reported(sites: &Sites) {
    let told = sites.agents.iter().find(|a| a.clock_offset_s.is_some()).unwrap();
    assert_eq!((told.clock_offset_s, told.status_age_s), (Some(-7), Some(60)));
    assert_eq!(told.status_at, Some(later(100)));
    let items = dataset(sites, "ABC", "items");
    let wanted = status("items");
    assert_eq!(items.report.state, Some(DatasetState::Held));
    assert_eq!(items.report.lag_s, Some(90), "thirty seconds, and a minute since");
    assert_eq!((items.report.documents, items.stream.records), (Some(7), 2));
    assert_eq!(
        (&items.report.passes, &items.report.findings, &items.report.held),
        (&wanted.passes, &wanted.findings, &wanted.held)
    );
    assert_eq!(
        (
            &items.report.progress,
            &items.report.next_run_at,
            &items.report.problem
        ),
        (&wanted.progress, &wanted.next_run_at, &wanted.problem)
    );
    let unsent = dataset(sites, "ABC", "promotions");
    assert_eq!((unsent.stream.epoch.0, unsent.stream.updated_at), (0, None));
    assert!(unsent.report.state.is_some());
    let abc = sites
        .companies
        .iter()
        .find(|c| c.info.company.as_str() == "ABC")
        .unwrap();
    assert_eq!((&abc.problem, &abc.paused), (&Some(problem()), &Some(paused())));
    assert_eq!(abc.imports, Some(imports()));
    let xyz = sites
        .companies
        .iter()
        .find(|c| c.info.company.as_str() == "XYZ")
        .unwrap();
    assert_eq!(xyz.problem, None, "another agent's company");
    assert!(sites.datasets.iter().all(|d| d.company.as_str() == "ABC"));
}

/// A token of one company sees that one, and its agent.
fn limited(store: &dyn Store, site: &Site) {
    let token = |name: &str, company: &str| {
        let companies = Some(vec![CompanyId::new(company)]);
        scope(store, &site.tenant, name, TokenScope::Read, companies, &[])
    };
    let seen = |token: &TenantScope| {
        let sites = store.sites(token, &SitesQuery::default(), now()).unwrap();
        let agents: Vec<_> = sites.agents.iter().map(|a| a.info.agent.to_string()).collect();
        (agents, sites.companies.len(), sites.datasets.len())
    };
    assert_eq!(
        seen(&token("erp_sites-abc", "ABC")),
        (vec!["a_sites".to_owned()], 1, 2)
    );
    assert_eq!(
        seen(&token("erp_sites-xyz", "XYZ")),
        (vec!["a_sites2".to_owned()], 1, 0)
    );
    assert_eq!(seen(&token("erp_sites-none", "NONE")), (vec![], 0, 0));
}

fn dataset<'a>(sites: &'a Sites, company: &str, name: &str) -> &'a DatasetSite {
    let found = sites
        .datasets
        .iter()
        .find(|d| (d.company.as_str(), d.dataset.as_str()) == (company, name));
    found.unwrap()
}

fn company(name: &str) -> CompanyStatus {
    CompanyStatus {
        company: CompanyId::new(name),
        problem: Some(problem()),
        paused: Some(paused()),
        imports: Some(imports()),
        datasets: vec![status("items"), status("promotions")],
    }
}

fn imports() -> ImportsStanding {
    ImportsStanding {
        condition: Some(NamedCondition {
            code: "no_seat".to_owned(),
            detail: "all seats are taken".to_owned(),
            since: now().to_string(),
            until: later(30).to_string(),
            locked_by: None,
            remedy: "close a session".to_owned(),
        }),
        queued: 3,
        ..ImportsStanding::default()
    }
}

fn paused() -> Paused {
    Paused {
        since: "2026-05-06T12:00:00Z".to_owned(),
        until: None,
        reason: "period end".to_owned(),
    }
}

fn problem() -> Problem {
    Problem {
        code: "dsn_unknown".to_owned(),
        message: "there is no DSN SOTAMAS90".to_owned(),
        remedy: "create it".to_owned(),
    }
}

fn status(name: &str) -> DatasetStatus {
    let pass = |kind: &str| PassSummary {
        kind: kind.to_owned(),
        at: now().to_string(),
        documents: 7,
        sent: 2,
        removed: 1,
        took_ms: 30,
    };
    DatasetStatus {
        dataset: DatasetName::new(name),
        state: DatasetState::Held,
        documents: 7,
        passes: vec![pass("delta"), pass("sweep")],
        progress: Some(PassProgress {
            documents: 3,
            expected: Some(7),
            documents_per_s: 1,
            remaining_s: Some(4),
        }),
        lag_s: Some(30),
        watermark: Some("2026-05-01T12:00:00".to_owned()),
        next_run_at: Some(later(300).to_string()),
        findings: vec![FindingSummary {
            code: "date_unreadable".to_owned(),
            column: "LastSoldDate".to_owned(),
            count: 2,
            keys: vec!["A".to_owned()],
        }],
        held: Some(HeldSummary {
            reason: "deletes".to_owned(),
            message: "five records would leave".to_owned(),
            unexplained: 5,
            documents: 7,
            since: "2026-05-01T12:00:00".to_owned(),
        }),
        problem: Some(problem()),
    }
}
