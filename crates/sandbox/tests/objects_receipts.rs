//! Cash receipts in process: batch, deposit, receipt and lines, and what posting leaves.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod counter;

use counter::{Desk, Fixture, clock, refused};
use sage::{Call, Condition, Fault, ObjectId, Return};
use sandbox::objects::{Engine, PostingError, post_cash_receipts};
use sandbox::{Company, Profile, play};

const TASK: &str = "AR_CashReceipts_ui";
const DEPOSIT: &str = "AR_CashReceiptsDeposit_bus";
const RECEIPT: &str = "AR_CashReceipts_bus";

fn cashier(fixture: &Fixture) -> Desk {
    Desk::open(fixture, "A/R", TASK)
}

fn company(fixture: &Fixture) -> Company {
    Company::open(&fixture.file, clock()).unwrap()
}

fn new_batch(desk: &mut Desk, object: ObjectId) -> String {
    let comment = "Web".into();
    let answer = desk.call(Call::SelectNewBatch { object, comment });
    answer.value.unwrap().as_text().unwrap().to_owned()
}

fn select(desk: &mut Desk, object: ObjectId, batch_no: &str) -> Return {
    let batch_no = batch_no.into();
    desk.call(Call::SelectBatch { object, batch_no })
}

/// A deposit of a new batch, and its batch.
fn deposit(desk: &mut Desk) -> String {
    let object = desk.make(DEPOSIT);
    let batch = new_batch(desk, object);
    store_deposit(desk, object);
    batch
}

fn store_deposit(desk: &mut Desk, object: ObjectId) {
    let answer = desk.key(object, &[("BankCode$", "A"), ("DepositNo$", "77")]);
    assert_eq!(answer.code, 2, "{answer:?}");
    desk.fill(object, &[("DepositType$", "C"), ("CashDepositAmt", "400")]);
    assert_eq!(desk.write(object).unwrap().code, 1);
}

fn key<'a>(customer: &'a str, check: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("BankCode$", "A"),
        ("DepositNo$", "77"),
        ("ARDivisionNo$", "01"),
        ("CustomerNo$", customer),
        ("CheckNo$", check),
    ]
}

/// A line, kept.
fn line(desk: &mut Desk, object: ObjectId, values: &[(&str, &str)]) {
    let lines = desk.call(Call::Lines { object }).object.unwrap();
    assert_eq!(desk.call(Call::AddLine { object: lines }).code, 2);
    desk.fill(lines, values);
    let answer = desk.write(lines).unwrap();
    assert_eq!(answer.code, 1, "{answer:?}");
}

/// ABF's 392 with a discount of 8 on one invoice, ready to be written.
fn receipt(desk: &mut Desk, batch: &str, check: &str) -> ObjectId {
    let object = desk.make(RECEIPT);
    if !batch.is_empty() {
        assert_eq!(select(desk, object, batch).code, 1);
    }
    let answer = desk.key(object, &key("ABF", check));
    assert_eq!(answer.code, 2, "{answer:?}");
    desk.fill(object, &[("AmountReceived", "392"), ("PaymentType$", "CARD")]);
    let values = [
        ("InvoiceNo$", "0000501"),
        ("AmountPosted", "392"),
        ("DiscountAmt", "8"),
    ];
    line(desk, object, &values);
    object
}

#[test]
fn a_receipt_is_one_transaction() {
    let fixture = Fixture::new();
    let mut desk = cashier(&fixture);
    let batch = deposit(&mut desk);
    let object = receipt(&mut desk, &batch, "web1");
    desk.fill(
        object,
        &[
            ("OtherPaymentTypeRefNo$", "ch_3PqR7t"),
            ("Last4UnencryptedCreditCardNos$", "4242"),
            ("Comment$", "Web payment"),
        ],
    );
    assert_eq!(fixture.count("SELECT count(*) FROM AR_CashReceiptsHeader"), 0);
    assert_eq!(desk.write(object).unwrap().code, 1);
    assert_eq!(
        fixture.one(
            "SELECT BatchNo || ' ' || DepositNo || ' ' || CustomerNo || ' ' || CheckNo || ' ' || CustomerName || ' '
               || BankCode || ' ' || DepositDate || ' ' || DepositType || ' ' || AmountReceived || ' '
               || OtherPaymentTypeRefNo || ' ' || Last4UnencryptedCreditCardNos || ' ' || UserCreatedKey
             FROM AR_CashReceiptsHeader"
        ),
        format!(
            "{batch} 00077 ABF WEB1 American Business Futures A 2026-05-06 C 392.00 ch_3PqR7t 4242 0000000003"
        )
    );
    assert_eq!(
        fixture.one(
            "SELECT CheckNo || ' ' || InvoiceNo || ' ' || InvoiceType || ' ' || AmountPosted || ' ' || DiscountAmt
             FROM AR_CashReceiptsDetail"
        ),
        "WEB1 0000501 IN 392.00 8.00"
    );
    // Nothing is owed less before the journal is posted.
    assert_eq!(
        fixture.count("SELECT CAST(sum(Balance) AS INTEGER) FROM AR_OpenInvoice"),
        630
    );
}

