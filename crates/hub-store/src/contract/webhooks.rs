//! Webhooks: who sees them, what they have to be told, and by whom.

use catalog::Class;
use catalog::RemovalReason::Deleted;
use jiff::Timestamp;
use model::ImportKind;
use serde_json::{Value, json};
use values::{CompanyId, DatasetName, Secret};

use super::{Site, Stream, documents, later, now, refused, scope};
use crate::{
    Claim, Delivery, DisabledReason, NewImport, NewWebhook, PendingEvent, ReplayFrom, Settled, Settlement,
    Standing, Store, Subject, TenantScope, TokenScope, Wants, Webhook, WebhookEdit, WebhookEvent, WebhookId,
    WebhookWork,
};

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "webhooks");
    who_sees_it(store, &site);
    one_process_tells(store);
    what_failed_comes_again(store);
    latest_states_alone(store);
    documents_too(store);
    changes_beside(store);
    rotated_again(store);
    replays(store);
    switched_off(store);
    fair_turns(store);
    a_company_leaves(store);
    a_company_leaves_while_one_stands_still(store);
    audited(store);
}

fn all() -> Wants {
    Wants {
        events: WebhookEvent::CHOICES.to_vec(),
        datasets: None,
        companies: None,
        classes: vec![Class::Public],
    }
}

fn new(wants: Wants) -> NewWebhook {
    NewWebhook {
        url: "https://shop.example/hook".into(),
        description: "the shop".into(),
        wants,
        secret: Secret::new("whsec_first"),
    }
}

fn add(store: &dyn Store, scope: &TenantScope, id: &str, wants: Wants) -> Webhook {
    let id = WebhookId::new(id);
    store.add_webhook(scope, &id, &new(wants), now()).unwrap()
}

fn claim_of(site: &Site, webhook: &Webhook, owner: &str) -> Claim {
    Claim {
        tenant: site.tenant.clone(),
        webhook: webhook.id.clone(),
        owner: owner.into(),
    }
}

/// A tenant with items that come, and a webhook that this process tells.
fn set_up<'a>(store: &'a dyn Store, site: &'a Site, wants: Wants) -> (Stream<'a>, Claim) {
    let items = Stream::new(store, &site.agent, "ABC", "items");
    items.reset(1).unwrap();
    let webhook = add(store, &site.all, "wh_1", wants);
    let claim = claim_of(site, &webhook, "p1");
    assert!(store.claim_webhook(&claim, later(30), now()).unwrap());
    (items, claim)
}

fn work_at(store: &dyn Store, claim: &Claim, limit: u32, at: Timestamp) -> WebhookWork {
    store.webhook_work(claim, limit, at).unwrap().unwrap()
}

/// `dataset/key`, deletions marked by a cross, with the attempts so far.
fn named(events: &[PendingEvent]) -> Vec<String> {
    let name = |event: &PendingEvent| {
        let cross = if event.event == WebhookEvent::RecordDeleted {
            "†"
        } else {
            ""
        };
        let Subject { topic, key, .. } = &event.subject;
        format!("{topic}/{key}{cross} {}", event.attempts)
    };
    events.iter().map(name).collect()
}

fn told(event: &PendingEvent) -> Settled {
    Settled {
        subject: event.subject.clone(),
        again: None,
    }
}

fn failed(event: &PendingEvent, again_at: Timestamp) -> Settled {
    let event = PendingEvent {
        attempts: event.attempts + 1,
        ..event.clone()
    };
    Settled {
        subject: event.subject.clone(),
        again: Some((again_at, event)),
    }
}

fn settlement(work: &WebhookWork, settled: Vec<Settled>) -> Settlement {
    Settlement {
        epoch: work.epoch,
        settled,
        position: work.position,
        begun: work.begun,
        ..Settlement::default()
    }
}

#[track_caller]
fn settle(store: &dyn Store, claim: &Claim, settlement: &Settlement, at: Timestamp) {
    assert!(
        store.settle_webhook(claim, settlement, at).unwrap(),
        "what was done is kept"
    );
}

fn behind(after: u64) -> ReplayFrom {
    ReplayFrom::Position { after, begun: 0 }
}

fn is_due(store: &dyn Store, claim: &Claim, at: Timestamp) -> bool {
    let due = store.due_webhooks(1_000, at).unwrap();
    due.contains(&(claim.tenant.clone(), claim.webhook.clone()))
}

