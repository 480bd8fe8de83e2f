//! Thousands of documents of every kind through the sandbox's own business objects, with the
//! journal in its file and the hub's own store, while drivers and workers are killed, the hub
//! loses requests and answers, Sage commits late and clerks work beside: none lost, none
//! doubled, sums equal to the cent, and doubt only where it has a reason.
//!
//! Everything comes from a seed. `ERP_DRIVER_SEED` is the first one (unset: 1), and
//! `ERP_DRIVER_STORMS` says how many runs of twenty documents there are (unset: 100).

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test stops at whatever it does not expect, and says at which seed"
)]

#[path = "storm/audit.rs"]
mod audit;
#[path = "storm/documents.rs"]
mod documents;
#[path = "storm/hub.rs"]
mod hub;
#[path = "storm/office.rs"]
mod office;
#[path = "storm/people.rs"]
mod people;
#[path = "storm/world.rs"]
mod world;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_store::journal::Journal;
use catalog::Catalog;
use driver::imports::{Ports, Runner, Site, TableReader};
use hub_store::contract::Site as HubSite;
use hub_store::{Import, NewImport, NewPreview, SqlStore, Store as _, hash_body};
use import::settings::{
    BatchScheme, DepositScheme, GuestPolicy, Numbering, Overpayment, Prepaid, Settings, ShipToSettings,
    UpdatePolicy,
};
use import::writing::Login;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use model::{Decision, ImportKind};
use sandbox::objects::{DEFAULT_PASSWORD, DEFAULT_USER};
use sandbox::{Plan, Profile, SandboxReader, create};
use serde_json::{Value, json};
use values::{CompanyId, ImportId, Secret, StoreId};
use wire::agent::{DecideAction, LeaseRequest};

use audit::{Books, Ends, Wanted, audit};
use documents::{Document, Shop, document};
use hub::StormHub;
use office::{Office, Shared, StormClock, StormFence, kill};
use world::{Killed, World};

/// Documents of one run.
const DOCUMENTS: usize = 20;
/// Turns before the world calms down, and turns for the rest.
const TURNS: usize = 260;
const CALM: usize = 6_000;
const ZONE: &str = "America/New_York";

fn company() -> CompanyId {
    CompanyId::new("ABC")
}

/// What all runs begin from.
struct Ground {
    folder: tempfile::TempDir,
    template: PathBuf,
    shop: Shop,
}

impl Ground {
    fn new() -> Self {
        // Nothing here has to survive a power cut: memory is enough where it is a folder.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        }
        .unwrap();
        let template = folder.path().join("company.db");
        create(&template, &Plan::new(Profile::Demo)).unwrap();
        let db = rusqlite::Connection::open(&template).unwrap();
        // One file that can be copied.
        let _: String = db
            .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
            .unwrap();
        drop(db);
        let shop = Shop::of(&template);
        Self {
            folder,
            template,
            shop,
        }
    }
}

/// One run.
struct Storm {
    world: Shared,
    store: Rc<SqlStore>,
    hub: Rc<HubSite>,
    settings: Arc<Settings>,
    keeps_history: bool,
    journal: PathBuf,
    journals: u32,
    runner: Option<Runner>,
    documents: Vec<Document>,
}

impl Storm {
    fn new(ground: &Ground, store: &Rc<SqlStore>, seed: u64) -> Self {
        let folder = ground.folder.path();
        let file = folder.join(format!("company-{seed}.db"));
        std::fs::copy(&ground.template, &file).unwrap();
        let start: Timestamp = "2026-05-29T14:00:00Z".parse().unwrap();
        let mut world = World::new(file, seed, start);
        // Some begin shortly before local midnight.
        if world.chance(30) {
            world.tick(Duration::from_secs(13 * 3_600 + 3_000));
        }
        let (settings, keeps_history) = set_up(&mut world);
        let name = format!("storm{seed}");
        let hub = HubSite::new(store.as_ref(), &name);
        let request = LeaseRequest {
            company: company(),
            time_zone: ZONE.into(),
            journal: StoreId::new("before"),
        };
        // A company is known from the first lease on.
        store.grant_lease(&hub.agent, &request, world.now()).unwrap();
        Self {
            world: Rc::new(RefCell::new(world)),
            store: Rc::clone(store),
            hub: Rc::new(hub),
            settings: Arc::new(settings),
            keeps_history,
            journal: folder.join(format!("journal-{seed}")),
            journals: 0,
            runner: None,
            documents: Vec::new(),
        }
    }