#[test]
fn a_posted_batch_is_closed_for_good() {
    let fixture = Fixture::new();
    let mut desk = cashier(&fixture);
    let batch = deposit(&mut desk);
    let object = receipt(&mut desk, &batch, "WEB1");
    line(
        &mut desk,
        object,
        &[("InvoiceType$", "PP"), ("AmountPosted", "20")],
    );
    line(
        &mut desk,
        object,
        &[("AccountKey$", "00000000D"), ("AmountPosted", "5")],
    );
    desk.fill(object, &[("AmountReceived", "417")]);
    assert_eq!(desk.write(object).unwrap().code, 1);
    // Another receipt is under work when the batch is posted.
    let late = receipt(&mut desk, &batch, "WEB2");
    let mut company = company(&fixture);
    assert_eq!(post_cash_receipts(&mut company, &batch).unwrap(), ["WEB1"]);
    let words = format!("Batch {batch} has been posted.");
    refused(&desk.write(late).unwrap(), &words);
    refused(&desk.call(Call::SetKey { object: late }), &words);
    let fresh = desk.make(DEPOSIT);
    refused(&select(&mut desk, fresh, &batch), &words);
    let again = post_cash_receipts(&mut company, &batch);
    assert!(
        matches!(&again, Err(PostingError::BatchRefused { words: w }) if *w == words),
        "{again:?}"
    );

    for table in ["Header", "Detail", "Deposit"] {
        assert_eq!(
            fixture.count(&format!("SELECT count(*) FROM AR_CashReceipts{table}")),
            0
        );
    }
    assert_eq!(fixture.one("SELECT BatchStatus FROM AR_CashReceiptsBatch"), "P");
    let balance = |number: &str| {
        fixture.one(&format!(
            "SELECT Balance FROM AR_OpenInvoice WHERE InvoiceNo = '{number}'"
        ))
    };
    assert_eq!(balance("0000501"), "0.00");
    assert_eq!(balance("WEB1"), "-20.00", "the prepayment is a credit");
    // 550 less 392 and 8 of discount, less the prepayment; the account is not the customer's.
    assert_eq!(
        fixture
            .one("SELECT CurrentBalance || ' ' || LastPaymentAmt FROM AR_Customer WHERE CustomerNo = 'ABF'"),
        "130.00 417.00"
    );
    assert_eq!(
        fixture.one(
            "SELECT group_concat(TransactionType || InvoiceNo || AccountKey || '=' || CashAmountApplied, ' ')
             FROM (SELECT * FROM AR_CashReceiptsHistory ORDER BY SequenceNo)"
        ),
        "GL00000000D=5.00 PPWEB1=20.00 PP0000501=392.00"
    );
    assert_eq!(
        fixture.count("SELECT count(*) FROM AR_TransactionPaymentHistory"),
        2
    );
}

#[test]
fn batches_that_cannot_be_selected() {
    let fixture = Fixture::new();
    let mut desk = cashier(&fixture);
    let batch = deposit(&mut desk);
    let object = desk.make(RECEIPT);
    refused(&select(&mut desk, object, "12"), "Batch 00012 is not on file.");
    refused(
        &desk.key(object, &key("ABF", "WEB1")),
        "A batch must be selected first.",
    );
    fixture.set(&format!("lock:AR_CashReceiptsBatch:{batch}"), "JQ");
    let answer = select(&mut desk, object, &batch);
    refused(&answer, &format!("Batch {batch} is in use by JQ."));
    assert_eq!(
        Condition::of_message(&answer.message),
        Some(Condition::RecordLocked)
    );
    let posted = post_cash_receipts(&mut company(&fixture), &batch);
    assert!(
        matches!(posted, Err(PostingError::BatchRefused { .. })),
        "{posted:?}"
    );
    let comment = "longer than the thirty characters that fit".into();
    refused(
        &desk.call(Call::SelectNewBatch { object, comment }),
        "The BatchComment is too long: at most 30 characters.",
    );
    desk.enter("A/R", "AR_Customer_ui");
    let customer = desk.make("AR_Customer_bus");
    refused(
        &select(&mut desk, customer, &batch),
        "Batches are not for customers.",
    );
}