fn who_sees_it(store: &dyn Store, site: &Site) {
    // Companies are known once they were claimed.
    Stream::new(store, &site.agent, "ABC", "items").reset(1).unwrap();
    let wide = add(store, &site.all, "wh_wide", all());
    assert_eq!(
        (wide.url.as_str(), &wide.wants),
        ("https://shop.example/hook", &all())
    );
    assert_eq!((wide.disabled, wide.since, wide.waiting), (None, now(), 0));
    assert_eq!(wide.position, wide.head, "it is told what comes from now on");
    let abc = Some(vec![CompanyId::new("ABC")]);
    let narrow = scope(
        store,
        &site.tenant,
        "erp_webhooks-narrow",
        TokenScope::Write,
        abc.clone(),
        &[Class::Public],
    );
    let own = add(store, &narrow, "wh_own", all());
    assert_eq!(own.wants.companies, abc, "a token's companies are the webhook's");
    let ids = |scope: &TenantScope| -> Vec<String> {
        let all = store.webhooks(scope).unwrap();
        all.iter().map(|webhook| webhook.id.to_string()).collect()
    };
    assert_eq!(ids(&site.all), ["wh_own", "wh_wide"]);
    assert_eq!(ids(&narrow), ["wh_own"]);
    let cost = Wants {
        classes: vec![Class::Public, Class::Cost],
        ..all()
    };
    let other = Wants {
        companies: Some(vec![CompanyId::new("XYZ")]),
        ..all()
    };
    for wants in [cost.clone(), other] {
        let beyond = store.add_webhook(&narrow, &WebhookId::new("wh_beyond"), &new(wants), now());
        refused(beyond, "webhook_beyond_token");
    }
    let stranger = Site::new(store, "webhooks-stranger");
    for scope in [&narrow, &stranger.all] {
        nobody_else(store, scope, &wide.id);
    }
    let more = WebhookEdit {
        wants: Some(cost),
        ..WebhookEdit::default()
    };
    refused(
        store.edit_webhook(&narrow, &own.id, &more, now()),
        "webhook_beyond_token",
    );
    assert_eq!(
        store.webhook(&site.all, &wide.id).unwrap(),
        wide,
        "nothing has happened to it"
    );
    for number in 2..50 {
        add(store, &site.all, &format!("wh_{number:03}"), all());
    }
    let full = store.add_webhook(&site.all, &WebhookId::new("wh_more"), &new(all()), now());
    refused(full, "webhooks_too_many");
    store.remove_webhook(&site.all, &own.id, now()).unwrap();
    refused(store.webhook(&site.all, &own.id), "webhook_unknown");
    add(store, &site.all, "wh_more", all());
}

/// A webhook that the scope does not see is as if it were not there.
fn nobody_else(store: &dyn Store, scope: &TenantScope, id: &WebhookId) {
    let code = "webhook_unknown";
    let edit = WebhookEdit {
        url: Some("https://thief.example/".into()),
        ..WebhookEdit::default()
    };
    refused(store.webhook(scope, id), code);
    refused(store.edit_webhook(scope, id, &edit, now()), code);
    let secret = Secret::new("whsec_other");
    refused(store.rotate_webhook(scope, id, &secret, later(60), now()), code);
    refused(store.remove_webhook(scope, id, now()), code);
    refused(store.replay_webhook(scope, id, behind(0), now()), code);
    refused(store.test_webhook(scope, id, "t", now()), code);
    refused(store.webhook_deliveries(scope, id, 10), code);
}

fn one_process_tells(store: &dyn Store) {
    let site = Site::new(store, "webhooks-one");
    let (items, claim) = set_up(store, &site, all());
    let other = Claim {
        owner: "p2".into(),
        ..claim.clone()
    };
    assert!(!is_due(store, &claim, later(31)), "there is nothing to tell");
    items.push(&documents(&items.dataset, &["A", "B"], 0, 1));
    assert!(!is_due(store, &claim, later(1)), "somebody tells it");
    assert!(!store.claim_webhook(&other, later(60), later(1)).unwrap());
    assert!(store.webhook_work(&other, 10, later(1)).unwrap().is_none());
    let work = work_at(store, &claim, 10, later(1));
    assert_eq!(named(&work.fresh), ["items/A 0", "items/B 0"]);
    assert_eq!(work.secrets[0].reveal(), "whsec_first");
    let record = items.get(&site.all, "A");
    let data = &work.fresh[0].data;
    assert_eq!(data["record"]["item_code"], record["item_code"]);
    assert!(
        data["record"]["udf"].get("UDF_cost").is_none(),
        "a class that it does not read"
    );
    assert_eq!(data["key"], "A");
    assert!(store.keep_webhook(&claim, later(40)).unwrap());
    assert!(!is_due(store, &claim, later(39)));
    assert!(is_due(store, &claim, later(40)), "its holder is gone");
    assert!(store.claim_webhook(&other, later(80), later(40)).unwrap());
    assert!(!store.keep_webhook(&claim, later(90)).unwrap());
    assert!(store.webhook_work(&claim, 10, later(41)).unwrap().is_none());
    let late = settlement(&work, Vec::new());
    assert!(
        !store.settle_webhook(&claim, &late, later(41)).unwrap(),
        "it is another's"
    );
    store.release_webhook(&claim, later(41)).unwrap();
    let work = work_at(store, &other, 10, later(41));
    assert_eq!(named(&work.fresh), ["items/A 0", "items/B 0"], "nobody told it");
    settle(store, &other, &settlement(&work, Vec::new()), later(42));
    store.release_webhook(&other, later(42)).unwrap();
    assert!(!is_due(store, &claim, later(100)), "all is told");
    let webhook = store.webhook(&site.all, &claim.webhook).unwrap();
    assert_eq!(webhook.position, webhook.head);
}

