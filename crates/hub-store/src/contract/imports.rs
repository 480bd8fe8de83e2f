//! Documents on their way into the ERP.

use std::collections::BTreeMap;

use model::{Attempt, ImportKind, ImportReport, ImportState};
use serde_json::{Value, json};
use values::{CompanyId, ImportId, LeaseEpoch, StoreId};
use wire::agent::{Accept, Lease, LeaseRequest, OpenImport, OpenRequest, Report, Reservation, Reserve};

use super::{Site, add_agent, later, now, refused, scope};
use crate::{
    AgentScope, Import, ImportQuery, NewImport, Store, StoreError, TenantScope, TokenScope, hash_body,
};

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "imports");
    refused(post(store, &site.all, "early", &json!(1)), "company_unknown");
    let first = lease(store, &site.agent, "j1");
    assert_eq!(open(store, &site.agent, &first), []);
    posting(store, &site);
    let id = post(store, &site.all, "web-1", &json!({"n": 1})).unwrap().id;
    leases(store, &site, &first, &id);
    let lease = lease(store, &site.agent, "j1").lease;
    reservations(store, &site, lease, &id);
    reports(store, &site, lease, &id);
    large(store);
}

/// What was stored is there after the store was opened again.
pub(super) fn check_after_reopening(store: &dyn Store) {
    let tenant = store.find_tenant("imports").unwrap();
    let seen = scope(store, &tenant, "erp_reopened", TokenScope::Write, None, &[]);
    let again = post(store, &seen, "web-1", &json!({"n": 1})).unwrap();
    assert_eq!(again.state, ImportState::Written);
    refused(
        post(store, &seen, "web-1", &json!({"n": 2})),
        "idempotency_conflict",
    );
}

fn posting(store: &dyn Store, site: &Site) {
    let first = post(store, &site.all, "web-1", &json!({"n": 1})).unwrap();
    assert_eq!(
        (first.state, first.revision, first.report.is_none()),
        (ImportState::Received, 1, true)
    );
    let again = post(store, &site.all, "web-1", &json!({"n": 1})).unwrap();
    assert_eq!(again, first);
    refused(
        post(store, &site.all, "web-1", &json!({"n": 2})),
        "idempotency_conflict",
    );
    let second = post(store, &site.all, "web-2", &json!({"n": 2})).unwrap();
    assert_ne!(second.id, first.id);

    let other = Site::new(store, "imports-other");
    refused(store.import(&other.all, &first.id), "import_unknown");
    assert!(list(store, &other.all, None, 10).is_empty());
    let blind = Some(vec![CompanyId::new("XYZ")]);
    let blind = scope(
        store,
        &site.tenant,
        "erp_blind-0000",
        TokenScope::Write,
        blind,
        &[],
    );
    refused(store.import(&blind, &first.id), "import_unknown");
    refused(post(store, &blind, "web-3", &json!(3)), "company_unknown");
    assert!(list(store, &blind, None, 10).is_empty());

    let newest: Vec<_> = list(store, &site.all, None, 10)
        .into_iter()
        .map(|i| i.id)
        .collect();
    assert_eq!(newest, [second.id.clone(), first.id]);
    assert_eq!(list(store, &site.all, None, 1).len(), 1);
    assert!(list(store, &site.all, Some(ImportState::Written), 10).is_empty());
}

