//! What is left of orders: their history, invoices with lines and parcels, and what is
//! still to be paid.

use rusqlite::Connection;
use values::{Date, Stamp};

use super::amounts::share;
use super::customers::{Customer, Ledger};
use super::day::OpenInvoice;
use super::items::Item;
use super::orders::{Order, State, Totals, line_shared, shared, sums};
use super::receivables::Paid;
use super::{USERS, WAREHOUSES, amount, days_before, office_hours, price, quantity};
use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;
use crate::row::Row;
use crate::settings::{NEXT_INVOICE_NO, NEXT_SALES_ORDER_NO, Settings};

/// Below lie the demonstration company's own numbers.
const FIRST_INVOICE: u32 = 100_101;

/// Writes history and invoices, and sets the next numbers.
pub(super) fn write(
    connection: &Connection,
    plan: &Plan,
    orders: &[Order],
    items: &[Item],
    customers: &[Customer],
    ledger: &mut Ledger,
) -> Result<(), SandboxError> {
    let mut random = Random::for_part(plan.seed, "history");
    let mut payments = Random::for_part(plan.seed, "payments");
    let mut next = FIRST_INVOICE;
    known_invoices(connection, plan, &customers[0], ledger, &mut random)?;
    for order in orders {
        let totals = order.totals(items, customers);
        let customer = &customers[order.customer];
        let invoice = match order.state {
            State::Invoiced { after_days } => {
                next += 1;
                Some(Invoice::new(order, customer, next - 1, after_days, totals))
            }
            State::Open | State::Deleted => None,
        };
        write_history(connection, order, items, customer, &totals, invoice.as_ref())?;
        if let Some(invoice) = invoice {
            invoice.write(connection, items)?;
            ledger.last_invoice[order.customer] = Some(invoice.date);
            // 01-ABF owes what the demonstration company is known for, and no more.
            let balance = if order.customer == 0 {
                0
            } else {
                invoice.write_open(connection, plan, &mut random, ledger)?
            };
            if totals.total > balance {
                let paid = Paid {
                    customer,
                    order,
                    invoice: &invoice.number,
                    date: invoice.date,
                    cents: totals.total - balance,
                    balance,
                };
                paid.write(connection, plan, &mut payments)?;
            }
        }
    }
    let settings = Settings::new(connection);
    settings.set(NEXT_INVOICE_NO, &format!("{next:07}"))?;
    let last: u32 = orders.last().and_then(|o| o.number.parse().ok()).unwrap_or(0);
    settings.set(NEXT_SALES_ORDER_NO, &format!("{:07}", last + 1))
}

fn write_history(
    connection: &Connection,
    order: &Order,
    items: &[Item],
    customer: &Customer,
    totals: &Totals,
    invoice: Option<&Invoice<'_>>,
) -> Result<(), SandboxError> {
    let status = match order.state {
        State::Open if order.order_type == "Q" => "Q",
        State::Open => "A",
        State::Invoiced { .. } => "C",
        State::Deleted => "X",
    };
    let mut row = Row::new("SO_SalesOrderHistoryHeader")
        .with("OrderStatus", status)
        .with("ResidentialAddress", "N");
    row = sums(shared(row, order, customer), order, totals).created(order.stamp, USERS[1]);
    if let Some(invoice) = invoice {
        row = row
            .with("LastInvoiceDate", invoice.date.to_string())
            .with("LastInvoiceNo", invoice.number.as_str())
            .with("InvoicedAmt", amount(totals.total));
    }
    row.insert(connection)?;
    for (place, line) in order.lines.iter().enumerate() {
        let shipped = if invoice.is_some() { line.quantity } else { 0 };
        line_shared(
            Row::new("SO_SalesOrderHistoryDetail"),
            order,
            line,
            &items[line.item],
            customer,
        )
        .with("SalesOrderNo", order.number.as_str())
        .with("SequenceNo", format!("{:014}", place + 1))
        .with("LineKey", format!("{:06}", place + 1))
        .with("OriginalLine", "Y")
        .with(
            "CancelledLine",
            if order.state == State::Deleted { "Y" } else { "N" },
        )
        .with("QuantityOrderedOriginal", quantity(line.quantity))
        .with("QuantityOrderedRevised", quantity(line.quantity))
        .with("QuantityShipped", quantity(shipped))
        .with("OriginalUnitPrice", price(line.price))
        .with("LastUnitPrice", price(line.price))
        .with("LastExtensionAmt", amount(line.extension()))
        .insert(connection)?;
    }
    Ok(())
}

/// The invoice of one order.
struct Invoice<'o> {
    order: &'o Order,
    customer: &'o Customer,
    number: String,
    date: Date,
    due: Date,
    totals: Totals,
    stamp: Stamp,
}

