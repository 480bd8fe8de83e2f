//! Webhooks between real processes: a receiver that answers 500, hangs and breaks off, hubs
//! that are killed, secrets that change, and addresses where nothing may go.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

mod receiver;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use receiver::{Authority, Message, Reaction, Receiver};
use serde_json::{Value, json};
use system_tests::{Answer, Api, Hub, Reader, Site};

const SHORTLY: Duration = Duration::from_secs(30);
/// A killed hub's webhooks are taken up after twenty seconds.
const AFTER_KILL: Duration = Duration::from_secs(60);

/// Waits are short, so that a test sees several; receivers are on loopback.
const ALLOWED: [(&str, &str); 3] = [
    ("ERP_HUB_ALLOW_PRIVATE_WEBHOOKS", "true"),
    ("ERP_HUB_WEBHOOK_RETRIES", "100ms,300ms,1s"),
    ("ERP_HUB_WEBHOOK_GIVE_UP_AFTER", "1h"),
];

/// The demo company, synced, and a hub that sends to loopback.
fn site(more: &[(&str, &str)]) -> Site {
    let mut site = Site::demo(Reader::Sandbox);
    site.driver(&["sync"]).ok();
    site.hub.kill();
    site.hub.start_again(&with(more));
    site
}

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    ALLOWED.iter().chain(more).copied().collect()
}

fn post(api: &Api, path: &str, body: &Value) -> Answer {
    api.post(path, "none", body)
}