    fn start(&mut self) {
        let journal = self.journal.with_extension(format!("{}.db", self.journals));
        let fresh = StoreId::new(format!("journal-{}", self.journals));
        let journal = Arc::new(Mutex::new(Journal::open(&journal, &fresh).unwrap()));
        let world = || Rc::clone(&self.world);
        let hub = StormHub {
            world: world(),
            store: Rc::clone(&self.store),
            site: Rc::clone(&self.hub),
        };
        let hooked = world();
        let tears = self.world.borrow().excuses().contains("torn writes");
        let reader = SandboxReader::open(&self.world.borrow().file).unwrap();
        let ports = Ports {
            hub: Box::new(hub),
            workshop: Box::new(Office(world())),
            reader: TableReader::Here(Box::new(reader)),
            fence: Box::new(StormFence(world())),
            clock: Box::new(StormClock(world())),
            fault_point: Box::new(move |_| {
                let dies = {
                    let mut world = hooked.borrow_mut();
                    if world.strikes(25) {
                        people::clerk(&mut world, tears);
                    }
                    world.strikes(15)
                };
                if dies {
                    kill();
                }
            }),
        };
        let site = Site {
            company: company(),
            login: Login {
                user: DEFAULT_USER.into(),
                password: Secret::new(DEFAULT_PASSWORD),
                company: "ABC".into(),
            },
            time_zone: TimeZone::get(ZONE).unwrap(),
            time_zone_name: ZONE.into(),
            keeps_history: self.keeps_history,
            settings: Arc::clone(&self.settings),
            rules: Arc::default(),
            clock_tolerance: SignedDuration::from_hours(3),
            fence_wait: Duration::from_secs(20),
            idle_release: Duration::from_secs(60),
            redact_after: SignedDuration::from_hours(24 * 90),
        };
        self.runner = Some(Runner::new(
            site,
            ports,
            journal,
            Arc::new(AtomicBool::new(false)),
        ));
    }

    /// One turn of the driver, which is started when it is not there.
    fn turn(&mut self) {
        if self.runner.is_none() {
            self.start();
        }
        let Some(runner) = &mut self.runner else { return };
        match catch_unwind(AssertUnwindSafe(|| runner.turn())) {
            Ok(()) => {}
            Err(payload) if payload.is::<Killed>() => {
                self.runner = None;
                let loses = self.world.borrow().excuses().contains("journals are lost");
                if loses && self.world.borrow_mut().strikes(100) {
                    self.journals += 1;
                }
            }
            Err(payload) => resume_unwind(payload),
        }
    }

    /// The shop sends another document, as the hub's door lets it in.
    fn post(&mut self, shop: &Shop) {
        let mut document = document(&mut self.world.borrow_mut(), shop, &self.documents);
        if document.kind.problems_of(&document.body).is_empty() {
            let imported = self.add(&document, &document.body);
            document.id = imported.ok().map(|import| import.id);
        }
        self.documents.push(document);
    }

    fn add(&self, document: &Document, body: &Value) -> Result<Import, hub_store::StoreError> {
        let new = NewImport {
            kind: document.kind,
            idempotency_key: document.key.clone(),
            company: company(),
            body: body.clone(),
            body_hash: hash_body(body.to_string().as_bytes()),
        };
        let now = self.world.borrow().now();
        self.store.add_import(&self.hub.all, &new, now)
    }

    /// The shop did not hear the answer, or mixed up its keys.
    fn post_again(&self) {
        if self.documents.is_empty() {
            return;
        }
        let document = self.world.borrow_mut().pick(&self.documents).clone();
        let Some(id) = &document.id else { return };
        assert_eq!(self.add(&document, &document.body).unwrap().id, *id);
        let other = self.add(&document, &json!({"company": "ABC", "lines": []}));
        assert_eq!(other.unwrap_err().code(), "idempotency_conflict");
    }

    /// Somebody asks what Sage would say.
    fn preview(&self, shop: &Shop) {
        let mut world = self.world.borrow_mut();
        let mut asked = document(&mut world, shop, &self.documents);
        if asked.kind != ImportKind::SalesOrder {
            return;
        }
        asked.body["customer_po_no"] = json!(format!("PREVIEW-{}", self.documents.len()));
        if !asked.kind.problems_of(&asked.body).is_empty() {
            return;
        }
        let new = NewPreview {
            id: ImportId::new(format!("preview-{:016x}", world.draw())),
            kind: asked.kind,
            company: company(),
            body: asked.body,
        };
        self.store.add_preview(&self.hub.all, &new, world.now()).unwrap();
    }

    fn shown(&self, place: usize) -> Option<Import> {
        let id = self.documents[place].id.as_ref()?;
        Some(self.store.import(&self.hub.all, id).unwrap())
    }

