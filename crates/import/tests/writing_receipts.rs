//! Cash receipts: entered into the batches and deposits that they are allotted, and found
//! again wherever they went.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at whatever it does not expect"
)]

mod site;
mod tables;

use import::batches::{Allotments, Allotted};
use import::plan::{ReceiptLine, ReceiptTarget, ReceiptWrite, Setting, Write};
use import::read_back::{Finding, receipt};
use import::writing::{Answer, Entry, allot};
use jiff::Timestamp;
use model::CustomerRef;
use sandbox::Company;
use sandbox::objects::{Engine, post_cash_receipts};
use values::{Date, Decimal};

use site::{Site, abf, enter_into, enter_it, preview_it, told};
use tables::{columns, read};

fn company_with_invoices() -> Site {
    let site = Site::new();
    site.sql(
        "DELETE FROM AR_OpenInvoice;
         INSERT INTO AR_OpenInvoice (ARDivisionNo, CustomerNo, InvoiceNo, InvoiceType, Balance, DiscountAmt, InvoiceDiscountDate)
         VALUES ('01', 'ABF', '0100001', 'IN', 200, 2, '2026-05-10'), ('01', 'ABF', '0100002', 'CM', -50, 0, ''),
                ('01', 'ABF', '0100003', 'IN', 80, 0, '');",
    );
    site
}

fn amount(text: &str) -> Decimal {
    Decimal::parse(text, 2).unwrap()
}

fn invoice(place: usize, invoice_no: &str, invoice_type: &str, value: &str) -> ReceiptLine {
    ReceiptLine {
        field: format!("invoices[{place}]"),
        target: ReceiptTarget::Invoice {
            invoice_no: invoice_no.into(),
            invoice_type: invoice_type.into(),
        },
        amount: amount(value),
        discount: None,
    }
}

fn receipt_write(check_no: &str, value: &str, lines: Vec<ReceiptLine>) -> ReceiptWrite {
    ReceiptWrite {
        customer: abf(),
        check_no: check_no.into(),
        batch_key: "2026-05-06 CHECK".into(),
        batch_comment: "WEB 2026-05-06 CHECK".into(),
        deposit_key: "2026-05-06 C".into(),
        bank_code: "A".into(),
        deposit_type: "C".into(),
        deposit_date: Date::constant(2026, 5, 6),
        amount: amount(value),
        settings: vec![
            Setting::text("OtherPaymentTypeRefNo", "ch_1", "gateway_transaction_id"),
            Setting::text("Comment", "web", "comment"),
        ],
        lines,
        is_filed: false,
    }
}

fn first() -> ReceiptWrite {
    let mut lines = vec![
        invoice(0, "0100001", "IN", "198.00"),
        invoice(1, "0100002", "CM", "-50.00"),
    ];
    lines[0].discount = Some(amount("2.00"));
    receipt_write("KAAAAAAAA1", "148.00", lines)
}

fn second() -> ReceiptWrite {
    receipt_write("KAAAAAAAA2", "80.00", vec![invoice(0, "0100003", "IN", "80.00")])
}

fn owner() -> CustomerRef {
    CustomerRef {
        ar_division_no: "01".into(),
        customer_no: "ABF".into(),
    }
}

fn allotted(engine: &mut Engine, write: &ReceiptWrite, known: &Allotments) -> Allotted {
    match allot(engine, write, "1", Timestamp::UNIX_EPOCH, known).unwrap() {
        Answer::Given(allotted) => allotted,
        other => panic!("{other:?}"),
    }
}

/// Allots, keeps, counts what is in the deposit, enters.
fn enter_receipt(
    site: &Site,
    engine: &mut Engine,
    write: &ReceiptWrite,
    known: &mut Allotments,
) -> (String, Entry) {
    let allotted = allotted(engine, write, known);
    known.keep(allotted.clone());
    let identity = allotted.allotment.identity(&owner(), &write.check_no);
    let rows = read(site, receipt::deposit_selects(&identity, &columns(site)));
    let deposited = receipt::deposited(&identity, &rows);
    let entry = enter_into(engine, &identity, &Write::Receipt(write.clone()), deposited);
    (identity, entry)
}

fn find(site: &Site, write: &ReceiptWrite, identity: &str) -> Finding {
    let rows = read(site, receipt::selects(identity, &columns(site)));
    receipt::classify(identity, write, &rows)
}

fn deposit_amount(site: &Site) -> String {
    site.database()
        .query_row(
            "SELECT group_concat(BatchNo || ' ' || DepositNo || ' ' || CAST(CashDepositAmt AS REAL) || ' ' || DepositDesc, '; ') FROM AR_CashReceiptsDeposit",
            [],
            |row| row.get(0),
        )
        .unwrap()
}

