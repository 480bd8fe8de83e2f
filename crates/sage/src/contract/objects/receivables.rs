//! The contract of customers, ship-to addresses and cash receipts.

use super::{Desk, MAY, OpenObjects, decimal};
use crate::{Call, Condition, Fault, ObjectId, Scalar};

/// The records that [`check_receivables`] works with, as statements on Sage's tables of an
/// otherwise empty company `ABC` with two seats, in which [`super::USER`] may keep
/// customers and enter cash receipts, and these are entered in batches.
pub const RECEIVABLES_FIXTURE_SQL: &str = include_str!("../receivables_fixture.sql");

/// Runs the whole suite, as [`super::check_objects`] does for sales orders.
///
/// # Panics
/// At the first broken promise.
pub fn check_receivables(open: OpenObjects<'_>) {
    check_programs(open);
    let customer = check_new_customer(open);
    check_customer_change(open, &customer);
    check_ship_to(open, &customer);
    check_batches(open);
    let (batch, deposit) = check_deposit(open);
    check_receipt(open, &batch, &deposit);
    check_wrong_receipts(open, &batch, &deposit);
}

const CUSTOMER: &str = "AR_Customer_bus";
const SHIP_TO: &str = "SO_ShipToAddress_bus";
const DEPOSIT: &str = "AR_CashReceiptsDeposit_bus";
const RECEIPT: &str = "AR_CashReceipts_bus";

impl Desk {
    /// Sets module, date and program.
    fn enter(&mut self, module: &str, task: &str) {
        let (module, task) = (module.to_owned(), task.to_owned());
        self.expect(
            &Call::SetDate {
                module: module.clone(),
                date: MAY,
            },
            1,
        );
        self.expect(&Call::SetModule { module }, 1);
        let task_id = self.call(&Call::LookupTask { task }).code;
        assert!(task_id > 0, "the task has an id");
        self.expect(&Call::SetProgram { task_id }, 1);
    }

    fn make(&mut self, name: &str) -> ObjectId {
        let made = self.expect(&Call::NewObject { name: name.into() }, 1);
        made.object
            .unwrap_or_else(|| panic!("NewObject hands out the object"))
    }

    fn set_parts(&mut self, object: ObjectId, parts: &[(&str, &str)]) {
        for (column, value) in parts {
            let call = Call::SetKeyValue {
                object,
                column: (*column).into(),
                value: Scalar::Text((*value).into()),
            };
            self.expect(&call, 1);
        }
    }

    fn set_key(&mut self, object: ObjectId, parts: &[(&str, &str)], code: i32) -> String {
        self.set_parts(object, parts);
        self.expect(&Call::SetKey { object }, code).message
    }

    fn given(&mut self, call: &Call) -> String {
        match self.expect(call, 1).value {
            Some(Scalar::Text(number)) => number,
            other => panic!("a number is text: {other:?}"),
        }
    }

    fn get_next(&mut self, object: ObjectId, number: &str) -> String {
        let number = number.into();
        self.given(&Call::GetNextNumber { object, number })
    }

    fn select(&mut self, object: ObjectId, batch_no: &str, code: i32) {
        let batch_no = batch_no.into();
        self.expect(&Call::SelectBatch { object, batch_no }, code);
    }
}

fn check_programs(open: OpenObjects<'_>) {
    for (module, task, name) in [
        ("S/O", "SO_SalesOrder_ui", CUSTOMER),
        ("S/O", "SO_SalesOrder_ui", SHIP_TO),
        ("A/R", "AR_Customer_ui", RECEIPT),
    ] {
        let mut desk = Desk::open(open);
        desk.enter(module, task);
        let fault = desk.objects.call(&Call::NewObject { name: name.into() });
        assert!(
            matches!(fault, Err(Fault { code: 90 | 200, .. })),
            "{name} with {task}: {fault:?}"
        );
    }
}