    fn tell(&self, place: usize, action: DecideAction, decision: &Decision) {
        let Some(id) = &self.documents[place].id else {
            return;
        };
        let now = self.world.borrow().now();
        self.store
            .decide_import(&self.hub.all, id, None, action, decision, now)
            .unwrap();
    }

    fn edit(&mut self, place: usize, revision: u32, body: &Value) {
        let Some(id) = &self.documents[place].id else {
            return;
        };
        let now = self.world.borrow().now();
        self.store
            .edit_import(&self.hub.all, id, revision, body, now)
            .unwrap();
        self.documents[place].good = None;
    }

    fn is_settled(&self, place: usize) -> bool {
        self.shown(place).is_none_or(|shown| shown.state.is_settled())
    }

    /// From the first document to the audit.
    fn run(mut self, shop: &Shop) -> Ends {
        let before = Books::open(&self.world.borrow()).checks();
        for _ in 0..TURNS {
            if self.documents.len() < DOCUMENTS && self.world.borrow_mut().chance(12) {
                self.post(shop);
            }
            let dice = self.world.borrow_mut().below(200);
            match dice {
                0..3 => self.post_again(),
                3..5 => self.preview(shop),
                5..15 => self.decide(),
                _ => {}
            }
            self.turn();
        }
        while self.documents.len() < DOCUMENTS {
            self.post(shop);
        }
        self.calm_down();
        // Nobody decides any more: what is settled stays so.
        let mut settled = 0;
        for _ in 0..CALM {
            while settled < self.documents.len() && self.is_settled(settled) {
                settled += 1;
            }
            if settled == self.documents.len() {
                break;
            }
            self.turn();
        }
        self.runner = None;
        // Whatever still lingers has its chance to commit.
        self.world.borrow_mut().tick(Duration::from_secs(100_000));
        let world = self.world.borrow();
        assert!(world.strikes > 0, "no storm at all");
        let shown: Vec<_> = (0..self.documents.len())
            .map(|place| (&self.documents[place], self.shown(place)))
            .collect();
        audit(&world, &wanted(&self.settings), &before, &shown)
    }

    fn calm_down(&self) {
        let mut world = self.world.borrow_mut();
        world.is_calm = true;
        world.tick(Duration::from_secs(600));
        let db = world.database();
        db.execute("DELETE FROM sandbox_setting WHERE name LIKE 'fault.%'", [])
            .unwrap();
    }
}

fn wanted(settings: &Settings) -> Wanted {
    Wanted {
        guests_are_customers: settings.customers.guest == GuestPolicy::Each,
        makes_ship_tos: settings.ship_tos == ShipToSettings::Create,
        prepaid_receipts: settings.payments.prepaid != Prepaid::None,
        changes_are_entered: settings.customers.update != UpdatePolicy::SageWins,
    }
}

/// How this site's Sage behaves, and how it wants its documents. True when history is kept.
fn set_up(world: &mut World) -> (Settings, bool) {
    world.set("Seats", "9");
    let mut settings = Settings::default();
    settings.capabilities.receipts = true;
    settings.capabilities.prompting_kits = world.chance(50);
    settings.capabilities.kits_explode = world.chance(50);
    settings.capabilities.tax_before_write = true;
    if world.chance(30) {
        settings.capabilities.tax_before_write = false;
        world.set("tax_timing", "after_write");
    }
    for (percent, name, value) in [
        (25, "number_spent", "returned"),
        (25, "write_atomic", "no"),
        (10, "duplicate_po", "accept"),
        (20, "below_cost", "warn"),
        (10, "CashReceiptsBatchEntry", "N"),
        (5, "auto_customer_no", "N"),
        (5, "permission:price", "N"),
    ] {
        if world.chance(percent) {
            world.set(name, value);
        }
    }
    // Without an answer, the dialog of a kit would wait for ever.
    let kits = *world.pick(&["explode", "skip"]);
    world.set("kit_prompt", kits);
    if world.chance(40) {
        let marker = import::MARKER_COLUMN;
        world
            .database()
            .execute_batch(&format!(
                "ALTER TABLE AR_Customer DROP COLUMN {marker}; \
                 ALTER TABLE SO_ShipToAddress DROP COLUMN {marker};"
            ))
            .unwrap();
    }
    let keeps_history = !world.chance(12);
    if !keeps_history {
        world.excuse("history is not kept");
        world.set("RetainSalesOrderHistory", "N");
    }
    if world.chance(12) {
        world.excuse("torn writes");
    }
    if world.chance(12) {
        world.excuse("journals are lost");
    }
    if world.chance(12) {
        world.has_unendable = true;
    }
    let customers = &mut settings.customers;
    customers.ar_division_no = String::from("01");
    customers
        .defaults
        .insert(String::from("tax_schedule"), String::from("WI"));
    customers
        .defaults
        .insert(String::from("terms_code"), String::from("01"));
    customers.numbering = match world.below(3) {
        0 => Numbering::SageNext,
        1 => Numbering::Counter {
            prefix: String::from("W"),
            digits: 5,
        },
        _ => Numbering::Platform,
    };
    customers.guest = match world.below(4) {
        0 => GuestPolicy::Shared {
            ar_division_no: String::from("01"),
            customer_no: String::from("ABF"),
        },
        1 => GuestPolicy::Refuse,
        _ => GuestPolicy::Each,
    };
    customers.update = *world.pick(&[
        UpdatePolicy::Propose,
        UpdatePolicy::SageWins,
        UpdatePolicy::WebWins,
    ]);
    settings.ship_tos = *world.pick(&[ShipToSettings::OnOrder, ShipToSettings::Create]);
    let payments = &mut settings.payments;
    payments.bank_code = Some(String::from("A"));
    payments.card_types.insert(String::from("VISA"));
    payments.batch = *world.pick(&[BatchScheme::DayAndType, BatchScheme::Day, BatchScheme::Run]);
    payments.deposit = *world.pick(&[DepositScheme::Day, DepositScheme::Payment]);
    payments.overpayment = *world.pick(&[Overpayment::Hold, Overpayment::Prepayment]);
    payments.prepaid = *world.pick(&[Prepaid::None, Prepaid::Prepayment, Prepaid::DepositAndReceipt]);
    payments.deposit_account_key = Some(String::from("00000000B"));
    payments.history_kept = keeps_history;
    (settings, keeps_history)
}