#[test]
fn without_batch_processing_receipts_have_no_batch() {
    let fixture = Fixture::new();
    fixture.set("CashReceiptsBatchEntry", "N");
    // Whoever reads the tables sees what the objects go by, also where there was no such row.
    assert_eq!(
        fixture.one("SELECT ModuleCode || CashReceiptsBatchEntry FROM AR_Options"),
        "A/RN"
    );
    let mut desk = cashier(&fixture);
    let object = desk.make(DEPOSIT);
    let off = "Batch processing is not activated for cash receipts.";
    let comment = String::new();
    refused(&desk.call(Call::SelectNewBatch { object, comment }), off);
    refused(&select(&mut desk, object, "00001"), off);
    store_deposit(&mut desk, object);
    let object = receipt(&mut desk, "", "WEB1");
    assert_eq!(desk.write(object).unwrap().code, 1);
    assert_eq!(fixture.one("SELECT BatchNo FROM AR_CashReceiptsHeader"), "");
    fixture.set("lock:AR_CashReceiptsHeader:00077-01-ABF-WEB1", "JQ");
    refused(
        &desk.key(object, &key("ABF", "WEB1")),
        "Cash receipt 00077-01-ABF-WEB1 is in use by JQ.",
    );
    assert_eq!(post_cash_receipts(&mut company(&fixture), "").unwrap(), ["WEB1"]);
}

#[test]
fn deposits_have_their_rules() {
    let fixture = Fixture::new();
    fixture.set("RequireDepositAmt", "Y");
    let mut desk = cashier(&fixture);
    let object = desk.make(DEPOSIT);
    let batch = new_batch(&mut desk, object);
    let given: Vec<_> = (0..2)
        .map(|_| desk.next(object, "DepositNo").value.unwrap())
        .collect();
    assert_eq!(given[0].as_text(), Some("00001"));
    assert_eq!(given[1].as_text(), Some("00002"), "numbers are spent");
    let key = [("BankCode$", "Z"), ("DepositNo$", "2")];
    refused(&desk.key(object, &key), "The BankCode Z is not on file.");
    assert_eq!(
        desk.key(object, &[("BankCode$", "a"), ("DepositNo$", "2")]).code,
        2
    );
    for (column, value, words) in [
        ("DepositType$", "X", "The DepositType X is not valid."),
        (
            "DepositDate$",
            "2026-05-06",
            "The DepositDate is not a valid date (YYYYMMDD).",
        ),
        ("CashDepositAmt", "-1", "The CashDepositAmt must not be negative."),
        (
            "BatchNo$",
            "00009",
            "BatchNo is a key column; set it with nSetKeyValue.",
        ),
    ] {
        refused(&desk.set(object, column, value), words);
    }
    refused(
        &desk.write(object).unwrap(),
        "The CashDepositAmt or CreditCardDepositAmt is required.",
    );
    desk.fill(object, &[("DepositType$", "R"), ("CreditCardDepositAmt", "12.5")]);
    assert_eq!(desk.write(object).unwrap().code, 1);
    assert_eq!(
        fixture.one(
            "SELECT BatchNo || ' ' || BankCode || ' ' || DepositNo || ' ' || DepositType || ' ' || CreditCardDepositAmt
             FROM AR_CashReceiptsDeposit"
        ),
        format!("{batch} A 00002 R 12.50")
    );
    fixture.set(&format!("lock:AR_CashReceiptsDeposit:{batch}-A-00002"), "JQ");
    refused(
        &desk.key(object, &[("BankCode$", "A"), ("DepositNo$", "2")]),
        &format!("Deposit {batch}-A-00002 is in use by JQ."),
    );
}

