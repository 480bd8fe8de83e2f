//! Is there a receipt of ours, and is it whole?
//!
//! Batches are merged, receipts are transferred to another batch, and posting moves them to
//! history: only customer and check number stay. The check number is derived from the
//! import's id, so what stands under it is ours unless amount or customer say otherwise.

use std::collections::BTreeMap;

use model::{Numbers, Totals};
use sage::{Column, Select};
use values::{Date, Decimal, Kind};

use super::lookup::by_key;
use super::{Columns, Finding, Place};
use crate::identity::parts;
use crate::plan::{ReceiptLine, ReceiptWrite};
use crate::rows::Row;

const AMOUNT: Kind = Kind::Decimal { scale: 2 };

const KEY: [&str; 3] = ["ARDivisionNo", "CustomerNo", "CheckNo"];

const PLACES: [(Place, &[(&str, Kind)]); 4] = [
    (
        Place::Receipt,
        &[
            ("BatchNo", Kind::Text),
            ("DepositNo", Kind::Text),
            ("BankCode", Kind::Text),
            ("CheckNo", Kind::Text),
            ("AmountReceived", AMOUNT),
        ],
    ),
    (
        Place::ReceiptLines,
        &[
            ("BatchNo", Kind::Text),
            ("DepositNo", Kind::Text),
            ("CheckNo", Kind::Text),
            ("AmountPosted", AMOUNT),
        ],
    ),
    (
        Place::ReceiptHistory,
        &[
            ("BatchNo", Kind::Text),
            ("DepositNo", Kind::Text),
            ("BankCode", Kind::Text),
            ("CheckNo", Kind::Text),
            ("PostingDate", Kind::Date),
            ("CashAmountApplied", AMOUNT),
        ],
    ),
    (
        Place::PaymentHistory,
        &[
            ("CheckNo", Kind::Text),
            ("InvoiceNo", Kind::Text),
            ("TransactionAmt", AMOUNT),
        ],
    ),
];

/// What is read to find it: receipts that are not posted first, so that it cannot slip
/// through between two reads. A place is left out where the site has no such columns.
#[must_use]
pub fn selects(identity: &str, columns: &Columns) -> Vec<(Place, Select)> {
    let parts = parts(identity);
    let [_, _, _, division, customer_no, check_no] = parts.as_slice() else {
        return Vec::new();
    };
    let key = [
        ("ARDivisionNo", division.as_str()),
        ("CustomerNo", customer_no),
        ("CheckNo", check_no),
    ];
    PLACES
        .into_iter()
        .filter_map(|(place, wanted)| {
            let has = columns
                .get(place.table())
                .filter(|has| KEY.iter().all(|name| has.contains(*name)))?;
            let wanted = wanted
                .iter()
                .filter(|(name, _)| has.contains(*name))
                .map(|(name, kind)| Column::new(*name, *kind))
                .collect();
            Some((place, by_key(place, wanted, &key)))
        })
        .collect()
}

/// What is read to count the receipts of a receipt's deposit; nothing where the site does not
/// tell their amounts.
#[must_use]
pub fn deposit_selects(identity: &str, columns: &Columns) -> Vec<(Place, Select)> {
    let parts = parts(identity);
    let [batch_no, bank_code, deposit_no, ..] = parts.as_slice() else {
        return Vec::new();
    };
    let wanted = [
        ("ARDivisionNo", Kind::Text),
        ("CustomerNo", Kind::Text),
        ("CheckNo", Kind::Text),
        ("AmountReceived", AMOUNT),
    ];
    let mut key = vec![
        ("BankCode", bank_code.as_str()),
        ("DepositNo", deposit_no.as_str()),
    ];
    if !batch_no.is_empty() {
        key.push(("BatchNo", batch_no.as_str()));
    }
    let tells = columns.get(Place::Receipt.table()).is_some_and(|has| {
        let keyed = key.iter().map(|(name, _)| name);
        let mut needed = wanted.iter().map(|(name, _)| name).chain(keyed);
        needed.all(|name| has.contains(*name))
    });
    if !tells {
        return Vec::new();
    }
    let wanted = wanted.map(|(name, kind)| Column::new(name, kind)).into();
    vec![(Place::Receipt, by_key(Place::Receipt, wanted, &key))]
}

/// What the deposit's other receipts come to, from the rows of [`deposit_selects`]; none when
/// that cannot be told.
#[must_use]
pub fn deposited(identity: &str, rows: &BTreeMap<Place, Vec<Row>>) -> Option<Decimal> {
    let parts = parts(identity);
    let own = parts.get(3..)?;
    let others = rows
        .get(&Place::Receipt)?
        .iter()
        .filter(|row| KEY.iter().zip(own).any(|(name, part)| row.text(name) != part))
        .cloned();
    sum(&others.collect::<Vec<_>>(), "AmountReceived")
}