fn number(name: &str, unset: u64) -> u64 {
    std::env::var(name).map_or(unset, |text| text.parse().unwrap())
}

/// Runs of these seeds, each with a company of its own; and the seeds that broke a promise.
fn runs(ground: &Ground, place: u64, next: &AtomicU64, end: u64) -> (Ends, Vec<u64>) {
    let file = ground.folder.path().join(format!("hub-{place}.db"));
    let start = Timestamp::from_second(1_777_777_777).unwrap();
    let store = SqlStore::sqlite(&file, Catalog::standard().unwrap(), &StoreId::new("hub"), start);
    let store = Rc::new(store.unwrap());
    let mut ends = Ends::new();
    let mut broken = Vec::new();
    while let seed = next.fetch_add(1, Ordering::Relaxed)
        && seed < end
    {
        let run = catch_unwind(AssertUnwindSafe(|| {
            Storm::new(ground, &store, seed).run(&ground.shop)
        }));
        match run {
            Ok(states) => states
                .into_iter()
                .for_each(|(state, n)| *ends.entry(state).or_default() += n),
            Err(_) => {
                eprintln!("ERP_DRIVER_SEED={seed} ERP_DRIVER_STORMS=1 shows it again");
                broken.push(seed);
            }
        }
        let _ = std::fs::remove_file(ground.folder.path().join(format!("company-{seed}.db")));
    }
    (ends, broken)
}

#[test]
fn two_thousand_documents_none_lost_none_doubled() {
    let (first, count) = (number("ERP_DRIVER_SEED", 1), number("ERP_DRIVER_STORMS", 100));
    let ground = Ground::new();
    let next = AtomicU64::new(first);
    let ran: Vec<(Ends, Vec<u64>)> = std::thread::scope(|scope| {
        let work = |place| runs(&ground, place, &next, first + count);
        let workers: Vec<_> = (0..2).map(|place| scope.spawn(move || work(place))).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|payload| resume_unwind(payload)))
            .collect()
    });
    let mut all = Ends::new();
    let mut broken = Vec::new();
    for (ends, seeds) in ran {
        ends.into_iter()
            .for_each(|(state, n)| *all.entry(state).or_default() += n);
        broken.extend(seeds);
    }
    eprintln!("{all:?}");
    assert!(
        broken.is_empty(),
        "seeds {broken:?}: what each broke stands above"
    );
    let documents: u32 = all.values().sum();
    assert_eq!(u64::from(documents), count * u64::try_from(DOCUMENTS).unwrap());
    // A storm that ends everything in doubt, or lets nothing go wrong, would prove nothing.
    let of = |state: &str| all.get(state).copied().unwrap_or(0);
    if count >= 100 {
        assert!(
            of("written") > documents / 2 && of("in_doubt") < documents / 20,
            "{all:?}"
        );
        assert!(
            of("refused") > 0 && of("held") > 0 && of("discarded") > 0,
            "{all:?}"
        );
    }
}
