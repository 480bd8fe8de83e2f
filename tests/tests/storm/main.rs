//! Orders, payments and customers by the thousand through the real programs, while hub,
//! driver and bridges are killed with SIGKILL at random moments and started again, Sage's
//! writes are slow, and the shop hangs up and sends again: each document is in Sage exactly
//! once, sums equal to the cent, and doubt only where Sage itself left something torn.
//!
//! What is sent and what is struck comes from a seed; what a strike meets, from the machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands, and tells how far it is"
)]

mod books;
mod shop;
mod strikes;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use system_tests::{Reader, Site};

use books::Books;
use shop::{Progress, Shop, documents};
use strikes::Striker;

/// A folder to which the site is copied when a promise was broken.
const KEEP_VARIABLE: &str = "ERP_DRIVER_KEEP";
/// Between two lines that tell how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(15);
/// The longest that one document may take, strikes and waits included, and that the rest may.
const LIMIT_EACH: Duration = Duration::from_secs(3);
const LIMIT_REST: Duration = Duration::from_secs(180);

const SETTINGS: &str = "[company.imports.orders]\non_credit = \"warn\"\n\
     [company.imports.customers]\nar_division_no = \"01\"\nnumbering = { prefix = \"W\", digits = 6 }\n\
     defaults = { terms_code = \"01\", tax_schedule = \"WI\" }\nupdate = \"web\"\n\
     [company.imports.ship_tos]\nnew = \"create\"\n\
     [company.imports.payments]\nbank_code = \"A\"\nhistory_kept = true\ncard_types = [\"VISA\"]\n\
     prepaid = \"deposit_and_receipt\"\ndeposit_account_key = \"00000000F\"\n\
     [company.imports.capabilities]\nreceipts = true\n";

#[test]
fn sixty_documents_survive_random_kills() {
    storm(60, 1);
}

#[test]
#[ignore = "takes about half an hour: cargo xtask nightly"]
fn the_documents_of_a_night_survive_random_kills() {
    let number = |name: &str, unset| std::env::var(name).map_or(unset, |text| text.parse().unwrap());
    let count = number("ERP_DRIVER_DOCUMENTS", 2_000);
    storm(usize::try_from(count).unwrap(), number("ERP_DRIVER_SEED", 1));
}

/// Chance from a seed (splitmix64).
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

    fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        let place = self.below(u64::try_from(of.len()).unwrap());
        &of[usize::try_from(place).unwrap()]
    }

    /// True in so many of a hundred cases.
    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// Copies the site away when the test has failed: what happened is in its files.
struct Evidence {
    site: PathBuf,
    name: String,
}

impl Drop for Evidence {
    fn drop(&mut self) {
        let Some(folder) = std::env::var_os(KEEP_VARIABLE).filter(|_| std::thread::panicking()) else {
            return;
        };
        let to = Path::new(&folder).join(&self.name);
        match copy(&self.site, &to) {
            Ok(()) => eprintln!("company, hub, journal and logs are kept in {}", to.display()),
            Err(error) => eprintln!("the site could not be copied to {}: {error}", to.display()),
        }
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let to = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &to)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

fn storm(count: usize, seed: u64) {
    let mut site = Site::demo(Reader::Sandbox);
    let _evidence = Evidence {
        site: site.path().to_owned(),
        name: format!("storm-{seed}"),
    };
    site.setting("linger_ms", "100");
    // Otherwise a thousand orders of few customers are beyond their limits.
    site.erp("UPDATE AR_Customer SET CreditLimit = '9999999.00'");
    site.write_config("driver", SETTINGS);
    site.driver(&["sync", "--dataset", "warehouses"]).ok();
    let documents = documents(&Shop::of(&site), count, &mut Chance(seed));
    let before = Books::of(&site);

    let began = Instant::now();
    let progress = Progress::default();
    let mut striker = Striker::new(&site, seed, count);
    let api = site.api.clone();
    let ids = std::thread::scope(|scope| {
        let client = scope.spawn(|| shop::send_all(&api, &documents, &mut Chance(!seed), &progress));
        let mut told = Instant::now();
        while !client.is_finished() {
            let settled = progress.settled.load(Ordering::Relaxed);
            // The last ones are let in peace: strikes without end would prove nothing more.
            if settled + count / 20 < count {
                striker.strike(&mut site, &progress);
            } else {
                striker.stand_by(&mut site);
            }
            if told.elapsed() > TOLD_EVERY {
                told = Instant::now();
                eprintln!("{:>5} s: {progress}; {striker}", began.elapsed().as_secs());
            }
            let limit = LIMIT_REST + LIMIT_EACH * u32::try_from(count).unwrap();
            if began.elapsed() > limit {
                progress.is_over.store(true, Ordering::Relaxed);
                break;
            }
        }
        client
            .join()
            .unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    });
    let took = began.elapsed();
    eprintln!("{:>5} s: {progress}; {striker}", took.as_secs());
    assert!(striker.kills() > 0, "no storm at all");
    // Nothing more is entered, by whatever is still under way.
    striker.stop(&site);
    let ends = books::compare(&site, &before, &documents, &ids, striker.torn());
    eprintln!(
        "seed {seed}: {count} documents in {} s, {ends}; {striker}",
        took.as_secs()
    );
}