#[test]
fn wrong_receipts_are_refused_in_words() {
    let fixture = Fixture::new();
    let mut desk = cashier(&fixture);
    let batch = deposit(&mut desk);
    let object = desk.make(RECEIPT);
    select(&mut desk, object, &batch);
    let mut elsewhere = key("ABF", "WEB1");
    elsewhere[1].1 = "78";
    refused(
        &desk.key(object, &elsewhere),
        &format!("Deposit A-00078 is not on file in batch {batch}."),
    );
    refused(
        &desk.key(object, &key("NOBODY", "WEB1")),
        "Customer 01-NOBODY is not on file.",
    );
    assert_eq!(desk.key(object, &key("ABF", "WEB1")).code, 2);
    refused(&desk.write(object).unwrap(), "The AmountReceived is required.");
    for (column, value, words) in [
        ("PaymentType$", "GOLD", "The PaymentType GOLD is not on file."),
        ("AmountReceived", "-1", "The AmountReceived must not be negative."),
        (
            "Last4UnencryptedCreditCardNos$",
            "42a2",
            "The Last4UnencryptedCreditCardNos must be four digits.",
        ),
        ("DepositType$", "R", "The DepositType cannot be changed."),
        (
            "OtherPaymentTypeRefNo$",
            "a-reference-beyond-24-chars",
            "The OtherPaymentTypeRefNo is too long: at most 24 characters.",
        ),
    ] {
        refused(&desk.set(object, column, value), words);
    }
    let lines = desk.call(Call::Lines { object }).object.unwrap();
    refused(&desk.set(lines, "InvoiceNo$", "501"), "There is no current line.");
    desk.call(Call::AddLine { object: lines });
    refused(&desk.write(lines).unwrap(), "The InvoiceNo is required.");
    for (column, value, words) in [
        (
            "InvoiceNo$",
            "504",
            "Invoice 0000504 does not belong to customer 01-ABF.",
        ),
        (
            "InvoiceNo$",
            "999",
            "Invoice 0000999 is not on file for customer 01-ABF.",
        ),
        ("InvoiceType$", "ZZ", "The InvoiceType ZZ is not valid."),
        ("AccountKey$", "NONE", "The AccountKey NONE is not on file."),
        ("CheckNo$", "X", "The CheckNo cannot be changed."),
    ] {
        refused(&desk.set(lines, column, value), words);
    }
    desk.fill(lines, &[("InvoiceNo$", "502")]);
    refused(&desk.write(lines).unwrap(), "The AmountPosted is required.");
    for (column, value, words) in [
        (
            "InvoiceType$",
            "CM",
            "Invoice 0000502-CM is not on file for customer 01-ABF.",
        ),
        (
            "AmountPosted",
            "200.01",
            "The AmountPosted with discount (200.01) is more than the balance 200.00 of invoice 0000502-IN.",
        ),
        (
            "AmountPosted",
            "-1",
            "The AmountPosted to invoice 0000502-IN must be positive.",
        ),
        (
            "DiscountAmt",
            "4",
            "The discount of invoice 0000502-IN is not available: it was allowed until 2026-04-11.",
        ),
        (
            "AccountKey$",
            "00000000D",
            "The line pays an invoice and takes no AccountKey.",
        ),
    ] {
        refused(&desk.set(lines, column, value), words);
    }
    desk.fill(lines, &[("AmountPosted", "150")]);
    assert_eq!(desk.write(lines).unwrap().code, 1);
    desk.call(Call::AddLine { object: lines });
    desk.fill(lines, &[("InvoiceNo$", "0000502"), ("AmountPosted", "50")]);
    refused(
        &desk.write(lines).unwrap(),
        "Invoice 0000502-IN is already on this receipt.",
    );
    desk.fill(lines, &[("InvoiceNo$", "0000503")]);
    refused(
        &desk.set(lines, "AmountPosted", "10"),
        "The AmountPosted to invoice 0000503-CM must be negative: it is a credit.",
    );
    desk.fill(object, &[("AmountReceived", "160")]);
    refused(
        &desk.write(object).unwrap(),
        "The cash receipt is out of balance by 10.00.",
    );
    assert_eq!(fixture.count("SELECT count(*) FROM AR_CashReceiptsHeader"), 0);
    fixture.set("receipts_may_be_unapplied", "Y");
    assert_eq!(desk.write(object).unwrap().code, 1);
    // What no line speaks of becomes a credit.
    post_cash_receipts(&mut company(&fixture), &batch).unwrap();
    assert_eq!(
        fixture.one("SELECT InvoiceType || Balance FROM AR_OpenInvoice WHERE InvoiceNo = 'WEB1'"),
        "PP-10.00"
    );
    assert_eq!(
        fixture.one("SELECT CurrentBalance FROM AR_Customer WHERE CustomerNo = 'ABF'"),
        "390.00"
    );
}

