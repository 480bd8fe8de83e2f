//! Cash receipts: the same calls as documents, on one dollar of an open invoice.

use import::batches::Allotments;
use import::plan::{
    CustomerSource, Identities, Program, ReceiptLine, ReceiptTarget, ReceiptWrite, Setting, Write,
};
use import::writing::{Answer, EnterContext, Entry, allot, check_batch, enter};
use values::Decimal;

use super::Verdict;
use super::bench::{Bench, Seen, Trouble};
use super::orders::COMMENT;
use super::samples::OpenInvoice;
use super::tables::{AMOUNT, TEXT};

const PROGRAM: Program = Program {
    module: "A/R",
    task: "AR_CashReceipts_ui",
    object: "AR_CashReceipts_bus",
};
const HEADER: &str = "AR_CashReceiptsHeader";
const LINES: &str = "AR_CashReceiptsDetail";
const BATCHES: &str = "AR_CashReceiptsBatch";
const HISTORY: &str = "AR_CashReceiptsHistory";

/// By this a receipt is found again.
const KEY: [&str; 3] = ["ARDivisionNo", "CustomerNo", "CheckNo"];

/// Payment types of the simple kind, in the order in which they are taken.
const PAYMENT_TYPES: [&str; 2] = ["CHECK", "CASH"];

/// One dollar on an open invoice, in a batch unless there are none.
fn write(bench: &mut Bench, invoice: &OpenInvoice, has_batches: bool) -> Result<ReceiptWrite, Trouble> {
    let banks = bench.tables.texts("GL_Bank", &["BankCode"], &[], 10)?;
    let bank_code = banks.first().map(|row| row.text("BankCode").to_owned());
    let bank_code = bank_code.ok_or_else(|| Trouble::Nothing("no bank in GL_Bank".to_owned()))?;
    let types = bench.tables.texts("AR_PaymentType", &["PaymentType"], &[], 200)?;
    let payment_type = PAYMENT_TYPES
        .into_iter()
        .find(|wanted| types.iter().any(|row| row.text("PaymentType") == *wanted));
    let mut settings = vec![Setting::text("Comment", COMMENT, "")];
    settings.extend(payment_type.map(|code| Setting::text("PaymentType", code, "")));
    let amount = Decimal::new(100, 2);
    let key = if has_batches { "proof" } else { "" };
    Ok(ReceiptWrite {
        customer: CustomerSource::Known(invoice.customer.clone()),
        check_no: format!("PRF{}", bench.setup.tag.to_uppercase()),
        batch_key: key.to_owned(),
        batch_comment: COMMENT.to_owned(),
        deposit_key: "proof".to_owned(),
        bank_code,
        deposit_type: "C".to_owned(),
        deposit_date: bench.setup.today,
        amount,
        settings,
        lines: vec![ReceiptLine {
            field: "invoices[0]".to_owned(),
            target: ReceiptTarget::Invoice {
                invoice_no: invoice.invoice_no.clone(),
                invoice_type: "IN".to_owned(),
            },
            amount,
            discount: None,
        }],
        is_filed: false,
    })
}

pub(super) fn batch(bench: &mut Bench) -> Result<Seen, Trouble> {
    let invoice = bench.samples.invoice(&mut bench.tables)?;
    let run = bench.setup.tag.clone();
    let mut refusal = None;
    for has_batches in [true, false] {
        let write = write(bench, &invoice, has_batches)?;
        let now = host::clock::now();
        let bridge = bench.at(PROGRAM)?;
        match allot(bridge, &write, &run, now, &Allotments::default())? {
            Answer::Given(allotted) => {
                let (batch_no, deposit_no) = (
                    allotted.allotment.batch_no.clone(),
                    allotted.allotment.deposit_no.clone(),
                );
                bench.samples.allotted = Some(allotted);
                if batch_no.is_empty() {
                    let words: String = refusal.unwrap_or_default();
                    return Ok(Seen::new(
                        Verdict::Differs,
                        format!("deposit {deposit_no} without a batch: {words}"),
                    ));
                }
                bench.made(format!("cash receipts batch {batch_no}"));
                return Ok(Seen::new(
                    Verdict::Shown,
                    format!("batch {batch_no}, deposit {deposit_no}"),
                ));
            }
            Answer::Condition(_, words) => return Err(Trouble::Session(words)),
            Answer::Refused(problem) => {
                refusal.get_or_insert(problem.message);
            }
        }
    }
    Ok(Seen::new(
        Verdict::NotShown,
        format!(
            "Sage gives neither batch nor deposit: {}",
            refusal.unwrap_or_default()
        ),
    ))
}

