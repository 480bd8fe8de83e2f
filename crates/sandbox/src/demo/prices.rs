//! Price records: price code × level (0), item × level (1), item × customer (2), with
//! every pricing method and with break quantities.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::customers::Customer;
use super::items::Item;
use super::{USERS, moment, price};
use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;
use crate::row::Row;

/// The last break: Sage's "and above".
const NO_LIMIT: i64 = 99_999_999;

/// Records by item and level at scale 1.
const BY_LEVEL: u32 = 160;
/// Records by item and customer at scale 1.
const BY_CUSTOMER: u32 = 420;

/// Whom a record is for.
#[derive(Default)]
struct Keys<'a> {
    record: &'static str,
    price_code: &'a str,
    item: &'a str,
    level: &'a str,
    customer: Option<&'a Customer>,
    name: &'a str,
}

/// Upper bounds of quantity with what holds up to them, in hundredths (percent, cents).
type Tiers = Vec<(i64, i64)>;

pub(super) fn write(
    connection: &Connection,
    plan: &Plan,
    items: &[Item],
    customers: &[Customer],
) -> Result<(), SandboxError> {
    let mut random = Random::for_part(plan.seed, "prices");
    for (price_code, level, name, method, tiers) in by_price_code() {
        let keys = Keys {
            record: "0",
            price_code,
            level,
            name,
            ..Keys::default()
        };
        row(plan, &mut random, &keys, method, &tiers).insert(connection)?;
    }
    let sold: Vec<_> = items.iter().filter(|i| i.is_sold()).collect();
    let mut taken = BTreeSet::new();
    for _ in 0..BY_LEVEL * plan.scale {
        let item = random.pick(&sold);
        let level = random.pick(&["", "A", "B", "C"]);
        if taken.insert((item.code.as_str(), level)) {
            let (method, tiers) = draw_rule(&mut random, item);
            let keys = Keys {
                record: "1",
                item: &item.code,
                level,
                ..Keys::default()
            };
            row(plan, &mut random, &keys, method, &tiers).insert(connection)?;
        }
    }
    // One customer price that tests and walkthroughs can count on: 01-ABF is the first.
    let abf = Keys {
        record: "2",
        item: "1001-HON-H252",
        customer: customers.first(),
        ..Keys::default()
    };
    row(plan, &mut random, &abf, "O", &vec![(9, 8_200), (NO_LIMIT, 7_950)]).insert(connection)?;
    let mut taken = BTreeSet::from([("1001-HON-H252", 0)]);
    for _ in 0..BY_CUSTOMER * plan.scale {
        let item = random.pick(&sold);
        let place = random.place(customers.len());
        if taken.insert((item.code.as_str(), place)) {
            let (method, tiers) = draw_rule(&mut random, item);
            let keys = Keys {
                record: "2",
                item: &item.code,
                customer: Some(&customers[place]),
                ..Keys::default()
            };
            row(plan, &mut random, &keys, method, &tiers).insert(connection)?;
        }
    }
    Ok(())
}

/// What each price code gives each level: percent off, mark-up on cost, and so on.
fn by_price_code() -> Vec<(&'static str, &'static str, &'static str, &'static str, Tiers)> {
    let flat = |value| vec![(NO_LIMIT, value)];
    vec![
        ("STD", "", "Standard", "D", flat(0)),
        (
            "STD",
            "A",
            "Standard, level A",
            "D",
            vec![(11, 500), (47, 750), (NO_LIMIT, 1_000)],
        ),
        (
            "STD",
            "B",
            "Standard, level B",
            "D",
            vec![(11, 800), (47, 1_000), (143, 1_200), (NO_LIMIT, 1_500)],
        ),
        ("STD", "C", "Standard, level C", "M", flat(4_500)),
        ("FURN", "", "Furniture", "D", vec![(4, 0), (NO_LIMIT, 300)]),
        (
            "FURN",
            "A",
            "Furniture, level A",
            "D",
            vec![(4, 700), (9, 1_000), (NO_LIMIT, 1_250)],
        ),
        ("FURN", "B", "Furniture, level B", "D", flat(1_500)),
        ("FURN", "C", "Furniture, level C", "C", flat(12_500)),
        ("TECH", "", "Machines and supplies", "D", flat(0)),
        (
            "TECH",
            "A",
            "Machines, level A",
            "P",
            vec![(9, 100), (NO_LIMIT, 150)],
        ),
        ("TECH", "B", "Machines, level B", "D", flat(450)),
        ("PAPR", "", "Paper", "D", vec![(9, 0), (39, 500), (NO_LIMIT, 900)]),
        (
            "PAPR",
            "A",
            "Paper, level A",
            "D",
            vec![(9, 400), (39, 800), (NO_LIMIT, 1_200)],
        ),
        (
            "PAPR",
            "B",
            "Paper, level B",
            "M",
            vec![(39, 3_500), (NO_LIMIT, 2_800)],
        ),
    ]
}

/// A method with its tiers, so that the price stays above cost.
fn draw_rule(random: &mut Random, item: &Item) -> (&'static str, Tiers) {
    let margin = (item.price - item.cost).max(4);
    let method = random.pick(&["O", "O", "O", "D", "D", "P", "M", "C"]);
    let first = match method {
        "D" => random.between(2, 9) * 100,
        "P" => random.between(1, margin / 4 + 1),
        "M" => random.between(25, 60) * 100,
        "C" => margin * random.between(50, 90) / 100,
        _ => item.price - margin * random.between(5, 30) / 100,
    };
    if random.chance(60) {
        return (method, vec![(NO_LIMIT, first)]);
    }
    // A better price for more: higher discounts, lower prices and mark-ups.
    let second = match method {
        "D" | "P" => first + first / 4,
        _ => first - first / 20,
    };
    (
        method,
        vec![(random.pick(&[5, 11, 23, 47]), first), (NO_LIMIT, second)],
    )
}

fn row(plan: &Plan, random: &mut Random, keys: &Keys<'_>, method: &str, tiers: &Tiers) -> Row {
    const BREAKS: [&str; 5] = [
        "BreakQuantity1",
        "BreakQuantity2",
        "BreakQuantity3",
        "BreakQuantity4",
        "BreakQuantity5",
    ];
    const VALUES: [&str; 5] = [
        "DiscountMarkup1",
        "DiscountMarkup2",
        "DiscountMarkup3",
        "DiscountMarkup4",
        "DiscountMarkup5",
    ];
    let mut row = Row::new("IM_PriceCode")
        .with("PriceCodeRecord", keys.record)
        .with("PriceCode", keys.price_code)
        .with("ItemCode", keys.item)
        .with("CustomerPriceLevel", keys.level)
        .with("ARDivisionNo", keys.customer.map_or("", |c| c.division))
        .with("CustomerNo", keys.customer.map_or("", |c| c.number.as_str()))
        .with("PriceCodeDesc", keys.name)
        .with("PricingMethod", method);
    for ((limit, value), (limit_column, value_column)) in tiers.iter().zip(BREAKS.into_iter().zip(VALUES)) {
        row.set(limit_column, limit.to_string());
        row.set(value_column, price(*value));
    }
    let created = moment(random, plan, 120, 364);
    let updated = if random.chance(70) {
        created
    } else {
        moment(random, plan, 0, 119)
    };
    row.created(created, USERS[0]).updated(updated, USERS[1])
}