fn what_failed_comes_again(store: &dyn Store) {
    let site = Site::new(store, "webhooks-again");
    let (items, claim) = set_up(store, &site, all());
    items.push(&documents(&items.dataset, &["A", "B"], 0, 1));
    let work = work_at(store, &claim, 10, later(1));
    let [a, b] = work.fresh.as_slice() else {
        panic!("{:?}", named(&work.fresh))
    };
    let mut done = settlement(&work, vec![failed(b, later(10))]);
    done.standing.failing_since = Some(later(1));
    done.deliveries = [a, b]
        .map(|event| delivery(event, if event.subject == a.subject { 200 } else { 500 }))
        .to_vec();
    settle(store, &claim, &done, later(2));
    let webhook = store.webhook(&site.all, &claim.webhook).unwrap();
    assert_eq!((webhook.waiting, webhook.oldest_waiting_at), (1, Some(now())));
    assert_eq!(webhook.standing, done.standing);
    assert!(store.webhook_backlog().unwrap().0.is_some_and(|at| at <= now()));
    let sent = store.webhook_deliveries(&site.all, &claim.webhook, 10).unwrap();
    assert_eq!(sent, [done.deliveries[1].clone(), done.deliveries[0].clone()]);

    assert_eq!(named(&work_at(store, &claim, 10, later(9)).again), [""; 0]);
    let work = work_at(store, &claim, 10, later(10));
    assert_eq!(
        (named(&work.again), work.fresh.len()),
        (vec!["items/B 1".to_owned()], 0)
    );
    assert_eq!(work.again[0].position, b.position);
    assert_eq!(work.again[0].data, b.data);
    settle(
        store,
        &claim,
        &settlement(&work, vec![failed(&work.again[0], later(50))]),
        later(11),
    );
    // Meanwhile it changes: what waits is now the later state, and no earlier than it was.
    items.push(&documents(&items.dataset, &["B", "C"], 0, 2));
    let work = work_at(store, &claim, 10, later(12));
    assert_eq!(named(&work.fresh), ["items/B 2", "items/C 0"]);
    assert_eq!(work.fresh[0].waits_until, Some(later(50)));
    assert_eq!(work.fresh[1].waits_until, None);
    let held = Settled {
        subject: work.fresh[0].subject.clone(),
        again: Some((later(50), work.fresh[0].clone())),
    };
    settle(store, &claim, &settlement(&work, vec![held]), later(13));
    assert_eq!(named(&work_at(store, &claim, 10, later(49)).again), [""; 0]);
    let work = work_at(store, &claim, 10, later(50));
    assert_eq!(named(&work.again), ["items/B 2"]);
    assert!(work.again[0].position > b.position);
    assert_ne!(work.again[0].data, b.data);
    // A receiver that comes back gets at once what has failed since it was away, and that alone.
    items.push(&documents(&items.dataset, &["D"], 0, 1));
    let b = work.again[0].clone();
    let work = work_at(store, &claim, 10, later(51));
    let mut away = settlement(&work, vec![failed(&b, later(9_000))]);
    away.standing.failing_since = Some(later(51));
    settle(store, &claim, &away, later(51));
    items.push(&documents(&items.dataset, &["E", "F"], 0, 1));
    let work = work_at(store, &claim, 10, later(51));
    assert_eq!(
        (named(&work.fresh), work.failed),
        (vec!["items/E 0".into(), "items/F 0".into()], 0)
    );
    let mut away = settlement(
        &work,
        work.fresh
            .iter()
            .map(|event| failed(event, later(9_000)))
            .collect(),
    );
    away.standing.failing_since = Some(later(51));
    settle(store, &claim, &away, later(52));
    let work = work_at(store, &claim, 10, later(52));
    assert_eq!((named(&work.again), work.failed), (Vec::new(), 2));
    let mut back = settlement(&work, Vec::new());
    back.recovered = true;
    settle(store, &claim, &back, later(52));
    let work = work_at(store, &claim, 10, later(52));
    assert_eq!(
        (named(&work.again), work.failed),
        (vec!["items/E 1".into(), "items/F 1".into()], 0)
    );
    let done = settlement(&work, work.again.iter().chain([&b]).map(told).collect());
    settle(store, &claim, &done, later(53));
    assert_eq!(store.webhook(&site.all, &claim.webhook).unwrap().waiting, 0);
    remembered(store, &site, &claim, a);
}

