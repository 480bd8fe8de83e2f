//! Random price sets and questions, from a seed: records as the hub has them, field by field.
#![allow(dead_code, reason = "the benchmark uses a part of it")]

use std::collections::BTreeMap;

use pricing::{Dataset, Options, PriceBook, TotalBy};
use values::{Date, Decimal, Key, date_from_days, days_from_date};

/// `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.next() % (high.abs_diff(low) + 1)).unwrap()
    }

    pub(crate) fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    pub(crate) fn pick<'t, T>(&mut self, choices: &'t [T]) -> &'t T {
        let last = i64::try_from(choices.len()).unwrap() - 1;
        &choices[usize::try_from(self.between(0, last)).unwrap()]
    }

    /// A number of so many units at six decimals, mostly with fewer than six that show.
    fn six(&mut self, most: i64) -> String {
        let grain = *self.pick(&[1, 1, 50, 10_000, 10_000, 500_000, 1_000_000]);
        let units = self.between(0, most * 1_000_000 / grain) * grain;
        Decimal::new(units, 6).to_string()
    }
}

pub(crate) type Fields = BTreeMap<&'static str, String>;

/// How large a price set is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) items: usize,
    pub(crate) customers: usize,
    pub(crate) by_customer: usize,
    pub(crate) by_level: usize,
    pub(crate) by_code: usize,
    pub(crate) levels: usize,
}

/// Small sets, in which every rule has its turn.
pub(crate) const SMALL: Size = Size {
    items: 40,
    customers: 12,
    by_customer: 120,
    by_level: 60,
    by_code: 14,
    levels: 40,
};

