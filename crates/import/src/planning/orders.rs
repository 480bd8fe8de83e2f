//! Sales orders and quotes.

use model::{Customer, Hold, Numbers, OrderType, SalesOrder};
use serde_json::Value;
use values::{Decimal, Hash};

use super::columns;
use super::customers::{self, Party};
use super::findings::{Findings, problem};
use super::lines::{self, refuse_discount};
use super::sheet::{Sheet, check_text};
use super::ship_tos::{self, Destination};
use super::{CodeList, Context, Knowledge, Widths, checks, codes, payments, tender};
use crate::identity::numbers_of;
use crate::plan::{CreditCheck, CustomerSource, OrderChecks, OrderWrite, Setting, Write};
use crate::record::Document;
use crate::settings::{CouponPolicy, OnDoubt, Prepaid};

/// The table of headers.
const TABLE: &str = "SO_SalesOrderHeader";
/// Width of the reference of a payment where Sage does not tell.
const REFERENCE_WIDTH: usize = 24;

/// The writes of an order: customer and ship-to where they are new, the order, the receipt of
/// what was paid with it.
pub(super) fn plan<K: Knowledge>(
    order: &SalesOrder,
    document: &Document,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<(Vec<Write>, Numbers), K::Error> {
    let past = &context.past;
    if let Some(identity) = past.done("sales_order_no") {
        let source = customer_of_done(order, context, knowledge, findings)?;
        let receipt = receipt(order, source.as_ref(), document, context, knowledge, findings)?;
        entered_before(identity, document, context, findings);
        let numbers = numbers_of("sales_order_no", identity);
        return Ok((receipt.into_iter().collect(), numbers));
    }
    let party = customers::of_order(&order.customer, context, knowledge, findings)?;
    let mut writes = Vec::new();
    if let Some(write) = party.as_ref().and_then(|party| party.write.clone()) {
        writes.push(Write::Customer(write));
    }
    let place = u32::from(!writes.is_empty());
    let ship_to = ship_tos::of_order(
        order.ship_to.as_ref(),
        party.as_ref(),
        place,
        context,
        knowledge,
        findings,
    );
    let mut destination = ship_to?;
    if let Some(guest) = party.as_ref().and_then(|party| party.guest.as_ref())
        && order.ship_to.is_none()
    {
        destination.on_order = Some(ship_tos::address_of(guest));
    }
    if let Some(write) = destination.write.clone() {
        writes.push(Write::ShipTo(write));
    }
    let credit = match &party {
        Some(party) => checks::check(order, party, &destination, context, knowledge, findings)?,
        None => None,
    };
    required(&document.body, context, findings);
    let widths = knowledge.widths(TABLE)?;
    let header = header(
        order,
        party.as_ref(),
        &destination,
        &widths,
        context,
        knowledge,
        findings,
    )?;
    let lines = lines::of_order(order, context, knowledge, findings)?;
    let closing = closing(order, document, &widths, context, knowledge, findings)?;
    let source = party.map(|party| party.source);
    let receipt = receipt(order, source.as_ref(), document, context, knowledge, findings)?;
    if let Some(customer) = source {
        writes.push(Write::SalesOrder(OrderWrite {
            customer,
            ship_to: destination.source,
            order_type: order.order_type,
            customer_po_no: order.customer_po_no.clone().unwrap_or_default(),
            order_date: order.order_date,
            header,
            lines,
            closing,
            checks: order_checks(order, credit, document, context),
            made_from: mark_of(&document.body),
        }));
    }
    writes.extend(receipt);
    Ok((writes, Numbers::new()))
}

/// The order is in Sage. What was edited of it since comes to nothing, and a person has to
/// know; only its payment is still to be entered.
fn entered_before(identity: &str, document: &Document, context: &Context<'_>, findings: &mut Findings) {
    let done = context
        .past
        .done
        .iter()
        .find(|done| done.name == "sales_order_no");
    let made_from = done.map_or("", |done| &done.made_from);
    if made_from.is_empty() {
        findings.warn("order_entered", format!(
            "sales order {identity} was entered by an earlier attempt: what was edited of it since is not in Sage"
        ));
    } else if made_from != mark_of(&document.body) {
        findings.hold(problem(
            "order_entered",
            "lines",
            identity,
            format!("sales order {identity} was entered before the document was edited: what was edited is not in Sage"),
            "undo the edit by PATCH (only payment may still be edited), or change the order in Sage and accept order_entered",
        ));
    }
}

/// Tells one content of a document from another, as far as it becomes the order.
fn mark_of(body: &Value) -> String {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|name, _| !matches!(name.as_str(), "payment" | "expected"));
    }
    Hash::of_bytes(body.to_string().as_bytes()).to_string()
}

