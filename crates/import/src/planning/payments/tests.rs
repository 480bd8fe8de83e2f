//! Payments, and the money of orders.

mod books;

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};
use model::{Decision, ImportKind};
use proptest::prelude::*;
use serde_json::json;
use values::{CompanyId, parse_date};

use super::*;
use crate::plan::{Plan, Planned};
use crate::planning::Past;
use crate::record::{Reserved, Source, Verdict};
use crate::settings::{BatchScheme, DepositScheme, Settings};
use books::{Books, books, open};

fn amount(text: &str) -> Decimal {
    Decimal::parse(text, 2).unwrap()
}

fn date(text: &str) -> Date {
    parse_date(text).unwrap().unwrap()
}

fn site() -> Settings {
    let mut settings = Settings::default();
    settings.capabilities.receipts = true;
    settings.payments.bank_code = Some("A".into());
    settings
        .payments
        .payment_types
        .insert("card".into(), "VISA".into());
    settings.payments.card_types = BTreeSet::from([String::from("VISA")]);
    settings
}

fn body(amount: &str, invoices: serde_json::Value) -> serde_json::Value {
    json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "payment_type": "card", "amount": amount, "gateway_transaction_id": "ch_1", "last_4": "4242",
        "captured_on": "2026-05-06", "invoices": invoices
    })
}

fn document() -> Document {
    Document {
        id: ImportId::new("imp_1"),
        company: CompanyId::new("ABC"),
        kind: ImportKind::Payment,
        revision: 1,
        body: serde_json::Value::Null,
        decision: Decision::default(),
    }
}

struct Trial {
    settings: Settings,
    books: Books,
    today: Date,
    accepted: Vec<String>,
    reservations: Vec<Reserved>,
}

fn trial() -> Trial {
    Trial {
        settings: site(),
        books: books(),
        today: date("2026-05-07"),
        accepted: Vec::new(),
        reservations: Vec::new(),
    }
}

impl Trial {
    fn plan(&mut self, body: &serde_json::Value) -> Planned {
        let payment = Payment::parse(body).unwrap();
        self.run(|document, context, knowledge, findings| {
            plan_payment(&payment, document, context, knowledge, findings).unwrap()
        })
    }

    fn run(
        &mut self,
        work: impl FnOnce(&Document, &Context<'_>, &mut Books, &mut Findings) -> Vec<Write>,
    ) -> Planned {
        let context = Context {
            settings: &self.settings,
            today: self.today,
            past: Past {
                done: &[],
                reservations: &self.reservations,
            },
        };
        let mut document = document();
        document.decision.accept = self.accepted.clone();
        let mut findings = Findings::new(&document.decision);
        let writes = work(&document, &context, &mut self.books, &mut findings);
        findings.into_planned(writes, model::Numbers::new())
    }

    fn receipt(&mut self, body: &serde_json::Value) -> ReceiptWrite {
        let planned = self.plan(body);
        let Planned::Ready(Plan { writes, .. }) = &planned else {
            panic!("{planned:?}");
        };
        let [Write::Receipt(receipt)] = writes.as_slice() else {
            panic!("{writes:?}");
        };
        receipt.clone()
    }

    fn refused(&mut self, body: &serde_json::Value) -> Vec<(String, String)> {
        let planned = self.plan(body);
        let Planned::Refused(problems) = planned else {
            panic!("{planned:?}");
        };
        assert!(problems.iter().all(|problem| !problem.remedy.is_empty()));
        problems.into_iter().map(|p| (p.code, p.field)).collect()
    }

    fn held(&mut self, body: &serde_json::Value) -> Vec<String> {
        let planned = self.plan(body);
        let Planned::Held(problems) = planned else {
            panic!("{planned:?}");
        };
        problems.into_iter().map(|problem| problem.code).collect()
    }
}

fn setting<'a>(receipt: &'a ReceiptWrite, column: &str) -> Option<&'a str> {
    let found = receipt.settings.iter().find(|s| s.column == column)?;
    found.value.as_text()
}

