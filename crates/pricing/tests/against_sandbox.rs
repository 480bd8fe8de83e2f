//! The book and the sandbox price the same, to the last digit. The two share no code: the
//! sandbox reads its tables for each question and works with `values::Decimal`.
//!
//! `ERP_DRIVER_PRICE_CASES` is how many questions are asked (unset: 20,000, half a minute without optimization), `ERP_DRIVER_SEED`
//! the first seed (unset: 1).
#![expect(clippy::unwrap_used, reason = "a test stops at whatever it does not expect")]

mod generated;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use catalog::Catalog;
use generated::{PriceSet, Random, SHIP_TOS, SMALL, day, quantity};
use pricing::{Buyer, Dataset, Line, Order, Outcome, Rule};
use rusqlite::Connection;
use sandbox::Settings;
use sandbox::objects::{LineAsked, PriceAsked, unit_price};

/// Questions to one price set.
const CASES_PER_SET: u64 = 2_000;

/// A company with the sandbox's own tables, filled with the set's records.
fn company(catalog: &Catalog, set: &PriceSet) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.set_prepared_statement_cache_capacity(100);
    db.execute_batch("CREATE TABLE sandbox_setting (name TEXT PRIMARY KEY, value TEXT)")
        .unwrap();
    for dataset in Dataset::ALL {
        let known = catalog.get(dataset.name()).unwrap();
        let (table, fields, key) = match dataset {
            Dataset::CompanyOptions => {
                let child = known
                    .children
                    .iter()
                    .find(|c| c.name == "sales_order_options")
                    .unwrap();
                (&child.table, &child.fields, &child.key)
            }
            Dataset::Customers
            | Dataset::Items
            | Dataset::PriceCodes
            | Dataset::PriceLevelsByCustomer
            | Dataset::Promotions => (&known.table, &known.fields, &known.key),
        };
        // The columns that prices depend on, as the sandbox declares them, and the key.
        let declared = sandbox::schema::table(table).unwrap();
        let wanted: Vec<_> = fields
            .iter()
            .filter(|field| dataset.fields().contains(&field.name.as_str()) || key.contains(&field.column))
            .collect();
        let columns: Vec<String> = declared
            .columns
            .iter()
            .filter(|column| wanted.iter().any(|field| field.column == column.name))
            .map(|column| format!("{} {}", column.name, column.declaration()))
            .collect();
        assert_eq!(columns.len(), wanted.len(), "{table}");
        db.execute_batch(&format!(
            "CREATE TABLE {table} ({}, PRIMARY KEY ({}))",
            columns.join(", "),
            key.join(", ")
        ))
        .unwrap();
        for (of, record) in set.records.values().filter(|(of, _)| *of == dataset) {
            let mut names = Vec::new();
            let mut values = Vec::new();
            for field in &wanted {
                names.push(field.column.as_str());
                values.push(match (of, field.column.as_str()) {
                    (Dataset::CompanyOptions, "ModuleCode") => "S/O",
                    _ => record[field.name.as_str()].as_str(),
                });
            }
            let marks = vec!["?"; names.len()].join(", ");
            let sql = format!("INSERT INTO {table} ({}) VALUES ({marks})", names.join(", "));
            db.execute(&sql, rusqlite::params_from_iter(values)).unwrap();
        }
    }
    if let Some((column, _)) = set.total_by {
        Settings::new(&db).set("price_total_by", column).unwrap();
    }
    db
}

/// How often something was seen.
type Seen = BTreeMap<String, u64>;