/// A webhook at this address: its id and secret.
#[track_caller]
fn add(api: &Api, url: &str, more: &Value) -> (String, String) {
    let mut body = more.clone();
    body["url"] = url.into();
    let added = post(api, "/v1/webhooks", &body);
    assert_eq!(added.status, 201, "{}", added.body);
    let text = |name: &str| added.body[name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

fn items() -> Value {
    json!({ "datasets": ["items"], "events": ["record.changed", "record.deleted"] })
}

/// Gives these items another price in Sage and syncs them.
fn change(site: &Site, numbers: std::ops::Range<usize>, price: usize) -> BTreeSet<String> {
    let all = site.api.all("items");
    let codes: BTreeSet<String> = all[numbers]
        .iter()
        .map(|item| item["item_code"].as_str().unwrap().to_owned())
        .collect();
    for code in &codes {
        site.erp(&format!(
            "UPDATE CI_Item SET StandardUnitPrice = '{price}.25' WHERE ItemCode = '{code}'"
        ));
    }
    site.driver(&["sync", "--full", "--dataset", "items"]).ok();
    codes
}

fn caught_up(api: &Api, id: &str, limit: Duration) -> Value {
    let path = format!("/v1/webhooks/{id}");
    api.wait_for(&path, limit, |answer| answer.body["caught_up"] == true)
        .body
}

/// Each record's messages came in their order, whether they were taken or not.
fn in_order(messages: &[Message]) {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for message in messages {
        let before = last.insert(message.of(), message.sequence()).unwrap_or(0);
        assert!(
            before <= message.sequence(),
            "{} went back from {before} to {}",
            message.of(),
            message.sequence()
        );
    }
}

/// What was taken last of each record is what the hub has of it.
fn final_states(site: &Site, messages: &[Message], changed: &BTreeSet<String>) {
    let mut taken = BTreeMap::new();
    for message in messages.iter().filter(|message| message.taken) {
        let record = &message.body["data"]["record"];
        taken.insert(record["item_code"].as_str().unwrap().to_owned(), record.clone());
    }
    assert!(changed.len() > 10);
    for item in site.api.all("items") {
        let code = item["item_code"].as_str().unwrap();
        if changed.contains(code) {
            let price = &taken.get(code).unwrap_or(&Value::Null)["standard_unit_price"];
            assert_eq!(price, &item["standard_unit_price"], "{code}");
        }
    }
}

/// A number from a seed: the same messages meet the same fate in every run.
fn next(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn moody(mut state: u64) -> impl FnMut(&Message) -> Reaction + Send + 'static {
    move |_| match next(&mut state) % 20 {
        0..=2 => Reaction::Answer(500),
        3 => Reaction::Answer(302),
        4 | 5 => Reaction::Drop,
        6 => Reaction::Hang(1_500),
        _ => Reaction::Take,
    }
}

#[test]
fn nothing_final_is_lost_and_every_record_keeps_its_order() {
    let mut site = site(&[]);
    let receiver = Receiver::new(moody(7));
    let (id, secret) = add(&site.api, &receiver.url(), &items());
    let mut changed = BTreeSet::new();
    for round in 0..6 {
        changed.extend(change(&site, round * 5..round * 5 + 20, 100 + round));
        if round == 2 || round == 4 {
            // In the middle of messages, if it can be.
            let start = Instant::now();
            let before = receiver.messages().len();
            while receiver.messages().len() < before + 3 && start.elapsed() < Duration::from_secs(2) {
                std::thread::sleep(Duration::from_millis(5));
            }
            site.hub.kill();
            site.hub.start_again(&with(&[]));
        }
    }
    caught_up(&site.api, &id, AFTER_KILL);
    let messages = receiver.messages();
    in_order(&messages);
    final_states(&site, &messages, &changed);
    assert!(messages.iter().any(|message| !message.taken), "some failed");
    assert!(messages.iter().all(|message| message.is_signed_with(&secret)));
    // A repetition is told by its id: the same text, or the same record at the same place.
    let mut known: BTreeMap<&str, (String, u64)> = BTreeMap::new();
    for message in &messages {
        let what = (message.of(), message.sequence());
        let before = known.insert(message.id.as_str(), what.clone());
        assert!(before.is_none_or(|before| before == what), "{}", message.id);
    }
    let sent = site
        .api
        .get(&format!("/v1/webhooks/{id}/deliveries?limit=200"))
        .body;
    let attempts = sent["data"].as_array().unwrap();
    assert!(
        attempts.iter().any(|sent| sent["attempt"].as_u64() > Some(1)),
        "{sent}"
    );
    assert!(attempts.iter().any(|sent| sent["outcome"] == "refused"), "{sent}");
}

#[test]
fn one_record_that_fails_holds_up_no_other() {
    let site = site(&[]);
    let bad = site.api.all("items")[3]["item_code"].as_str().unwrap().to_owned();
    let refused = bad.clone();
    let receiver = Receiver::new(move |message| {
        if message.body["data"]["key"] == refused.as_str() {
            Reaction::Answer(500)
        } else {
            Reaction::Take
        }
    });
    let (id, _) = add(&site.api, &receiver.url(), &items());
    for price in 1..=3 {
        let changed = change(&site, 0..8, price);
        for code in changed.iter().filter(|code| **code != bad) {
            let wanted = format!("{price}.250000");
            receiver.wait_for(SHORTLY, |message| {
                let record = &message.body["data"]["record"];
                record["item_code"] == code.as_str() && record["standard_unit_price"] == wanted.as_str()
            });
        }
    }
    let stands = site.api.get(&format!("/v1/webhooks/{id}")).body;
    assert_eq!(stands["waiting"], 1, "{stands}");
    assert_ne!(stands["state"], "disabled");
    receiver.will(|_| Reaction::Take);
    caught_up(&site.api, &id, SHORTLY);
    let messages = receiver.messages();
    in_order(&messages);
    let last = messages
        .iter()
        .rfind(|message| message.body["data"]["key"] == bad.as_str())
        .unwrap();
    assert!(last.taken);
    assert_eq!(last.body["data"]["record"]["standard_unit_price"], "3.250000");
}

#[test]
fn a_receiver_that_fails_for_too_long_or_is_gone_is_switched_off() {
    let site = site(&[("ERP_HUB_WEBHOOK_GIVE_UP_AFTER", "3s")]);
    let receiver = Receiver::new(|_| Reaction::Answer(500));
    let gone = Receiver::new(|_| Reaction::Answer(410));
    let (id, _) = add(&site.api, &receiver.url(), &items());
    let (gone_id, _) = add(&site.api, &gone.url(), &items());
    let changed = change(&site, 0..12, 7);
    let off = |id: &str, reason: &str| {
        let answer = site
            .api
            .wait_for(&format!("/v1/webhooks/{id}"), SHORTLY, |answer| {
                answer.body["state"] == "disabled"
            });
        assert_eq!(answer.body["reason"], reason, "{}", answer.body);
    };
    off(&gone_id, "gone");
    off(&id, "failing");
    assert!(gone.messages().len() <= 8, "only those that were on their way");
    let metrics = metrics(&site);
    assert!(metrics.contains("erp_hub_webhooks_disabled 2\n"), "{metrics}");
    assert!(
        metrics.contains("erp_hub_webhook_deliveries_total{outcome=\"refused\"}"),
        "{metrics}"
    );
    let listed = site.hub.admin(&["webhook", "list", "--tenant", "Acme"]).ok();
    assert!(
        listed
            .lines()
            .any(|line| line.starts_with(&id) && line.contains("disabled\tfailing")),
        "{listed}"
    );
    let before = receiver.messages().len();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(receiver.messages().len(), before, "it is left alone");
    let refused = post(&site.api, &format!("/v1/webhooks/{id}/test"), &json!({}));
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (409, &"webhook_disabled".into())
    );
    receiver.will(|_| Reaction::Take);
    site.hub
        .admin(&["webhook", "enable", "--tenant", "Acme", &id])
        .ok();
    caught_up(&site.api, &id, SHORTLY);
    final_states(&site, &receiver.messages(), &changed);
}

fn metrics(site: &Site) -> String {
    let address = site.hub.address.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n";
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stream, &mut text).unwrap();
    text
}

