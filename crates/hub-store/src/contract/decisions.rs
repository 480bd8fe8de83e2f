//! Documents that wait for a person: edited, tried again, given up; and what is forgotten.

use model::{Attempt, Decision, ImportKind, ImportReport, ImportState, Numbers, Problem, Totals};
use serde_json::{Value, json};
use values::{CompanyId, ImportId, Key, LeaseEpoch, StoreId};
use wire::agent::{
    Accept, Decide, DecideAction, Discarded, ImportDocument, LeaseRequest, PreviewAnswer, Report,
    Reservation, Reserve,
};

use super::{Site, add_agent, later, now, refused, scope};
use crate::{Import, ImportQuery, NewImport, NewPreview, Store, StoreError, TokenScope, hash_body};

pub(super) fn check(store: &dyn Store) {
    let desk = Desk::new(store, "decisions");
    listing(&desk);
    editing(&desk);
    editing_what_is_entered(&desk);
    retrying(&desk);
    accepting(&desk);
    doubt(&desk);
    discarding(&desk);
    forgetting(&desk);
    previews(&desk);
}

/// A company with its writer, seen from both sides.
pub(super) struct Desk<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) site: Site,
    pub(super) lease: LeaseEpoch,
}

impl<'a> Desk<'a> {
    pub(super) fn new(store: &'a dyn Store, name: &str) -> Self {
        let site = Site::new(store, name);
        let request = LeaseRequest {
            company: CompanyId::new("ABC"),
            time_zone: "America/New_York".to_owned(),
            journal: StoreId::new("j"),
        };
        let lease = store.grant_lease(&site.agent, &request, now()).unwrap().lease;
        Self { store, site, lease }
    }

    pub(super) fn post(&self, kind: ImportKind, key: &str, body: &Value) -> Result<Import, StoreError> {
        let new = NewImport {
            kind,
            idempotency_key: key.to_owned(),
            company: CompanyId::new("ABC"),
            body: body.clone(),
            body_hash: hash_body(body.to_string().as_bytes()),
        };
        self.store.add_import(&self.site.all, &new, now())
    }

    fn order(&self, key: &str) -> ImportId {
        self.post(ImportKind::SalesOrder, key, &order("ABF")).unwrap().id
    }

    pub(super) fn shown(&self, id: &ImportId) -> Import {
        self.store.import(&self.site.all, id).unwrap()
    }

    pub(super) fn accept(&self, id: &ImportId, revision: u32) -> Result<(), StoreError> {
        let accept = Accept {
            lease: self.lease,
            revision,
        };
        self.store.accept(&self.site.agent, id, &accept, now())
    }

    pub(super) fn report(&self, id: &ImportId, revision: u32, state: ImportState, numbers: &[(&str, &str)]) {
        self.report_for(id, revision, state, numbers, "credit_hold");
    }

    fn report_for(
        &self,
        id: &ImportId,
        revision: u32,
        state: ImportState,
        numbers: &[(&str, &str)],
        code: &str,
    ) {
        let attempt = Attempt {
            at: later(i64::from(revision)).to_string(),
            step: "tried".into(),
            detail: state.as_str().into(),
        };
        let report = ImportReport {
            state,
            numbers: numbers
                .iter()
                .map(|(name, number)| ((*name).to_owned(), (*number).to_owned()))
                .collect::<Numbers>(),
            totals: Totals::new(),
            lines: Vec::new(),
            warnings: vec!["a word".into()],
            problems: vec![Problem::new(code, "customer", "on credit hold", "call them")],
            attempts: vec![attempt],
        };
        let report = Report {
            lease: self.lease,
            revision,
            report,
        };
        self.store
            .report(&self.site.agent, id, &report, later(2))
            .unwrap();
    }

    fn edit(&self, id: &ImportId, revision: u32, body: &Value) -> Result<Import, StoreError> {
        self.store
            .edit_import(&self.site.all, id, revision, body, later(3))
    }

