//! The day's work that is not posted yet: shipments of open orders and money received.

use rusqlite::Connection;

use super::amounts::share;
use super::customers::{Customer, Ledger};
use super::items::Item;
use super::orders::{Order, State, line_shared, shared, sums};
use super::receivables::deposit_no;
use super::{USERS, amount, days_before, office_hours, price, quantity};
use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;
use crate::row::Row;
use crate::settings::{NEXT_INVOICE_NO, Settings};

/// Shipments at scale 1.
const SHIPMENTS: usize = 5;
/// Receipts at scale 1.
const RECEIPTS: usize = 6;

/// The batch that is open.
const BATCH: &str = "00001";

/// Writes shipments and receipts. 01-ABF has none.
pub(super) fn write(
    connection: &Connection,
    plan: &Plan,
    orders: &[Order],
    items: &[Item],
    customers: &[Customer],
    ledger: &Ledger,
) -> Result<(), SandboxError> {
    let mut random = Random::for_part(plan.seed, "day");
    let scale = usize::try_from(plan.scale).unwrap_or(1);
    let shipped = orders
        .iter()
        .filter(|o| o.state == State::Open && o.order_type == "S" && o.status == "O" && o.customer != 0);
    for order in shipped.take(SHIPMENTS * scale) {
        let number = Settings::new(connection).take_number(NEXT_INVOICE_NO)?;
        let shipment = Shipment {
            number,
            order,
            customer: &customers[order.customer],
        };
        shipment.write(connection, plan, items, customers, &mut random)?;
    }
    let (mut receipts, mut received) = (0, 0);
    for (place, open) in ledger.open.iter().enumerate() {
        // Some customers pay today, most do not.
        if receipts == RECEIPTS * scale || place % 4 != 1 {
            continue;
        }
        receipts += 1;
        received += write_receipt(connection, plan, customers, open, receipts, &mut random)?;
    }
    if receipts > 0 {
        write_batch(connection, plan, received)?;
    }
    Ok(())
}

/// The clerk's batch that the receipts stand in, with its deposit.
fn write_batch(connection: &Connection, plan: &Plan, cents: i64) -> Result<(), SandboxError> {
    let stamp = office_hours(&mut Random::for_part(plan.seed, "batch"), plan.today);
    Row::new("AR_CashReceiptsBatch")
        .with("BatchNo", BATCH)
        .with("BatchComment", "Checks in the mail")
        .with("BatchStatus", "N")
        .with("PrivateBatch", "N")
        .created(stamp, USERS[1])
        .insert(connection)?;
    Row::new("AR_CashReceiptsDeposit")
        .with("BatchNo", BATCH)
        .with("BankCode", "A")
        .with("DepositNo", tomorrows_deposit(plan))
        .with("DepositDate", plan.today.to_string())
        .with("DepositType", "C")
        .with("DepositDesc", "Checks")
        .with("CashDepositAmt", amount(cents))
        .created(stamp, USERS[1])
        .insert(connection)
}

/// Today's is in the bank.
fn tomorrows_deposit(plan: &Plan) -> String {
    deposit_no(plan, days_before(plan.today, -1))
}

struct Shipment<'o> {
    number: String,
    order: &'o Order,
    customer: &'o Customer,
}

