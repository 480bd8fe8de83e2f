//! The audit log.

use std::net::IpAddr;

use model::{Decision, ImportKind};
use serde_json::{Value, json};
use values::{AgentId, CompanyId, Secret};
use wire::agent::DecideAction;

use super::{Site, Stream, later, now};
use crate::{
    Actor, AgentRole, AuditAction, AuditEntry, AuditPage, AuditQuery, NewImport, Store, TokenGrant,
    TokenScope,
};

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "audit");
    administration(store, &site);
    documents(store, &site);
    questions(store, &site);
    settings(store, &site);
    forgetting(store, &site);
}

fn query() -> AuditQuery {
    AuditQuery {
        limit: 100,
        ..AuditQuery::default()
    }
}

fn all(store: &dyn Store, site: &Site) -> Vec<AuditEntry> {
    store.audit(&site.tenant, &query()).unwrap().data
}

fn actions(entries: &[AuditEntry]) -> Vec<&'static str> {
    entries.iter().map(|entry| entry.action.as_str()).collect()
}

/// Entries that `work` adds, the oldest first.
fn added(store: &dyn Store, site: &Site, work: impl FnOnce()) -> Vec<AuditEntry> {
    let before = all(store, site).len();
    work();
    let mut entries = all(store, site);
    entries.reverse();
    entries.split_off(before)
}

fn administration(store: &dyn Store, site: &Site) {
    let own = all(store, site);
    assert_eq!(
        actions(&own),
        [
            "token.added",
            "agent.enrolled",
            "enrolment_code.added",
            "tenant.added"
        ],
        "what made the site"
    );
    assert!(own.iter().rev().map(|entry| entry.number).eq(1..=4), "{own:?}");
    assert_eq!(
        (own[1].actor.as_str(), own[1].subject.as_str()),
        ("agent a_audit", "a_audit")
    );
    assert_eq!(own[1].details["host"], "SAGE01");
    assert_eq!((own[3].actor.as_str(), own[3].at), ("command line", now()));
    assert_eq!(own[3].details, json!({ "name": "audit" }));

    let here: IpAddr = "203.0.113.7".parse().unwrap();
    let by = site.all.clone().at(Some(here)).actor();
    let token = Secret::new("erp_audit-00-secret");
    let grant = TokenGrant {
        scope: TokenScope::Write,
        ..TokenGrant::default()
    };
    let entries = added(store, site, || {
        store
            .add_api_token(&site.tenant, &token, &grant, &by, later(1))
            .unwrap();
        store
            .revoke_api_token(&site.tenant, token.reveal(), &by, later(2))
            .unwrap();
        // Nothing is done any more.
        store
            .revoke_api_token(&site.tenant, token.reveal(), &by, later(3))
            .unwrap();
    });
    assert_eq!(actions(&entries), ["token.added", "token.revoked"]);
    for entry in &entries {
        assert_eq!(entry.actor, "token erp_audit-al");
        assert_eq!(entry.address.as_deref(), Some("203.0.113.7"));
        assert_eq!(entry.subject, "erp_audit-00");
        assert!(!json!(entry).to_string().contains("secret"), "{entry:?}");
    }
    assert_eq!(entries[0].details["scope"], "write");
    assert_eq!((entries[0].at, entries[1].at), (later(1), later(2)));

    let entries = added(store, site, || {
        Stream::new(store, &site.agent, "ABC", "items").reset(1).unwrap();
        Stream::new(store, &site.agent, "ABC", "customers")
            .reset(1)
            .unwrap();
        let second = super::add_agent(store, &site.tenant, "a_audit2");
        let abc = CompanyId::new("ABC");
        store
            .move_company(&site.tenant, &abc, second.agent(), &by, later(4))
            .unwrap();
        store
            .move_company(&site.tenant, &abc, site.agent.agent(), &by, later(5))
            .unwrap();
        store
            .revoke_agent(&site.tenant, second.agent(), &by, later(6))
            .unwrap();
        store
            .revoke_agent(&site.tenant, second.agent(), &by, later(7))
            .unwrap();
        // What is refused is not done.
        let nobody = AgentId::new("a_none");
        store
            .move_company(&site.tenant, &abc, &nobody, &by, later(8))
            .unwrap_err();
    });
    assert_eq!(
        actions(&entries),
        [
            "company.claimed",
            "enrolment_code.added",
            "agent.enrolled",
            "company.moved",
            "company.moved",
            "agent.revoked"
        ]
    );
    assert_eq!(entries[0].actor, "agent a_audit");
    assert_eq!(entries[0].company, Some(CompanyId::new("ABC")));
    assert_eq!(
        entries[3].details,
        json!({ "agent": { "old": "a_audit", "new": "a_audit2" } })
    );
    let code = Secret::new("code of audit");
    let entries = added(store, site, || {
        let role = AgentRole::QueryManager;
        let by = Actor::command_line();
        store
            .add_enrolment_code(&site.tenant, &code, role, later(60), &by, now())
            .unwrap();
    });
    assert_eq!(entries[0].subject, "query-manager");
}

