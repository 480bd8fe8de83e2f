//! Two hubs over one PostgreSQL, simulated drivers and shops at both, and SIGKILL at either at
//! random moments: no change, no order and no webhook's message is lost, no order doubled, and
//! neither readers of the feed nor receivers of webhooks are ever led back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test stops where it stands, and tells how far it is"
)]

mod agent;
mod client;
mod feed;
mod hooks;
#[path = "../webhooks/receiver.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod receiver;
mod shop;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::{Catalog, Class};
use hub_store::{Actor, AgentRole, SqlStore, Store as _, TokenGrant, TokenScope};
use jiff::{SignedDuration, Timestamp};
use system_tests::Hub;
use values::{Secret, StoreId, TenantId};

use agent::Agent;
use client::{Clock, Hubs};
use feed::View;
use hooks::{Subscriber, Told};
use shop::Shop;

/// Companies of one tenant; each has a driver of its own.
const COMPANIES: usize = 8;
/// The longest that what is under way may take when nobody is killed any more.
const CALM: Duration = Duration::from_secs(120);
/// How long a hub stays away at most.
const AWAY_MS: u64 = 1500;

#[test]
fn two_replicas_survive_random_kills() {
    storm(24, Duration::from_secs(25), 1);
}

#[test]
#[ignore = "takes more than five minutes: cargo xtask nightly --only replicas"]
fn two_replicas_survive_random_kills_for_minutes() {
    let number = |name: &str, unset: u64| std::env::var(name).map_or(unset, |text| text.parse().unwrap());
    let agents = usize::try_from(number("ERP_DRIVER_AGENTS", 200)).unwrap();
    let seconds = Duration::from_secs(number("ERP_DRIVER_SECONDS", 300));
    storm(agents, seconds, number("ERP_DRIVER_SEED", 1));
}

/// Chance from a seed (splitmix64).
#[derive(Clone, Debug)]
struct Chance(u64);

impl Chance {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit
    }

    fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }
}