fn delivery(event: &PendingEvent, status: u16) -> Delivery {
    Delivery {
        message: format!("msg_{}", event.subject.key),
        event: event.event,
        subject: event.subject.clone(),
        attempt: 1,
        at: later(1),
        took_ms: 12,
        status: Some(status),
        outcome: if status == 200 { "delivered" } else { "refused" }.into(),
    }
}

/// Deliveries are remembered, and not for ever.
fn remembered(store: &dyn Store, site: &Site, claim: &Claim, event: &PendingEvent) {
    for round in 0..3 {
        let mut done = settlement(&work_at(store, claim, 10, later(60)), Vec::new());
        let one = |number: u32| Delivery {
            attempt: round * 150 + number,
            ..delivery(event, 200)
        };
        done.deliveries = (0..150).map(one).collect();
        settle(store, claim, &done, later(60));
    }
    let sent = store
        .webhook_deliveries(&site.all, &claim.webhook, 1_000)
        .unwrap();
    let attempts: Vec<u32> = sent.iter().map(|delivery| delivery.attempt).collect();
    assert_eq!(attempts, (250..450).rev().collect::<Vec<_>>());
}

fn latest_states_alone(store: &dyn Store) {
    let site = Site::new(store, "webhooks-latest");
    let (items, claim) = set_up(store, &site, all());
    items.push(&documents(&items.dataset, &["A"], 0, 1));
    let work = work_at(store, &claim, 10, later(1));
    settle(
        store,
        &claim,
        &settlement(&work, vec![failed(&work.fresh[0], later(5))]),
        later(2),
    );
    // B and C stand in the feed before what becomes of A.
    items.push(&documents(&items.dataset, &["B", "C"], 0, 1));
    items.remove(&[("A", Deleted)]).unwrap();
    let work = work_at(store, &claim, 1, later(6));
    assert_eq!(
        (named(&work.fresh), work.more),
        (vec!["items/B 0".to_owned()], true)
    );
    assert_eq!(work.again, [], "an earlier state is not told any more");
    assert_eq!(work.overtaken.len(), 1);
    let overtaken = work.overtaken.iter().map(|subject| Settled {
        subject: subject.clone(),
        again: None,
    });
    settle(store, &claim, &settlement(&work, overtaken.collect()), later(7));
    let work = work_at(store, &claim, 10, later(8));
    assert_eq!(named(&work.fresh), ["items/C 0", "items/A† 0"]);
    assert_eq!(
        work.fresh[1].data["deleted_at"],
        work.fresh[1].at.to_string(),
        "a deletion says when"
    );
    let gone = settlement(&work, vec![failed(&work.fresh[1], later(20))]);
    settle(store, &claim, &gone, later(9));
    let work = work_at(store, &claim, 10, later(20));
    assert_eq!(named(&work.again), ["items/A† 1"]);
}