#[test]
fn a_payment_becomes_one_receipt() {
    let mut body = body(
        "150.00",
        json!([{ "invoice_no": "100001", "amount": "200.00" }, { "invoice_no": "0100002", "amount": "-50.00" }]),
    );
    body["comment"] = json!("web");
    let receipt = trial().receipt(&body);
    assert_eq!(receipt.batch_key, "2026-05-06 VISA");
    assert_eq!(receipt.batch_comment, "WEB 2026-05-06 VISA");
    assert_eq!(receipt.deposit_key, "2026-05-06 R");
    assert_eq!(
        (receipt.bank_code.as_str(), receipt.deposit_type.as_str()),
        ("A", "R")
    );
    assert_eq!(receipt.deposit_date, date("2026-05-06"));
    assert_eq!(receipt.check_no.len(), 10);
    assert_eq!(setting(&receipt, "PaymentType$"), Some("VISA"));
    assert_eq!(setting(&receipt, "OtherPaymentTypeRefNo$"), Some("ch_1"));
    assert_eq!(setting(&receipt, "Last4UnencryptedCreditCardNos$"), Some("4242"));
    assert_eq!(setting(&receipt, "Comment$"), Some("web"));
    let targets: Vec<_> = receipt.lines.iter().map(|line| line.target.clone()).collect();
    assert_eq!(
        targets,
        [("0100001", "IN"), ("0100002", "CM")].map(|(no, kind)| ReceiptTarget::Invoice {
            invoice_no: no.into(),
            invoice_type: kind.into()
        })
    );
}

#[test]
fn all_problems_of_the_invoices_come_at_once() {
    let invoices = json!([
        { "invoice_no": "0100001", "amount": "200.01" },
        { "invoice_no": "0100002", "amount": "5.00" },
        { "invoice_no": "0100003", "amount": "50.01" },
        { "invoice_no": "0100004", "amount": "90.00", "discount_amount": "2.01" },
        { "invoice_no": "0100005", "amount": "1.00" },
        { "invoice_no": "0100098", "amount": "1.00" },
        { "invoice_no": "0100099", "amount": "1.00" },
        { "invoice_no": "0100006", "amount": "-1.00" },
        { "invoice_no": "0100006", "invoice_type": "CM", "amount": "-9.01" },
    ]);
    let mut body = body("900.00", invoices);
    body["payment_type"] = json!("BITCOIN");
    let found = trial().refused(&body);
    for (code, field) in [
        ("above_balance", "invoices[0].amount"),
        ("wrong_sign", "invoices[1].amount"),
        ("above_balance", "invoices[2].amount"),
        ("discount_too_large", "invoices[3].discount_amount"),
        ("invoice_type_missing", "invoices[4].invoice_type"),
        ("invoice_unknown", "invoices[5].invoice_no"),
        ("invoice_of_another_customer", "invoices[6].invoice_no"),
        ("wrong_sign", "invoices[7].amount"),
        ("above_balance", "invoices[8].amount"),
        ("payment_type_unknown", "payment_type"),
    ] {
        assert!(
            found
                .iter()
                .any(|(c, f)| (c.as_str(), f.as_str()) == (code, field)),
            "{code} {field} not in {found:?}"
        );
    }
}

#[test]
fn a_discount_is_taken_only_within_its_date_and_the_balance() {
    let invoices =
        |amount: &str| json!([{ "invoice_no": "0100004", "amount": amount, "discount_amount": "2.00" }]);
    let mut in_time = body("98.00", invoices("98.00"));
    assert_eq!(trial().receipt(&in_time).lines[0].discount, Some(amount("2.00")));
    in_time["captured_on"] = json!("2026-05-10");
    let mut late = trial();
    late.today = date("2026-05-12");
    assert_eq!(late.receipt(&in_time).lines.len(), 1);
    in_time["captured_on"] = json!("2026-05-11");
    assert_eq!(
        late.refused(&in_time),
        [("discount_expired".into(), "invoices[0].discount_amount".into())]
    );
    let above = body("98.01", invoices("98.01"));
    assert_eq!(
        trial().refused(&above),
        [("above_balance".into(), "invoices[0].amount".into())]
    );
}