    pub(super) fn decide(
        &self,
        id: &ImportId,
        action: DecideAction,
        accept: &[&str],
        why: &str,
    ) -> Result<Import, StoreError> {
        let decision = decision(accept, why);
        self.store
            .decide_import(&self.site.all, id, None, action, &decision, later(4))
    }

    fn work(&self) -> Vec<ImportDocument> {
        let companies = [(CompanyId::new("ABC"), self.lease)];
        self.store.work(&self.site.agent, &companies, 50).unwrap()
    }
}

fn decision(accept: &[&str], why: &str) -> Decision {
    Decision {
        accept: accept.iter().map(|code| (*code).to_owned()).collect(),
        why: why.to_owned(),
    }
}

fn order(customer: &str) -> Value {
    json!({
        "company": "ABC",
        "customer": { "ar_division_no": "01", "customer_no": customer },
        "lines": [{ "item_code": "A", "quantity_ordered": "1" }],
    })
}

fn listing(desk: &Desk<'_>) {
    let ids: Vec<_> = (0..5).map(|n| desk.order(&format!("list-{n}"))).collect();
    let other = desk
        .post(ImportKind::SalesOrder, "list-other", &order("XYZ"))
        .unwrap();
    assert_eq!(other.customer, Some(Key::from_parts(["01", "XYZ"])));
    let ask = |query: &ImportQuery| desk.store.imports(&desk.site.all, query).unwrap();
    let mut query = ImportQuery {
        customer: Some(Key::from_parts(["01", "ABF"])),
        kind: Some(ImportKind::SalesOrder),
        company: Some(CompanyId::new("ABC")),
        state: Some(ImportState::Received),
        limit: 2,
        ..ImportQuery::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = ask(&query);
        assert!(page.data.len() <= 2 && page.data.iter().all(|i| i.body.is_none()));
        seen.extend(page.data.into_iter().map(|i| i.id));
        query.before = page.next;
        if query.before.is_none() {
            break;
        }
    }
    let newest: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(seen, newest, "newest first, none twice, none left out");
    query.before = None;
    query.kind = Some(ImportKind::Payment);
    assert!(ask(&query).data.is_empty());
    let with_body = ImportQuery {
        limit: 1,
        with_body: true,
        ..ImportQuery::default()
    };
    assert_eq!(ask(&with_body).data[0].body, Some(order("XYZ")));
}

fn editing(desk: &Desk<'_>) {
    let id = desk.order("edit");
    refused(desk.edit(&id, 2, &order("XYZ")), "revision_stale");
    let edited = desk.edit(&id, 1, &order("XYZ")).unwrap();
    assert_eq!(
        (edited.revision, edited.state, edited.body),
        (2, ImportState::Received, Some(order("XYZ")))
    );
    assert_eq!(edited.customer, Some(Key::from_parts(["01", "XYZ"])));
    refused(desk.accept(&id, 1), "revision_stale");
    desk.accept(&id, 2).unwrap();
    refused(desk.edit(&id, 2, &order("ABF")), "import_not_editable");

    desk.report(&id, 2, ImportState::Refused, &[]);
    let third = desk.edit(&id, 2, &order("ABF")).unwrap();
    assert_eq!((third.revision, third.report), (3, None));
    let handed: Vec<_> = desk.work().into_iter().filter(|d| d.id == id).collect();
    assert_eq!(
        (handed.len(), handed[0].revision, &handed[0].body),
        (1, 3, &order("ABF"))
    );
    desk.report(&id, 2, ImportState::Held, &[]);
    assert_eq!(
        desk.shown(&id).state,
        ImportState::Received,
        "a report of an earlier revision is late"
    );
    desk.accept(&id, 3).unwrap();
    for state in [ImportState::Validated, ImportState::Waiting, ImportState::Writing] {
        desk.report(&id, 3, state, &[]);
        refused(desk.edit(&id, 3, &order("XYZ")), "import_not_editable");
        refused(
            desk.decide(&id, DecideAction::Retry, &[], "again"),
            "import_not_editable",
        );
        refused(
            desk.decide(&id, DecideAction::Discard, &[], "away"),
            "import_not_editable",
        );
    }
    desk.report(&id, 3, ImportState::Written, &[("sales_order_no", "0000001")]);
    refused(desk.edit(&id, 3, &order("XYZ")), "import_not_editable");
    let again = desk.post(ImportKind::SalesOrder, "edit", &order("ABF")).unwrap();
    assert_eq!(again.id, id, "the key stands for what was posted");
    let tried: Vec<_> = desk.shown(&id).attempts.iter().map(|(r, _)| *r).collect();
    assert_eq!(tried, [2, 3, 3, 3, 3], "attempts of every revision stay");

    let blind = Some(vec![CompanyId::new("XYZ")]);
    let blind = scope(
        desk.store,
        &desk.site.tenant,
        "erp_decisions-blind",
        TokenScope::Write,
        blind,
        &[],
    );
    refused(
        desk.store.edit_import(&blind, &id, 3, &order("XYZ"), now()),
        "import_unknown",
    );
}