#[test]
fn secrets_are_rotated_and_tests_sent_from_the_command_line() {
    let site = site(&[]);
    let receiver = Receiver::taking();
    let admin = |words: &[&str]| {
        let mut all = vec!["webhook"];
        all.extend(words);
        all.extend(["--tenant", "Acme"]);
        site.hub.admin(&all)
    };
    let url = receiver.url();
    let refused = admin(&["add", &url]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("webhook_url_invalid"),
        "{}",
        refused.stderr
    );
    let added = admin(&["add", &url, "--dataset", "items", "--allow-private-webhooks"]).ok();
    let [id, first] = added.lines().collect::<Vec<_>>()[..] else {
        panic!("{added}")
    };
    let tried = || {
        let test = admin(&["test", id]).ok();
        let path = format!("/v1/webhooks/{id}/deliveries");
        let told = site.api.wait_for(&path, SHORTLY, |answer| {
            answer.body["data"][0]["key"] == test.trim()
        });
        assert_eq!(told.body["data"][0]["outcome"], "delivered");
        let messages = receiver.messages();
        let message = messages.last().unwrap().clone();
        assert_eq!(message.body["type"], "webhook.test");
        assert_eq!(message.body["data"]["webhook"], id);
        message
    };
    let message = tried();
    assert!(message.is_signed_with(first));
    assert_eq!(message.signature.split(' ').count(), 1);
    let second = admin(&["rotate", id]).ok().trim().to_owned();
    assert_ne!(second, first);
    let message = tried();
    assert_eq!(message.signature.split(' ').count(), 2);
    assert!(message.is_signed_with(first) && message.is_signed_with(&second));
    let shown: Value = serde_json::from_str(&admin(&["show", id]).ok()).unwrap();
    assert_eq!(shown["deliveries"].as_array().unwrap().len(), 2);
    assert!(!shown.to_string().contains("whsec_"), "a secret is shown once");
    admin(&["replay", id, "--since", ""]).ok();
    let wanted = site.api.all("items").len();
    caught_up(&site.api, id, SHORTLY);
    let records: BTreeSet<String> = receiver
        .messages()
        .iter()
        .filter(|message| message.body["type"] == "record.changed")
        .map(Message::of)
        .collect();
    assert_eq!(records.len(), wanted, "everything that is there");
    admin(&["remove", id]).ok();
    assert_eq!(site.api.get(&format!("/v1/webhooks/{id}")).status, 404);
}

#[test]
fn nothing_goes_to_a_private_address_unless_it_is_allowed() {
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync"]).ok();
    let receiver = Receiver::taking();
    for (url, code) in [
        (receiver.url(), "webhook_url_invalid"),
        (
            format!("https://127.0.0.1:{}/hook", receiver.port()),
            "webhook_address_private",
        ),
        (
            "https://169.254.169.254/latest/meta-data".into(),
            "webhook_address_private",
        ),
    ] {
        let refused = post(&site.api, "/v1/webhooks", &json!({ "url": url }));
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (422, &code.into()),
            "{url}"
        );
    }
    // What a name stands for is looked at when something is sent.
    let url = format!("https://localhost:{}/hook", receiver.port());
    let (id, _) = add(&site.api, &url, &json!({}));
    let tried = post(&site.api, &format!("/v1/webhooks/{id}/test"), &json!({}));
    assert_eq!(tried.status, 202, "{}", tried.body);
    let path = format!("/v1/webhooks/{id}/deliveries");
    let told = site.api.wait_for(&path, SHORTLY, |answer| {
        answer.body["data"]
            .as_array()
            .is_some_and(|data| !data.is_empty())
    });
    assert_eq!(told.body["data"][0]["outcome"], "address_private");
    assert_eq!(receiver.messages().len(), 0);
}