impl<'o> Invoice<'o> {
    fn new(order: &'o Order, customer: &'o Customer, number: u32, after_days: i64, totals: Totals) -> Self {
        let date = days_before(order.date, -after_days);
        Self {
            order,
            customer,
            number: format!("{number:07}"),
            date,
            due: days_before(date, -days_due(customer.terms)),
            totals,
            stamp: order.stamp,
        }
    }

    fn write(&self, connection: &Connection, items: &[Item]) -> Result<(), SandboxError> {
        let costs: i64 = self
            .order
            .lines
            .iter()
            .map(|l| items[l.item].cost * l.quantity)
            .sum();
        let row = Row::new("AR_InvoiceHistoryHeader")
            .with("InvoiceNo", self.number.as_str())
            .with("HeaderSeqNo", "000000")
            .with("ModuleCode", "S/O")
            .with("InvoiceType", "IN")
            .with("InvoiceDate", self.date.to_string())
            .with("TransactionDate", self.date.to_string())
            .with("InvoiceDueDate", self.due.to_string())
            .with("SourceJournal", "SO")
            .with("OrderType", self.order.order_type)
            .with("ShipDate", self.date.to_string())
            .with("TaxableSalesAmt", amount(self.totals.taxable))
            .with("NonTaxableSalesAmt", amount(self.totals.nontaxable))
            .with("SalesTaxAmt", amount(self.totals.tax))
            .with("DiscountAmt", amount(self.totals.discount))
            .with("CostOfSalesAmt", amount(costs))
            .with("NumberOfPackages", "1");
        shared(row, self.order, self.customer)
            .created(self.stamp, USERS[1])
            .insert(connection)?;
        for place in 0..self.order.lines.len() {
            self.write_line(connection, place, items)?;
        }
        self.write_parcel(connection)
    }

    fn write_line(&self, connection: &Connection, place: usize, items: &[Item]) -> Result<(), SandboxError> {
        let line = &self.order.lines[place];
        let item = &items[line.item];
        line_shared(
            Row::new("AR_InvoiceHistoryDetail"),
            self.order,
            line,
            item,
            self.customer,
        )
        .with("InvoiceNo", self.number.as_str())
        .with("HeaderSeqNo", "000000")
        .with("DetailSeqNo", format!("{:06}", place + 1))
        .with("ProductLine", item.product_line)
        .with("QuantityOrdered", quantity(line.quantity))
        .with("QuantityShipped", quantity(line.quantity))
        .with("UnitPrice", price(line.price))
        .with("ExtensionAmt", amount(line.extension()))
        .with("AppliedSalesOrderNo", self.order.number.as_str())
        .insert(connection)?;
        Row::new("SO_ARInvoiceHistoryLink")
            .with("SalesOrderNo", self.order.number.as_str())
            .with("SequenceNo", format!("{:014}", place + 1))
            .with("InvoiceNo", self.number.as_str())
            .with("InvoiceHistoryHeaderSeqNo", "000000")
            .with("InvoiceHistoryDetailSeqNo", format!("{:06}", place + 1))
            .with("InvoiceDate", self.date.to_string())
            .with("UnitOfMeasure", item.unit)
            .with("QuantityShipped", quantity(line.quantity))
            .with("UnitPrice", price(line.price))
            .insert(connection)
    }

    fn write_parcel(&self, connection: &Connection) -> Result<(), SandboxError> {
        if matches!(self.order.ship_via, "WILL CALL" | "OUR TRUCK") {
            return Ok(());
        }
        Row::new("AR_InvoiceHistoryTracking")
            .with("InvoiceNo", self.number.as_str())
            .with("HeaderSeqNo", "000000")
            .with("PackageNo", "0001")
            .with(
                "TrackingID",
                format!("1Z999AA1{:010}", self.number.parse::<u64>().unwrap_or(0) * 7919),
            )
            .with("StarshipShipVia", self.order.ship_via)
            .with("FreightAmt", amount(self.order.freight))
            .insert(connection)
    }