/// What is edited of an order that is in Sage would never get there; its payment may.
fn editing_what_is_entered(desk: &Desk<'_>) {
    let paid = |amount: &str| {
        let mut order = order("ABF");
        order["payment"] = json!({"amount": amount});
        order
    };
    let id = desk.order("entered");
    desk.accept(&id, 1).unwrap();
    desk.report(&id, 1, ImportState::Refused, &[("sales_order_no", "0000007")]);
    refused(desk.edit(&id, 1, &order("XYZ")), "order_entered");
    desk.edit(&id, 1, &paid("10.00")).unwrap();
    // The report of the revision before still says so.
    refused(desk.edit(&id, 2, &order("XYZ")), "order_entered");
    desk.edit(&id, 2, &paid("12.00")).unwrap();
    desk.accept(&id, 3).unwrap();
    // An edit that came before the hub knew is held by the driver, and can be undone.
    let numbers = [("sales_order_no", "0000007")];
    desk.report_for(&id, 3, ImportState::Held, &numbers, "order_entered");
    desk.edit(&id, 3, &order("XYZ")).unwrap();

    let new = desk.order("entered-customer");
    desk.accept(&new, 1).unwrap();
    desk.report(&new, 1, ImportState::Held, &[("customer_no", "XYZ")]);
    desk.edit(&new, 1, &order("XYZ")).unwrap();
}

fn retrying(desk: &Desk<'_>) {
    let id = desk.order("retry");
    refused(
        desk.decide(&id, DecideAction::Retry, &[], "again"),
        "import_not_editable",
    );
    desk.accept(&id, 1).unwrap();
    desk.report(&id, 1, ImportState::Held, &[]);
    let stale = desk.store.decide_import(
        &desk.site.all,
        &id,
        Some(7),
        DecideAction::Retry,
        &decision(&[], ""),
        now(),
    );
    refused(stale, "revision_stale");
    let retried = desk
        .decide(&id, DecideAction::Retry, &["credit_hold"], "paid today")
        .unwrap();
    assert_eq!((retried.revision, retried.state), (2, ImportState::Received));
    let handed = desk.work().into_iter().find(|d| d.id == id).unwrap();
    assert_eq!(
        (handed.revision, handed.decision),
        (2, decision(&["credit_hold"], "paid today"))
    );

    // At the driver's host.
    desk.accept(&id, 2).unwrap();
    desk.report(&id, 2, ImportState::Held, &[]);
    let decided = Decide {
        action: DecideAction::Retry,
        revision: Some(2),
        decision: decision(&["credit_hold"], "rounding"),
    };
    let seen_before = Decide {
        revision: Some(1),
        ..decided.clone()
    };
    refused(
        desk.store.decide(&desk.site.agent, &id, &seen_before, now()),
        "revision_stale",
    );
    let stranger = add_agent(desk.store, &desk.site.tenant, "a_decisions2");
    refused(
        desk.store.decide(&stranger, &id, &decided, now()),
        "import_unknown",
    );
    desk.store.decide(&desk.site.agent, &id, &decided, now()).unwrap();
    let shown = desk.shown(&id);
    assert_eq!(
        (shown.revision, shown.decision),
        (3, Some(decision(&["credit_hold"], "rounding")))
    );
    assert_eq!(shown.attempts.len(), 2);
}