fn check_new_customer(open: OpenObjects<'_>) -> String {
    let mut desk = Desk::open(open);
    desk.enter("A/R", "AR_Customer_ui");
    let object = desk.make(CUSTOMER);
    desk.expect(&Call::SetKey { object }, 0);
    let number = desk.get_next(object, "CustomerNo");
    assert_eq!(number.len(), 7, "numbers are zero-filled: {number}");
    desk.set_key(object, &[("ARDivisionNo$", "99"), ("CustomerNo$", &number)], 0);
    desk.set_key(object, &[("ARDivisionNo$", "01"), ("CustomerNo$", &number)], 2);
    desk.check_texts(
        object,
        &[
            ("CustomerNo$", &number),
            ("CustomerStatus$", "A"),
            ("OpenItemCustomer$", "Y"),
            ("DateEstablished$", "20260506"),
        ],
    );
    // Nothing is lost by asking too early.
    desk.expect(&Call::Write { object }, 0);
    let name = "n".repeat(51);
    desk.set(object, "CustomerName$", &name, 0);
    desk.set(object, "CustomerName$", "Lakeside Fixtures", 1);
    desk.set(object, "TermsCode$", "77", 0);
    desk.set(object, "TermsCode$", "01", 1);
    desk.set(object, "TaxSchedule$", "NOWHERE", 0);
    desk.set(object, "TaxSchedule$", "WI", 1);
    desk.set(object, "SalespersonDivisionNo$", "01", 1);
    desk.set(object, "SalespersonNo$", "0200", 0);
    desk.set(object, "SalespersonNo$", "0100", 1);
    desk.set(object, "CreditHold$", "X", 0);
    desk.set(object, "ZipCode$", "53402", 1);
    desk.set(object, "City$", "Racine", 1);
    desk.set_number(object, "CreditLimit", "-1", 0);
    desk.set_number(object, "CreditLimit", "2500", 1);
    desk.set_number(object, "CurrentBalance", "1", 0);
    desk.set(object, "CustomerNo$", "OTHER", 0);
    desk.write(object);

    let spent = desk.get_next(object, "CustomerNo");
    assert!(spent > number, "{number} was given out, and then came {spent}");
    // The object has no key any more.
    desk.expect(&Call::Write { object }, 0);
    desk.set_parts(object, &[("ARDivisionNo$", "01"), ("CustomerNo$", &number)]);
    desk.expect(&Call::Find { object }, 1);
    desk.check_texts(
        object,
        &[("CustomerName$", "Lakeside Fixtures"), ("City$", "Racine")],
    );
    desk.check_numbers(object, &[("CreditLimit", "2500"), ("CurrentBalance", "0")]);
    desk.set(object, "City$", "no key, no change", 0);
    desk.leave();
    number
}

fn check_customer_change(open: OpenObjects<'_>, number: &str) {
    let mut desk = Desk::open(open);
    let mut other = Desk::open(open);
    desk.enter("A/R", "AR_Customer_ui");
    other.enter("A/R", "AR_Customer_ui");
    let (ours, theirs) = (desk.make(CUSTOMER), other.make(CUSTOMER));
    let key = [("ARDivisionNo$", "01"), ("CustomerNo$", number)];
    desk.set_key(ours, &key, 1);
    let refusal = other.set_key(theirs, &key, 0);
    assert_eq!(
        Condition::of_message(&refusal),
        Some(Condition::RecordLocked),
        "{refusal}"
    );
    desk.set(ours, "AddressLine1$", "4 Harbor Road", 1);
    desk.write(ours);
    other.set_key(theirs, &key, 1);
    other.check_texts(
        theirs,
        &[("AddressLine1$", "4 Harbor Road"), ("TermsCode$", "01")],
    );
    // Small letters name the same customer.
    desk.set_key(ours, &[("ARDivisionNo$", "01"), ("CustomerNo$", "plain")], 1);
    desk.check_texts(
        ours,
        &[("CustomerNo$", "PLAIN"), ("CustomerName$", "Plain Goods")],
    );
    desk.leave();
    other.leave();
}

fn check_ship_to(open: OpenObjects<'_>, customer: &str) {
    let mut desk = Desk::open(open);
    desk.enter("S/O", "SO_ShipToAddress_ui");
    let object = desk.make(SHIP_TO);
    let code = [("ShipToCode$", "dock")];
    desk.set_parts(object, &[("ARDivisionNo$", "01"), ("CustomerNo$", "NOBODY")]);
    desk.set_key(object, &code, 0);
    desk.set_parts(object, &[("ARDivisionNo$", "01"), ("CustomerNo$", customer)]);
    desk.set_key(object, &code, 2);
    desk.check_texts(object, &[("ShipToCode$", "DOCK"), ("TaxSchedule$", "WI")]);
    desk.expect(&Call::Write { object }, 0);
    desk.set(object, "ShipToName$", "Lakeside Dock 4", 1);
    desk.set(object, "ShipToState$", "Wisconsin", 0);
    desk.set(object, "WarehouseCode$", "999", 0);
    desk.set(object, "WarehouseCode$", "001", 1);
    desk.write(object);
    desk.set_parts(object, &[("ARDivisionNo$", "01"), ("CustomerNo$", customer)]);
    desk.set_key(object, &[("ShipToCode$", "DOCK")], 1);
    desk.check_texts(
        object,
        &[("ShipToName$", "Lakeside Dock 4"), ("WarehouseCode$", "001")],
    );
    // Only receipts are entered in batches.
    desk.select(object, "00001", 0);
    desk.leave();
}