fn leases(store: &dyn Store, site: &Site, first: &Lease, id: &ImportId) {
    let abc = CompanyId::new("ABC");
    let work = |lease: LeaseEpoch| store.work(&site.agent, &[(abc.clone(), lease)], 10);
    let waiting = work(first.lease).unwrap();
    assert_eq!(
        waiting.iter().map(|d| &d.body).collect::<Vec<_>>(),
        [&json!({"n": 1}), &json!({"n": 2})]
    );
    let accept = |lease, revision| store.accept(&site.agent, id, &Accept { lease, revision }, now());
    refused(accept(first.lease, 2), "revision_stale");
    accept(first.lease, 1).unwrap();
    accept(first.lease, 1).unwrap();
    assert_eq!(
        work(first.lease).unwrap().len(),
        1,
        "what was journaled is not handed out again"
    );

    let second = lease(store, &site.agent, "j2");
    assert!(second.lease > first.lease);
    let of_second = open(store, &site.agent, &second);
    assert_eq!(of_second.iter().map(|o| &o.document.id).collect::<Vec<_>>(), [id]);
    let request = OpenRequest {
        company: abc.clone(),
        lease: first.lease,
        after: None,
    };
    refused(store.open_imports(&site.agent, &request), "lease_lost");
    refused(work(first.lease), "lease_lost");
    refused(accept(first.lease, 1), "lease_lost");
    refused(
        store.work(&site.agent, &[(CompanyId::new("XYZ"), LeaseEpoch(0))], 1),
        "lease_lost",
    );

    let rival = add_agent(store, &site.tenant, "a_imports_rival");
    let request = |zone: &str| LeaseRequest {
        company: abc.clone(),
        time_zone: zone.to_owned(),
        journal: StoreId::new("r"),
    };
    refused(
        store.grant_lease(&rival, &request("America/New_York"), now()),
        "company_claimed",
    );
    refused(
        store.grant_lease(&site.agent, &request("Eastern"), now()),
        "time_zone_unknown",
    );
    store
        .move_company(
            &site.tenant,
            &abc,
            rival.agent(),
            &crate::Actor::command_line(),
            now(),
        )
        .unwrap();
    refused(work(second.lease), "lease_lost");
    store
        .move_company(
            &site.tenant,
            &abc,
            site.agent.agent(),
            &crate::Actor::command_line(),
            now(),
        )
        .unwrap();
    let unknown = ImportId::new("none");
    let accept = Accept {
        lease: second.lease,
        revision: 1,
    };
    refused(
        store.accept(&site.agent, &unknown, &accept, now()),
        "import_unknown",
    );
    let foreign = Site::new(store, "imports-foreign");
    refused(store.accept(&foreign.agent, id, &accept, now()), "import_unknown");
}

fn reservations(store: &dyn Store, site: &Site, lease: LeaseEpoch, id: &ImportId) {
    let other = post(store, &site.all, "web-2", &json!({"n": 2})).unwrap().id;
    let reserve = |id: &ImportId, lease, write, value: &str| {
        let reservation = Reservation {
            write,
            name: "sales_order_no".into(),
            value: value.into(),
            at: now().to_string(),
        };
        store.reserve(&site.agent, id, &Reserve { lease, reservation }, now())
    };
    reserve(id, lease, 0, "0000186").unwrap();
    reserve(id, lease, 0, "0000186").unwrap();
    reserve(id, lease, 0, "0000187").unwrap();
    refused(reserve(&other, lease, 0, "0000186"), "identity_taken");
    refused(reserve(id, LeaseEpoch(lease.0 - 1), 0, "0000188"), "lease_lost");
    let again = self::lease(store, &site.agent, "j1");
    let open = open(store, &site.agent, &again);
    let numbers: Vec<_> = open
        .iter()
        .flat_map(|o| o.reservations.iter().map(|r| r.value.as_str()))
        .collect();
    assert_eq!(numbers, ["0000186", "0000187"], "oldest first");
    store
        .move_company(
            &site.tenant,
            &CompanyId::new("ABC"),
            site.agent.agent(),
            &crate::Actor::command_line(),
            now(),
        )
        .unwrap();
}

fn reports(store: &dyn Store, site: &Site, old: LeaseEpoch, id: &ImportId) {
    let lease = lease(store, &site.agent, "j1").lease;
    let report = |lease, state, number: Option<&str>, attempts: usize| {
        let attempt = |number: usize| Attempt {
            at: now().to_string(),
            step: format!("step {number}"),
            detail: "0000186".into(),
        };
        let report = ImportReport {
            state,
            numbers: number
                .map(|n| ("sales_order_no".to_owned(), n.to_owned()))
                .into_iter()
                .collect(),
            totals: BTreeMap::from([("order_total".to_owned(), values::Decimal::new(15_900, 2))]),
            lines: Vec::new(),
            warnings: vec!["over the limit".into()],
            problems: Vec::new(),
            attempts: (0..attempts).map(attempt).collect(),
        };
        store.report(
            &site.agent,
            id,
            &Report {
                lease,
                revision: 0,
                report,
            },
            later(1),
        )
    };
    let shown = || store.import(&site.all, id).unwrap();
    refused(report(old, ImportState::Writing, None, 1), "lease_lost");
    report(lease, ImportState::Writing, None, 1).unwrap();
    assert_eq!(shown().state, ImportState::Writing);
    report(lease, ImportState::Written, Some("0000186"), 2).unwrap();
    let written = shown();
    report(lease, ImportState::Written, Some("0000186"), 2).unwrap();
    report(lease, ImportState::Writing, None, 1).unwrap();
    assert_eq!(shown(), written, "a late report does not undo a written document");
    // A driver that died before its attempts were on disk tells the outcome with fewer.
    report(lease, ImportState::Written, Some("0000186"), 1).unwrap();
    assert_eq!(shown(), written, "what was tried is not forgotten");
    let kept = written.report.unwrap();
    assert_eq!(
        (
            kept.numbers.get("sales_order_no").map(String::as_str),
            kept.attempts.len()
        ),
        (Some("0000186"), 2)
    );
    assert_eq!(kept.totals["order_total"].to_string(), "159.00");
    let third = self::lease(store, &site.agent, "j3");
    let still_open = open(store, &site.agent, &third);
    assert_eq!(still_open, [], "what is settled is not handed over");
    assert_eq!(list(store, &site.all, Some(ImportState::Written), 10).len(), 1);

    // A settled document keeps its number for ever.
    let other = post(store, &site.all, "web-2", &json!({"n": 2})).unwrap().id;
    let reservation = Reservation {
        write: 0,
        name: "sales_order_no".into(),
        value: "0000186".into(),
        at: now().to_string(),
    };
    let lease = self::lease(store, &site.agent, "j1").lease;
    refused(
        store.reserve(&site.agent, &other, &Reserve { lease, reservation }, now()),
        "identity_taken",
    );
}