fn documents_too(store: &dyn Store) {
    let site = Site::new(store, "webhooks-documents");
    let (items, claim) = set_up(
        store,
        &site,
        Wants {
            events: vec![WebhookEvent::RecordDeleted, WebhookEvent::ImportStateChanged],
            datasets: Some(vec![DatasetName::new("items")]),
            ..all()
        },
    );
    let prices = Stream::new(store, &site.agent, "ABC", "price_codes");
    prices.reset(1).unwrap();
    items.push(&documents(&items.dataset, &["A", "B"], 0, 1));
    prices.push(&documents(&prices.dataset, &["P", "Q"], 0, 1));
    let post = |key: &str| {
        let new = NewImport {
            kind: ImportKind::SalesOrder,
            idempotency_key: key.into(),
            company: CompanyId::new("ABC"),
            body: serde_json::json!({ "company": "ABC", "lines": [] }),
            body_hash: key.as_bytes().to_vec(),
        };
        store.add_import(&site.all, &new, later(1)).unwrap()
    };
    let first = post("k1");
    items.remove(&[("B", Deleted)]).unwrap();
    prices.remove(&[("P", Deleted)]).unwrap();
    let second = post("k2");
    let work = work_at(store, &claim, 10, later(2));
    let wanted = [
        format!("import/{} 0", first.id),
        "items/B† 0".to_owned(),
        format!("import/{} 0", second.id),
    ];
    assert_eq!(named(&work.fresh), wanted);
    let data = &work.fresh[0].data;
    assert_eq!(
        (&data["state"], &data["kind"], &data["revision"], &data["company"]),
        (
            &"received".into(),
            &"sales_order".into(),
            &1.into(),
            &"ABC".into()
        )
    );
    // A page at a time, nothing is passed over.
    let mut found = Vec::new();
    let (mut position, mut rounds) = (0, 0);
    while rounds < 20 {
        let work = work_at(store, &claim, 1, later(2));
        found.extend(named(&work.fresh));
        if work.position == position {
            break;
        }
        (position, rounds) = (work.position, rounds + 1);
        settle(store, &claim, &settlement(&work, Vec::new()), later(2));
    }
    assert_eq!(found, wanted);
    // The same request again changes nothing; a decision does.
    post("k1");
    assert_eq!(work_at(store, &claim, 10, later(3)).fresh, []);
    let why = model::Decision {
        accept: Vec::new(),
        why: "twice".into(),
    };
    let discard = wire::agent::DecideAction::Discard;
    store
        .decide_import(&site.all, &first.id, None, discard, &why, later(3))
        .unwrap();
    let work = work_at(store, &claim, 10, later(3));
    assert_eq!(named(&work.fresh), [format!("import/{} 0", first.id)]);
    assert_eq!(work.fresh[0].data["state"], "discarded");
    let again = settlement(&work, vec![failed(&work.fresh[0], later(5))]);
    settle(store, &claim, &again, later(4));
    let work = work_at(store, &claim, 10, later(5));
    assert_eq!(work.again[0].data["state"], "discarded");
    assert_eq!(work.again[0].attempts, 1);
}

fn changes_beside(store: &dyn Store) {
    let site = Site::new(store, "webhooks-beside");
    let (items, claim) = set_up(store, &site, all());
    items.push(&documents(&items.dataset, &["A"], 0, 1));
    let id = &claim.webhook;
    let before = work_at(store, &claim, 10, later(1));
    let elsewhere = WebhookEdit {
        url: Some("https://new.example/".into()),
        ..WebhookEdit::default()
    };
    store.edit_webhook(&site.all, id, &elsewhere, later(1)).unwrap();
    let mut late = settlement(&before, Vec::new());
    late.deliveries = vec![delivery(&before.fresh[0], 200)];
    assert!(
        !store.settle_webhook(&claim, &late, later(2)).unwrap(),
        "it was changed meanwhile"
    );
    let sent = store.webhook_deliveries(&site.all, id, 10).unwrap();
    assert_eq!(sent.len(), 1, "what was sent was sent");
    let work = work_at(store, &claim, 10, later(2));
    assert_eq!(work.webhook.url, "https://new.example/");
    assert_eq!(
        named(&work.fresh),
        ["items/A 0"],
        "the new receiver does not have it"
    );

    let second = Secret::new("whsec_second");
    let rotated = store.rotate_webhook(&site.all, id, &second, later(100), later(2));
    assert_eq!(rotated.unwrap().former_secret_until, Some(later(100)));
    let secrets = |at| -> Vec<String> {
        let secrets = work_at(store, &claim, 10, at).secrets;
        secrets.iter().map(|secret| secret.reveal().to_owned()).collect()
    };
    assert_eq!(secrets(later(99)), ["whsec_second", "whsec_first"]);
    assert_eq!(secrets(later(100)), ["whsec_second"]);

    store.test_webhook(&site.all, id, "t1", later(3)).unwrap();
    let work = work_at(store, &claim, 10, later(3));
    assert_eq!(named(&work.again), ["test/t1 0"]);
    assert_eq!(work.again[0].event, WebhookEvent::Test);
    let done = settlement(&work, vec![told(&work.again[0])]);
    settle(store, &claim, &done, later(4));
    let work = work_at(store, &claim, 10, later(5));
    assert_eq!((work.again, work.fresh), (Vec::new(), Vec::new()));
    store.remove_webhook(&site.all, id, later(5)).unwrap();
    assert!(store.webhook_work(&claim, 10, later(6)).unwrap().is_none());
    assert!(!store.settle_webhook(&claim, &late, later(6)).unwrap());
    assert!(!store.keep_webhook(&claim, later(60)).unwrap());
}

