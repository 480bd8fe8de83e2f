//! What cannot be compared is told, and what differs does what the site wants.

use sage::{BusinessObjects, Call, Fault, Return, Scalar, ServerProcess};

use super::*;
use crate::writing::desk::Purpose;

/// Takes every value.
#[derive(Default)]
struct Taker {
    set: Vec<String>,
}

impl BusinessObjects for Taker {
    fn server(&self) -> Option<ServerProcess> {
        None
    }

    fn call(&mut self, call: &Call) -> Result<Return, Fault> {
        if let Call::SetValue { column, value, .. } = call {
            let value = value.as_text().unwrap_or_default();
            self.set.push(format!("{column}={value}"));
        }
        Ok(Return {
            code: i32::from(!matches!(call, Call::Find { .. })),
            value: matches!(call, Call::GetNextNumber { .. }).then(|| Scalar::Text(String::new())),
            ..Return::default()
        })
    }
}

fn amount(text: &str) -> Decimal {
    Decimal::parse(text, 2).unwrap()
}

fn totals(parts: &[(&str, &str)]) -> Totals {
    let mut totals: Totals = parts
        .iter()
        .map(|(name, text)| ((*name).to_owned(), amount(text)))
        .collect();
    crate::read_back::add_order_total(&mut totals);
    totals
}

/// An order of 100 and 8 of tax.
fn told() -> Totals {
    totals(&[
        ("taxable_amt", "100"),
        ("non_taxable_amt", "0"),
        ("freight_amt", "0"),
        ("discount_amt", "0"),
        ("sales_tax_amt", "8"),
    ])
}

fn without(name: &str) -> Totals {
    let mut totals = told();
    totals.remove(name);
    totals.remove("order_total");
    totals
}

fn checks() -> OrderChecks {
    OrderChecks {
        sales_tax_amt: Some(amount("8")),
        order_total: Some(amount("108")),
        tolerance: amount("0.05"),
        tax_before_write: true,
        ..OrderChecks::default()
    }
}

/// Warnings, codes of what holds the document, and what was set.
fn compare(checks: &OrderChecks, totals: &Totals) -> (Vec<String>, Vec<String>, Vec<String>) {
    let mut taker = Taker::default();
    let mut desk = Desk::new(&mut taker, Purpose::Store);
    compare_entered(&mut desk, ObjectId(1), checks, totals).unwrap();
    let holds = desk.holds.into_iter().map(|problem| problem.code).collect();
    let warnings = desk.warnings;
    (warnings, holds, taker.set)
}

#[test]
fn what_sage_tells_and_agrees_is_silent() {
    assert_eq!(compare(&checks(), &told()), Default::default());
    let nothing_expected = OrderChecks {
        sales_tax_amt: None,
        order_total: None,
        ..checks()
    };
    assert_eq!(compare(&nothing_expected, &Totals::new()), Default::default());
}

#[test]
fn an_order_counts_against_the_credit_limit_with_what_sage_computes() {
    let of = |limit: &str, paid: &str| OrderChecks {
        credit: Some(CreditCheck {
            customer: "01-ABF".into(),
            limit: amount(limit),
            owed: Some(amount("50")),
            paid: amount(paid),
            hold: true,
            enter_on_hold: false,
        }),
        ..checks()
    };
    // 50 owed, and the order comes to 108.
    assert_eq!(compare(&of("158", "0"), &told()), Default::default());
    assert_eq!(compare(&of("50", "120"), &told()), Default::default());
    assert_eq!(compare(&of("157.99", "0"), &told()).1, ["credit_limit"]);
    // Where the tax comes later the rest counts already.
    let late = OrderChecks {
        tax_before_write: false,
        ..of("149.99", "0")
    };
    assert_eq!(compare(&late, &without("sales_tax_amt")).1, ["credit_limit"]);
    let untold = OrderChecks {
        sales_tax_amt: None,
        order_total: None,
        ..of("158", "0")
    };
    assert_eq!(compare(&untold, &Totals::new()).1, ["credit_not_checked"]);
    let accepted = OrderChecks {
        accepted: vec!["credit_limit".into()],
        ..of("1", "0")
    };
    let (warnings, holds, _) = compare(&accepted, &told());
    assert_eq!((warnings.len(), holds.len()), (1, 0), "{warnings:?}");
    let mut on_hold = of("1", "0");
    if let Some(credit) = &mut on_hold.credit {
        (credit.hold, credit.enter_on_hold) = (false, true);
    }
    let (warnings, holds, set) = compare(&on_hold, &told());
    assert_eq!(
        (warnings.len(), holds.len(), set.len()),
        (1, 0, 2),
        "{warnings:?} {set:?}"
    );
}

#[test]
fn a_check_that_cannot_be_made_is_told_or_holds() {
    let codes = |(warnings, _, _): (Vec<String>, Vec<String>, Vec<String>)| {
        let code = |text: &String| text.split(':').next().unwrap_or_default().to_owned();
        warnings.iter().map(code).collect::<Vec<_>>()
    };
    let both = ["tax_not_checked", "total_not_checked"];
    assert_eq!(codes(compare(&checks(), &without("sales_tax_amt"))), both);
    assert_eq!(codes(compare(&checks(), &Totals::new())), both);
    assert_eq!(
        codes(compare(&checks(), &without("freight_amt"))),
        ["total_not_checked"]
    );
    // The tax comes later, but the rest of the total is expected now.
    let late = OrderChecks {
        tax_before_write: false,
        ..checks()
    };
    assert!(codes(compare(&late, &without("sales_tax_amt"))).is_empty());
    assert_eq!(codes(compare(&late, &Totals::new())), ["total_not_checked"]);
    let held = OrderChecks {
        hold: true,
        accepted: vec![String::from("tax_not_checked")],
        ..checks()
    };
    let (warnings, holds, _) = compare(&held, &without("sales_tax_amt"));
    assert_eq!(
        (warnings.len(), holds),
        (1, vec![String::from("total_not_checked")])
    );
}

#[test]
fn a_total_that_sage_does_not_tell_after_the_write_is_told() {
    let late = OrderChecks {
        tax_before_write: false,
        ..checks()
    };
    let order = OrderWrite {
        customer: crate::plan::CustomerSource::Write(0),
        ship_to: None,
        order_type: model::OrderType::Standard,
        customer_po_no: String::new(),
        order_date: None,
        header: Vec::new(),
        lines: Vec::new(),
        closing: Vec::new(),
        checks: late,
        made_from: String::new(),
    };
    let mut taker = Taker::default();
    let mut desk = Desk::new(&mut taker, Purpose::Store);
    let mut filled = Filled::plain(ObjectId(1));
    filled.totals = without("sales_tax_amt");
    compare_stored(&mut desk, "101", &order, &mut filled);
    assert_eq!(desk.warnings.len(), 2, "{:?}", desk.warnings);
    assert!(!filled.totals.is_empty(), "what was known before stays");
}

#[test]
fn a_difference_puts_the_order_on_hold_where_the_site_wants_that() {
    let on_hold = OrderChecks {
        sales_tax_amt: Some(amount("7")),
        enter_on_hold: true,
        ..checks()
    };
    let (warnings, holds, set) = compare(&on_hold, &told());
    assert!(holds.is_empty());
    assert!(warnings[0].ends_with("(entered on hold)"), "{warnings:?}");
    assert_eq!(set, ["OrderStatus$=H", "PrintPickingSheets$=N"]);
    let accepted = OrderChecks {
        accepted: vec![String::from("tax_differs")],
        ..on_hold
    };
    assert!(compare(&accepted, &told()).2.is_empty());
}
