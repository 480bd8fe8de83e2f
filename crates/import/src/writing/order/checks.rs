//! What Sage computed, compared with what the web showed the buyer.
//!
//! Before the write a difference may hold the order; afterwards it can only be told. Some
//! releases work the tax out no sooner than at the write: then tax and total are compared
//! with the stored order, and only what the order comes to without tax is compared before.

use model::{Problem, Totals};
use values::Decimal;

use crate::plan::{OrderChecks, OrderWrite};
use crate::writing::desk::{Desk, Filled};
use crate::writing::look::read_back_through_objects;

const TAX_FIELD: &str = "expected.sales_tax_amt";
const TOTAL_FIELD: &str = "expected.order_total";
const CAPTURED_FIELD: &str = "payment.amount";

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
pub(super) fn compare_entered(desk: &mut Desk<'_>, checks: &OrderChecks, totals: &Totals) {
    let found = if checks.tax_before_write || knows_tax(totals) {
        differences(checks, totals)
    } else {
        net_difference(checks, totals).into_iter().collect()
    };
    for problem in found {
        if checks.hold && !is_accepted(checks, &problem.code) {
            desk.holds.push(problem);
        } else {
            desk.warnings.push(problem.message);
        }
    }
}

/// Compares the stored order where more is known of it than before, and takes its totals.
pub(in crate::writing) fn compare_stored(
    desk: &mut Desk<'_>,
    number: &str,
    order: &OrderWrite,
    filled: &mut Filled,
) {
    let Ok(Some(stored)) = read_back_through_objects(desk.objects, number) else {
        return;
    };
    if stored.totals.is_empty()
        || (stored.totals == filled.totals && (order.checks.tax_before_write || knows_tax(&filled.totals)))
    {
        return;
    }
    for problem in differences(&order.checks, &stored.totals) {
        if !desk.warnings.contains(&problem.message) {
            desk.warnings.push(problem.message);
        }
    }
    filled.totals = stored.totals;
}

/// No tax is only known to be none when nothing is taxable.
fn knows_tax(totals: &Totals) -> bool {
    let is_some = |name: &str| totals.get(name).is_some_and(|amount| !amount.is_zero());
    is_some("sales_tax_amt") || (!is_some("taxable_amt") && is_some("non_taxable_amt"))
}

fn differences(checks: &OrderChecks, totals: &Totals) -> Vec<Problem> {
    let tax = totals
        .get("sales_tax_amt")
        .copied()
        .unwrap_or_else(|| Decimal::zero(2));
    let mut found = Vec::new();
    if let Some(expected) = checks.sales_tax_amt
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
    let tax = totals
        .get("sales_tax_amt")
        .copied()
        .unwrap_or_else(|| Decimal::zero(2));
    let net = totals.get("order_total")?.checked_sub(tax).ok()?;
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