fn replays(store: &dyn Store) {
    let site = Site::new(store, "webhooks-replays");
    let (items, claim) = set_up(store, &site, all());
    let id = &claim.webhook;
    let none = items.dataset.empty_batch();
    for (number, key) in (1..).zip(["A", "B", "C"]) {
        let at = later(number * 1_000);
        items
            .exchange(&documents(&items.dataset, &[key], 0, 1), &[], 0, at)
            .unwrap();
    }
    let work = work_at(store, &claim, 10, later(5_000));
    let positions: Vec<u64> = work.fresh.iter().map(|event| event.position).collect();
    let waits = settlement(&work, vec![failed(&work.fresh[0], later(9_000))]);
    settle(store, &claim, &waits, later(5_000));
    let replayed = |from| {
        store.replay_webhook(&site.all, id, from, later(5_000)).unwrap();
        named(&work_at(store, &claim, 10, later(5_000)).fresh)
    };
    assert_eq!(replayed(behind(0)), ["items/A 0", "items/B 0", "items/C 0"]);
    assert_eq!(replayed(behind(positions[1])), ["items/C 0"]);
    for (seconds, keys) in [
        (0, 3),
        (1_000, 3),
        (1_500, 2),
        (2_000, 2),
        (2_999, 1),
        (3_000, 1),
        (3_100, 0),
        (90_000, 0),
    ] {
        let found = replayed(ReplayFrom::Time(later(seconds)));
        assert_eq!(found.len(), keys, "from {seconds}: {found:?}");
    }
    assert_eq!(replayed(ReplayFrom::Now), [""; 0]);
    assert_eq!(store.webhook(&site.all, id).unwrap().waiting, 0);
    let head = store.webhook(&site.all, id).unwrap().head;
    let beyond = store.replay_webhook(&site.all, id, behind(head + 1), later(5_000));
    refused(beyond, "cursor_expired");
    // What was forgotten cannot be told: neither by itself nor on a word.
    replayed(behind(positions[0]));
    items.exchange(&none, &[("B", Deleted)], 0, later(6_000)).unwrap();
    let later_position = store.webhook(&site.all, id).unwrap().head;
    items.exchange(&none, &[("C", Deleted)], 0, later(7_000)).unwrap();
    assert!(store.drop_tombstones(later(6_500)).unwrap() >= 1);
    refused(store.webhook_work(&claim, 10, later(8_000)), "cursor_expired");
    let early = store.replay_webhook(&site.all, id, ReplayFrom::Time(later(2_500)), later(8_000));
    refused(early, "cursor_expired");
    assert_eq!(replayed(behind(later_position)), ["items/C† 0"]);
    // From the very start it needs no tombstone, wherever it is by now.
    store
        .replay_webhook(&site.all, id, behind(0), later(8_000))
        .unwrap();
    for wanted in ["items/A 0", "items/C† 0"] {
        let work = work_at(store, &claim, 1, later(8_000));
        assert_eq!(named(&work.fresh), [wanted]);
        settle(store, &claim, &settlement(&work, Vec::new()), later(8_000));
    }
    let query = crate::AuditQuery {
        subject: Some(id.to_string()),
        limit: 100,
        ..crate::AuditQuery::default()
    };
    let log = store.audit(&site.tenant, &query).unwrap().data;
    let added = log.last().map(|entry| (entry.action, entry.actor.clone()));
    assert_eq!(
        added,
        Some((crate::AuditAction::WebhookAdded, site.all.actor().to_string()))
    );
    assert!(
        log.iter()
            .any(|entry| entry.action == crate::AuditAction::WebhookReplayed)
    );
}

fn switched_off(store: &dyn Store) {
    let site = Site::new(store, "webhooks-off");
    let (items, claim) = set_up(store, &site, all());
    let id = &claim.webhook;
    items.push(&documents(&items.dataset, &["A", "B"], 0, 1));
    let work = work_at(store, &claim, 10, later(1));
    let mut done = settlement(&work, vec![failed(&work.fresh[1], later(900))]);
    done.standing = Standing {
        failing_since: Some(later(1)),
        pauses: 3,
        resume_at: Some(later(300)),
    };
    settle(store, &claim, &done, later(2));
    items.push(&documents(&items.dataset, &["C"], 0, 1));
    store.release_webhook(&claim, later(2)).unwrap();
    assert!(!is_due(store, &claim, later(299)), "it is left alone");
    assert!(is_due(store, &claim, later(300)));
    assert!(store.claim_webhook(&claim, later(400), later(300)).unwrap());
    store
        .disable_webhook(&claim, DisabledReason::Failing, later(300))
        .unwrap();
    let off = store.webhook(&site.all, id).unwrap();
    assert_eq!(
        (off.disabled, off.since),
        (Some(DisabledReason::Failing), later(300))
    );
    assert!(store.webhook_backlog().unwrap().1 >= 1);
    assert!(store.webhook_work(&claim, 10, later(301)).unwrap().is_none());
    store.release_webhook(&claim, later(301)).unwrap();
    assert!(!is_due(store, &claim, later(9_000)));
    assert!(!store.claim_webhook(&claim, later(9_999), later(9_000)).unwrap());
    refused(
        store.test_webhook(&site.all, id, "t", later(302)),
        "webhook_disabled",
    );
    let switch = |active| {
        let edit = WebhookEdit {
            active: Some(active),
            ..WebhookEdit::default()
        };
        store.edit_webhook(&site.all, id, &edit, later(400)).unwrap()
    };
    let on = switch(true);
    assert_eq!(
        (on.disabled, on.since, on.standing),
        (None, later(400), Standing::default())
    );
    assert!(store.claim_webhook(&claim, later(500), later(401)).unwrap());
    let work = work_at(store, &claim, 10, later(401));
    assert_eq!(named(&work.again), ["items/B 1"], "what waited is due at once");
    assert_eq!(named(&work.fresh), ["items/C 0"]);
    assert_eq!(switch(false).disabled, Some(DisabledReason::Requested));
    assert_eq!(switch(false).disabled, Some(DisabledReason::Requested));
}

