//! What Sage computed, compared with what the web showed the buyer.
//!
//! Before the write a difference may hold the order; afterwards it can only be told. Some
//! releases work the tax out no sooner than at the write: then tax and total are compared
//! with the stored order, and only what the order comes to without tax is compared before.

use model::{Problem, Totals};
use sage::ObjectId;
use values::Decimal;

use crate::plan::{CreditCheck, OrderChecks, OrderWrite, Setting};
use crate::read_back::net_total;
use crate::writing::desk::{Desk, Filled, Stop};
use crate::writing::look::read_back_through_objects;

const TAX_FIELD: &str = "expected.sales_tax_amt";
const TOTAL_FIELD: &str = "expected.order_total";
const CAPTURED_FIELD: &str = "payment.amount";
const TAX_UNMADE: &str = "tax_not_checked";
const TOTAL_UNMADE: &str = "total_not_checked";
const CREDIT_UNMADE: &str = "credit_not_checked";

/// Do they differ by more than the tolerance?
pub(super) fn differs(one: Decimal, other: Decimal, tolerance: Decimal) -> bool {
    match one.checked_sub(other) {
        Ok(difference) if difference.is_negative() => -difference > tolerance,
        Ok(difference) => difference > tolerance,
        Err(_) => true,
    }
}

/// Has the person who may let the order in accepted this code?
pub(super) fn is_accepted(checks: &OrderChecks, code: &str) -> bool {
    checks.accepted.iter().any(|accepted| accepted == code)
}

/// Compares the order under work.
pub(super) fn compare_entered(
    desk: &mut Desk<'_>,
    object: ObjectId,
    checks: &OrderChecks,
    totals: &Totals,
) -> Result<(), Stop> {
    let found = if checks.tax_before_write || knows_tax(totals) {
        let mut found = differences(checks, totals);
        found.extend(unmade(checks, totals));
        found
    } else {
        net_difference(checks, totals).into_iter().collect()
    };
    let credit = checks.credit.as_ref();
    let beyond = credit.and_then(|credit| match what_it_comes_to(totals) {
        Some(total) => credit.problem(Some(total)),
        None => Some(credit_unmade(credit)),
    });
    let credit_policy = credit.map_or((false, false), |credit| (credit.hold, credit.enter_on_hold));
    let found = found
        .into_iter()
        .map(|problem| (problem, (checks.hold, checks.enter_on_hold)));
    let mut is_on_hold = false;
    for (problem, (holds, enters_on_hold)) in found.chain(beyond.map(|problem| (problem, credit_policy))) {
        if is_accepted(checks, &problem.code) {
            desk.warnings.push(said(&problem));
        } else if holds {
            desk.holds.push(problem);
        } else if enters_on_hold {
            is_on_hold = true;
            desk.warnings
                .push(format!("{} (entered on hold)", said(&problem)));
        } else {
            desk.warnings.push(said(&problem));
        }
    }
    if is_on_hold {
        let settings = [
            Setting::text("OrderStatus", "H", TOTAL_FIELD),
            Setting::text("PrintPickingSheets", "N", TOTAL_FIELD),
        ];
        desk.settings(object, &settings)?;
    }
    Ok(())
}

/// Compares the stored order where more is known of it than before, and takes its totals.
pub(in crate::writing) fn compare_stored(
    desk: &mut Desk<'_>,
    number: &str,
    order: &OrderWrite,
    filled: &mut Filled,
) {
    let checks = &order.checks;
    let was_known = checks.tax_before_write || knows_tax(&filled.totals);
    let stored = match read_back_through_objects(desk.objects, number) {
        Ok(Some(stored)) => stored.totals,
        Ok(None) | Err(_) => Totals::new(),
    };
    if was_known && (stored.is_empty() || stored == filled.totals) {
        return;
    }
    for problem in differences(checks, &stored)
        .into_iter()
        .chain(unmade(checks, &stored))
    {
        let said = said(&problem);
        if !desk.warnings.contains(&said) {
            desk.warnings.push(said);
        }
    }
    if !stored.is_empty() {
        filled.totals = stored;
    }
}

/// A difference as a warning; of a check that was not made, with its code.
fn said(problem: &Problem) -> String {
    format!("{}: {}", problem.code, problem.message)
}