pub(super) fn receipt(bench: &mut Bench) -> Result<Seen, Trouble> {
    let Some(allotted) = bench.samples.allotted.clone() else {
        return Ok(Seen::new(
            Verdict::NotShown,
            "there is no deposit to enter it into",
        ));
    };
    let invoice = bench.samples.invoice(&mut bench.tables)?;
    let write = write(bench, &invoice, !allotted.allotment.batch_no.is_empty())?;
    let (check_no, amount) = (write.check_no.clone(), write.amount);
    let identity = allotted.allotment.identity(&invoice.customer, &check_no);
    let (today, earlier) = (bench.setup.today, Identities::new());
    let context = EnterContext {
        today,
        marker: None,
        earlier: &earlier,
        deposited: None,
    };
    let bridge = bench.at(PROGRAM)?;
    let warnings = match enter(bridge, &identity, &Write::Receipt(write), &context, &mut |_| ()) {
        Entry::Entered { warnings, .. } => warnings,
        Entry::Refused { problems, .. } | Entry::Held { problems, .. } => {
            let words: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
            return Ok(Seen::new(
                Verdict::NotShown,
                format!("Sage refuses it: {}", words.join("; ")),
            ));
        }
        Entry::Condition { detail, .. } => return Err(Trouble::Session(detail)),
        Entry::KeyTaken => {
            return Ok(Seen::new(
                Verdict::NotShown,
                format!("another record is loaded under {identity}"),
            ));
        }
        Entry::HandedOver { problem } => return Ok(Seen::new(Verdict::NotShown, problem.message)),
        Entry::Faulted { fault, .. } => return Err(Trouble::Fault(fault)),
    };
    bench.made(format!("cash receipt {identity}"));
    read_back(bench, &identity, &invoice, &check_no, amount, &warnings)
}

fn read_back(
    bench: &mut Bench,
    identity: &str,
    invoice: &OpenInvoice,
    check_no: &str,
    amount: Decimal,
    warnings: &[String],
) -> Result<Seen, Trouble> {
    let key = [
        ("ARDivisionNo", invoice.customer.ar_division_no.as_str()),
        ("CustomerNo", &invoice.customer.customer_no),
        ("CheckNo", check_no),
    ];
    let columns = [("CheckNo", TEXT), ("AmountReceived", AMOUNT)];
    let headers = bench.tables.rows(HEADER, &columns, &key, 10)?;
    let columns = [("InvoiceNo", TEXT), ("AmountPosted", AMOUNT)];
    let lines = bench.tables.rows(LINES, &columns, &key, 10)?;
    let is_amount = |found: Option<Decimal>| found == Some(amount);
    let is_there = matches!(headers.as_slice(), [one] if is_amount(one.number("AmountReceived")));
    let is_applied = matches!(lines.as_slice(), [one]
        if one.text("InvoiceNo") == invoice.invoice_no && is_amount(one.number("AmountPosted")));
    let mut words = format!(
        "receipt {identity}: {} in {HEADER}, {} in {LINES}",
        headers.len(),
        lines.len()
    );
    for warning in warnings {
        words.push_str("; ");
        words.push_str(warning);
    }
    Ok(if is_there && is_applied {
        Seen::new(
            Verdict::Shown,
            format!("{words}: {amount} on invoice {}", invoice.invoice_no),
        )
    } else {
        Seen::new(Verdict::Differs, format!("{words}: not as it was entered"))
    })
}

/// Nothing is posted here: what people posted before shows whether Sage keeps it.
pub(super) fn history(bench: &mut Bench) -> Result<Seen, Trouble> {
    let has = bench.tables.columns(HISTORY)?;
    let lacks = KEY
        .into_iter()
        .find(|key| !has.iter().any(|column| column == key));
    if let Some(lacks) = lacks {
        return Ok(Seen::new(
            Verdict::Differs,
            format!("{HISTORY} cannot be read, or lacks {lacks}: leave payments.history_kept off"),
        ));
    }
    let rows = bench.tables.texts(HISTORY, &KEY, &[], 1)?;
    Ok(if rows.is_empty() {
        Seen::new(
            Verdict::Differs,
            format!(
                "no posted receipt is in {HISTORY}: leave payments.history_kept off, unless nothing was ever posted and Accounts Receivable options say that it is kept"
            ),
        )
    } else {
        Seen::new(
            Verdict::Shown,
            format!(
                "posted receipts are in {HISTORY}: payments.history_kept may be on, when those of the last days are among them"
            ),
        )
    })
}

/// Batches that a person works in, and posted ones: neither may be entered into.
pub(super) fn refused_batches(bench: &mut Bench) -> Result<Seen, Trouble> {
    let mut tried = Vec::new();
    if bench.tables.has(BATCHES)? {
        let columns = ["BatchNo", "BatchStatus", "BatchInUseBy"];
        let rows = bench.tables.texts(BATCHES, &columns, &[], 2_000)?;
        let in_use = rows.iter().find(|row| !row.text("BatchInUseBy").is_empty());
        let posted = rows.iter().find(|row| row.text("BatchStatus") == "P");
        tried.extend(in_use.map(|row| ("in use", row.text("BatchNo").to_owned())));
        tried.extend(posted.map(|row| ("posted", row.text("BatchNo").to_owned())));
    }
    if !tried.iter().any(|(state, _)| *state == "posted") && bench.tables.has(HISTORY)? {
        let rows = bench.tables.texts(HISTORY, &["BatchNo"], &[], 100)?;
        let posted = rows.iter().find(|row| !row.text("BatchNo").is_empty());
        tried.extend(posted.map(|row| ("posted", row.text("BatchNo").to_owned())));
    }
    if tried.is_empty() {
        return Err(Trouble::Nothing("no batch that is in use or posted".to_owned()));
    }
    let mut words = Vec::new();
    let mut verdict = Verdict::Shown;
    for (state, batch_no) in tried {
        match check_batch(bench.at(PROGRAM)?, &batch_no)? {
            Answer::Given(()) => {
                verdict = Verdict::Differs;
                words.push(format!("batch {batch_no}, {state}, is taken"));
            }
            Answer::Condition(_, message) => words.push(format!("{state}: {message}")),
            Answer::Refused(problem) => words.push(format!("{state}: {}", problem.message)),
        }
    }
    Ok(Seen::new(verdict, words.join("; ")))
}
