//! Look-ups a second on one core, over price sets of a distributor and of a large one.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement stops at whatever it does not expect, and prints"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

#[path = "../tests/generated/mod.rs"]
mod generated;

use generated::{PriceSet, Random, SHIP_TOS, Size, day, quantity};
use pricing::{Buyer, Dataset, Line, Order};

const DISTRIBUTOR: Size = Size {
    items: 2_000,
    customers: 500,
    by_customer: 10_000,
    by_level: 4_000,
    by_code: 20,
    levels: 1_000,
};

const LARGE: Size = Size {
    items: 20_000,
    customers: 5_000,
    by_customer: 200_000,
    by_level: 40_000,
    by_code: 20,
    levels: 20_000,
};

/// Questions that are drawn before the clock runs.
const QUESTIONS: usize = 1_000_000;
const ROUNDS: usize = 5;

fn main() {
    for size in [DISTRIBUTOR, LARGE] {
        measure(size);
    }
}

fn measure(size: Size) {
    let mut random = Random(1);
    let set = PriceSet::new(&mut random, size);
    let started = Instant::now();
    let book = set.plain_book();
    println!(
        "{} price records, {} items, {} customers, {} levels by customer: read and indexed in {:.2} s",
        book.count(Dataset::PriceCodes),
        book.count(Dataset::Items),
        book.count(Dataset::Customers),
        book.count(Dataset::PriceLevelsByCustomer),
        started.elapsed().as_secs_f64(),
    );
    // The texts of a question lie together, as those of a request do that was just read.
    let mut texts = String::new();
    let mut kept = |text: &str| {
        let start = texts.len();
        texts.push_str(text);
        start..texts.len()
    };
    let drawn: Vec<_> = (0..QUESTIONS)
        .map(|_| {
            let (division, customer_no) = random.pick(&set.customers);
            let (item, units) = random.pick(&set.items);
            let unit = random.pick(units);
            let ship_to = random.pick(&SHIP_TOS);
            let parts = [division.as_str(), customer_no, ship_to, item, unit].map(&mut kept);
            (parts, day(&mut random), quantity(&mut random))
        })
        .collect();
    let questions: Vec<(Order<'_>, Line<'_>)> = drawn
        .into_iter()
        .map(|(parts, day, quantity)| {
            let [division, customer_no, ship_to_code, item_code, unit] = parts.map(|part| &texts[part]);
            let customer = Some(Buyer {
                division,
                customer_no,
            });
            let order = Order {
                customer,
                ship_to_code,
                day,
            };
            let line = Line {
                item_code,
                unit,
                quantity,
                price_level: None,
            };
            (order, line)
        })
        .collect();
    let mut best = f64::MAX;
    for round in 1..=ROUNDS {
        let started = Clock::start();
        for (order, line) in &questions {
            black_box(book.price(black_box(order), black_box(line)).unwrap());
        }
        let took = started.seconds();
        best = best.min(took);
        println!("round {round}: {:.0} look-ups a second", 1e6 / took);
    }
    println!(
        "{:.0} look-ups a second on one core, reasons included",
        1e6 / best
    );
}

/// Time on the processor where the system counts it (a busy machine takes turns), else time.
struct Clock {
    wall: Instant,
    on_cpu: Option<u64>,
}

impl Clock {
    fn start() -> Self {
        Self {
            wall: Instant::now(),
            on_cpu: on_cpu_ns(),
        }
    }

    fn seconds(&self) -> f64 {
        match (self.on_cpu, on_cpu_ns()) {
            (Some(before), Some(now)) => Duration::from_nanos(now - before).as_secs_f64(),
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}

fn on_cpu_ns() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