fn check_batches(open: OpenObjects<'_>) {
    let mut desk = Desk::open(open);
    desk.enter("A/R", "AR_CashReceipts_ui");
    let object = desk.make(DEPOSIT);
    desk.set_key(object, &[("BankCode$", "A"), ("DepositNo$", "1")], 0);
    desk.select(object, "99999", 0);
    let comment = "Web 2026-05-06".to_owned();
    let first = desk.given(&Call::SelectNewBatch { object, comment });
    let comment = String::new();
    let second = desk.given(&Call::SelectNewBatch { object, comment });
    assert!(second > first, "{second} comes after {first}");
    desk.expect(&Call::DropObject { object }, 1);
    // It exists, although nothing was entered.
    let object = desk.make(RECEIPT);
    desk.select(object, &first, 1);
    desk.leave();
}

fn check_deposit(open: OpenObjects<'_>) -> (String, String) {
    let mut desk = Desk::open(open);
    desk.enter("A/R", "AR_CashReceipts_ui");
    let object = desk.make(DEPOSIT);
    let comment = "Web".to_owned();
    let batch = desk.given(&Call::SelectNewBatch { object, comment });
    let deposit = desk.get_next(object, "DepositNo");
    desk.set_key(object, &[("BankCode$", "Z"), ("DepositNo$", &deposit)], 0);
    desk.set_key(object, &[("BankCode$", "A"), ("DepositNo$", &deposit)], 2);
    desk.check_texts(object, &[("DepositType$", "C"), ("DepositDate$", "20260506")]);
    desk.set(object, "DepositType$", "X", 0);
    desk.set(object, "DepositDesc$", "Settlement 4711", 1);
    desk.set_number(object, "CashDepositAmt", "-5", 0);
    desk.set_number(object, "CashDepositAmt", "545", 1);
    desk.write(object);
    desk.set_key(object, &[("BankCode$", "A"), ("DepositNo$", &deposit)], 1);
    desk.check_texts(object, &[("DepositDesc$", "Settlement 4711")]);
    desk.leave();
    (batch, deposit)
}

fn receipt_key<'a>(deposit: &'a str, customer: &'a str, check: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("BankCode$", "A"),
        ("DepositNo$", deposit),
        ("ARDivisionNo$", "01"),
        ("CustomerNo$", customer),
        ("CheckNo$", check),
    ]
}