fn post(site: &Site, batch_no: &str) {
    let file = site.database().path().unwrap().to_owned();
    let clock = std::sync::Arc::new(|| "2026-05-06T18:00:00Z".parse().unwrap());
    let mut company = Company::open(file.as_ref(), clock).unwrap();
    post_cash_receipts(&mut company, batch_no).unwrap();
}

#[test]
fn receipts_of_a_day_share_batch_and_deposit_and_are_found() {
    let site = company_with_invoices();
    let mut engine = site.session(&Write::Receipt(first()));
    let mut known = Allotments::default();
    let (one, entry) = enter_receipt(&site, &mut engine, &first(), &mut known);
    assert!(matches!(entry, Entry::Entered { .. }), "{entry:?}");
    let (two, entry) = enter_receipt(&site, &mut engine, &second(), &mut known);
    assert!(matches!(entry, Entry::Entered { .. }), "{entry:?}");
    assert_eq!(
        one.split(':').take(3).collect::<Vec<_>>(),
        two.split(':').take(3).collect::<Vec<_>>()
    );
    let batch = one.split(':').next().unwrap();
    let deposit = one.split(':').nth(2).unwrap();
    assert_eq!(
        deposit_amount(&site),
        format!("{batch} {deposit} 228.0 WEB 2026-05-06 CHECK")
    );
    for (write, identity) in [(first(), one.as_str()), (second(), &two)] {
        let finding = find(&site, &write, identity);
        assert!(
            matches!(&finding, Finding::Ours { numbers, .. } if numbers["batch_no"] == batch),
            "{finding:?}"
        );
    }
}