/// The customer of an order that is in Sage.
fn customer_of_done<K: Knowledge>(
    order: &SalesOrder,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Option<CustomerSource>, K::Error> {
    let done = context
        .past
        .done
        .iter()
        .find(|done| done.name == "sales_order_no");
    let number = |name: &str| done.and_then(|done| done.numbers.get(name)).cloned();
    let told = number("ar_division_no").zip(number("customer_no"));
    if let Some((ar_division_no, customer_no)) = told {
        return Ok(Some(CustomerSource::Known(model::CustomerRef {
            ar_division_no,
            customer_no,
        })));
    }
    if let Customer::Known(reference) = &order.customer {
        return Ok(Some(CustomerSource::Known(reference.clone())));
    }
    if receipt_is_open(order, context) {
        let party = customers::of_order(&order.customer, context, knowledge, findings)?;
        return Ok(party.map(|party| party.source));
    }
    Ok(None)
}

/// Is there money of the order that still has to be entered?
fn receipt_is_open(order: &SalesOrder, context: &Context<'_>) -> bool {
    order.payment.is_some()
        && order.order_type != OrderType::Quote
        && context.settings.payments.prepaid != Prepaid::None
        && context.past.done("receipt").is_none()
}

fn receipt<K: Knowledge>(
    order: &SalesOrder,
    source: Option<&CustomerSource>,
    document: &Document,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Option<Write>, K::Error> {
    let Some(money) = order.payment.as_ref().filter(|_| receipt_is_open(order, context)) else {
        return Ok(None);
    };
    let Some(source) = source else {
        return Ok(None);
    };
    let receipt = payments::receipt_of_order(money, source, document, context, knowledge, findings)?;
    Ok(receipt.map(Write::Receipt))
}

/// Fields that the site wants from every order.
fn required(body: &Value, context: &Context<'_>, findings: &mut Findings) {
    let orders = &context.settings.orders;
    for name in &orders.required {
        let value = name.split('.').try_fold(body, |value, part| value.get(part));
        let is_there = value.is_some_and(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            Value::Array(list) => !list.is_empty(),
            Value::Object(object) => !object.is_empty(),
            Value::Bool(_) | Value::Number(_) => true,
        });
        if !is_there && !orders.defaults.contains_key(name) {
            findings.refuse(problem(
                "required",
                name,
                "",
                format!("this site wants {name} on every order"),
                format!("add {name} by PATCH"),
            ));
        }
    }
}

fn header<K: Knowledge>(
    order: &SalesOrder,
    party: Option<&Party>,
    destination: &Destination,
    widths: &Widths,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Vec<Setting>, K::Error> {
    let mut sheet = Sheet::new(TABLE, widths);
    if let Some(po) = &order.customer_po_no {
        check_text(TABLE, "CustomerPONo", po, "customer_po_no", widths, findings);
    }
    if let Some(date) = order.ship_expire_date {
        sheet.date("ShipExpireDate", date, "ship_expire_date");
    }
    let guest = party.and_then(|party| party.guest.as_ref());
    let bill_to = order.bill_to.clone().or_else(|| guest.map(ship_tos::address_of));
    // What a guest is called and where they live was sent elsewhere.
    let field_of = |was_sent: bool, field: String| {
        if was_sent {
            field
        } else {
            String::from("customer.guest")
        }
    };
    if let Some(address) = &bill_to {
        for (column, field, value) in ship_tos::columns_of("BillTo", "bill_to", address) {
            // All of it, so that nothing of the customer's own stays in between.
            let field = field_of(order.bill_to.is_some(), field);
            sheet.text(&column, value.map_or("", String::as_str), &field, findings);
        }
    }
    if let Some(address) = &destination.on_order {
        sheet.text("ShipToCode", "", "ship_to", findings);
        for (column, field, value) in ship_tos::columns_of("ShipTo", "ship_to", address) {
            let field = field_of(order.ship_to.is_some(), field);
            sheet.text(&column, value.map_or("", String::as_str), &field, findings);
        }
    }
    let coded = [
        (
            "WarehouseCode",
            &order.warehouse_code,
            "warehouse_code",
            CodeList::Warehouse,
        ),
        ("ShipVia", &order.ship_via, "ship_via", CodeList::ShipVia),
        ("TermsCode", &order.terms_code, "terms_code", CodeList::Terms),
    ];
    for (column, value, field, list) in coded {
        if let Some(value) = value {
            codes::check(list, value, field, knowledge, findings)?;
            sheet.text(column, value, field, findings);
        }
    }
    let mail = order
        .email_address
        .as_ref()
        .or_else(|| guest.and_then(|g| g.email_address.as_ref()));
    sheet.optional("FOB", order.fob.as_ref(), "fob", findings);
    sheet.optional("ConfirmTo", order.confirm_to.as_ref(), "confirm_to", findings);
    sheet.optional("EmailAddress", mail, "email_address", findings);
    let hold_reason = order.hold.as_ref().and_then(|hold| hold.reason.as_ref());
    match &order.comment {
        Some(comment) => {
            if let Some(reason) = hold_reason {
                findings.warn("hold_reason_left_out", format!(
                    "the reason of the hold is not in Sage, where the comment stands in its place: {reason}"
                ));
            }
            sheet.text("Comment", comment, "comment", findings);
        }
        None => sheet.optional("Comment", hold_reason, "hold.reason", findings),
    }
    if let Some(money) = &order.payment {
        let found = tender::payment_type(money, "payment.", context, knowledge, findings)?;
        if let Some((code, _)) = found {
            sheet.text("PaymentType", &code, "payment.payment_type", findings);
        }
        let width = widths
            .texts
            .get("OtherPaymentTypeRefNo")
            .copied()
            .unwrap_or(REFERENCE_WIDTH);
        let field = if money.gateway_transaction_id.is_some() {
            "payment.gateway_transaction_id"
        } else {
            "payment.reference"
        };
        let reference = tender::reference_text(money, width, findings);
        sheet.optional("OtherPaymentTypeRefNo", reference.as_ref(), field, findings);
    }
    sheet.udf(&order.udf, "udf.", findings);
    let defaults = &context.settings.orders.defaults;
    for (name, value) in defaults {
        sheet.default(&columns::ORDER, name, value, knowledge, findings)?;
    }
    if let Some((division, number)) = defaults
        .get("salesperson_division_no")
        .zip(defaults.get("salesperson_no"))
    {
        let code = format!("{division}:{number}");
        codes::check(
            CodeList::Salesperson,
            &code,
            "defaults.salesperson_no",
            knowledge,
            findings,
        )?;
    }
    Ok(sheet.into_settings())
}

fn closing<K: Knowledge>(
    order: &SalesOrder,
    document: &Document,
    widths: &Widths,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Vec<Setting>, K::Error> {
    let mut sheet = Sheet::new(TABLE, widths);
    if let Some(freight) = order.freight_amt {
        sheet.amount("FreightAmt", freight, "freight_amt", findings);
    }
    discount(order, context, &mut sheet, findings);
    if let Some(money) = &order.payment {
        match (context.settings.payments.prepaid, order.order_type) {
            (Prepaid::DepositAndReceipt, OrderType::Standard | OrderType::BackOrder) => {
                let check_no = payments::check_no(&document.id);
                sheet.amount("DepositAmt", money.amount, "payment.amount", findings);
                sheet.text("CheckNoForDeposit", &check_no, "payment", findings);
            }
            (Prepaid::DepositAndReceipt | Prepaid::Prepayment, OrderType::Quote) => findings.refuse(problem(
                "quote_paid",
                "payment",
                &money.amount.to_string(),
                "a quote takes no money, and this site enters what was paid with an order",
                "send it as an order, or take the payment out by PATCH and send it as a payment of its own",
            )),
            (Prepaid::None, _) | (Prepaid::Prepayment, OrderType::Standard | OrderType::BackOrder) => {}
        }
    }
    print_and_hold(order, &mut sheet, knowledge, findings)?;
    Ok(sheet.into_settings())
}

/// The order's discount, with what coupons take off where they are part of it.
fn discount(order: &SalesOrder, context: &Context<'_>, sheet: &mut Sheet<'_>, findings: &mut Findings) {
    let orders = &context.settings.orders;
    let sent = [
        ("discount_amt", order.discount_amt),
        ("discount_rate", order.discount_rate),
    ];
    for (field, value) in sent {
        if let Some(value) = value.filter(|value| !value.is_zero() && !orders.take_discounts) {
            refuse_discount(field, value, findings);
        }
    }
    let mut amount = order.discount_amt;
    if !order.coupons.is_empty() {
        match &orders.coupon {
            CouponPolicy::Charge(_) => {}
            CouponPolicy::Refuse => findings.refuse(problem(
                "coupon_refused",
                "coupons",
                &order.coupons[0].code,
                "this site takes no coupons",
                "take the coupons out by PATCH, or say in the configuration what they become and retry",
            )),
            CouponPolicy::OrderDiscount if order.discount_rate.is_some_and(|rate| !rate.is_zero()) => {
                findings.refuse(problem(
                    "contradiction",
                    "discount_rate",
                    &order
                        .discount_rate
                        .map(|rate| rate.to_string())
                        .unwrap_or_default(),
                    "coupons become part of the order's discount, which is a rate already",
                    "send the discount as discount_amt by PATCH, so that coupons can be added to it",
                ));
            }
            CouponPolicy::OrderDiscount => {
                let start = amount.unwrap_or(Decimal::zero(2));
                let sum = order
                    .coupons
                    .iter()
                    .try_fold(start, |sum, coupon| sum.checked_add(coupon.amount));
                match sum {
                    Ok(sum) => amount = Some(sum),
                    Err(_) => findings.refuse(problem(
                        "number_too_large",
                        "coupons",
                        "",
                        "the coupons are too large to add up",
                        "correct their amounts by PATCH",
                    )),
                }
            }
        }
    }
    if let Some(rate) = order.discount_rate {
        sheet.amount("DiscountRate", rate, "discount_rate", findings);
    }
    if let Some(amount) = amount {
        let field = if order.discount_amt.is_some() {
            "discount_amt"
        } else {
            "coupons"
        };
        sheet.amount("DiscountAmt", amount, field, findings);
    }
}

/// Nothing is printed for picking while an order is on hold.
fn print_and_hold<K: Knowledge>(
    order: &SalesOrder,
    sheet: &mut Sheet<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<(), K::Error> {
    if let Some(print) = order.print_sales_orders {
        sheet.flag("PrintSalesOrders", print, "print_sales_orders");
    }
    let is_on_hold = order.hold.is_some() || findings.enters_on_hold();
    if !is_on_hold {
        if let Some(print) = order.print_picking_sheets {
            sheet.flag("PrintPickingSheets", print, "print_picking_sheets");
        }
        return Ok(());
    }
    if let Some(Hold {
        reason_code: Some(code),
        ..
    }) = &order.hold
    {
        codes::check(CodeList::Reason, code, "hold.reason_code", knowledge, findings)?;
        sheet.text("CancelReasonCode", code, "hold.reason_code", findings);
    }
    if order.print_picking_sheets == Some(true) {
        findings.warn(
            "no_picking_sheet",
            "no picking sheet is printed while the order is on hold",
        );
    }
    sheet.text("OrderStatus", "H", "hold", findings);
    sheet.flag("PrintPickingSheets", false, "print_picking_sheets");
    Ok(())
}

fn order_checks(
    order: &SalesOrder,
    credit: Option<CreditCheck>,
    document: &Document,
    context: &Context<'_>,
) -> OrderChecks {
    let orders = &context.settings.orders;
    OrderChecks {
        sales_tax_amt: order.expected.sales_tax_amt,
        order_total: order.expected.order_total,
        captured_amt: order.payment.as_ref().map(|money| money.amount),
        tolerance: orders.tax_tolerance,
        hold: orders.on_tax_difference == OnDoubt::Hold,
        enter_on_hold: orders.on_tax_difference == OnDoubt::EnterOnHold,
        accepted: document.decision.accept.clone(),
        tax_before_write: context.settings.capabilities.tax_before_write,
        credit,
    }
}
