//! What may be wrong with an order as a whole: credit, tax, period, the buyer's number.

use model::{Address, OrderType, SalesOrder};
use values::{Date, Decimal};

use super::customers::{Party, exposure};
use super::findings::{Findings, problem};
use super::ship_tos::Destination;
use super::{Context, CustomerFacts, Knowledge};
use crate::plan::CreditCheck;
use crate::settings::{OnDoubt, Prepaid};

/// Everything that concerns the order as a whole. Gives the credit that is to be compared with what
/// Sage makes of the order.
pub(super) fn check<K: Knowledge>(
    order: &SalesOrder,
    party: &Party,
    destination: &Destination,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Option<CreditCheck>, K::Error> {
    period(
        order.order_date.unwrap_or(context.today),
        context,
        knowledge,
        findings,
    )?;
    tax(order, party, destination, context, findings);
    if let Some(facts) = &party.facts {
        duplicate_po(order, facts, context, knowledge, findings)?;
        // A quote owes nothing.
        if order.order_type != OrderType::Quote {
            return credit(order, facts, context, knowledge, findings);
        }
    }
    Ok(None)
}

fn period<K: Knowledge>(
    date: Date,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<(), K::Error> {
    if knowledge.is_period_closed("S/O", date)? == Some(true) {
        findings.doubt(
            context.settings.orders.on_closed_period,
            problem(
                "period_closed",
                "order_date",
                &date.to_string(),
                format!("{date} lies in a closed period of Sales Order"),
                "edit the date by PATCH, open the period in Sage and retry, or accept period_closed",
            ),
        );
    }
    Ok(())
}

fn duplicate_po<K: Knowledge>(
    order: &SalesOrder,
    facts: &CustomerFacts,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<(), K::Error> {
    let Some(po) = &order.customer_po_no else {
        return Ok(());
    };
    let mut others = knowledge.open_orders_with_po(&facts.reference(), po)?;
    // What this document may have become itself is no duplicate of it.
    others.retain(|number| {
        !context
            .past
            .reservations
            .iter()
            .any(|reserved| reserved.name == "sales_order_no" && reserved.identity == *number)
    });
    if !others.is_empty() {
        others.sort();
        findings.doubt(
            context.settings.orders.on_duplicate_po,
            problem(
                "duplicate_po",
                "customer_po_no",
                po,
                format!("the buyer's number {po} is on sales order {} already", others.join(", ")),
                "if it is the same order, discard this document; else edit the number by PATCH or accept duplicate_po",
            ),
        );
    }
    Ok(())
}

fn credit<K: Knowledge>(
    order: &SalesOrder,
    facts: &CustomerFacts,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Option<CreditCheck>, K::Error> {
    let customer = facts.reference();
    let on_credit = context.settings.orders.on_credit;
    if facts.is_on_credit_hold {
        findings.doubt(
            on_credit,
            problem(
                "credit_hold",
                "customer",
                &customer.to_string(),
                format!("customer {customer} is on credit hold"),
                "lift the credit hold in Customer Maintenance and retry, or accept credit_hold",
            ),
        );
    }
    if facts.credit_limit.is_zero() || findings.accepts("credit_limit") {
        return Ok(None);
    }
    let check = CreditCheck {
        customer: customer.to_string(),
        limit: facts.credit_limit,
        owed: exposure(facts, knowledge)?,
        paid: paid_with(order, context),
        hold: on_credit == OnDoubt::Hold,
        enter_on_hold: on_credit == OnDoubt::EnterOnHold,
    };
    // What Sage makes of it is compared when it tells; what the web makes of it now.
    let problem = check.problem(web_total(order));
    match problem {
        Some(problem) => {
            findings.doubt(on_credit, problem);
            Ok(None)
        }
        None => Ok(Some(check)),
    }
}

/// What was paid with the order, where the site enters such money.
fn paid_with(order: &SalesOrder, context: &Context<'_>) -> Decimal {
    match (&order.payment, context.settings.payments.prepaid) {
        (None, _) | (Some(_), Prepaid::None) => Decimal::zero(2),
        (Some(tender), Prepaid::DepositAndReceipt | Prepaid::Prepayment) => tender.amount,
    }
}

/// What the buyer was shown, else what prices the document brings. None when it cannot be
/// reckoned.
fn web_total(order: &SalesOrder) -> Option<Decimal> {
    match order.expected.order_total {
        Some(total) => Some(total),
        None => total_of_lines(order),
    }
}

fn total_of_lines(order: &SalesOrder) -> Option<Decimal> {
    let mut total = order.freight_amt.unwrap_or(Decimal::zero(2));
    for line in &order.lines {
        if let Some(price) = line.unit_price {
            let amount = line.quantity_ordered.multiply(price, 2).ok()?;
            total = total.checked_add(amount).ok()?;
        }
    }
    Some(total)
}

fn tax(
    order: &SalesOrder,
    party: &Party,
    destination: &Destination,
    context: &Context<'_>,
    findings: &mut Findings,
) {
    let record = destination
        .facts
        .as_ref()
        .map_or("", |facts| facts.text("tax_schedule"));
    let schedule = if record.is_empty() {
        party.tax_schedule()
    } else {
        record
    };
    if schedule.is_empty() {
        if let Some(facts) = &party.facts {
            let customer = facts.reference();
            findings.hold(problem(
                "tax_schedule_missing",
                "customer",
                &customer.to_string(),
                format!("customer {customer} has no tax schedule in Sage"),
                "set the tax schedule in Customer Maintenance and retry, or accept tax_schedule_missing to enter the order without tax",
            ));
        }
        return;
    }
    if context.settings.orders.tax_service_schedules.contains(schedule) {
        let missing = missing_address(order, party, destination);
        if !missing.is_empty() {
            findings.refuse(problem(
                "address_incomplete",
                "ship_to",
                "",
                format!("tax schedule {schedule} asks an outside service, which needs {}", missing.join(", ")),
                "add what is missing to ship_to by PATCH, or to the customer's address or ship-to record in Sage and retry",
            ));
        }
    }
}

/// What the tax service needs and the order's destination lacks.
fn missing_address(order: &SalesOrder, party: &Party, destination: &Destination) -> Vec<&'static str> {
    let given = |text: Option<&String>| text.is_some_and(|text| !text.trim().is_empty());
    let sent = match (&order.ship_to, &destination.on_order) {
        (Some(model::ShipTo::Address(address)), _) => Some(address),
        (_, on_order) => on_order.as_ref(),
    };
    let has: [bool; 4] = if let Some(Address {
        address1,
        city,
        state,
        zip_code,
        ..
    }) = sent
    {
        [address1, city, state, zip_code].map(|text| given(text.as_ref()))
    } else if let Some(record) = &destination.facts {
        [
            "ship_to_address1",
            "ship_to_city",
            "ship_to_state",
            "ship_to_zip_code",
        ]
        .map(|name| !record.text(name).trim().is_empty())
    } else {
        ["address_line1", "city", "state", "zip_code"].map(|name| party.has_text(name))
    };
    ["a street", "a city", "a state", "a ZIP code"]
        .into_iter()
        .zip(has)
        .filter(|(_, has)| !has)
        .map(|(what, _)| what)
        .collect()
}