fn documents(store: &dyn Store, site: &Site) {
    let body = |comment: &str| -> Value {
        json!({
            "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" }, "comment": comment,
            "lines": [{ "item_code": "A", "quantity_ordered": "1" }],
        })
    };
    let new = |key: &str| NewImport {
        kind: ImportKind::SalesOrder,
        idempotency_key: key.to_owned(),
        company: CompanyId::new("ABC"),
        body: body("for Ms Smith"),
        body_hash: vec![1],
    };
    let scope = site.all.clone().at("2001:db8::7".parse().ok());
    let mut id = None;
    let entries = added(store, site, || {
        let import = store.add_import(&scope, &new("a1"), later(10)).unwrap();
        // The same once more is no other act.
        store.add_import(&scope, &new("a1"), later(11)).unwrap();
        store
            .edit_import(&scope, &import.id, 1, &body("for Mr Jones"), later(12))
            .unwrap();
        store
            .edit_import(&scope, &import.id, 1, &body("too late"), later(12))
            .unwrap_err();
        let decision = Decision {
            accept: Vec::new(),
            why: "Mr Jones called".to_owned(),
        };
        let discard = DecideAction::Discard;
        store
            .decide_import(&scope, &import.id, None, discard, &decision, later(13))
            .unwrap();
        id = Some(import.id);
    });
    let id = id.unwrap();
    assert_eq!(
        actions(&entries),
        ["import.accepted", "import.edited", "import.discarded"]
    );
    for entry in &entries {
        assert_eq!(entry.subject, id.as_str());
        assert_eq!(entry.company, Some(CompanyId::new("ABC")));
        assert_eq!(entry.address.as_deref(), Some("2001:db8::7"));
        assert_eq!(entry.details["kind"], "sales_order");
        let text = json!(entry).to_string();
        assert!(
            !text.contains("Smith") && !text.contains("Jones"),
            "nothing of people: {text}"
        );
    }
    assert_eq!(entries[1].details["revision"], json!({ "old": 1, "new": 2 }));
    assert_eq!(entries[2].details["state"], "received");
}

/// What the hub runs by is told once, and again where it has changed.
fn settings(store: &dyn Store, site: &Site) {
    let by = Actor::command_line();
    let note = |days: u16, at: i64| {
        let told = store.note_settings(&json!({ "keep_audit": days }), &by, later(at));
        told.unwrap()
    };
    let told = added(store, site, || {
        assert!(note(730, 1) > 0);
        assert_eq!(note(730, 2), 0, "as before");
        assert!(note(30, 3) > 0);
        assert!(note(730, 4) > 0);
    });
    assert_eq!(actions(&told), ["hub.settings"; 3]);
    let days: Vec<_> = told
        .iter()
        .map(|entry| entry.details["keep_audit"].clone())
        .collect();
    assert_eq!(days, [730, 30, 730]);
    assert!(told.iter().all(|entry| entry.actor == "command line"));
}

fn questions(store: &dyn Store, site: &Site) {
    let ask = |query: AuditQuery| store.audit(&site.tenant, &query).unwrap();
    let whole = ask(query()).data;
    let count = |query: AuditQuery, suits: &dyn Fn(&AuditEntry) -> bool| {
        let found = ask(query).data;
        let wanted: Vec<_> = whole.iter().filter(|entry| suits(entry)).cloned().collect();
        assert!(!found.is_empty());
        assert_eq!(found, wanted);
    };
    let accepted = AuditAction::ImportAccepted;
    count(
        AuditQuery {
            action: Some(accepted),
            ..query()
        },
        &|e| e.action == accepted,
    );
    let actor = "command line".to_owned();
    count(
        AuditQuery {
            actor: Some(actor.clone()),
            ..query()
        },
        &|e| e.actor == actor,
    );
    let subject = "erp_audit-00".to_owned();
    count(
        AuditQuery {
            subject: Some(subject.clone()),
            ..query()
        },
        &|e| e.subject == subject,
    );
    let abc = CompanyId::new("ABC");
    let companies = Some(vec![abc.clone(), CompanyId::new("XYZ")]);
    count(AuditQuery { companies, ..query() }, &|e| {
        e.company.as_ref() == Some(&abc)
    });
    let (from, to) = (Some(later(1)), Some(later(3)));
    count(AuditQuery { from, to, ..query() }, &|e| {
        e.at >= later(1) && e.at < later(3)
    });
    let none = AuditQuery {
        companies: Some(Vec::new()),
        ..query()
    };
    assert_eq!(ask(none), AuditPage::default());
    for limit in [1, 2, 7, 100] {
        let mut found = Vec::new();
        let mut before = None;
        loop {
            let page = ask(AuditQuery {
                before,
                limit,
                ..query()
            });
            assert!(page.data.len() <= limit as usize);
            found.extend(page.data);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(found, whole, "limit {limit}");
    }
    let stranger = Site::new(store, "audit-other");
    assert_eq!(all(store, &stranger).len(), 4, "a log is its tenant's");
}

fn forgetting(store: &dyn Store, site: &Site) {
    let last = all(store, site)[0].number;
    assert_eq!(store.drop_audit(now()).unwrap(), 0);
    assert!(store.drop_audit(later(12)).unwrap() > 10);
    let left = all(store, site);
    assert!(
        left.iter().all(|entry| entry.at >= later(12)) && left.len() >= 2,
        "{left:?}"
    );
    store.drop_audit(later(1000)).unwrap();
    assert!(all(store, site).is_empty());
    // Numbers are never given out twice: a page goes on where it was.
    let entries = added(store, site, || {
        let token = Secret::new("erp_audit-01-secret");
        let by = Actor::command_line();
        store
            .add_api_token(&site.tenant, &token, &TokenGrant::default(), &by, now())
            .unwrap();
    });
    assert_eq!(entries[0].number, last + 1);
}