/// The checks that cannot be made because Sage does not tell the amount.
fn unmade(checks: &OrderChecks, totals: &Totals) -> Vec<Problem> {
    let mut found = Vec::new();
    if let Some(expected) = checks.sales_tax_amt
        && !totals.contains_key("sales_tax_amt")
    {
        found.push(not_checked(
            TAX_UNMADE,
            TAX_FIELD,
            expected,
            format!("Sage does not tell the order's tax, so it was not compared with the web's estimate of {expected}"),
        ));
    }
    if !totals.contains_key("order_total") {
        found.extend(total_unmade(checks));
    }
    found
}

fn total_unmade(checks: &OrderChecks) -> Option<Problem> {
    let shown = checks
        .order_total
        .map(|total| (TOTAL_FIELD, total, "the buyer was shown"));
    let captured = checks
        .captured_amt
        .map(|amount| (CAPTURED_FIELD, amount, "was captured"));
    let (field, expected, words) = shown.or(captured)?;
    let message = format!(
        "Sage does not tell what the order comes to, so it was not compared with the {expected} that {words}"
    );
    Some(not_checked(TOTAL_UNMADE, field, expected, message))
}

fn not_checked(code: &str, field: &str, expected: Decimal, message: String) -> Problem {
    Problem::new(
        code,
        field,
        message,
        format!("look at the order's amounts in Sage; to enter orders all the same, accept {code}"),
    )
    .with_value(expected.to_string())
}

/// The order's total as far as Sage tells it: without the tax where that comes later.
fn what_it_comes_to(totals: &Totals) -> Option<Decimal> {
    totals.get("order_total").copied().or_else(|| net_total(totals))
}

fn credit_unmade(credit: &CreditCheck) -> Problem {
    let message = format!(
        "Sage does not tell what the order comes to, so it was not compared with the credit limit of {} of customer {}",
        credit.limit, credit.customer
    );
    not_checked(CREDIT_UNMADE, "customer", credit.limit, message)
}

/// No tax is only known to be none when nothing is taxable.
fn knows_tax(totals: &Totals) -> bool {
    let is_some = |name: &str| totals.get(name).is_some_and(|amount| !amount.is_zero());
    is_some("sales_tax_amt") || (!is_some("taxable_amt") && is_some("non_taxable_amt"))
}

fn differences(checks: &OrderChecks, totals: &Totals) -> Vec<Problem> {
    let mut found = Vec::new();
    if let Some(expected) = checks.sales_tax_amt
        && let Some(tax) = totals.get("sales_tax_amt").copied()
        && differs(tax, expected, checks.tolerance)
    {
        let message = format!("the tax is {tax} in Sage, the web's estimate was {expected}");
        found.push(
            Problem::new(
                "tax_differs",
                TAX_FIELD,
                message,
                "compare tax schedule, exemption and ship-to address of the customer in Sage with the web's, or accept tax_differs to enter the order with Sage's tax",
            )
            .with_value(expected.to_string()),
        );
    }
    let Some(total) = totals.get("order_total").copied() else {
        return found;
    };
    let shown = [
        (checks.order_total, TOTAL_FIELD, "the buyer was shown"),
        (checks.captured_amt, CAPTURED_FIELD, "was captured"),
    ];
    for (expected, field, words) in shown {
        if let Some(expected) = expected
            && differs(total, expected, checks.tolerance)
        {
            found.push(total_differs(
                field,
                expected,
                format!("the order comes to {total} in Sage, {expected} {words}"),
            ));
        }
    }
    found
}

/// The part of the total that is known when the tax is not.
fn net_difference(checks: &OrderChecks, totals: &Totals) -> Option<Problem> {
    let expected = checks.order_total?.checked_sub(checks.sales_tax_amt?).ok()?;
    let Some(net) = net_total(totals) else {
        return total_unmade(checks);
    };
    differs(net, expected, checks.tolerance).then(|| {
        let message = format!("the order comes to {net} without tax in Sage, the buyer was shown {expected}");
        total_differs(TOTAL_FIELD, expected, message)
    })
}

fn total_differs(field: &str, expected: Decimal, message: String) -> Problem {
    Problem::new(
        "total_differs",
        field,
        message,
        "compare prices, freight, discount and tax in Sage with the web's, or accept total_differs to enter the order as Sage computes it",
    )
    .with_value(expected.to_string())
}

#[cfg(test)]
mod tests;