fn ask(catalog: &Catalog, seed: u64, seen: &mut Seen) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let set = PriceSet::new(&mut random, SMALL);
    let db = company(catalog, &set);
    let book = set.book(&mut random);
    let plain = set.plain_book();
    for dataset in Dataset::ALL {
        let count = set.records.values().filter(|(of, _)| *of == dataset).count();
        assert_eq!(book.count(dataset), count, "{dataset}");
    }
    for case in 0..CASES_PER_SET {
        let (division, customer_no) = random.pick(&set.customers);
        let ship_to = *random.pick(&SHIP_TOS);
        let day = day(&mut random);
        let lines: Vec<Line<'_>> = (0..*random.pick(&[1, 1, 1, 2, 4]))
            .map(|_| {
                let (item, units) = random.pick(&set.items);
                Line {
                    item_code: item,
                    unit: random.pick::<String>(units),
                    quantity: quantity(&mut random),
                    price_level: None,
                }
            })
            .collect();
        let order = Order {
            customer: Some(Buyer {
                division,
                customer_no,
            }),
            ship_to_code: ship_to,
            day,
        };
        let asked: Vec<LineAsked<'_>> = lines
            .iter()
            .map(|line| LineAsked {
                item: line.item_code,
                unit: line.unit,
                quantity: line.quantity,
            })
            .collect();
        let expected = unit_price(
            &db,
            &PriceAsked {
                division,
                customer: customer_no,
                ship_to,
                day,
                line: asked[0],
                others: &asked[1..],
            },
        )
        .unwrap();
        let answers = book.price_order(&order, &lines);
        let priced = answers[0].as_ref().unwrap();
        assert_eq!(
            priced.unit_price.to_string(),
            expected.to_string(),
            "ERP_DRIVER_SEED={seed}, case {case}: {order:?} {lines:?} {priced:#?}"
        );
        // However a book came to its records, it gives the same reasons.
        let again = plain.price_order(&order, &lines);
        let again = again[0].as_ref().unwrap();
        let reasons = |priced: &pricing::Priced<'_>| -> Vec<_> {
            priced
                .considered()
                .map(|one| (one.dataset(), one.key(), one.rule, one.outcome, one.price))
                .collect()
        };
        assert_eq!((again.unit_price, again.rule), (priced.unit_price, priced.rule));
        assert_eq!(reasons(again), reasons(priced));
        // Every record that it names is one of the set's.
        for one in priced.considered() {
            let key = (one.dataset().name(), one.key().as_str().to_owned());
            assert!(set.records.contains_key(&key), "{key:?}");
            *seen
                .entry(format!("{:?} {:?}", one.rule, one.outcome))
                .or_default() += 1;
        }
        if lines.len() == 1 {
            let alone = book.price(&order, &lines[0]).unwrap();
            assert_eq!(alone.unit_price, priced.unit_price);
        } else if priced.break_quantity != book.price(&order, &lines[0]).unwrap().break_quantity {
            *seen.entry("counted together".into()).or_default() += 1;
        }
        *seen.entry(priced.rule.to_string()).or_default() += 1;
    }
}

fn number(name: &str, unset: u64) -> u64 {
    std::env::var(name).map_or(unset, |text| text.parse().unwrap())
}

#[test]
fn the_book_prices_as_the_sandbox_does() {
    let catalog = Catalog::standard().unwrap();
    let first = number("ERP_DRIVER_SEED", 1);
    let sets = number("ERP_DRIVER_PRICE_CASES", 20_000).div_ceil(CASES_PER_SET);
    let next = AtomicU64::new(first);
    let all = Mutex::new(Seen::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut seen = Seen::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + sets {
                        break;
                    }
                    ask(&catalog, seed, &mut seen);
                }
                let mut all = all.lock().unwrap();
                for (what, count) in seen {
                    *all.entry(what).or_default() += count;
                }
            });
        }
    });
    let seen = all.into_inner().unwrap();
    eprintln!("{} cases: {seen:#?}", sets * CASES_PER_SET);
    // Nothing was left out: every rule decided, and every reason was given.
    let rules = [
        Rule::Promotion,
        Rule::CustomerItem,
        Rule::ItemLevel,
        Rule::ItemStandard,
        Rule::PriceCodeLevel,
        Rule::PriceCodeStandard,
        Rule::StandardPrice,
    ];
    for rule in rules {
        let decided = seen.get(rule.as_str()).copied().unwrap_or(0);
        assert!(
            decided * 100 >= sets * CASES_PER_SET,
            "{rule} decided {decided} times"
        );
    }
    for (rule, outcome) in [
        (Some(Rule::Promotion), Outcome::NotInForce),
        (Some(Rule::Promotion), Outcome::NotLower),
        (Some(Rule::CustomerItem), Outcome::Overruled),
        (None, Outcome::GaveLevel),
    ] {
        assert!(
            seen.contains_key(&format!("{rule:?} {outcome:?}")),
            "{rule:?} {outcome:?}"
        );
    }
    assert!(seen.contains_key("counted together"));
}