/// Would it be among these rows, which are those of [`selects`], had it been posted? Only where
/// the places that were read tell of all its lines: payments are those of invoices, and tell
/// nothing of prepayments and accounts. That the site keeps what is posted is its own word.
#[must_use]
pub fn tells_posted(write: &ReceiptWrite, rows: &BTreeMap<Place, Vec<Row>>) -> bool {
    rows.contains_key(&Place::ReceiptHistory)
        || (rows.contains_key(&Place::PaymentHistory) && write.lines.iter().all(ReceiptLine::is_of_invoice))
}

/// Decides from the rows of [`selects`], by place; a place that was not read is not there.
#[must_use]
pub fn classify(identity: &str, write: &ReceiptWrite, rows: &BTreeMap<Place, Vec<Row>>) -> Finding {
    if !rows.contains_key(&Place::Receipt) {
        return unclear("receipts that are not posted could not be read");
    }
    let of = |place| rows.get(&place).map(Vec::as_slice).unwrap_or_default();
    let (headers, posted) = (of(Place::Receipt), of(Place::ReceiptHistory));
    match (headers, posted) {
        ([header], []) => in_process(write, identity, header, rows.get(&Place::ReceiptLines)),
        ([], [_, ..]) => in_history(write, identity, posted),
        ([], []) if !of(Place::ReceiptLines).is_empty() => Finding::Partial {
            what: "its lines are there, its header is not".into(),
        },
        ([], []) => in_payments(write, of(Place::PaymentHistory)),
        ([_, ..], _) => unclear(format!(
            "receipts under check number {} are there more than once: {} not posted, {} posted",
            write.check_no,
            headers.len(),
            posted.len()
        )),
    }
}

fn in_process(write: &ReceiptWrite, identity: &str, header: &Row, lines: Option<&Vec<Row>>) -> Finding {
    if let Some(amount) = header.number("AmountReceived")
        && amount != write.amount
    {
        return other_amount(write, amount);
    }
    let Some(lines) = lines else {
        return unclear("its lines could not be read");
    };
    if lines.is_empty() {
        return Finding::Partial {
            what: "its lines are missing".into(),
        };
    }
    // Where the site does not tell amounts of lines, their number is all there is.
    if lines.iter().all(|line| line.has("AmountPosted")) {
        match sum(lines, "AmountPosted") {
            Some(sum) if sum == write.amount => {}
            Some(sum) => {
                return Finding::Partial {
                    what: format!("its lines come to {sum}, not to {}", write.amount),
                };
            }
            None => return unclear("its lines cannot be added up"),
        }
    } else if lines.len() != write.lines.len() {
        return Finding::Partial {
            what: format!(
                "it has {} of {}",
                crate::counted(lines.len(), "line"),
                write.lines.len()
            ),
        };
    }
    ours(write, numbers(identity, header), Vec::new())
}

/// What is posted under our check number: all of it, or what was posted first, comes to our
/// amount. Later entries are a clerk's (a returned payment).
fn in_history(write: &ReceiptWrite, identity: &str, posted: &[Row]) -> Finding {
    let mut by_day: BTreeMap<Option<Date>, Vec<Row>> = BTreeMap::new();
    for row in posted {
        by_day
            .entry(row.date("PostingDate"))
            .or_default()
            .push(row.clone());
    }
    let first_day = by_day.values().next().map(Vec::as_slice).unwrap_or_default();
    let mut notes = vec![String::from("receipt_posted: the receipt has been posted since")];
    let whole = sum(posted, "CashAmountApplied");
    if whole != Some(write.amount) {
        if by_day.len() < 2 || sum(first_day, "CashAmountApplied") != Some(write.amount) {
            return match whole {
                Some(amount) => other_amount(write, amount),
                None => unclear("what is posted under its check number cannot be added up"),
            };
        }
        notes.push(String::from(
            "receipt_posted: more was posted under its check number later",
        ));
    }
    let numbers = first_day
        .first()
        .map(|row| numbers(identity, row))
        .unwrap_or_default();
    ours(write, numbers, notes)
}