/// A word about a problem that is not there is no word.
fn accepting(desk: &Desk<'_>) {
    let id = desk.order("accept");
    desk.accept(&id, 1).unwrap();
    desk.report(&id, 1, ImportState::Held, &[]);
    let mistyped = desk.decide(&id, DecideAction::Retry, &["credit_hold", "credit-limit"], "paid");
    let error = mistyped.unwrap_err();
    assert_eq!(error.code(), "accept_unknown");
    let words = error.to_string();
    assert!(
        words.contains("\"credit-limit\"") && words.contains("it has credit_hold"),
        "{words}"
    );
    assert_eq!(desk.shown(&id).revision, 1, "nothing was decided");
    desk.decide(&id, DecideAction::Retry, &["credit_hold"], "paid")
        .unwrap();
    // What was accepted before is accepted again beside what came up later.
    desk.accept(&id, 2).unwrap();
    desk.report(&id, 2, ImportState::InDoubt, &[]);
    desk.decide(
        &id,
        DecideAction::Retry,
        &["in_doubt", "credit_hold"],
        "looked, nothing there",
    )
    .unwrap();
}

fn doubt(desk: &Desk<'_>) {
    let id = desk.order("doubt");
    desk.accept(&id, 1).unwrap();
    desk.report(&id, 1, ImportState::InDoubt, &[]);
    refused(desk.edit(&id, 1, &order("XYZ")), "import_not_editable");
    for (accept, why) in [
        (&[][..], "again"),
        (&["in_doubt"][..], "  "),
        (&["credit_hold"][..], "x"),
    ] {
        refused(
            desk.decide(&id, DecideAction::Retry, accept, why),
            "decision_incomplete",
        );
    }
    desk.decide(&id, DecideAction::Retry, &["in_doubt"], "looked, nothing there")
        .unwrap();
    // It shows up after all, before the driver has taken up the new revision.
    desk.report(&id, 1, ImportState::Written, &[("sales_order_no", "0000002")]);
    assert_eq!(desk.shown(&id).state, ImportState::Written);
    assert!(desk.work().iter().all(|d| d.id != id), "it is not entered again");
}

/// The driver hears of it until it says that it has heard.
fn is_told_of(desk: &Desk<'_>, id: &ImportId) {
    let companies = [(CompanyId::new("ABC"), desk.lease)];
    let told = || desk.store.discarded(&desk.site.agent, &companies).unwrap();
    let discarded = Discarded {
        import: id.clone(),
        revision: 2,
    };
    assert_eq!(told(), [discarded]);
    assert_eq!(told().len(), 1, "again, until it has heard");
    desk.accept(id, 2).unwrap();
    assert_eq!(told(), []);
    assert_eq!(desk.shown(id).state, ImportState::Discarded);
}

/// What is with a person who imports its file is given up by that person, what the driver is about
/// to enter is not.
fn discarding_a_file(desk: &Desk<'_>) {
    let told = |key: &str, state: ImportState, code: &str| {
        let id = desk.order(key);
        desk.accept(&id, 1).unwrap();
        desk.report_for(&id, 1, state, &[], code);
        desk.decide(&id, DecideAction::Discard, &[], "imported by hand")
    };
    for (key, state) in [
        ("file-waiting", ImportState::Waiting),
        ("file-writing", ImportState::Writing),
    ] {
        let gone = told(key, state, ImportReport::IMPORT_FILE_WAITING).unwrap();
        assert_eq!(gone.state, ImportState::Discarded, "{key}");
        refused(
            told(&format!("no-{key}"), state, "record_locked"),
            "import_not_editable",
        );
    }
}