#[test]
fn an_existing_receipt_is_changed() {
    let fixture = Fixture::new();
    let mut desk = cashier(&fixture);
    let batch = deposit(&mut desk);
    let object = receipt(&mut desk, &batch, "WEB1");
    desk.write(object).unwrap();
    assert_eq!(desk.key(object, &key("ABF", "WEB1")).code, 1);
    let lines = desk.call(Call::Lines { object }).object.unwrap();
    assert_eq!(desk.call(Call::MoveFirst { object: lines }).code, 1);
    assert_eq!(desk.text(lines, "InvoiceNo$"), "0000501");
    assert_eq!(desk.call(Call::Delete { object: lines }).code, 1);
    assert_eq!(desk.call(Call::MoveNext { object: lines }).code, 0);
    line(
        &mut desk,
        object,
        &[("InvoiceNo$", "0000502"), ("AmountPosted", "200")],
    );
    desk.fill(object, &[("AmountReceived", "200")]);
    assert_eq!(desk.write(object).unwrap().code, 1);
    assert_eq!(
        fixture.one("SELECT group_concat(InvoiceNo || '=' || AmountPosted) FROM AR_CashReceiptsDetail"),
        "0000502=200.00"
    );
    assert_eq!(desk.key(object, &key("ABF", "WEB1")).code, 1);
    assert_eq!(desk.call(Call::Delete { object }).code, 1);
    let rest =
        "SELECT (SELECT count(*) FROM AR_CashReceiptsHeader) + (SELECT count(*) FROM AR_CashReceiptsDetail)";
    assert_eq!(fixture.count(rest), 0);
    let of_deposit = desk.make(DEPOSIT);
    select(&mut desk, of_deposit, &batch);
    desk.key(of_deposit, &[("BankCode$", "A"), ("DepositNo$", "77")]);
    assert_eq!(desk.call(Call::Delete { object: of_deposit }).code, 1);
}

