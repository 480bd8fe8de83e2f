//! The problems that this crate finds, with their codes and remedies in one place.

use model::Problem;

const LOOK: &str = "look up the order in Sage: if it is there and complete, tell the web team its number; if it is not there, post it again under a new idempotency key";

pub(crate) fn in_doubt(code: &str, number: &str, what: &str) -> Problem {
    Problem::new(code, "", format!("sales order {number}: {what}"), LOOK)
}

pub(crate) fn fence_unknown(number: &str) -> Problem {
    in_doubt(
        "fence_unknown",
        number,
        "not found in Sage, but the process that may have been writing it can be neither identified nor ended and may still do so",
    )
}

pub(crate) fn history_not_kept(number: &str) -> Problem {
    Problem::new(
        "history_not_kept",
        "",
        format!(
            "sales order {number}: not found, which proves nothing while Sage keeps no sales order history: it may have been written and completed since"
        ),
        "look for it in Sage's invoices: if it is not there either, post it again under a new idempotency key; Retain Sales Order History in Sales Order Options prevents this",
    )
}

pub(crate) fn numbers_taken(tries: usize) -> Problem {
    Problem::new(
        "numbers_taken",
        "",
        format!("{tries} numbers in a row that Sage gave out as next were taken by somebody else"),
        "check the next sales order number in Sales Order Options and whether another program enters orders under numbers of its own, then post the order again under a new idempotency key",
    )
}

pub(crate) fn write_keeps_failing(tries: u32) -> Problem {
    Problem::new(
        "write_keeps_failing",
        "",
        format!("Sage failed {tries} times while the order was entered; it holds nothing of it"),
        "enter the same order by hand in a test company to see where Sage fails, then post it again under a new idempotency key",
    )
}

pub(crate) fn restored_from_backup(detail: &str) -> Problem {
    Problem::new(
        "restored_from_backup",
        "",
        detail,
        "was Sage restored from a backup? If so, enter the lost orders again before imports go on; then post the held ones again under new idempotency keys",
    )
}