fn discarding(desk: &Desk<'_>) {
    let id = desk.order("discard");
    refused(
        desk.decide(&id, DecideAction::Discard, &[], ""),
        "decision_incomplete",
    );
    let gone = desk
        .decide(&id, DecideAction::Discard, &[], "the customer called")
        .unwrap();
    assert_eq!(gone.state, ImportState::Discarded);
    assert_eq!(gone.decision.unwrap().why, "the customer called");
    // It may be journaled all the same: the driver's word of that can have been lost.
    is_told_of(desk, &id);
    let held = desk.order("discard-held");
    desk.accept(&held, 1).unwrap();
    desk.report(&held, 1, ImportState::Held, &[]);
    desk.decide(&held, DecideAction::Discard, &[], "twice the same")
        .unwrap();
    is_told_of(desk, &held);
    assert!(desk.work().iter().all(|d| d.id != id));
    refused(desk.accept(&id, 1), "revision_stale");
    let reservation = Reservation {
        write: 0,
        name: "sales_order_no".into(),
        value: "0000777".into(),
        at: now().to_string(),
    };
    let reserve = Reserve {
        lease: desk.lease,
        reservation,
    };
    refused(
        desk.store.reserve(&desk.site.agent, &id, &reserve, now()),
        "import_not_editable",
    );
    // Whoever does not know that it was given up is told so, not that it has moved.
    let (all, why) = (&desk.site.all, decision(&[], "why"));
    let old = desk
        .store
        .decide_import(all, &id, Some(1), DecideAction::Discard, &why, later(4));
    refused(old, "import_not_editable");
    for revision in [0, 1, 2] {
        desk.report(&id, revision, ImportState::Held, &[]);
    }
    assert_eq!(desk.shown(&id).state, ImportState::Discarded, "that is final");
    for action in [DecideAction::Retry, DecideAction::Discard] {
        refused(desk.decide(&id, action, &[], "why"), "import_not_editable");
    }
    discarding_a_file(desk);
}

fn forgetting(desk: &Desk<'_>) {
    let (written, held) = (desk.order("old"), desk.order("old-held"));
    desk.accept(&written, 1).unwrap();
    desk.report(&written, 1, ImportState::Held, &[]);
    desk.decide(&written, DecideAction::Retry, &["credit_hold"], "a name")
        .unwrap();
    desk.report(
        &written,
        2,
        ImportState::Written,
        &[("sales_order_no", "0000003")],
    );
    desk.report(&held, 1, ImportState::Held, &[]);
    assert_eq!(desk.store.redact_imports(now(), later(9)).unwrap(), 0, "not yet");
    let mut forgotten = 0;
    loop {
        match desk.store.redact_imports(later(5), later(9)).unwrap() {
            0 => break,
            some => forgotten += some,
        }
    }
    assert!(forgotten >= 1);
    // Told again, it does not come back.
    desk.report(
        &written,
        2,
        ImportState::Written,
        &[("sales_order_no", "0000003")],
    );
    let left = desk.shown(&written);
    assert_eq!(
        (left.body, left.redacted_at, left.attempts.len()),
        (None, Some(later(9)), 0)
    );
    assert_eq!(left.customer, Some(Key::from_parts(["01", "ABF"])));
    assert_eq!(left.decision, Some(decision(&["credit_hold"], "")));
    let report = left.report.unwrap();
    assert_eq!(report.numbers["sales_order_no"], "0000003");
    assert!(report.warnings.is_empty() && report.problems.is_empty());
    assert_eq!(
        desk.shown(&held).body,
        Some(order("ABF")),
        "what waits for a person stays"
    );
    let again = desk.post(ImportKind::SalesOrder, "old", &order("ABF")).unwrap();
    assert_eq!((again.id, again.state), (written, ImportState::Written));
    refused(
        desk.post(ImportKind::SalesOrder, "old", &order("XYZ")),
        "idempotency_conflict",
    );
}