#[test]
fn of_several_hubs_one_tells_a_webhook_and_another_takes_over() {
    let Some(server) = test_tier::postgres() else {
        return;
    };
    let store = server.database();
    let mut site = Site::with_store(Reader::Sandbox, &store, |file| {
        system_tests::run("sage-sandbox", &["create", &file.display().to_string()]).ok();
    });
    site.driver(&["sync"]).ok();
    site.hub.kill();
    site.hub.start_again(&with(&[]));
    let folder = tempfile::tempdir().unwrap();
    let mut second = Hub::start_over(folder.path(), &store);
    second.kill();
    second.start_again(&with(&[]));
    let receiver = Receiver::new(moody(11));
    let (id, _) = add(&site.api, &receiver.url(), &items());
    let mut changed = BTreeSet::new();
    for round in 0..4 {
        changed.extend(change(&site, round * 5..round * 5 + 20, 200 + round));
        // Either of them may be the one that tells.
        if round == 1 {
            second.kill();
            second.start_again(&with(&[]));
        }
        if round == 2 {
            site.hub.kill();
            site.hub.start_again(&with(&[]));
        }
    }
    caught_up(&site.api, &id, AFTER_KILL);
    let messages = receiver.messages();
    in_order(&messages);
    final_states(&site, &messages, &changed);
}

#[test]
fn messages_go_over_tls_to_whoever_has_a_certificate_that_holds() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("authority.pem");
    let (authority, stranger) = (Authority::new(), Authority::new());
    std::fs::write(&trusted, authority.pem()).unwrap();
    let site = site(&[("SSL_CERT_FILE", trusted.to_str().unwrap())]);
    let receiver = Receiver::secure(&stranger.issue("127.0.0.1", 2040));
    let (id, secret) = add(&site.api, &receiver.url(), &items());
    let changed = change(&site, 0..12, 5);
    let path = format!("/v1/webhooks/{id}/deliveries");
    let path = format!("{path}?limit=200");
    let count = |answer: &Answer| answer.body["data"].as_array().unwrap().len();
    // Of an authority that nobody trusts, too old, and another one's.
    for certificate in [
        None,
        Some(authority.issue("127.0.0.1", 2021)),
        Some(authority.issue("shop.example", 2040)),
    ] {
        if let Some(certificate) = &certificate {
            receiver.shows(certificate);
        }
        // Two that were on their way may have met the one before.
        let before = count(&site.api.get(&path));
        let sent = site
            .api
            .wait_for(&path, SHORTLY, |answer| count(answer) > before + 2);
        for sent in sent.body["data"].as_array().unwrap() {
            let seen = (&sent["outcome"], &sent["status"]);
            assert_eq!(seen, (&"unreachable".into(), &Value::Null), "{sent}");
        }
    }
    assert!(receiver.messages().is_empty(), "nothing was said to them");
    let stands = site.api.get(&format!("/v1/webhooks/{id}")).body;
    assert_eq!(stands["state"], "failing", "{stands}");

    receiver.shows(&authority.issue("127.0.0.1", 2040));
    caught_up(&site.api, &id, SHORTLY);
    let messages = receiver.messages();
    final_states(&site, &messages, &changed);
    assert!(
        messages
            .iter()
            .all(|message| message.taken && message.is_signed_with(&secret))
    );
    let sent = site.api.get(&path).body;
    let last = &sent["data"][0];
    assert_eq!(
        (&last["outcome"], &last["status"]),
        (&"delivered".into(), &204.into())
    );
}

/// The receiver that the documents show, as it is printed.
#[test]
fn the_receiver_of_the_documents_verifies_what_the_hub_sends() {
    if !test_tier::require("node") {
        return;
    }
    let page = include_str!("../../../docs/webhooks.md");
    let code = page.split("```js\n").nth(1).unwrap();
    let code = code.split("```").next().unwrap();
    let site = site(&[]);
    // A port that is free now.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let (id, secret) = add(&site.api, &format!("http://127.0.0.1:{port}/hook"), &items());
    let file = site.path().join("receiver.mjs");
    std::fs::write(&file, code).unwrap();
    let start = |secret: &str| {
        let started = Command::new("node")
            .arg(&file)
            .env("WEBHOOK_SECRET", secret)
            .env("PORT", port.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Ended(started)
    };
    let outcome = |limit: Duration, wanted: &str| {
        let tried = post(&site.api, &format!("/v1/webhooks/{id}/test"), &json!({}));
        let test = tried.body["test"].clone();
        let path = format!("/v1/webhooks/{id}/deliveries");
        site.api.wait_for(&path, limit, |answer| {
            let sent = answer.body["data"].as_array().unwrap();
            sent.iter()
                .any(|sent| sent["key"] == test && sent["outcome"] == wanted)
        })
    };
    let stranger = start("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    let refused = outcome(SHORTLY, "refused").body;
    let mut sent = refused["data"].as_array().unwrap().iter();
    assert!(sent.any(|sent| sent["status"] == 401), "{refused}");
    drop(stranger);
    let _own = start(&secret);
    let _delivered = outcome(SHORTLY, "delivered");
}

/// A process that ends with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