#[test]
fn a_batch_that_was_posted_between_two_payments_is_never_used_again() {
    let site = company_with_invoices();
    let mut engine = site.session(&Write::Receipt(first()));
    let mut known = Allotments::default();
    let (one, _) = enter_receipt(&site, &mut engine, &first(), &mut known);
    let batch = one.split(':').next().unwrap().to_owned();
    // Allotted before, entered after: the batch is met posted.
    let late = allotted(&mut engine, &second(), &known);
    assert_eq!(late.allotment.batch_no, batch);
    post(&site, &batch);
    let identity = late.allotment.identity(&owner(), &second().check_no);
    let (entry, _) = enter_it(&mut engine, &identity, &Write::Receipt(second()));
    assert_eq!(entry, Entry::KeyTaken);
    assert_eq!(find(&site, &second(), &identity), Finding::Absent);
    let next = allotted(&mut engine, &second(), &known);
    assert_ne!(next.allotment.batch_no, batch);
    assert_eq!(next.left[0].batch_no, batch);
    known.keep(next.clone());
    let identity = next.allotment.identity(&owner(), &second().check_no);
    let (entry, _) = enter_it(&mut engine, &identity, &Write::Receipt(second()));
    assert!(matches!(entry, Entry::Entered { .. }), "{entry:?}");
    let comment: String = site
        .database()
        .query_row(
            "SELECT BatchComment FROM AR_CashReceiptsBatch WHERE BatchNo = ?1",
            [&next.allotment.batch_no],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(comment, "WEB 2026-05-06 CHECK #2");
    // The first one is found where posting has put it.
    let finding = find(&site, &first(), &one);
    assert!(
        matches!(&finding, Finding::Ours { numbers, .. } if numbers["batch_no"] == batch),
        "{finding:?}"
    );
}

#[test]
fn a_batch_in_use_is_left_and_an_exclusive_task_is_waited_for() {
    let site = company_with_invoices();
    let mut engine = site.session(&Write::Receipt(first()));
    let mut known = Allotments::default();
    let (one, _) = enter_receipt(&site, &mut engine, &first(), &mut known);
    let batch = one.split(':').next().unwrap();
    site.set(&format!("lock:AR_CashReceiptsBatch:{batch}"), "JQ");
    let next = allotted(&mut engine, &second(), &known);
    assert_ne!(next.allotment.batch_no, batch);
    assert!(next.left[0].why.contains("JQ"), "{next:?}");
}

#[test]
fn everything_that_sage_refuses_is_told_and_nothing_is_left() {
    let site = company_with_invoices();
    let mut engine = site.session(&Write::Receipt(first()));
    let before = site.rows();
    let lines = vec![
        invoice(0, "0100001", "IN", "200.01"),
        invoice(1, "0199999", "IN", "10.00"),
        invoice(2, "0100003", "IN", "80.00"),
    ];
    let mut write = receipt_write("KAAAAAAAA3", "290.01", lines);
    write
        .settings
        .push(Setting::text("PaymentType", "NOPE", "payment_type"));
    let allotted = allotted(&mut engine, &write, &Allotments::default());
    let identity = allotted.allotment.identity(&owner(), &write.check_no);
    let (entry, _) = enter_it(&mut engine, &identity, &Write::Receipt(write.clone()));
    let Entry::Refused {
        problems,
        at_header_write,
        ..
    } = entry
    else {
        panic!("{entry:?}");
    };
    assert!(!at_header_write);
    let fields: Vec<&str> = told(&problems).into_iter().map(|(field, _)| field).collect();
    for field in ["invoices[0].amount", "invoices[1].invoice_no"] {
        assert!(fields.contains(&field), "{fields:?}");
    }
    let after = site.rows();
    for table in [
        "AR_CashReceiptsDeposit",
        "AR_CashReceiptsHeader",
        "AR_CashReceiptsDetail",
    ] {
        assert_eq!(before[table], after[table]);
    }
    assert_eq!(find(&site, &write, &identity), Finding::Absent);
}

#[test]
fn prepayments_and_accounts_need_no_invoice() {
    let site = company_with_invoices();
    site.sql("INSERT INTO GL_Account (AccountKey) VALUES ('000000123')");
    let mut engine = site.session(&Write::Receipt(first()));
    let mut known = Allotments::default();
    let line = |target| {
        vec![ReceiptLine {
            field: "payment".into(),
            target,
            amount: amount("25.00"),
            discount: None,
        }]
    };
    let prepayment = ReceiptTarget::Prepayment {
        invoice_no: "P000001".into(),
    };
    let account = ReceiptTarget::Account {
        account_key: "000000123".into(),
    };
    for (check, target) in [("KAAAAAAAA4", prepayment), ("KAAAAAAAA5", account)] {
        let write = receipt_write(check, "25.00", line(target));
        let (identity, entry) = enter_receipt(&site, &mut engine, &write, &mut known);
        assert!(matches!(entry, Entry::Entered { .. }), "{entry:?}");
        let finding = find(&site, &write, &identity);
        assert!(matches!(finding, Finding::Ours { .. }), "{finding:?}");
    }
}

/// A payment on account: as many as one likes fit one customer.
fn on_account(check_no: &str, value: &str) -> ReceiptWrite {
    let line = ReceiptLine {
        field: "payment".into(),
        target: ReceiptTarget::Prepayment {
            invoice_no: "P000001".into(),
        },
        amount: amount(value),
        discount: None,
    };
    receipt_write(check_no, value, vec![line])
}

/// What the deposits say, and what their receipts come to.
fn counted(site: &Site) -> (String, String) {
    let sum = |column: &str, table: &str| {
        let sql = format!("SELECT printf('%.2f', sum(CAST({column} AS REAL))) FROM {table}");
        site.database().query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    (
        sum("CashDepositAmt", "AR_CashReceiptsDeposit"),
        sum("AmountReceived", "AR_CashReceiptsHeader"),
    )
}

const REFUSAL: &str = "fault.AR_CashReceipts_bus.header_write.refuse";

#[test]
fn a_deposit_is_what_its_receipts_come_to_whatever_is_refused_between() {
    let site = company_with_invoices();
    let mut known = Allotments::default();
    let mut engine = site.session(&Write::Receipt(first()));
    enter_receipt(&site, &mut engine, &first(), &mut known);
    let enter_counted = |engine: &mut Engine, write: &ReceiptWrite, known: &mut Allotments| {
        let (_, entry) = enter_receipt(&site, engine, write, known);
        let (deposit, receipts) = counted(&site);
        assert_eq!(deposit, receipts, "{entry:?}");
        entry
    };
    // Refused, another one goes before it, refused again, and then entered.
    let (refused, next) = (
        on_account("KAAAAAAAA2", "80.00"),
        on_account("KAAAAAAAA3", "0.10"),
    );
    site.set(REFUSAL, "once:Not now.");
    let entry = enter_counted(&mut engine, &refused, &mut known);
    assert!(
        matches!(
            entry,
            Entry::Refused {
                at_header_write: true,
                ..
            }
        ),
        "{entry:?}"
    );
    enter_counted(&mut engine, &next, &mut known);
    site.set(REFUSAL, "once:Not now.");
    enter_counted(&mut engine, &refused, &mut known);
    let entry = enter_counted(&mut engine, &refused, &mut known);
    assert!(matches!(entry, Entry::Entered { .. }), "{entry:?}");
    // Entered once more, it is there and counted.
    enter_counted(&mut engine, &refused, &mut known);
    assert_eq!(counted(&site).0, "228.10");
}

#[test]
fn what_a_lost_process_counted_is_set_right_by_whatever_comes_next() {
    for follower in ["KAAAAAAAA2", "KAAAAAAAA3"] {
        for is_first in [true, false] {
            let site = company_with_invoices();
            let mut known = Allotments::default();
            let mut engine = site.session(&Write::Receipt(first()));
            if !is_first {
                enter_receipt(&site, &mut engine, &first(), &mut known);
            }
            site.set(
                "fault.AR_CashReceipts_bus.header_write.crash_before_commit",
                "once",
            );
            let lost = on_account("KAAAAAAAA2", "80.00");
            let (_, entry) = enter_receipt(&site, &mut engine, &lost, &mut known);
            assert!(matches!(entry, Entry::Faulted { began: true, .. }), "{entry:?}");
            let (deposit, receipts) = counted(&site);
            assert_ne!(deposit, receipts, "the lost one is counted");
            drop(engine);
            let mut engine = site.session(&Write::Receipt(first()));
            let (_, entry) = enter_receipt(&site, &mut engine, &on_account(follower, "80.00"), &mut known);
            assert!(matches!(entry, Entry::Entered { .. }), "{entry:?}");
            let (deposit, receipts) = counted(&site);
            assert_eq!(deposit, receipts, "{follower} after {}", lost.check_no);
        }
    }
}

#[test]
fn a_deposit_that_was_opened_for_a_refused_receipt_is_taken_away() {
    for is_counted in [true, false] {
        let site = company_with_invoices();
        let mut engine = site.session(&Write::Receipt(first()));
        let mut known = Allotments::default();
        site.set(REFUSAL, "once:Not now.");
        let mut enter = |write: &ReceiptWrite| {
            if is_counted {
                return enter_receipt(&site, &mut engine, write, &mut known).1;
            }
            let allotted = allotted(&mut engine, write, &known);
            known.keep(allotted.clone());
            let identity = allotted.allotment.identity(&owner(), &write.check_no);
            enter_into(&mut engine, &identity, &Write::Receipt(write.clone()), None)
        };
        let entry = enter(&first());
        assert!(matches!(entry, Entry::Refused { .. }), "{entry:?}");
        let deposits: u32 = site
            .database()
            .query_row("SELECT count(*) FROM AR_CashReceiptsDeposit", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(deposits, 0, "counted: {is_counted}");
        // The next one of the same deposit does not count it.
        let entry = enter(&second());
        assert!(matches!(entry, Entry::Entered { .. }), "{entry:?}");
        assert_eq!(
            counted(&site),
            ("80.00".into(), "80.00".into()),
            "counted: {is_counted}"
        );
    }
}

#[test]
fn a_deposit_whose_receipts_cannot_be_counted_is_left_and_told() {
    let site = company_with_invoices();
    let mut known = Allotments::default();
    let mut engine = site.session(&Write::Receipt(first()));
    enter_receipt(&site, &mut engine, &first(), &mut known);
    let mut columns = columns(&site);
    columns
        .get_mut("AR_CashReceiptsHeader")
        .unwrap()
        .remove("AmountReceived");
    let allotted = allotted(&mut engine, &second(), &known);
    let identity = allotted.allotment.identity(&owner(), &second().check_no);
    assert!(receipt::deposit_selects(&identity, &columns).is_empty());
    let (entry, _) = enter_it(&mut engine, &identity, &Write::Receipt(second()));
    assert!(
        matches!(&entry, Entry::Entered { warnings, .. } if warnings.iter().any(|w| w.starts_with("deposit_not_counted: "))),
        "{entry:?}"
    );
    assert_eq!(counted(&site).0, "148.00");
}

#[test]
fn a_receipt_without_its_lines_is_partial() {
    let site = company_with_invoices();
    let mut engine = site.session(&Write::Receipt(first()));
    site.set("fault.AR_CashReceipts_bus.partial_write", "once");
    let (identity, _) = enter_receipt(&site, &mut engine, &first(), &mut Allotments::default());
    let finding = find(&site, &first(), &identity);
    assert!(matches!(finding, Finding::Partial { .. }), "{finding:?}");
}

#[test]
fn a_preview_stores_nothing() {
    let site = company_with_invoices();
    let mut engine = site.session(&Write::Receipt(first()));
    let before = site.rows();
    let entry = preview_it(&mut engine, ":A::01:ABF:KAAAAAAAA1", &Write::Receipt(first()));
    assert!(
        matches!(&entry, Entry::Entered { totals, .. } if totals["amount_received"] == amount("148.00")),
        "{entry:?}"
    );
    assert_eq!(before, site.rows());
}

#[test]
fn without_batch_processing_each_receipt_has_its_deposit() {
    let site = company_with_invoices();
    site.set("CashReceiptsBatchEntry", "N");
    let mut engine = site.session(&Write::Receipt(first()));
    let mut known = Allotments::default();
    let mut deposits = Vec::new();
    for mut write in [first(), second()] {
        write.batch_key = String::new();
        let (identity, entry) = enter_receipt(&site, &mut engine, &write, &mut known);
        assert!(matches!(entry, Entry::Entered { .. }), "{entry:?}");
        assert!(identity.starts_with(":A:"), "{identity}");
        deposits.push(identity.split(':').nth(2).unwrap().to_owned());
    }
    assert_ne!(deposits[0], deposits[1]);
}