impl Shipment<'_> {
    fn write(
        &self,
        connection: &Connection,
        plan: &Plan,
        items: &[Item],
        customers: &[Customer],
        random: &mut Random,
    ) -> Result<(), SandboxError> {
        let order = self.order;
        let lines = || order.lines.iter().map(|l| (l, &items[l.item]));
        let costs: i64 = lines().map(|(l, i)| i.cost * l.quantity).sum();
        let weight: i64 = lines().map(|(l, i)| i.weight * l.quantity).sum();
        let stamp = office_hours(random, plan.today);
        let row = shared(Row::new("SO_InvoiceHeader"), order, self.customer);
        sums(row, order, &order.totals(items, customers))
            .with("InvoiceNo", self.number.as_str())
            .with("InvoiceDate", plan.today.to_string())
            .with("InvoiceType", "IN")
            .with("OrderType", order.order_type)
            .with("OrderStatus", order.status)
            .with("ShipDate", plan.today.to_string())
            .with("InvoiceDueDate", days_before(plan.today, -30).to_string())
            .with("PrintInvoice", "Y")
            .with("InvoicePrinted", "N")
            .with("ResidentialAddress", "N")
            .with("CostOfGoodsSoldAmt", amount(costs))
            .with("Weight", amount(weight * 100))
            .with("NumberofPackages", "1")
            .created(stamp, USERS[1])
            .insert(connection)?;
        for (place, (line, item)) in lines().enumerate() {
            line_shared(Row::new("SO_InvoiceDetail"), order, line, item, self.customer)
                .with("InvoiceNo", self.number.as_str())
                .with("LineKey", format!("{:06}", place + 1))
                .with("LineSeqNo", format!("{:014}", place + 1))
                .with("OrderLineKey", format!("{:06}", place + 1))
                .with("SOHistoryDetlSeqNo", format!("{:014}", place + 1))
                .with("ProductLine", item.product_line)
                .with("QuantityOrdered", quantity(line.quantity))
                .with("QuantityShipped", quantity(line.quantity))
                .with("UnitPrice", price(line.price))
                .with("ExtensionAmt", amount(line.extension()))
                .with("ExtendedCost", amount(item.cost * line.quantity))
                .with("LineWeight", amount(item.weight * line.quantity * 100))
                .with("AppliedSalesOrderNo", order.number.as_str())
                .insert(connection)?;
        }
        Row::new("SO_InvoiceTracking")
            .with("InvoiceNo", self.number.as_str())
            .with("PackageNo", "0001")
            .with(
                "TrackingID",
                format!("1Z999AA1{:010}", self.number.parse::<u64>().unwrap_or(0) * 7919),
            )
            .with("StarshipShipVia", order.ship_via)
            .with("Weight", amount(weight * 100))
            .with("FreightAmt", amount(order.freight))
            .insert(connection)
    }
}

/// An invoice that is not paid in full.
#[derive(Clone, Debug)]
pub(super) struct OpenInvoice {
    pub(super) number: String,
    /// Place in the list of customers.
    pub(super) customer: usize,
    /// Cents.
    pub(super) balance: i64,
}

/// Writes a receipt; the answer is its cents.
fn write_receipt(
    connection: &Connection,
    plan: &Plan,
    customers: &[Customer],
    invoice: &OpenInvoice,
    number: usize,
    random: &mut Random,
) -> Result<i64, SandboxError> {
    let customer = &customers[invoice.customer];
    let check = format!("{:06}", 500_100 + number);
    let deposit = tomorrows_deposit(plan);
    let stamp = office_hours(random, plan.today);
    let part = number.is_multiple_of(3);
    let cents = if part {
        share(invoice.balance, 500)
    } else {
        invoice.balance
    };
    let key = |row: Row| {
        row.with("BatchNo", BATCH)
            .with("DepositNo", deposit.as_str())
            .with("ARDivisionNo", customer.division)
            .with("CustomerNo", customer.number.as_str())
            .with("CheckNo", check.as_str())
    };
    key(Row::new("AR_CashReceiptsHeader"))
        .with("CustomerName", customer.name.as_str())
        .with("BankCode", "A")
        .with("DepositDate", plan.today.to_string())
        .with("DepositType", "C")
        .with("PaymentType", "CHECK")
        .with("AmountReceived", amount(cents))
        .with("Comment", if part { "Half now, half next month" } else { "" })
        .created(stamp, USERS[1])
        .insert(connection)?;
    key(Row::new("AR_CashReceiptsDetail"))
        .with("InvoiceNo", invoice.number.as_str())
        .with("InvoiceType", "IN")
        .with("AmountPosted", amount(cents))
        .insert(connection)?;
    Ok(cents)
}
