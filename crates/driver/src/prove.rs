//! The conformance run: what this build of Sage does, tried in a copied company.
//!
//! The calls for orders are known from published lists; those for cash receipts, kits that
//! ask, tax before the final write and the like are not. Each is tried here through the same
//! bridge and the same calls that documents go through, and what was seen becomes the
//! company's [`Profile`]. What was not shown stays off.

mod bench;
mod customers;
mod kits;
mod orders;
mod receipts;
mod report;
mod samples;
mod seats;
mod tables;
mod writes;

use std::collections::BTreeMap;
use std::time::Duration;

use import::writing::Login;
use sage::Reader;
use serde::Serialize;
use values::Date;

use crate::bridge::WriteTarget;
use crate::config::Profile;
use bench::{Bench, Seen, Trouble};

/// What a conformance run needs to know.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The copy's business objects.
    pub target: WriteTarget,
    /// Who logs on, and to which company.
    pub login: Login,
    /// The site's day.
    pub today: Date,
    /// Longest time for one call into Sage.
    pub call_limit: Duration,
    /// How long a Sage process left behind may take to end by itself.
    pub fence_wait: Duration,
    /// Six characters that mark what this run makes.
    pub tag: String,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Sage does it.
    Shown,
    /// Sage does not do it, or refuses.
    NotShown,
    /// Sage does it in another way than is usual.
    Differs,
    /// The copy has nothing to try it with.
    NotTried,
    /// The check could not run.
    Failed,
}

impl Verdict {
    /// As people read it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::NotShown => "not shown",
            Self::Differs => "differs",
            Self::NotTried => "not tried",
            Self::Failed => "could not run",
        }
    }
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable name.
    pub name: &'static str,
    /// What was done.
    pub done: &'static str,
    /// What was seen.
    pub seen: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// A conformance run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// What answered.
    pub sage: String,
    /// In the order in which they were made.
    pub checks: Vec<Check>,
    /// What was left in the copy.
    pub made: Vec<String>,
    /// What to do when there was no session at all.
    #[serde(skip)]
    pub hint: Option<String>,
}

type Try = fn(&mut Bench) -> Result<Seen, Trouble>;

/// Name, what is done, and the function that does it. What later ones need comes first; what
/// ends Sage's processes comes last.
const CHECKS: [(&str, &str, Try); 21] = [
    (
        "session",
        "log on, open the company and its order program",
        orders::session,
    ),
    (
        "number_spent",
        "take an order number, drop the order, take the next",
        orders::number_spent,
    ),
    (
        "order",
        "write an order with two lines and read it back from the tables",
        orders::order,
    ),
    (
        "order_history",
        "look for the order in the order history",
        orders::history,
    ),
    (
        "number_taken",
        "set the key of the order that is there",
        orders::number_taken,
    ),
    (
        "tax_before_write",
        "read the sales tax of an order before and after its write",
        orders::tax,
    ),
    (
        "duplicate_po",
        "enter a customer PO that another order has",
        orders::duplicate_po,
    ),
    (
        "kit_explodes",
        "enter a kit that Sage always explodes",
        kits::always,
    ),
    (
        "kit_prompts",
        "enter a kit that asks on the screen",
        kits::prompting,
    ),
    ("locked_by", "open one order in two sessions", seats::locked),
    (
        "seats",
        "count the sessions that Sage lists while two are open",
        seats::sessions,
    ),
    (
        "markers",
        "look for the driver's own column in orders, customers and ship-tos",
        seats::markers,
    ),
    (
        "user_key",
        "compare the order's creator with the user's key",
        seats::user_key,
    ),
    (
        "customer",
        "take the next customer number, write the customer, read it back",
        customers::customer,
    ),
    (
        "zip_overwrites_city",
        "set a customer's city, then its ZIP code",
        customers::zip,
    ),
    (
        "ship_to",
        "write a ship-to of that customer and read it back",
        customers::ship_to,
    ),
    (
        "receipt_batch",
        "open a batch and a deposit for a cash receipt",
        receipts::batch,
    ),
    (
        "receipt",
        "write a cash receipt on an open invoice and read it back",
        receipts::receipt,
    ),
    (
        "receipt_history",
        "look for posted receipts in the history of cash receipts",
        receipts::history,
    ),
    (
        "receipt_batch_refused",
        "choose batches that are in use and posted",
        receipts::refused_batches,
    ),
    (
        "write_atomic",
        "end the caller, and twice Sage's process, inside an order's write",
        writes::atomic,
    ),
];

/// Makes all checks, or only the first when there is no session. `tell` hears of each when
/// it is over.
pub fn prove(setup: Setup, reader: Box<dyn Reader>, tell: &mut dyn FnMut(&Check)) -> Proof {
    let mut bench = Bench::new(setup, reader);
    let mut checks: Vec<Check> = Vec::new();
    let mut hint = None;
    for (name, done, try_it) in CHECKS {
        let (verdict, seen, remedy) = outcome(&mut bench, try_it);
        let check = Check {
            name,
            done,
            seen,
            verdict,
        };
        tell(&check);
        checks.push(check);
        if checks.len() == 1 && verdict == Verdict::Failed {
            hint = remedy;
            break;
        }
    }
    if let Some(check) = writes::late_commit(&bench) {
        tell(&check);
        checks.push(check);
    }
    let sage = bench.sage();
    Proof {
        sage,
        checks,
        made: bench.close(),
        hint,
    }
}

/// What came of a check, what was seen, and what to do where it came to no end of its own.
fn outcome(bench: &mut Bench, try_it: Try) -> (Verdict, String, Option<String>) {
    match try_it(bench) {
        Ok(seen) => (seen.verdict, seen.words, None),
        Err(trouble) => {
            bench.recover(&trouble);
            (trouble.verdict(), trouble.to_string(), Some(trouble.remedy()))
        }
    }
}

impl Proof {
    /// Did every check run?
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.checks.iter().all(|check| check.verdict != Verdict::Failed)
    }

    /// Was there a session at all?
    #[must_use]
    pub fn has_run(&self) -> bool {
        self.checks
            .first()
            .is_some_and(|first| first.verdict != Verdict::Failed)
    }

    /// What documents may rely on from now on.
    #[must_use]
    pub fn capabilities(&self) -> BTreeMap<String, bool> {
        [
            ("receipts", "receipt"),
            ("prompting_kits", "kit_prompts"),
            ("tax_before_write", "tax_before_write"),
            ("kits_explode", "kit_explodes"),
        ]
        .into_iter()
        .map(|(capability, name)| {
            let shown = |check: &Check| check.name == name && check.verdict == Verdict::Shown;
            (capability.to_owned(), self.checks.iter().any(shown))
        })
        .collect()
    }

    /// What is kept of it; `at` is RFC 3339.
    #[must_use]
    pub fn profile(&self, at: String) -> Profile {
        Profile {
            sage: self.sage.clone(),
            proved_at: at,
            capabilities: self.capabilities(),
            findings: self
                .checks
                .iter()
                .filter_map(|check| serde_json::to_value(check).ok())
                .collect(),
        }
    }
}