fn storm(agents: usize, lasting: Duration, seed: u64) {
    let Some(server) = test_tier::postgres() else {
        return;
    };
    let database = server.database();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut replicas = folders
        .each_ref()
        .map(|folder| Hub::start_over(folder.path(), &database));
    for hub in &mut replicas {
        hub.kill();
        hub.start_again(&hooks::ALLOWED);
    }
    let hubs = Hubs::new(replicas.each_ref().map(|hub| hub.address.clone()));
    let store = open(&database);
    let mut chance = Chance(seed);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let clock = Arc::new(Clock::default());
    let by = Actor::command_line();
    let mut drivers = Vec::new();
    let mut shops = Vec::new();
    let mut readers = Vec::new();
    let mut subscribers = Vec::new();
    for number in 0..agents.div_ceil(COMPANIES) {
        let tenant = TenantId::new(format!("t_{number:03}"));
        let now = Timestamp::now();
        store
            .add_tenant(&tenant, &format!("Tenant {number}"), &by, now)
            .unwrap();
        let companies: Vec<String> = (number * COMPANIES..agents.min((number + 1) * COMPANIES))
            .map(|company| format!("C{company:03}"))
            .collect();
        let token = |scope, name: &str| {
            let token = format!("erp_{number:08}_{name}");
            let grant = TokenGrant {
                name: name.to_owned(),
                scope,
                companies: None,
                classes: vec![Class::Public],
                expires_at: None,
                addresses: Vec::new(),
            };
            store
                .add_api_token(&tenant, &Secret::new(&token), &grant, &by, now)
                .unwrap();
            token
        };
        // Before anything comes: a webhook is told what comes from now on.
        let of_tenant = Subscriber::subscribe(&hubs, token(TokenScope::Write, "hook"), Chance(chance.draw()));
        subscribers.push(runtime.block_on(of_tenant));
        for company in &companies {
            let code = format!("code-{company}");
            let until = now + SignedDuration::from_hours(1);
            store
                .add_enrolment_code(&tenant, &Secret::new(&code), AgentRole::Driver, until, &by, now)
                .unwrap();
            let agent = Agent::new(&hubs, company, Chance(chance.draw()));
            drivers.push(runtime.spawn(agent.live(code, Arc::clone(&clock))));
        }
        let shop = Shop::new(
            &hubs,
            token(TokenScope::Write, "write"),
            companies,
            Chance(chance.draw()),
        );
        shops.push(runtime.spawn(shop.trade(Arc::clone(&clock))));
        readers.push(runtime.spawn(feed::follow(
            hubs.clone(),
            token(TokenScope::Read, "read"),
            Arc::clone(&clock),
        )));
    }

    let began = Instant::now();
    let mut kills = 0_u32;
    while began.elapsed() < lasting {
        std::thread::sleep(Duration::from_millis(300 + chance.below(2500)));
        let place = chance.place(2);
        replicas[place].kill();
        kills += 1;
        // The other one alone, or for a moment none at all.
        if chance.below(5) == 0 {
            std::thread::sleep(Duration::from_millis(chance.below(300)));
            replicas[1 - place].kill();
            kills += 1;
            replicas[1 - place].start_again(&hooks::ALLOWED);
        }
        std::thread::sleep(Duration::from_millis(chance.below(AWAY_MS)));
        replicas[place].start_again(&hooks::ALLOWED);
        if kills.is_multiple_of(20) {
            eprintln!("{:>4} s: {kills} kills", began.elapsed().as_secs());
        }
    }
    clock.close_shops();
    let told = runtime.block_on(async {
        tokio::time::timeout(CALM, settle(&clock, drivers, shops, readers, subscribers))
            .await
            .expect("what is under way comes to its end when nobody is killed")
    });
    let (changes, orders) = told;
    eprintln!(
        "seed {seed}: {agents} drivers, {kills} kills in {} s: {changes} changes, {orders} orders",
        began.elapsed().as_secs()
    );
    assert!(kills >= 5, "no storm at all: {kills} kills");
    assert!(
        changes > 50 && orders > 20,
        "too little was under way: {changes}, {orders}"
    );
    for hub in &mut replicas {
        assert!(!hub.has_ended(), "a hub ended by itself");
    }
}

/// Lets everything come to its end and compares what each side believes; gives back how many
/// changes and orders there were.
async fn settle(
    clock: &Clock,
    drivers: Vec<tokio::task::JoinHandle<agent::End>>,
    shops: Vec<tokio::task::JoinHandle<shop::End>>,
    readers: Vec<tokio::task::JoinHandle<View>>,
    subscribers: Vec<Subscriber>,
) -> (usize, usize) {
    let mut ordered = BTreeMap::new();
    for shop in shops {
        ordered.extend(shop.await.unwrap());
    }
    // Each order is entered by now, and its shop was told so.
    clock.send_drivers_home();
    let mut sent = View::default();
    let mut entered = BTreeMap::new();
    for driver in drivers {
        let end = driver.await.unwrap();
        sent.extend(end.records);
        entered.extend(end.entered);
    }
    clock.send_readers_home();
    let mut seen = View::default();
    for reader in readers {
        seen.extend(reader.await.unwrap());
    }
    assert_eq!(seen, sent, "what the feed has told is what the drivers have sent");
    let mut told = Told::default();
    for subscriber in subscribers {
        let one = subscriber.told().await;
        told.records.extend(one.records);
        told.written.extend(one.written);
    }
    assert_eq!(
        told.records, sent,
        "what webhooks have told is what the drivers have sent"
    );
    assert_eq!(told.written, entered, "webhooks have told of each order");
    let ids: BTreeMap<String, String> = ordered.into_values().collect();
    assert_eq!(
        ids, entered,
        "each order is entered once, under the number that the shop is told"
    );
    (sent.len(), entered.len())
}

fn open(database: &str) -> SqlStore {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let fresh = StoreId::new("unused");
    SqlStore::open(
        database,
        None,
        Catalog::standard().unwrap(),
        &fresh,
        Timestamp::now(),
    )
    .unwrap()
}