/// The payments of invoices. A prepayment or an account is none, so these may be less.
fn in_payments(write: &ReceiptWrite, payments: &[Row]) -> Finding {
    if payments.is_empty() {
        return Finding::Absent;
    }
    let on_invoices = write
        .lines
        .iter()
        .filter(|line| line.is_of_invoice())
        .try_fold(Decimal::zero(2), |sum, line| sum.checked_add(line.amount))
        .ok();
    match sum(payments, "TransactionAmt") {
        Some(paid) if paid == write.amount || Some(paid) == on_invoices => {
            let notes = vec!["receipt_posted: the receipt has been posted since".into()];
            ours(
                write,
                Numbers::from([("check_no".into(), write.check_no.clone())]),
                notes,
            )
        }
        Some(paid) => other_amount(write, paid),
        None => unclear("payments under its check number cannot be added up"),
    }
}

fn ours(write: &ReceiptWrite, numbers: Numbers, notes: Vec<String>) -> Finding {
    Finding::Ours {
        totals: Totals::from([("amount_received".into(), write.amount)]),
        numbers,
        notes,
    }
}

/// Where it stands now.
fn numbers(identity: &str, row: &Row) -> Numbers {
    let mut numbers = crate::identity::numbers_of("receipt", identity);
    for (name, column) in [
        ("batch_no", "BatchNo"),
        ("bank_code", "BankCode"),
        ("deposit_no", "DepositNo"),
    ] {
        if row.has(column) {
            let text = row.text(column).to_owned();
            if text.is_empty() {
                numbers.remove(name);
            } else {
                numbers.insert(name.to_owned(), text);
            }
        }
    }
    numbers
}

fn sum(rows: &[Row], column: &str) -> Option<Decimal> {
    rows.iter().try_fold(Decimal::zero(2), |sum, row| {
        sum.checked_add(row.number(column)?).ok()
    })
}

fn other_amount(write: &ReceiptWrite, amount: Decimal) -> Finding {
    unclear(format!(
        "a receipt under check number {} comes to {amount}, not to {}",
        write.check_no, write.amount
    ))
}

fn unclear(why: impl Into<String>) -> Finding {
    Finding::Unclear { why: why.into() }
}

#[cfg(test)]
mod tests {
    use model::CustomerRef;

    use super::*;
    use crate::plan::{CustomerSource, ReceiptTarget};
    use crate::rows::Field;

    const IDENTITY: &str = "00012:A:00100:01:ABF:K234567890";

    fn amount(text: &str) -> Decimal {
        Decimal::parse(text, 2).unwrap()
    }

    fn write() -> ReceiptWrite {
        let line = |target, amount| ReceiptLine {
            field: "invoices[0]".into(),
            target,
            amount,
            discount: None,
        };
        ReceiptWrite {
            customer: CustomerSource::Known(CustomerRef {
                ar_division_no: "01".into(),
                customer_no: "ABF".into(),
            }),
            check_no: "K234567890".into(),
            batch_key: "2026-05-06 VISA".into(),
            batch_comment: "WEB 2026-05-06 VISA".into(),
            deposit_key: "2026-05-06 C".into(),
            bank_code: "A".into(),
            deposit_type: "C".into(),
            deposit_date: Date::constant(2026, 5, 6),
            amount: amount("150.00"),
            settings: Vec::new(),
            lines: vec![
                line(
                    ReceiptTarget::Invoice {
                        invoice_no: "0100001".into(),
                        invoice_type: "IN".into(),
                    },
                    amount("100.00"),
                ),
                line(
                    ReceiptTarget::Prepayment {
                        invoice_no: "P000001".into(),
                    },
                    amount("50.00"),
                ),
            ],
            is_filed: false,
        }
    }

    fn row(texts: &[(&str, &str)], column: &str, value: &str) -> Row {
        let mut row = Row::default();
        for (column, text) in texts {
            let field = if *column == "PostingDate" {
                Field::Date(text.parse().ok())
            } else {
                Field::Text((*text).to_owned())
            };
            row.put(*column, field);
        }
        row.put(column, Field::Number(amount(value)));
        row
    }

    fn header(batch: &str, value: &str) -> Row {
        let place = [("BatchNo", batch), ("DepositNo", "00100"), ("BankCode", "A")];
        row(&place, "AmountReceived", value)
    }

    fn line(value: &str) -> Row {
        row(&[("BatchNo", "00012")], "AmountPosted", value)
    }

    fn posted(day: &str, value: &str) -> Row {
        row(
            &[("BatchNo", "00012"), ("PostingDate", day)],
            "CashAmountApplied",
            value,
        )
    }

    fn paid(value: &str) -> Row {
        row(&[("InvoiceNo", "0100001")], "TransactionAmt", value)
    }

    fn judge(headers: Vec<Row>, lines: Vec<Row>, history: Vec<Row>, payments: Vec<Row>) -> Finding {
        let rows = BTreeMap::from([
            (Place::Receipt, headers),
            (Place::ReceiptLines, lines),
            (Place::ReceiptHistory, history),
            (Place::PaymentHistory, payments),
        ]);
        classify(IDENTITY, &write(), &rows)
    }

