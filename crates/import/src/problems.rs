//! The problems that the engine finds, with their codes and remedies in one place.

use model::Problem;

const LOOK: &str = "look it up in Sage: if it is there and complete, tell the web team its number and discard the document; if it is not there, retry it and accept in_doubt";

pub(crate) fn in_doubt(code: &str, noun: &str, identity: &str, what: &str) -> Problem {
    Problem::new(code, "", format!("{noun} {identity}: {what}"), LOOK)
}

pub(crate) fn fence_unknown(noun: &str, identity: &str) -> Problem {
    in_doubt(
        "fence_unknown",
        noun,
        identity,
        "not found in Sage, but the process that may have been writing it can be neither identified nor ended and may still do so",
    )
}

pub(crate) fn plan_lost(identity: &str) -> Problem {
    Problem::new(
        "plan_lost",
        "",
        format!(
            "an earlier attempt may have written {identity} in Sage, and the document does not pass the checks any more, so that it cannot be compared with what is there"
        ),
        LOOK,
    )
}

pub(crate) fn history_not_kept(noun: &str, identity: &str, is_receipt: bool) -> Problem {
    let (what, remedy) = if is_receipt {
        (
            "posted",
            "look for it in the customer's payments and in the cash receipts journals: if it is not there either, retry the document and accept in_doubt; where Sage keeps posted receipts, payments.history_kept prevents this",
        )
    } else {
        (
            "completed",
            "look for it in Sage's invoices: if it is not there either, retry the document and accept in_doubt; Retain Sales Order History in Sales Order Options prevents this",
        )
    };
    Problem::new(
        "history_not_kept",
        "",
        format!(
            "{noun} {identity}: not found, which proves nothing while no history of such records is kept and read: it may have been written and {what} since"
        ),
        remedy,
    )
}

pub(crate) fn numbers_taken(noun: &str, tries: usize) -> Problem {
    Problem::new(
        "numbers_taken",
        "",
        format!("{tries} {noun} numbers in a row that were given out as next were taken by somebody else"),
        "check the next number in the module's options and whether another program enters records under numbers of its own, then retry the document",
    )
}

/// The hub has all of them for other documents; `last` is the one that was tried last.
pub(crate) fn numbers_of_ours(noun: &str, tries: usize, last: &str) -> Problem {
    Problem::new(
        "numbers_taken",
        "",
        format!(
            "{tries} {noun} numbers in a row that were given out as next, up to {last}, are those of other documents that the hub knows: Sage gives out anew what it gave out before"
        ),
        "was Sage restored from a backup? Raise the next number in the module's options above the highest that the hub has of these documents, then retry the document",
    )
}

pub(crate) fn customer_no_taken(customer_no: &str, field: &str) -> Problem {
    Problem::new(
        "customer_no_taken",
        field,
        format!("Sage has another customer under the number {customer_no}"),
        "send another customer_no, or name that customer if it is the same one",
    )
    .with_value(customer_no)
}

pub(crate) fn write_keeps_failing(noun: &str, tries: u32) -> Problem {
    Problem::new(
        "write_keeps_failing",
        "",
        format!("Sage failed {tries} times while the {noun} was entered; it holds nothing of it"),
        "enter the same by hand in a test company to see where Sage fails, then retry the document",
    )
}

pub(crate) fn restored_from_backup(detail: &str) -> Problem {
    Problem::new(
        "restored_from_backup",
        "",
        detail,
        "was Sage restored from a backup? If so, enter the lost documents again (erp-driver imports lost names them) before imports go on (erp-driver imports thaw); then retry the held ones",
    )
}