    /// Young invoices are unpaid, some old ones too. The answer is what is open, in cents.
    fn write_open(
        &self,
        connection: &Connection,
        plan: &Plan,
        random: &mut Random,
        ledger: &mut Ledger,
    ) -> Result<i64, SandboxError> {
        let age = days_between(self.date, plan.today);
        let unpaid = match age {
            ..=30 => 85,
            31..=60 => 40,
            61..=120 => 8,
            _ => 0,
        };
        if !random.chance(unpaid) {
            return Ok(0);
        }
        let total = self.totals.total;
        let balance = if random.chance(15) {
            total - share(total, 500)
        } else {
            total
        };
        let place = self
            .customer
            .payer
            .as_ref()
            .map_or(self.order.customer, |p| p.place);
        ledger.owed[place][age_class(self.due, plan.today)] += balance;
        ledger.open.push(OpenInvoice {
            number: self.number.clone(),
            customer: place,
            balance,
        });
        let row = open_invoice(
            self.customer,
            &self.number,
            self.date,
            self.due,
            balance,
            self.stamp,
        );
        let (sold_division, sold_to) = self.customer.sold_to();
        row.with("SoldToDivisionNo", sold_division)
            .with("SoldToCustomerNo", sold_to)
            .with("TaxableAmt", amount(self.totals.taxable))
            .with("NonTaxableAmt", amount(self.totals.nontaxable))
            .with("FreightAmt", amount(self.order.freight))
            .with("SalesTaxAmt", amount(self.totals.tax))
            .with("CustomerPONo", self.order.purchase_order.as_str())
            .insert(connection)?;
        Ok(balance)
    }
}

/// The three invoices that make up what 01-ABF is known to owe.
fn known_invoices(
    connection: &Connection,
    plan: &Plan,
    customer: &Customer,
    ledger: &mut Ledger,
    random: &mut Random,
) -> Result<(), SandboxError> {
    for (number, days, balance) in [
        ("0100058", 10, 325_238),
        ("0100041", 75, 122_258),
        ("0100029", 105, 125_740),
    ] {
        let date = days_before(plan.today, days);
        let due = days_before(date, -days_due(customer.terms));
        let stamp = office_hours(random, date);
        ledger.owed[0][age_class(due, plan.today)] += balance;
        open_invoice(customer, number, date, due, balance, stamp)
            .with("NonTaxableAmt", amount(balance))
            .insert(connection)?;
        Row::new("AR_InvoiceHistoryHeader")
            .with("InvoiceNo", number)
            .with("HeaderSeqNo", "000000")
            .with("ModuleCode", "A/R")
            .with("InvoiceType", "IN")
            .with("InvoiceDate", date.to_string())
            .with("TransactionDate", date.to_string())
            .with("InvoiceDueDate", due.to_string())
            .with("ARDivisionNo", customer.division)
            .with("CustomerNo", customer.number.as_str())
            .with("BillToName", customer.name.as_str())
            .with("TermsCode", customer.terms)
            .with("WarehouseCode", WAREHOUSES[0])
            .with("NonTaxableSalesAmt", amount(balance))
            .created(stamp, USERS[1])
            .insert(connection)?;
        Row::new("AR_InvoiceHistoryDetail")
            .with("InvoiceNo", number)
            .with("HeaderSeqNo", "000000")
            .with("DetailSeqNo", "000001")
            .with("ItemCode", "/ASSEMBLY")
            .with("ItemType", "5")
            .with("ItemCodeDesc", "FURNITURE ASSEMBLY PER HOUR")
            .with("QuantityOrdered", quantity(1))
            .with("QuantityShipped", quantity(1))
            .with("UnitPrice", price(balance))
            .with("ExtensionAmt", amount(balance))
            .insert(connection)?;
    }
    Ok(())
}

fn open_invoice(customer: &Customer, number: &str, date: Date, due: Date, balance: i64, stamp: Stamp) -> Row {
    Row::new("AR_OpenInvoice")
        .with("ARDivisionNo", customer.division)
        .with("CustomerNo", customer.paying_number())
        .with("InvoiceNo", number)
        .with("InvoiceType", "IN")
        .with("InvoiceDate", date.to_string())
        .with("InvoiceDueDate", due.to_string())
        .with("InvoiceHistoryHeaderSeqNo", "000000")
        .with("PostingDate", date.to_string())
        .with("TermsCode", customer.terms)
        .with("TaxSchedule", customer.tax_schedule)
        .with("SalespersonDivisionNo", customer.division)
        .with("SalespersonNo", customer.salesperson)
        .with("Balance", amount(balance))
        .created(stamp, USERS[1])
}

fn days_due(terms: &str) -> i64 {
    match terms {
        "00" => 0,
        "03" => 10,
        _ => 30,
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    i64::from(values::days_from_date(to)) - i64::from(values::days_from_date(from))
}

/// Place in `Ledger::owed` by days overdue: none, up to 60, up to 90, up to 120, more.
fn age_class(due: Date, today: Date) -> usize {
    match days_between(due, today) {
        ..=0 => 0,
        1..=60 => 1,
        61..=90 => 2,
        91..=120 => 3,
        _ => 4,
    }
}