fn check_receipt(open: OpenObjects<'_>, batch: &str, deposit: &str) {
    let mut desk = Desk::open(open);
    desk.enter("A/R", "AR_CashReceipts_ui");
    let object = desk.make(RECEIPT);
    desk.select(object, batch, 1);
    desk.set_key(object, &receipt_key("77777", "ABF", "WEB1"), 0);
    desk.set_key(object, &receipt_key(deposit, "NOBODY", "WEB1"), 0);
    desk.set_key(object, &receipt_key(deposit, "ABF", "WEB1"), 2);
    desk.set_number(object, "AmountReceived", "545", 1);
    desk.set(object, "PaymentType$", "GOLD", 0);
    desk.set(object, "PaymentType$", "CARD", 1);
    desk.set(object, "OtherPaymentTypeRefNo$", "ch_3PqR7t", 1);
    desk.set(object, "Last4UnencryptedCreditCardNos$", "12a4", 0);
    desk.set(object, "Last4UnencryptedCreditCardNos$", "4242", 1);
    let lines = desk.lines(object);
    for (invoice, kind, amount) in [
        ("0000501", "IN", "392"),
        ("0000502", "IN", "200"),
        ("0000503", "CM", "-50"),
    ] {
        desk.expect(&Call::AddLine { object: lines }, 2);
        desk.set(lines, "InvoiceNo$", invoice, 1);
        desk.set(lines, "InvoiceType$", kind, 1);
        desk.set_number(lines, "AmountPosted", amount, 1);
        if invoice == "0000501" {
            desk.set_number(lines, "DiscountAmt", "8", 1);
        }
        desk.write(lines);
    }
    // 542 of 545: the rest needs a place.
    desk.expect(&Call::Write { object }, 0);
    desk.expect(&Call::AddLine { object: lines }, 2);
    desk.set(lines, "AccountKey$", "00000000D", 1);
    desk.set_number(lines, "AmountPosted", "3", 1);
    desk.write(lines);
    let mut other = Desk::open(open);
    other.enter("A/R", "AR_CashReceipts_ui");
    let reading = other.make(RECEIPT);
    other.select(reading, batch, 1);
    other.set_parts(reading, &receipt_key(deposit, "ABF", "WEB1"));
    other.expect(&Call::Find { object: reading }, 0);
    desk.write(object);
    other.set_parts(reading, &receipt_key(deposit, "ABF", "WEB1"));
    other.expect(&Call::Find { object: reading }, 1);
    other.check_texts(
        reading,
        &[
            ("CustomerName$", "American Business Futures"),
            ("PaymentType$", "CARD"),
            ("OtherPaymentTypeRefNo$", "ch_3PqR7t"),
            ("DepositType$", "C"),
        ],
    );
    other.check_numbers(reading, &[("AmountReceived", "545")]);
    let lines = other.lines(reading);
    let mut sum = decimal("0");
    let mut code = other.call(&Call::MoveFirst { object: lines }).code;
    while code == 1 {
        let amount = other.number(lines, "AmountPosted");
        sum = sum
            .checked_add(amount)
            .unwrap_or_else(|error| panic!("{sum} and {amount}: {error}"));
        code = other.call(&Call::MoveNext { object: lines }).code;
    }
    assert_eq!(sum, decimal("545"), "the lines are stored");
    // The same check of the same customer is the same receipt.
    desk.set_key(object, &receipt_key(deposit, "ABF", "web1"), 1);
    desk.expect(&Call::Delete { object }, 1);
    other.set_parts(reading, &receipt_key(deposit, "ABF", "WEB1"));
    other.expect(&Call::Find { object: reading }, 0);
    desk.leave();
    other.leave();
}

fn check_wrong_receipts(open: OpenObjects<'_>, batch: &str, deposit: &str) {
    let mut desk = Desk::open(open);
    desk.enter("A/R", "AR_CashReceipts_ui");
    let object = desk.make(RECEIPT);
    desk.set_key(object, &receipt_key(deposit, "ABF", "WEB2"), 0);
    desk.select(object, batch, 1);
    desk.set_key(object, &receipt_key(deposit, "ABF", "WEB2"), 2);
    desk.expect(&Call::Write { object }, 0);
    let lines = desk.lines(object);
    desk.set(lines, "InvoiceNo$", "0000501", 0);
    desk.expect(&Call::AddLine { object: lines }, 2);
    desk.expect(&Call::Write { object: lines }, 0);
    // Another customer's, nobody's, above the balance, and a discount that is over.
    desk.set(lines, "InvoiceNo$", "0000504", 0);
    desk.set(lines, "InvoiceNo$", "9999999", 0);
    desk.set(lines, "InvoiceNo$", "0000502", 1);
    desk.set(lines, "InvoiceType$", "CM", 0);
    desk.set_number(lines, "AmountPosted", "200.01", 0);
    desk.set_number(lines, "AmountPosted", "-1", 0);
    desk.set_number(lines, "AmountPosted", "190", 1);
    desk.set_number(lines, "DiscountAmt", "4", 0);
    desk.set(lines, "AccountKey$", "00000000D", 0);
    desk.write(lines);
    desk.expect(&Call::AddLine { object: lines }, 2);
    desk.set(lines, "InvoiceNo$", "502", 1);
    desk.set_number(lines, "AmountPosted", "10", 1);
    desk.expect(&Call::Write { object: lines }, 0);
    desk.expect(&Call::AddLine { object: lines }, 2);
    desk.set(lines, "AccountKey$", "NOTHING", 0);
    desk.set(lines, "InvoiceType$", "PP", 1);
    desk.set_number(lines, "AmountPosted", "60", 1);
    desk.write(lines);
    desk.set_number(object, "AmountReceived", "250", 1);
    desk.write(object);
    desk.leave();
}