#[test]
fn the_same_invoice_under_two_names_is_refused() {
    let invoices = json!([
        { "invoice_no": "0100001", "amount": "100.00" },
        { "invoice_no": "100001", "invoice_type": "IN", "amount": "100.00" },
    ]);
    assert_eq!(
        trial().refused(&body("200.00", invoices)),
        [("repeated".into(), "invoices[1].invoice_no".into())]
    );
}

#[test]
fn what_is_paid_beyond_waits_for_a_person_unless_the_site_says_otherwise() {
    let over = body("250.00", json!([{ "invoice_no": "0100001", "amount": "200.00" }]));
    assert_eq!(trial().held(&over), ["overpayment"]);
    assert_eq!(trial().held(&body("10.00", json!([]))), ["overpayment"]);
    let mut accepted = trial();
    accepted.accepted = vec!["overpayment".into()];
    let mut wanted = trial();
    wanted.settings.payments.overpayment = Overpayment::Prepayment;
    for trial in [&mut accepted, &mut wanted] {
        let receipt = trial.receipt(&over);
        assert_eq!(receipt.lines[1].amount, amount("50.00"));
        assert!(
            matches!(&receipt.lines[1].target, ReceiptTarget::Prepayment { invoice_no } if invoice_no.len() == 7)
        );
        assert_eq!(trial.receipt(&body("10.00", json!([]))).lines.len(), 1);
    }
}

#[test]
fn money_that_went_back_is_told_and_never_entered() {
    for (kind, code) in [
        ("refund", "refund_not_entered"),
        ("void", "void_not_entered"),
        ("returned", "returned_not_entered"),
    ] {
        let mut body = body("10.00", json!([]));
        body["kind"] = json!(kind);
        assert_eq!(trial().held(&body), [code]);
        let mut accepted = trial();
        accepted.accepted = vec![code.into()];
        assert_eq!(accepted.refused(&body)[0].0, code);
    }
}

#[test]
fn what_the_site_lacks_is_named() {
    let paid = body("200.00", json!([{ "invoice_no": "0100001", "amount": "200.00" }]));
    let mut unproven = trial();
    unproven.settings.capabilities.receipts = false;
    assert_eq!(unproven.held(&paid), ["receipts_unproven"]);
    unproven.settings.payments.writer = ReceiptWriter::File { folder: "in".into() };
    assert_eq!(unproven.receipt(&paid).batch_key, "2026-05-06 VISA");
    let mut off = trial();
    off.books.has_batches = Some(false);
    assert_eq!(off.held(&paid), ["batch_processing_off"]);
    off.accepted = vec!["batch_processing_off".into()];
    assert_eq!(off.receipt(&paid).batch_key, "");
    let mut bankless = trial();
    bankless.settings.payments.bank_code = None;
    assert_eq!(bankless.refused(&paid)[0].0, "bank_code_missing");
    bankless
        .settings
        .payments
        .bank_codes
        .insert("VISA".into(), "Z".into());
    assert_eq!(bankless.refused(&paid)[0].0, "bank_code_unknown");
    bankless
        .settings
        .payments
        .bank_codes
        .insert("VISA".into(), "B".into());
    assert_eq!(bankless.receipt(&paid).bank_code, "B");
    let mut untyped = paid.clone();
    untyped.as_object_mut().unwrap().remove("payment_type");
    assert_eq!(
        trial().refused(&untyped),
        [("required".into(), "payment_type".into())]
    );
}

#[test]
fn only_a_customer_that_sage_has_pays() {
    let mut body = body("10.00", json!([]));
    body["customer"] = json!({ "ar_division_no": "01", "customer_no": "NOBODY" });
    let found = trial().refused(&body);
    assert_eq!(
        found[0],
        ("customer_unknown".into(), "customer.customer_no".into())
    );
}

#[test]
fn texts_must_fit() {
    let mut long = body("200.00", json!([{ "invoice_no": "0100001", "amount": "200.00" }]));
    long["comment"] = json!("x".repeat(31));
    long["udf"] = json!({ "nothing": "a" });
    let found = trial().refused(&long);
    assert!(
        found.contains(&("too_long".into(), "comment".into())),
        "{found:?}"
    );
    assert!(
        found.contains(&("udf_unknown".into(), "udf.nothing".into())),
        "{found:?}"
    );
}