fn previews(desk: &Desk<'_>) {
    let companies = [(CompanyId::new("ABC"), desk.lease)];
    let take = |seconds| {
        let taken = desk
            .store
            .take_previews(&desk.site.agent, &companies, later(seconds));
        taken
            .unwrap()
            .into_iter()
            .map(|p| p.id.to_string())
            .collect::<Vec<_>>()
    };
    let ask_at = |name: &str, company: &str, seconds| {
        let new = NewPreview {
            id: ImportId::new(name),
            kind: ImportKind::SalesOrder,
            company: CompanyId::new(company),
            body: order("ABF"),
        };
        desk.store.add_preview(&desk.site.all, &new, later(seconds))
    };
    let ask = |name: &str, company: &str| ask_at(name, company, 0);
    refused(ask("p", "NONE"), "company_unknown");
    for n in 0..7 {
        ask(&format!("p{n}"), "ABC").unwrap();
    }
    assert!(
        desk.work().iter().all(|d| !d.id.as_str().starts_with('p')),
        "they are no work"
    );
    let first = take(0);
    assert_eq!((first.len(), take(0).len(), take(0).len()), (5, 2, 0));
    assert_eq!(take(61).len(), 5, "given out once more when nobody answers");
    let id = ImportId::new(&first[0]);
    assert_eq!(desk.store.preview(&desk.site.all, &id).unwrap(), None);
    let answer = |lease| PreviewAnswer {
        lease,
        report: ImportReport {
            state: ImportState::Validated,
            numbers: Numbers::new(),
            totals: [("order_total".to_owned(), "159.00".parse().unwrap())].into(),
            lines: Vec::new(),
            warnings: Vec::new(),
            problems: Vec::new(),
            attempts: Vec::new(),
        },
    };
    let say = |id: &ImportId, lease| desk.store.answer_preview(&desk.site.agent, id, &answer(lease));
    refused(say(&id, LeaseEpoch(0)), "lease_lost");
    say(&id, desk.lease).unwrap();
    let result = desk.store.preview(&desk.site.all, &id).unwrap().unwrap();
    assert_eq!(result.totals["order_total"].to_string(), "159.00");
    assert!(
        desk.store
            .imports(
                &desk.site.all,
                &ImportQuery {
                    limit: 1000,
                    ..ImportQuery::default()
                }
            )
            .unwrap()
            .data
            .iter()
            .all(|i| i.id != id),
        "no import came of it"
    );
    let other = Site::new(desk.store, "decisions-other");
    refused(desk.store.preview(&other.all, &id), "preview_unknown");
    assert_eq!(desk.store.drop_previews(now(), now()).unwrap(), 0);
    assert_eq!(desk.store.drop_previews(later(1), now()).unwrap(), 7);
    refused(desk.store.preview(&desk.site.all, &id), "preview_unknown");
    refused(say(&id, desk.lease), "preview_unknown");

    // Only so many wait, and the latest go first.
    for n in 0..20 {
        ask_at(&format!("q{n}"), "ABC", n).unwrap();
    }
    refused(ask_at("q20", "ABC", 20), "previews_waiting");
    let latest: Vec<_> = (15..20).rev().map(|n| format!("q{n}")).collect();
    assert_eq!(take(20), latest);
    say(&ImportId::new("q19"), desk.lease).unwrap();
    ask_at("q20", "ABC", 20).unwrap();
    refused(ask_at("q21", "ABC", 21), "previews_waiting");
    // What nobody answers in five minutes is asked no more, and keeps nobody out.
    assert_eq!(take(319), ["q20"]);
    ask_at("q21", "ABC", 319).unwrap();
    assert_eq!(take(319), ["q21"]);
    assert_eq!(desk.store.drop_previews(now(), later(320)).unwrap(), 19);
    let answered = desk.store.preview(&desk.site.all, &ImportId::new("q19"));
    assert!(answered.unwrap().is_some());
    assert_eq!(
        desk.store.preview(&desk.site.all, &ImportId::new("q21")).unwrap(),
        None
    );
    assert_eq!(desk.store.drop_previews(later(1000), now()).unwrap(), 3);
}
