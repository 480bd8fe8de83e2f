//! The cases worked by hand in `cases.toml`, and what else a book promises.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at whatever it does not expect"
)]

use std::collections::{BTreeMap, BTreeSet};

use catalog::Catalog;
use pricing::{Buyer, Dataset, Line, Options, Order, Outcome, PriceBook, Record, RecordError, Rule};
use serde::Deserialize;
use values::{Decimal, Key, parse_date};

type Fields = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    items: Vec<Fields>,
    customers: Vec<Fields>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    words: String,
    #[serde(default = "the_customer")]
    customer: String,
    #[serde(default)]
    ship_to: String,
    #[serde(default = "the_day")]
    day: String,
    item: String,
    #[serde(default)]
    unit: String,
    #[serde(default = "one")]
    quantity: String,
    line_level: Option<String>,
    #[serde(default)]
    others: Vec<Other>,
    #[serde(default)]
    options: Options,
    #[serde(default)]
    company: Fields,
    #[serde(default)]
    item_is: Fields,
    #[serde(default)]
    customer_is: Fields,
    #[serde(default)]
    prices: Vec<Price>,
    #[serde(default)]
    levels: Vec<Level>,
    #[serde(default)]
    list: Vec<Promotion>,
    price: Option<String>,
    rule: Option<Rule>,
    level: Option<String>,
    line_discount: Option<String>,
    trade_discount: Option<String>,
    extension: Option<String>,
    error: Option<String>,
}

fn the_customer() -> String {
    "01-ABF".into()
}

fn the_day() -> String {
    "2026-05-06".into()
}