#[test]
fn a_site_without_the_columns_does_not_get_them_set() {
    let mut trial = trial();
    trial.books.widths.texts.remove("OtherPaymentTypeRefNo");
    trial.books.widths.texts.remove("Last4UnencryptedCreditCardNos");
    let receipt = trial.receipt(&body(
        "200.00",
        json!([{ "invoice_no": "0100001", "amount": "200.00" }]),
    ));
    assert_eq!(setting(&receipt, "Comment$"), Some("ch_1"));
    assert_eq!(receipt.settings.len(), 2);
}

#[test]
fn a_receipt_that_may_be_there_is_planned_again_to_be_looked_for() {
    let mut trial = trial();
    trial.books.open.clear();
    trial.reservations = vec![Reserved {
        name: RECEIPT.into(),
        identity: "00012:A:00100:01:ABF:X".into(),
        at: Timestamp::UNIX_EPOCH,
        source: Source::Hub,
        at_hub: true,
        verdict: Verdict::Open,
    }];
    let receipt = trial.receipt(&body(
        "200.00",
        json!([{ "invoice_no": "0100001", "amount": "200.00" }]),
    ));
    assert_eq!(receipt.lines.len(), 1);
}

#[test]
fn schemes_name_batch_and_deposit() {
    let paid = |settlement: Option<&str>| {
        let mut body = body("200.00", json!([{ "invoice_no": "0100001", "amount": "200.00" }]));
        body["settlement_id"] = json!(settlement);
        body
    };
    let mut trial = trial();
    trial.settings.payments.batch = BatchScheme::Settlement;
    trial.settings.payments.deposit = DepositScheme::Payment;
    assert_eq!(
        trial.refused(&paid(None)),
        [("settlement_missing".into(), "settlement_id".into())]
    );
    let receipt = trial.receipt(&paid(Some("set_20260506_0001_long_enough")));
    assert_eq!(receipt.batch_key, "set_20260506_0001_long_enough");
    assert_eq!(receipt.batch_comment.chars().count(), 30);
    assert_eq!(receipt.deposit_key, receipt.check_no);
    trial.settings.payments.batch = BatchScheme::Run;
    trial.settings.payments.deposit = DepositScheme::Settlement;
    trial.settings.payments.card_types.clear();
    let receipt = trial.receipt(&paid(Some("set_1")));
    assert_eq!(
        (receipt.deposit_key.as_str(), receipt.deposit_type.as_str()),
        ("set_1 C", "C")
    );
    assert_eq!(crate::batches::batch_key(&receipt, "7"), "run 7");
    trial.settings.payments.batch = BatchScheme::Day;
    assert_eq!(trial.receipt(&paid(Some("set_1"))).batch_key, "2026-05-06");
}

/// Both sides of local midnight, on an ordinary day and on the days when clocks change: the
/// day is the site's, whatever the hour of the server.
#[test]
fn payments_around_local_midnight_land_in_their_days_batch() {
    let zone = TimeZone::get("America/New_York").unwrap();
    for (instant, key) in [
        ("2026-05-07T03:59:59Z", "2026-05-06 VISA"),
        ("2026-05-07T04:00:00Z", "2026-05-07 VISA"),
        // Clocks go forward on 8 March at 02:00 …
        ("2026-03-08T04:59:59Z", "2026-03-07 VISA"),
        ("2026-03-08T05:00:00Z", "2026-03-08 VISA"),
        ("2026-03-09T03:59:59Z", "2026-03-08 VISA"),
        ("2026-03-09T04:00:00Z", "2026-03-09 VISA"),
        // … and back on 1 November.
        ("2026-11-01T03:59:59Z", "2026-10-31 VISA"),
        ("2026-11-01T04:00:00Z", "2026-11-01 VISA"),
        ("2026-11-02T04:59:59Z", "2026-11-01 VISA"),
        ("2026-11-02T05:00:00Z", "2026-11-02 VISA"),
    ] {
        let local = zone.to_datetime(instant.parse().unwrap()).date();
        let mut trial = trial();
        trial.today = local;
        let mut body = body("200.00", json!([{ "invoice_no": "0100001", "amount": "200.00" }]));
        body.as_object_mut().unwrap().remove("captured_on");
        let receipt = trial.receipt(&body);
        assert_eq!(receipt.batch_key, key, "{instant}");
        assert_eq!(receipt.deposit_date.to_string(), key[..10], "{instant}");
    }
}