#[test]
fn faults_tear_and_lose_receipts() {
    let fixture = Fixture::new();
    let mut desk = cashier(&fixture);
    let batch = deposit(&mut desk);
    fixture.set("fault.AR_CashReceipts_bus.partial_write", "once");
    let object = receipt(&mut desk, &batch, "WEB1");
    assert_eq!(desk.write(object).unwrap().code, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM AR_CashReceiptsHeader"), 1);
    assert_eq!(fixture.count("SELECT count(*) FROM AR_CashReceiptsDetail"), 0);
    for (fault, stored) in [("crash_before_commit", 1), ("crash_after_commit", 2)] {
        fixture.set(&format!("fault.header_write.{fault}"), "once");
        let mut desk = cashier(&fixture);
        let object = receipt(&mut desk, &batch, "WEB2");
        let answer = desk.write(object);
        assert!(matches!(answer, Err(Fault { code: 99, .. })), "{answer:?}");
        assert_eq!(
            fixture.count("SELECT count(*) FROM AR_CashReceiptsHeader"),
            stored
        );
    }
}

#[test]
fn closed_periods_and_period_ends_stand_in_the_way() {
    let fixture = Fixture::new();
    let mut desk = cashier(&fixture);
    let batch = deposit(&mut desk);
    fixture.set("closed_period", "2026-04");
    let object = receipt(&mut desk, &batch, "WEB1");
    refused(
        &desk.set(object, "PostingDate$", "20260430"),
        "The PostingDate 2026-04-30 is in the period 2026-04, which is closed.",
    );
    desk.fill(object, &[("PostingDate$", "20260507")]);
    let of_deposit = desk.make(DEPOSIT);
    select(&mut desk, of_deposit, &batch);
    desk.key(of_deposit, &[("BankCode$", "A"), ("DepositNo$", "77")]);
    refused(
        &desk.set(of_deposit, "DepositDate$", "20260401"),
        "The DepositDate 2026-04-01 is in the period 2026-04, which is closed.",
    );
    fixture.set("period_end", "A/R");
    let answer = desk.write(object).unwrap();
    assert_eq!(Condition::of_message(&answer.message), Some(Condition::PeriodEnd));
    fixture.set("period_end", "");
    assert_eq!(desk.write(object).unwrap().code, 1);
    post_cash_receipts(&mut company(&fixture), &batch).unwrap();
    assert_eq!(
        fixture.one("SELECT PostingDate FROM AR_CashReceiptsHistory"),
        "2026-05-07"
    );
}

#[test]
fn a_torn_write_waits_for_a_document_with_lines() {
    let fixture = Fixture::new();
    fixture.set("fault.partial_write", "once");
    let mut desk = cashier(&fixture);
    let batch = deposit(&mut desk);
    let object = receipt(&mut desk, &batch, "WEB1");
    assert_eq!(desk.write(object).unwrap().code, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM AR_CashReceiptsDetail"), 0);
    // A person posts it: the money is the customer's, on no invoice.
    post_cash_receipts(&mut company(&fixture), &batch).unwrap();
    assert_eq!(
        fixture.one("SELECT InvoiceType || Balance FROM AR_OpenInvoice WHERE InvoiceNo = 'WEB1'"),
        "PP-392.00"
    );
}

#[test]
fn a_company_of_an_earlier_release_gets_its_tables() {
    let fixture = Fixture::new();
    fixture
        .db()
        .execute_batch(
            "DROP TABLE AR_CashReceiptsBatch; DROP TABLE AR_CashReceiptsDeposit;
             ALTER TABLE AR_CashReceiptsHeader DROP COLUMN OtherPaymentTypeRefNo;
             ALTER TABLE AR_CashReceiptsDetail DROP COLUMN AccountKey;
             INSERT INTO AR_CashReceiptsHeader (BatchNo, DepositNo, ARDivisionNo, CustomerNo, CheckNo, BankCode,
               DepositDate, DepositType, AmountReceived) VALUES
               ('00004', '00077', '01', 'ABF', '1001', 'A', '2026-05-06', 'C', '10.10'),
               ('00004', '00077', '01', 'ABF', '1002', 'A', '2026-05-06', 'C', '20.20');",
        )
        .unwrap();
    for _ in 0..2 {
        drop(Engine::open(&fixture.file, clock()).unwrap());
    }
    assert_eq!(
        fixture.one(
            "SELECT b.BatchNo || b.BatchStatus || ' ' || d.BankCode || d.DepositNo || ' ' || d.CashDepositAmt
             FROM AR_CashReceiptsBatch b JOIN AR_CashReceiptsDeposit d ON d.BatchNo = b.BatchNo"
        ),
        "00004N A00077 30.30"
    );
    let mut desk = cashier(&fixture);
    let object = receipt(&mut desk, "00004", "WEB1");
    desk.fill(object, &[("OtherPaymentTypeRefNo$", "ch_1")]);
    assert_eq!(desk.write(object).unwrap().code, 1);
    let object = desk.make(RECEIPT);
    assert_eq!(new_batch(&mut desk, object), "00005");
}

#[test]
fn a_person_posts_the_batch_of_the_demo_company() {
    let fixture = Fixture::of(Profile::Demo);
    let mut desk = cashier(&fixture);
    let object = desk.make(RECEIPT);
    assert_eq!(select(&mut desk, object, "00001").code, 1, "the clerk's batch");
    fixture.set("lock:AR_CashReceiptsBatch:00001", "JQ");
    let options = play::Options::new(1);
    let busy = play::play(&mut company(&fixture), "post-receipts", &options);
    assert!(busy.is_err(), "somebody is in the only batch: {busy:?}");
    fixture.set("lock:AR_CashReceiptsBatch:00001", "");
    let report = play::play(&mut company(&fixture), "post-receipts", &options).unwrap();
    assert_eq!(report.tables["AR_CashReceiptsBatch"].updated, 1);
    assert_eq!(report.tables["AR_CashReceiptsDeposit"].deleted, 1);
    assert!(report.tables["AR_CashReceiptsHeader"].deleted > 1, "{report:?}");
    refused(
        &select(&mut desk, object, "00001"),
        "Batch 00001 has been posted.",
    );
    assert_eq!(fixture.count("SELECT count(*) FROM AR_CashReceiptsHeader"), 0);
}