    #[test]
    fn it_is_found_in_whatever_batch_it_was_moved_to() {
        let whole = vec![line("100.00"), line("50.00")];
        for batch in ["00012", "00034"] {
            let finding = judge(vec![header(batch, "150.00")], whole.clone(), vec![], vec![]);
            let Finding::Ours { totals, numbers, .. } = finding else {
                panic!("{finding:?}");
            };
            assert_eq!(numbers["batch_no"], batch);
            assert_eq!(numbers["check_no"], "K234567890");
            assert_eq!(totals["amount_received"], amount("150.00"));
        }
    }

    #[test]
    fn a_torn_receipt_is_partial() {
        for (headers, lines) in [
            (vec![header("00012", "150.00")], vec![]),
            (vec![header("00012", "150.00")], vec![line("100.00")]),
            (vec![], vec![line("150.00")]),
        ] {
            let finding = judge(headers, lines, vec![], vec![]);
            assert!(matches!(finding, Finding::Partial { .. }), "{finding:?}");
        }
    }

    #[test]
    fn another_amount_or_a_second_receipt_is_unclear() {
        let whole = || vec![line("100.00"), line("50.00")];
        let double = vec![header("00012", "150.00"), header("00013", "150.00")];
        for (headers, history, payments) in [
            (vec![header("00012", "150.01")], vec![], vec![]),
            (double, vec![], vec![]),
            (
                vec![header("00012", "150.00")],
                vec![posted("2026-05-06", "150.00")],
                vec![],
            ),
            (vec![], vec![posted("2026-05-06", "149.00")], vec![]),
        ] {
            let lines = if headers.is_empty() { vec![] } else { whole() };
            let finding = judge(headers, lines, history, payments);
            assert!(matches!(finding, Finding::Unclear { .. }), "{finding:?}");
        }
        let finding = judge(vec![], vec![], vec![], vec![paid("99.00")]);
        assert!(matches!(finding, Finding::Unclear { .. }), "{finding:?}");
    }

    #[test]
    fn posted_receipts_are_ours_even_when_returned_later() {
        for history in [
            vec![posted("2026-05-06", "100.00"), posted("2026-05-06", "50.00")],
            vec![posted("2026-05-06", "150.00"), posted("2026-05-20", "-150.00")],
        ] {
            let finding = judge(vec![], vec![], history, vec![]);
            assert!(
                matches!(&finding, Finding::Ours { numbers, .. } if numbers["batch_no"] == "00012"),
                "{finding:?}"
            );
        }
        let finding = judge(vec![], vec![], vec![], vec![paid("100.00")]);
        assert!(matches!(finding, Finding::Ours { .. }), "{finding:?}");
    }

    #[test]
    fn a_posted_receipt_is_missed_only_where_all_its_lines_would_be_told() {
        let read = |places: &[Place]| places.iter().map(|place| (*place, Vec::new())).collect();
        let (receipt, payment) = (Place::ReceiptHistory, Place::PaymentHistory);
        let unposted = [Place::Receipt, Place::ReceiptLines];
        let mixed = write();
        let mut invoices = write();
        invoices.lines.truncate(1);
        for (write, more, is_told) in [
            (&mixed, vec![], false),
            (&mixed, vec![payment], false),
            (&mixed, vec![receipt], true),
            (&mixed, vec![receipt, payment], true),
            (&invoices, vec![], false),
            (&invoices, vec![payment], true),
            (&invoices, vec![receipt], true),
        ] {
            let places = [unposted.as_slice(), &more].concat();
            assert_eq!(tells_posted(write, &read(&places)), is_told, "{more:?}");
        }
    }

    #[test]
    fn a_history_without_the_columns_of_the_key_is_not_read() {
        let has = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        let columns = Columns::from([
            (
                Place::Receipt.table().to_owned(),
                has(&["ARDivisionNo", "CustomerNo", "CheckNo"]),
            ),
            (
                Place::ReceiptHistory.table().to_owned(),
                has(&["ARDivisionNo", "CustomerNo", "CashAmountApplied"]),
            ),
        ]);
        let read = selects(IDENTITY, &columns);
        let read: Vec<_> = read.into_iter().map(|(place, _)| place).collect();
        assert_eq!(read, [Place::Receipt]);
    }

    #[test]
    fn nothing_is_absent_and_unread_is_unclear() {
        assert_eq!(judge(vec![], vec![], vec![], vec![]), Finding::Absent);
        let finding = classify(IDENTITY, &write(), &BTreeMap::new());
        assert!(matches!(finding, Finding::Unclear { .. }), "{finding:?}");
    }
}