/// Bodies as large as they may be: what a driver gets at once does not grow with them.
fn large(store: &dyn Store) {
    let site = Site::new(store, "imports-large");
    let first = lease(store, &site.agent, "j1").lease;
    let body = json!({ "comment": "x".repeat(1_000_000) });
    let posted: Vec<_> = (0..20)
        .map(|n| post(store, &site.all, &format!("large-{n}"), &body).unwrap().id)
        .collect();
    let companies = [(CompanyId::new("ABC"), first)];
    let mut taken = Vec::new();
    while taken.len() < posted.len() {
        let work = store.work(&site.agent, &companies, 50).unwrap();
        assert!((1..=9).contains(&work.len()), "{} at once", work.len());
        for document in work {
            let accept = Accept {
                lease: first,
                revision: 1,
            };
            store.accept(&site.agent, &document.id, &accept, now()).unwrap();
            taken.push(document.id);
        }
    }
    assert_eq!(taken, posted, "oldest first");
    let small = post(store, &site.all, "small", &json!(1)).unwrap().id;
    assert_eq!(store.work(&site.agent, &companies, 50).unwrap()[0].id, small);

    let second = lease(store, &site.agent, "j1");
    let handed: Vec<_> = open(store, &site.agent, &second)
        .into_iter()
        .map(|open| open.document.id)
        .collect();
    assert_eq!(handed, posted);
    let edit = store.edit_import(&site.all, &posted[19], 1, &json!(2), now());
    refused(edit, "import_not_editable");
}

/// What is open, page by page.
fn open(store: &dyn Store, agent: &AgentScope, lease: &Lease) -> Vec<OpenImport> {
    let mut request = OpenRequest {
        company: CompanyId::new("ABC"),
        lease: lease.lease,
        after: None,
    };
    let mut open = Vec::new();
    loop {
        let page = store.open_imports(agent, &request).unwrap();
        let bodies = page
            .imports
            .iter()
            .map(|import| import.document.body.to_string().len());
        assert!(bodies.sum::<usize>() < 10_000_000, "a driver could not take it");
        let last = page.imports.last().map(|import| import.document.id.clone());
        open.extend(page.imports);
        if page.end {
            return open;
        }
        assert!(last.is_some(), "more is to come, and nothing came");
        request.after = last;
    }
}

fn list(store: &dyn Store, scope: &TenantScope, state: Option<ImportState>, limit: u32) -> Vec<Import> {
    let query = ImportQuery {
        state,
        limit,
        ..ImportQuery::default()
    };
    store.imports(scope, &query).unwrap().data
}

fn lease(store: &dyn Store, agent: &AgentScope, journal: &str) -> Lease {
    let request = LeaseRequest {
        company: CompanyId::new("ABC"),
        time_zone: "America/New_York".to_owned(),
        journal: StoreId::new(journal),
    };
    store.grant_lease(agent, &request, now()).unwrap()
}

fn post(store: &dyn Store, scope: &TenantScope, key: &str, body: &Value) -> Result<Import, StoreError> {
    let new = NewImport {
        kind: ImportKind::SalesOrder,
        idempotency_key: key.to_owned(),
        company: CompanyId::new("ABC"),
        body: body.clone(),
        body_hash: hash_body(body.to_string().as_bytes()),
    };
    store.add_import(scope, &new, now())
}