#[test]
fn a_day_that_has_not_come_is_refused() {
    let mut body = body("200.00", json!([{ "invoice_no": "0100001", "amount": "200.00" }]));
    body["captured_on"] = json!("2026-05-08");
    assert_eq!(trial().receipt(&body).batch_key, "2026-05-08 VISA");
    body["captured_on"] = json!("2026-05-09");
    assert_eq!(trial().refused(&body)[0].1, "captured_on");
}

#[test]
fn money_of_an_order_follows_the_sites_choice() {
    let body = body("99.00", json!([]));
    let tender = Payment::parse(&body).unwrap().tender;
    let source = CustomerSource::Write(0);
    let receipt = |prepaid: Prepaid, account: Option<&str>| {
        let mut trial = trial();
        trial.settings.payments.prepaid = prepaid;
        trial.settings.payments.deposit_account_key = account.map(str::to_owned);
        trial.run(|document, context, knowledge, findings| {
            receipt_of_order(&tender, &source, document, context, knowledge, findings)
                .unwrap()
                .map(Write::Receipt)
                .into_iter()
                .collect()
        })
    };
    assert!(matches!(receipt(Prepaid::None, None), Planned::Nothing { .. }));
    assert!(
        matches!(receipt(Prepaid::DepositAndReceipt, None), Planned::Refused(problems) if problems[0].code == "deposit_account_missing")
    );
    let line = |planned: Planned| match &planned {
        Planned::Ready(plan) => match plan.writes.as_slice() {
            [Write::Receipt(receipt)] => {
                assert_eq!(receipt.customer, source);
                assert_eq!(receipt.amount, amount("99.00"));
                receipt.lines[0].clone()
            }
            other => panic!("{other:?}"),
        },
        Planned::Nothing { .. } | Planned::Refused(_) | Planned::Held(_) => panic!("{planned:?}"),
    };
    let deposit = line(receipt(Prepaid::DepositAndReceipt, Some("000000123")));
    assert_eq!(
        deposit.target,
        ReceiptTarget::Account {
            account_key: "000000123".into()
        }
    );
    let prepayment = line(receipt(Prepaid::Prepayment, None));
    assert!(matches!(prepayment.target, ReceiptTarget::Prepayment { .. }));
    assert_eq!(prepayment.amount, amount("99.00"));
}

proptest! {
    /// However a payment is split: the lines come to what was received, to the cent.
    #[test]
    fn lines_come_to_the_amount(parts in prop::collection::vec((1_i64..100_000, any::<bool>()), 0..20), beyond in 0_i64..5_000) {
        let mut trial = trial();
        trial.settings.payments.overpayment = Overpayment::Prepayment;
        trial.books.open.clear();
        let mut invoices = Vec::new();
        let mut sum = 0_i64;
        for (place, (cents, is_credit)) in parts.into_iter().enumerate() {
            let signed = if is_credit && sum >= cents { -cents } else { cents };
            sum += signed;
            let number = format!("{place:07}");
            let value = Decimal::new(signed, 2);
            let kind = if signed < 0 { "CM" } else { "IN" };
            trial.books.open.insert(number.clone(), vec![open(kind, &value.to_string(), "0.00")]);
            invoices.push(json!({ "invoice_no": number, "amount": value.to_string() }));
        }
        let total = Decimal::new(sum + beyond, 2);
        prop_assume!(!total.is_zero());
        let receipt = trial.receipt(&body(&total.to_string(), json!(invoices)));
        let lines = receipt.lines.iter().try_fold(Decimal::zero(2), |sum, line| sum.checked_add(line.amount)).unwrap();
        prop_assert_eq!(lines, receipt.amount);
        prop_assert_eq!(receipt.amount, total);
    }
}