/// A company that leaves switches nothing off, and what was under way about it is not kept.
fn a_company_leaves(store: &dyn Store) {
    let site = Site::new(store, "webhooks-left");
    let (items, claim) = set_up(store, &site, all());
    items.push(&documents(&items.dataset, &["A"], 0, 1));
    let work = work_at(store, &claim, 10, now());
    assert_eq!(named(&work.fresh), ["items/A 0"]);
    let by = crate::Actor::command_line();
    store
        .remove_company(&site.tenant, &items.company, true, &by, later(3600))
        .unwrap();
    let done = settlement(&work, work.fresh.iter().map(told).collect());
    assert!(!store.settle_webhook(&claim, &done, now()).unwrap());
    let work = work_at(store, &claim, 10, now());
    assert!(work.fresh.is_empty() && work.again.is_empty(), "{work:?}");
}

/// Who rotates again because an answer was lost cuts off no receiver.
fn rotated_again(store: &dyn Store) {
    let site = Site::new(store, "webhooks-rotated");
    let (_, claim) = set_up(store, &site, all());
    let rotate = |name: &str, until, at| {
        let secret = Secret::new(format!("whsec_{name}"));
        let rotated = store.rotate_webhook(&site.all, &claim.webhook, &secret, until, at);
        assert_eq!(rotated.unwrap().former_secret_until, Some(until));
    };
    let secrets = |at| -> Vec<String> {
        let secrets = work_at(store, &claim, 10, at).secrets;
        secrets
            .iter()
            .map(|secret| secret.reveal()[6..].to_owned())
            .collect()
    };
    rotate("second", later(100), later(1));
    rotate("third", later(120), later(20));
    assert_eq!(secrets(later(21)), ["third", "second", "first"]);
    assert_eq!(secrets(later(99)), ["third", "second", "first"]);
    assert_eq!(secrets(later(100)), ["third", "second"]);
    assert_eq!(secrets(later(120)), ["third"]);
    rotate("fourth", later(220), later(120));
    assert_eq!(secrets(later(120)), ["fourth", "third"]);
    for number in 0..20 {
        rotate(&number.to_string(), later(300), later(200));
    }
    let all = secrets(later(201));
    assert!(
        all.len() < 10 && all[..2] == ["19", "18"],
        "not without end: {all:?}"
    );
}

/// A tenant's many webhooks do not come before another one's first.
fn fair_turns(store: &dyn Store) {
    let sites = ["webhooks-many", "webhooks-few"].map(|name| Site::new(store, name));
    for (site, (kind, count)) in sites.iter().zip([("a", 40), ("b", 2)]) {
        let items = Stream::new(store, &site.agent, "ABC", "items");
        items.reset(1).unwrap();
        for number in 0..count {
            add(store, &site.all, &format!("wh_{kind}{number:02}"), all());
        }
        items.push(&documents(&items.dataset, &["A"], 0, 1));
    }
    let due = store.due_webhooks(1_000, later(1)).unwrap();
    let last = due
        .iter()
        .rposition(|(tenant, _)| *tenant == sites[1].tenant)
        .unwrap();
    let before = due[..last]
        .iter()
        .filter(|(tenant, _)| *tenant == sites[0].tenant);
    assert!(before.count() <= 2, "{due:?}");
}