/// A price set.
pub(crate) struct PriceSet {
    /// Records under their keys.
    pub(crate) records: BTreeMap<(&'static str, String), (Dataset, Fields)>,
    /// Codes with their units.
    pub(crate) items: Vec<(String, Vec<String>)>,
    /// Divisions and numbers.
    pub(crate) customers: Vec<(String, String)>,
    /// The item column by which quantities count together, if not all do.
    pub(crate) total_by: Option<(&'static str, TotalBy)>,
}

const LEVELS: [&str; 5] = ["", "A", "B", "C", "D"];
const LINES: [&str; 4] = ["", "FURN", "PAPR", "TECH"];
const CODES: [&str; 5] = ["", "STD", "NET", "BULK", "ODD"];
pub(crate) const SHIP_TOS: [&str; 4] = ["", "1", "2", "RENO"];
const PROMOTIONS: [&str; 3] = ["SPRING", "FALL", ""];

/// The questions are asked around this day.
const DAY: Date = Date::constant(2026, 5, 6);

pub(crate) fn day(random: &mut Random) -> Date {
    let days = i32::try_from(random.between(-20, 20)).unwrap();
    date_from_days(days_from_date(DAY) + days).unwrap()
}

/// First and last day of something; each may be open, and the last may be before the first.
fn window(random: &mut Random) -> (String, String) {
    let mut end = |open| {
        if random.chance(open) {
            String::new()
        } else {
            day(random).to_string()
        }
    };
    let (one, other) = (end(30), end(30));
    if !one.is_empty() && !other.is_empty() && other < one && random.chance(85) {
        (other, one)
    } else {
        (one, other)
    }
}

impl PriceSet {
    pub(crate) fn new(random: &mut Random, size: Size) -> Self {
        let mut set = Self {
            records: BTreeMap::new(),
            items: Vec::new(),
            customers: Vec::new(),
            total_by: match random.between(0, 2) {
                0 => None,
                1 => Some(("ProductLine", TotalBy::ProductLine)),
                _ => Some(("Category1", TotalBy::Category1)),
            },
        };
        let yes = |random: &mut Random| if random.chance(50) { "Y" } else { "N" }.to_owned();
        let options = Fields::from([
            ("default_price_level_by_cust", yes(random)),
            ("price_by_total_quantity", yes(random)),
        ]);
        set.add(Dataset::CompanyOptions, options);
        for code in PROMOTIONS.iter().filter(|code| !code.is_empty()) {
            let (starts, ends) = window(random);
            let fields = Fields::from([
                ("promotion_code", (*code).to_owned()),
                ("sale_starting_date", starts),
                ("sale_ending_date", ends),
                ("sale_method", (*random.pick(&["D", "P"])).to_owned()),
                (
                    "sales_promotion_discount_percent",
                    Decimal::new(random.between(0, 60_000), 3).to_string(),
                ),
            ]);
            set.add(Dataset::Promotions, fields);
        }
        for number in 0..size.items {
            set.add_item(random, number);
        }
        for number in 0..size.customers {
            set.add_customer(random, number);
        }
        for _ in 0..size.by_customer {
            let (division, customer) = random.pick(&set.customers).clone();
            let item = random.pick(&set.items).0.clone();
            // What does not belong to the key of such a record is blank, or should be.
            let code = spare(random, &CODES);
            let level = spare(random, &LEVELS);
            set.add_price(random, ["2", &code, &item, &level, &division, &customer]);
        }
        for _ in 0..size.by_level {
            let item = random.pick(&set.items).0.clone();
            let level = *random.pick(&LEVELS);
            let code = spare(random, &CODES);
            set.add_price(random, ["1", &code, &item, level, "", ""]);
        }
        for _ in 0..size.by_code {
            let record = *random.pick(&["0", "0", "0", ""]);
            let code = *random.pick(&CODES[1..]);
            let level = *random.pick(&LEVELS);
            set.add_price(random, [record, code, "", level, "", ""]);
        }
        for _ in 0..size.levels {
            let (division, customer) = random.pick(&set.customers).clone();
            let (starts, ends) = window(random);
            let fields = Fields::from([
                ("ar_division_no", division),
                ("customer_no", customer),
                ("product_line", (*random.pick(&LINES)).to_owned()),
                (
                    "price_code",
                    (*random.pick(&["", "", "STD", "NET", "ODD"])).to_owned(),
                ),
                ("ship_to_code", (*random.pick(&["", "", "1", "RENO"])).to_owned()),
                ("effective_date", starts),
                ("end_date", ends),
                ("price_level", (*random.pick(&LEVELS)).to_owned()),
            ]);
            set.add(Dataset::PriceLevelsByCustomer, fields);
        }
        set
    }

    fn add(&mut self, dataset: Dataset, fields: Fields) {
        let key = key_of(dataset, &fields);
        self.records
            .insert((dataset.name(), key.as_str().to_owned()), (dataset, fields));
    }

    fn add_item(&mut self, random: &mut Random, number: usize) {
        let code = format!("{number:04}-HAT {}", number % 7);
        let (starts, ends) = window(random);
        let factor = |random: &mut Random| {
            (*random.pick(&[
                "12.0000", "1.0000", "0.0000", "2.5000", "144.0000", "0.0833", "33.3333",
            ]))
            .to_owned()
        };
        let sales = (*random.pick(&["CASE", "CASE", "EACH", ""])).to_owned();
        let purchase = (*random.pick(&["PALT", "EACH", "CASE"])).to_owned();
        let mut units = vec![String::new(), "EACH".to_owned(), purchase.clone()];
        if !sales.is_empty() {
            units.push(sales.clone());
        }
        let fields = Fields::from([
            ("item_code", code.clone()),
            ("item_type", (*random.pick(&["1", "1", "1", "5"])).to_owned()),
            ("price_code", (*random.pick(&CODES)).to_owned()),
            ("product_line", (*random.pick(&LINES)).to_owned()),
            ("category1", (*random.pick(&["", "RED", "BLUE"])).to_owned()),
            ("category2", String::new()),
            ("category3", String::new()),
            ("category4", String::new()),
            ("standard_unit_of_measure", "EACH".to_owned()),
            ("sales_unit_of_measure", sales),
            ("sales_um_conv_fctr", factor(random)),
            ("purchase_unit_of_measure", purchase),
            ("purchase_um_conv_fctr", factor(random)),
            ("standard_unit_price", random.six(2_000)),
            ("standard_unit_cost", random.six(1_500)),
            ("average_unit_cost", random.six(1_500)),
            ("last_total_unit_cost", random.six(1_500)),
            ("sales_promotion_code", (*random.pick(&PROMOTIONS)).to_owned()),
            ("sale_starting_date", starts),
            ("sale_ending_date", ends),
            ("sale_method", (*random.pick(&["D", "P", "N", ""])).to_owned()),
            ("sales_promotion_price", random.six(2_500)),
            (
                "sales_promotion_discount_percent",
                Decimal::new(random.between(0, 110_000), 3).to_string(),
            ),
            (
                "allow_trade_discount",
                (*random.pick(&["Y", "Y", "N"])).to_owned(),
            ),
        ]);
        self.items.push((code, units));
        self.add(Dataset::Items, fields);
    }

    fn add_customer(&mut self, random: &mut Random, number: usize) {
        let key = (format!("{:02}", number % 3), format!("C{number:05}"));
        let fields = Fields::from([
            ("ar_division_no", key.0.clone()),
            ("customer_no", key.1.clone()),
            ("price_level", (*random.pick(&LEVELS)).to_owned()),
            (
                "customer_discount_rate",
                Decimal::new(random.between(0, 10_000), 3).to_string(),
            ),
        ]);
        self.customers.push(key);
        self.add(Dataset::Customers, fields);
    }

    fn add_price(&mut self, random: &mut Random, key: [&str; 6]) {
        let mut fields = Fields::new();
        for (name, value) in PRICE_KEY.into_iter().zip(key) {
            fields.insert(name, value.to_owned());
        }
        let method = *random.pick(&["C", "D", "D", "M", "O", "O", "P", "", "X"]);
        fields.insert("pricing_method", method.to_owned());
        let used = random.between(0, 5);
        let mut bound = 0;
        for (place, (bound_name, amount_name)) in BREAKS.into_iter().enumerate() {
            let place = i64::try_from(place).unwrap() + 1;
            let is_last = place == used;
            bound = if place > used {
                0
            } else if is_last && random.chance(70) {
                99_999_999
            } else if random.chance(5) {
                random.between(0, 30)
            } else {
                bound + random.between(1, 40)
            };
            let amount = match method {
                _ if place > used && random.chance(80) => "0.000000".to_owned(),
                "D" | "M" => random.six(110),
                "P" => random.six(1_000),
                _ => random.six(2_000),
            };
            fields.insert(bound_name, bound.to_string());
            fields.insert(amount_name, amount);
        }
        self.add(Dataset::PriceCodes, fields);
    }

    /// The choices that agree with what the set was made for.
    pub(crate) fn options(&self) -> Options {
        Options {
            total_by: self.total_by.map_or(TotalBy::AllLines, |(_, by)| by),
            ..Options::default()
        }
    }

    /// A book that came to these records as a change feed might lead it: in any order, with
    /// earlier forms of records, and with records that are gone again.
    pub(crate) fn book(&self, random: &mut Random) -> PriceBook {
        let mut book = PriceBook::new(self.options());
        let mut waiting: Vec<&(Dataset, Fields)> = self.records.values().collect();
        while !waiting.is_empty() {
            let place = usize::try_from(random.next()).unwrap() % waiting.len();
            let (dataset, fields) = waiting.swap_remove(place);
            if random.chance(20) {
                let others: Vec<&(Dataset, Fields)> = self.records.values().collect();
                let mut earlier = random.pick(&others).1.clone();
                // Another record's values under this one's key.
                for name in key_fields(*dataset) {
                    earlier.insert(name, fields.get(name).cloned().unwrap_or_default());
                }
                put(&mut book, *dataset, &earlier);
                if random.chance(50) {
                    book.apply(*dataset, &key_of(*dataset, fields), None).unwrap();
                }
            }
            put(&mut book, *dataset, fields);
        }
        book
    }

    /// The same in one go.
    pub(crate) fn plain_book(&self) -> PriceBook {
        let mut book = PriceBook::new(self.options());
        for (dataset, fields) in self.records.values() {
            put(&mut book, *dataset, fields);
        }
        book
    }
}

fn put(book: &mut PriceBook, dataset: Dataset, fields: &Fields) {
    let key = key_of(dataset, fields);
    let field = |name: &str| fields.get(name).map(String::as_str);
    book.apply(dataset, &key, Some(&field)).unwrap();
}

/// Blank but for one in twenty.
fn spare(random: &mut Random, choices: &[&str]) -> String {
    if random.chance(5) {
        (*random.pick(choices)).to_owned()
    } else {
        String::new()
    }
}

/// A quantity that lies near a bound, as often as not.
pub(crate) fn quantity(random: &mut Random) -> Decimal {
    match random.between(0, 9) {
        0 => Decimal::new(0, 6),
        1 => Decimal::new(-random.between(1, 50_000_000), 6),
        2 | 3 => Decimal::new(random.between(1, 200_000_000), 6),
        4 => Decimal::new(random.between(1, 400) * 250_000, 6),
        _ => Decimal::new(random.between(1, 120), 0),
    }
}

pub(crate) const PRICE_KEY: [&str; 6] = [
    "price_code_record",
    "price_code",
    "item_code",
    "customer_price_level",
    "ar_division_no",
    "customer_no",
];

const BREAKS: [(&str, &str); 5] = [
    ("break_quantity1", "discount_markup1"),
    ("break_quantity2", "discount_markup2"),
    ("break_quantity3", "discount_markup3"),
    ("break_quantity4", "discount_markup4"),
    ("break_quantity5", "discount_markup5"),
];

pub(crate) fn key_fields(dataset: Dataset) -> &'static [&'static str] {
    match dataset {
        Dataset::CompanyOptions => &[],
        Dataset::Customers => &["ar_division_no", "customer_no"],
        Dataset::Items => &["item_code"],
        Dataset::PriceCodes => &PRICE_KEY,
        Dataset::PriceLevelsByCustomer => &[
            "ar_division_no",
            "customer_no",
            "product_line",
            "price_code",
            "ship_to_code",
            "effective_date",
        ],
        Dataset::Promotions => &["promotion_code"],
    }
}

pub(crate) fn key_of(dataset: Dataset, fields: &Fields) -> Key {
    Key::from_parts(
        key_fields(dataset)
            .iter()
            .map(|name| fields.get(name).map_or("", String::as_str)),
    )
}