fn one() -> String {
    "1".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    item: String,
    quantity: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Price {
    record: String,
    code: String,
    item: String,
    level: String,
    customer: String,
    method: String,
    breaks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Level {
    customer: String,
    line: String,
    code: String,
    ship_to: String,
    level: String,
    starts: String,
    ends: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Promotion {
    code: String,
    method: String,
    percent: String,
    starts: String,
    ends: String,
}

fn fields<const N: usize>(pairs: [(&str, &str); N]) -> Fields {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn put(book: &mut PriceBook, dataset: Dataset, fields: &Fields) {
    for name in fields.keys() {
        assert!(dataset.fields().contains(&name.as_str()), "{dataset}.{name}");
    }
    let record = Record::read(dataset, |name| fields.get(name).map(String::as_str)).unwrap();
    book.put(&record).unwrap();
}

fn book_of(file: &File, case: &Case) -> PriceBook {
    let mut book = PriceBook::new(case.options);
    put(&mut book, Dataset::CompanyOptions, &case.company);
    for item in &file.items {
        let mut item = item.clone();
        if item["item_code"] == case.item {
            item.extend(case.item_is.clone());
        }
        put(&mut book, Dataset::Items, &item);
    }
    for customer in &file.customers {
        let mut customer = customer.clone();
        if format!("{}-{}", customer["ar_division_no"], customer["customer_no"]) == case.customer {
            customer.extend(case.customer_is.clone());
        }
        put(&mut book, Dataset::Customers, &customer);
    }
    for price in &case.prices {
        let (division, customer) = price.customer.split_once('-').unwrap_or_default();
        let mut record = fields([
            ("price_code_record", &price.record),
            ("price_code", &price.code),
            ("item_code", &price.item),
            ("customer_price_level", &price.level),
            ("ar_division_no", division),
            ("customer_no", customer),
            ("pricing_method", &price.method),
        ]);
        for (place, tier) in (1..).zip(&price.breaks) {
            let (bound, amount) = tier.split_once(':').unwrap();
            record.insert(format!("break_quantity{place}"), bound.to_owned());
            record.insert(format!("discount_markup{place}"), amount.to_owned());
        }
        put(&mut book, Dataset::PriceCodes, &record);
    }
    for level in &case.levels {
        let (division, customer) = level.customer.split_once('-').unwrap();
        let record = fields([
            ("ar_division_no", division),
            ("customer_no", customer),
            ("product_line", &level.line),
            ("price_code", &level.code),
            ("ship_to_code", &level.ship_to),
            ("effective_date", &level.starts),
            ("end_date", &level.ends),
            ("price_level", &level.level),
        ]);
        put(&mut book, Dataset::PriceLevelsByCustomer, &record);
    }
    for promotion in &case.list {
        let record = fields([
            ("promotion_code", &promotion.code),
            ("sale_starting_date", &promotion.starts),
            ("sale_ending_date", &promotion.ends),
            ("sale_method", &promotion.method),
            ("sales_promotion_discount_percent", &promotion.percent),
        ]);
        put(&mut book, Dataset::Promotions, &record);
    }
    book
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn every_case_comes_out_as_worked_by_hand() {
    let file: File = toml::from_str(include_str!("cases.toml")).unwrap();
    assert!(file.case.len() >= 60, "{} cases", file.case.len());
    let mut names = BTreeSet::new();
    let mut rules = BTreeSet::new();
    for case in &file.case {
        assert!(names.insert(&case.name), "two cases are called {}", case.name);
        assert!(!case.words.is_empty(), "{}: say how it is worked out", case.name);
        check(&file, case);
        rules.extend(case.rule);
    }
    assert_eq!(rules.len(), 7, "a rule decides no case: {rules:?}");
}

fn check(file: &File, case: &Case) {
    let name = &case.name;
    let book = book_of(file, case);
    let order = Order {
        customer: case
            .customer
            .split_once('-')
            .map(|(division, customer_no)| Buyer {
                division,
                customer_no,
            }),
        ship_to_code: &case.ship_to,
        day: parse_date(&case.day).unwrap().unwrap(),
    };
    let mut lines = vec![Line {
        item_code: &case.item,
        unit: &case.unit,
        quantity: number(&case.quantity),
        price_level: case.line_level.as_deref(),
    }];
    lines.extend(case.others.iter().map(|other| Line {
        item_code: &other.item,
        unit: "",
        quantity: number(&other.quantity),
        price_level: None,
    }));
    let answers = book.price_order(&order, &lines);
    let priced = match (&answers[0], &case.error) {
        (Ok(priced), None) => priced,
        (Err(error), Some(code)) => {
            assert_eq!(error.code(), code, "{name}");
            return;
        }
        (answer, error) => panic!("{name}: {error:?} expected, {answer:?}"),
    };
    assert_eq!(
        Some(priced.unit_price.to_string()),
        case.price,
        "{name}: {priced:#?}"
    );
    assert_eq!(Some(priced.rule), case.rule, "{name}: {priced:#?}");
    if let Some(level) = &case.level {
        assert_eq!(priced.price_level, level, "{name}");
    }
    if let Some(percent) = &case.line_discount {
        assert_eq!(priced.line_discount_percent, number(percent), "{name}");
    }
    if let Some(percent) = &case.trade_discount {
        assert_eq!(priced.trade_discount_percent, number(percent), "{name}");
    }
    if let Some(amount) = &case.extension {
        let extension = priced.extension(number(&case.quantity)).unwrap();
        assert_eq!(&extension.to_string(), amount, "{name}");
    }
    // Exactly one record decided, under the rule that is named, with this price.
    let decided: Vec<_> = priced
        .considered()
        .filter(|one| one.outcome == Outcome::Decided)
        .collect();
    assert_eq!(decided.len(), 1, "{name}: {priced:#?}");
    assert_eq!(decided[0].rule, Some(priced.rule), "{name}");
    assert_eq!(decided[0].price, Some(priced.unit_price), "{name}");
}

/// The case of this name.
fn case<'f>(file: &'f File, name: &str) -> &'f Case {
    file.case.iter().find(|case| case.name == name).unwrap()
}

#[test]
fn the_records_that_were_considered_are_named() {
    let file: File = toml::from_str(include_str!("cases.toml")).unwrap();
    let case = case(&file, "a contract is higher");
    let book = book_of(&file, case);
    let order = Order {
        customer: Some(Buyer {
            division: "01",
            customer_no: "ABF",
        }),
        ship_to_code: "",
        day: parse_date("2026-05-06").unwrap().unwrap(),
    };
    let line = Line {
        item_code: "LAMP",
        unit: "",
        quantity: Decimal::new(1, 0),
        price_level: None,
    };
    let priced = book.price(&order, &line).unwrap();
    let seen: Vec<String> = priced
        .considered()
        .map(|one| {
            let price = one.price.map(|price| price.to_string()).unwrap_or_default();
            format!("{} {} {:?} {price}", one.dataset(), one.key(), one.outcome)
        })
        .collect();
    assert_eq!(
        seen,
        [
            "items LAMP Decided 90.000000",
            "price_codes 2::LAMP::01:ABF Overruled 95.000000",
            "items LAMP Overruled 100.000000",
        ]
    );
}

#[test]
fn a_change_counts_at_once_and_a_removal_too() {
    let file: File = toml::from_str(include_str!("cases.toml")).unwrap();
    let case = case(&file, "customer and item");
    let mut book = book_of(&file, case);
    let order = Order {
        customer: Some(Buyer {
            division: "01",
            customer_no: "ABF",
        }),
        ship_to_code: "",
        day: parse_date("2026-05-06").unwrap().unwrap(),
    };
    let price = |book: &PriceBook| {
        let line = Line {
            item_code: "HAT",
            unit: "",
            quantity: Decimal::new(1, 0),
            price_level: None,
        };
        book.price(&order, &line)
            .map(|priced| priced.unit_price.to_string())
            .map_err(|error| error.code())
    };
    let key = Key::from_parts(["2", "", "HAT", "", "01", "ABF"]);
    let changed = fields([
        ("price_code_record", "2"),
        ("item_code", "HAT"),
        ("ar_division_no", "01"),
        ("customer_no", "ABF"),
        ("pricing_method", "O"),
        ("discount_markup1", "1.5"),
    ]);
    let field = |name: &str| changed.get(name).map(String::as_str);
    book.apply(Dataset::PriceCodes, &key, Some(&field)).unwrap();
    assert_eq!(price(&book).unwrap(), "1.500000");
    // What cannot be read is not kept in its old form.
    let broken = |name: &str| match name {
        "discount_markup1" => Some("a lot"),
        name => changed.get(name).map(String::as_str),
    };
    let error = book.apply(Dataset::PriceCodes, &key, Some(&broken)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "price_codes.discount_markup1 is \"a lot\", which is no number"
    );
    assert_eq!(price(&book).unwrap(), "2.000000");
    for (record, next) in [
        (["1", "", "HAT", "B", "", ""], "3.000000"),
        (["1", "", "HAT", "", "", ""], "4.000000"),
        (["0", "STD", "", "B", "", ""], "5.000000"),
        (["0", "STD", "", "", "", ""], "84.000000"),
    ] {
        book.apply(Dataset::PriceCodes, &Key::from_parts(record), None)
            .unwrap();
        assert_eq!(price(&book).unwrap(), next);
    }
    book.apply(Dataset::Customers, &Key::from_parts(["01", "ABF"]), None)
        .unwrap();
    assert_eq!(price(&book), Err("unknown_customer"));
    book.apply(Dataset::Items, &Key::from_parts(["HAT"]), None)
        .unwrap();
    assert_eq!(price(&book), Err("unknown_item"));
    assert_eq!(
        book.apply(Dataset::Items, &key, None),
        Err(RecordError::Key(Dataset::Items, "2::HAT::01:ABF".into()))
    );
}

#[test]
fn the_catalog_has_every_field() {
    let catalog = Catalog::standard().unwrap();
    for dataset in Dataset::ALL {
        assert_eq!(Dataset::from_name(dataset.name()), Some(dataset));
        let known = catalog.get(dataset.name()).unwrap();
        let fields = match dataset {
            Dataset::CompanyOptions => {
                let child = known.children.iter().find(|c| c.name == "sales_order_options");
                &child.unwrap().fields
            }
            Dataset::Customers
            | Dataset::Items
            | Dataset::PriceCodes
            | Dataset::PriceLevelsByCustomer
            | Dataset::Promotions => &known.fields,
        };
        for name in dataset.fields() {
            assert!(fields.iter().any(|field| field.name == *name), "{dataset}.{name}");
        }
        // What is asked for when a record is read is what is named.
        let asked = std::cell::RefCell::new(BTreeSet::new());
        let record = Record::read(dataset, |name| {
            asked.borrow_mut().insert(name.to_owned());
            None
        });
        record.unwrap();
        let named: BTreeSet<String> = dataset.fields().iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(*asked.borrow(), named, "{dataset}");
    }
}

#[test]
fn an_amount_beyond_all_bounds_is_an_error() {
    let mut book = PriceBook::new(Options::default());
    let mut item = fields([
        ("item_code", "GEM"),
        ("item_type", "1"),
        ("standard_unit_of_measure", "EACH"),
        ("sales_unit_of_measure", "LOT"),
        ("sales_um_conv_fctr", "999999"),
        ("standard_unit_price", "999999999"),
    ]);
    put(&mut book, Dataset::Items, &item);
    let order = Order {
        customer: None,
        ship_to_code: "",
        day: parse_date("2026-05-06").unwrap().unwrap(),
    };
    let mut line = Line {
        item_code: "GEM",
        unit: "EACH",
        quantity: Decimal::new(1, 0),
        price_level: None,
    };
    assert_eq!(
        book.price(&order, &line).unwrap().unit_price.to_string(),
        "999999999.000000"
    );
    line.unit = "";
    assert_eq!(book.price(&order, &line).unwrap_err().code(), "amount_too_large");
    line.unit = "EACH";
    line.quantity = Decimal::new(i64::MAX, 0);
    assert_eq!(book.price(&order, &line).unwrap_err().code(), "amount_too_large");
    item.insert("standard_unit_price".into(), "99999999999999".into());
    let read = Record::read(Dataset::Items, |name| item.get(name).map(String::as_str)).unwrap();
    assert_eq!(book.put(&read), Err(RecordError::TooLarge(Dataset::Items)));
}

#[test]
fn a_misspelt_option_is_refused() {
    for text in [
        "markup_bas = \"standard_cost\"",
        "markup_base = \"list\"",
        "price_decimals = 7",
    ] {
        assert!(toml::from_str::<Options>(text).is_err(), "{text}");
    }
    let options: Options = toml::from_str("price_decimals = 2").unwrap();
    assert_eq!(
        options,
        Options {
            price_decimals: 2,
            ..Options::default()
        }
    );
}