/// What was deleted elsewhere is told, or the webhook says that it can no longer be: the
/// company that has left does not hide it.
fn a_company_leaves_while_one_stands_still(store: &dyn Store) {
    let site = Site::new(store, "webhooks-still");
    let (items, claim) = set_up(store, &site, all());
    let id = &claim.webhook;
    let other = Stream::new(store, &site.agent, "XYZ", "items");
    other.reset(1).unwrap();
    items.push(&documents(&items.dataset, &["A", "B", "C"], 0, 1));
    other.push(&documents(&other.dataset, &["X"], 0, 1));
    let work = work_at(store, &claim, 10, later(1));
    settle(store, &claim, &settlement(&work, Vec::new()), later(1));
    let switch = |active, at| {
        let edit = WebhookEdit {
            active: Some(active),
            ..WebhookEdit::default()
        };
        store.edit_webhook(&site.all, id, &edit, at)
    };
    switch(false, later(2)).unwrap();
    let none = items.dataset.empty_batch();
    items.exchange(&none, &[("A", Deleted)], 0, later(3_600)).unwrap();
    let by = crate::Actor::command_line();
    store
        .remove_company(&site.tenant, &other.company, true, &by, later(7_200))
        .unwrap();
    items.exchange(&none, &[("B", Deleted)], 0, later(7_300)).unwrap();
    // Both are still known: it goes on where it stood.
    switch(true, later(7_400)).unwrap();
    assert!(store.claim_webhook(&claim, later(9_000), later(7_400)).unwrap());
    let work = work_at(store, &claim, 10, later(7_400));
    assert_eq!(named(&work.fresh), ["items/A† 0", "items/B† 0"]);
    switch(false, later(7_500)).unwrap();
    assert!(store.drop_tombstones(later(7_000)).unwrap() >= 1);
    refused(switch(true, later(7_600)), "cursor_expired");
    let skip = store.replay_webhook(&site.all, id, ReplayFrom::Now, later(7_600));
    assert_eq!(skip.unwrap().waiting, 0);
    switch(true, later(7_700)).unwrap();
}

/// The log says where messages went and what was in them.
fn audited(store: &dyn Store) {
    let site = Site::new(store, "webhooks-audited");
    let (_, claim) = set_up(store, &site, all());
    let id = &claim.webhook;
    let elsewhere = WebhookEdit {
        url: Some("https://thief.example:8443/?key=secret".into()),
        wants: Some(Wants {
            classes: vec![Class::Public, Class::Personal],
            datasets: Some(vec![DatasetName::new("customers")]),
            ..all()
        }),
        ..WebhookEdit::default()
    };
    store.edit_webhook(&site.all, id, &elsewhere, later(1)).unwrap();
    // Nothing is done any more.
    store.edit_webhook(&site.all, id, &elsewhere, later(2)).unwrap();
    store.replay_webhook(&site.all, id, behind(0), later(3)).unwrap();
    store
        .disable_webhook(&claim, DisabledReason::Failing, later(4))
        .unwrap();
    store
        .disable_webhook(&claim, DisabledReason::Failing, later(5))
        .unwrap();
    let on = WebhookEdit {
        active: Some(true),
        ..WebhookEdit::default()
    };
    store.edit_webhook(&site.all, id, &on, later(6)).unwrap();
    store.remove_webhook(&site.all, id, later(7)).unwrap();
    let query = crate::AuditQuery {
        subject: Some(id.to_string()),
        limit: 100,
        ..crate::AuditQuery::default()
    };
    let mut log = store.audit(&site.tenant, &query).unwrap().data;
    log.reverse();
    let actions: Vec<_> = log.iter().map(|entry| entry.action.as_str()).collect();
    let wanted = ["added", "edited", "replayed", "disabled", "edited", "removed"];
    assert_eq!(actions, wanted.map(|action| format!("webhook.{action}")));
    let shown = |url: &str, classes: &[&str], datasets: Value| {
        json!({ "url": url, "events": WebhookEvent::CHOICES, "datasets": datasets, "companies": null,
                "classes": classes })
    };
    let first = shown("https://shop.example", &["public"], Value::Null);
    assert_eq!(log[0].details, first);
    assert_eq!(
        log[1].details,
        json!({
            "url": { "old": "https://shop.example", "new": "https://thief.example:8443" },
            "datasets": { "old": null, "new": ["customers"] },
            "classes": { "old": ["public"], "new": ["public", "personal"] },
        })
    );
    assert_eq!(log[2].details["position"]["new"], 0);
    assert_eq!(
        (log[3].actor.as_str(), &log[3].details),
        ("hub", &json!({ "reason": "failing" }))
    );
    assert_eq!(log[4].details, json!({ "active": { "old": false, "new": true } }));
    let last = shown(
        "https://thief.example:8443",
        &["public", "personal"],
        json!(["customers"]),
    );
    assert_eq!(log[5].details, last);
    assert!(!json!(log).to_string().contains("secret"), "{log:?}");
}
