//! How invoices were paid: by card with the invoice, by check through a deposit, or ahead
//! with the order.

use rusqlite::Connection;
use values::{Date, Stamp};

use super::customers::Customer;
use super::orders::{Order, State};
use super::{USERS, amount, days_before, office_hours};
use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;
use crate::row::Row;

/// What was paid on one invoice.
#[derive(Debug)]
pub(super) struct Paid<'o> {
    pub(super) customer: &'o Customer,
    pub(super) order: &'o Order,
    pub(super) invoice: &'o str,
    /// Date of the invoice.
    pub(super) date: Date,
    /// Cents paid.
    pub(super) cents: i64,
    /// Cents still open.
    pub(super) balance: i64,
}

/// The number of the deposit in which a day's money goes to the bank.
pub(super) fn deposit_no(plan: &Plan, date: Date) -> String {
    let first = values::days_from_date(days_before(plan.today, 500));
    format!(
        "{:05}",
        i64::from(values::days_from_date(date)) - i64::from(first)
    )
}

impl Paid<'_> {
    /// Writes the payment as history keeps it.
    pub(super) fn write(
        &self,
        connection: &Connection,
        plan: &Plan,
        random: &mut Random,
    ) -> Result<(), SandboxError> {
        match random.between(1, 100) {
            1..=15 => self.write_card(connection, random),
            16..=20 => {
                self.write_card(connection, random)?;
                card(
                    Row::new("SO_SalesOrderHistoryPayment"),
                    self.customer,
                    &self.order.number,
                )
                .with("SalesOrderNo", self.order.number.as_str())
                .with("PaymentSeqNo", "000001")
                .with("TransactionAmt", amount(self.cents))
                .updated(self.order.stamp, USERS[1])
                .insert(connection)
            }
            _ => self.write_check(connection, plan, random),
        }
    }

    fn write_card(&self, connection: &Connection, random: &mut Random) -> Result<(), SandboxError> {
        let stamp = office_hours(random, self.date);
        card(
            Row::new("AR_InvoiceHistoryPayment"),
            self.customer,
            &self.order.number,
        )
        .with("InvoiceNo", self.invoice)
        .with("HeaderSeqNo", "000000")
        .with("PaymentSeqNo", "000001")
        .with("SalesOrderNo", self.order.number.as_str())
        .with("TransactionAmt", amount(self.cents))
        .updated(stamp, USERS[1])
        .insert(connection)?;
        self.transaction(self.date, stamp)
            .with("PaymentType", "VISA")
            .with("CheckNo", "VISA")
            .with("CardType", "3")
            .with("CardholderName", self.customer.name.as_str())
            .with("Last4UnencryptedCreditCardNos", last4(&self.order.number))
            .with("CreditCardAuthorizationNo", format!("A{}", self.order.number))
            .insert(connection)
    }

    fn write_check(
        &self,
        connection: &Connection,
        plan: &Plan,
        random: &mut Random,
    ) -> Result<(), SandboxError> {
        let date = days_before(self.date, -random.between(5, 40)).min(plan.today);
        let stamp = office_hours(random, date);
        let number: u64 = self.invoice.parse().unwrap_or(0);
        let check = format!("{:06}", number * 7 % 1_000_000);
        let deposit = deposit_no(plan, date);
        let (sold_division, sold_to) = self.customer.sold_to();
        self.transaction(date, stamp)
            .with("PaymentType", "CHECK")
            .with("CheckNo", check.as_str())
            .with("PaymentReference", check.as_str())
            .insert(connection)?;
        Row::new("AR_CashReceiptsHistory")
            .with("BankCode", "A")
            .with("DepositDate", date.to_string())
            .with("DepositNo", deposit)
            .with("DepositType", "C")
            .with("ARDivisionNo", self.customer.division)
            .with("CustomerNo", self.customer.paying_number())
            .with("CheckNo", check)
            .with("SequenceNo", "000001")
            .with("PostingDate", date.to_string())
            .with(
                "CustomerName",
                self.customer
                    .payer
                    .as_ref()
                    .map_or(self.customer.name.as_str(), |p| p.name.as_str()),
            )
            .with("SoldToDivisionNo", sold_division)
            .with("SoldToCustomerNo", sold_to)
            .with("OpenItemCustomer", "Y")
            .with("TransactionType", "PP")
            .with("InvoiceNo", self.invoice)
            .with("InvoiceType", "IN")
            .with("PaymentType", "CHECK")
            .with("CashAmountApplied", amount(self.cents))
            .with("InvoiceBalance", amount(self.balance))
            .created(stamp, USERS[1])
            .insert(connection)
    }

    fn transaction(&self, date: Date, stamp: Stamp) -> Row {
        Row::new("AR_TransactionPaymentHistory")
            .with("ARDivisionNo", self.customer.division)
            .with("CustomerNo", self.customer.paying_number())
            .with("InvoiceNo", self.invoice)
            .with("InvoiceType", "IN")
            .with("InvoiceHistoryHeaderSeqNo", "000000")
            .with("TransactionDate", date.to_string())
            .with("SequenceNo", "000001")
            .with("TransactionType", "P")
            .with("PaymentDate", date.to_string())
            .with("TransactionAmt", amount(self.cents))
            .updated(stamp, USERS[1])
    }
}

/// Writes what customers paid ahead on open orders. 01-ABF pays on account.
pub(super) fn write_deposits(
    connection: &Connection,
    plan: &Plan,
    orders: &[Order],
    customers: &[Customer],
) -> Result<(), SandboxError> {
    let mut random = Random::for_part(plan.seed, "deposits");
    let open = orders
        .iter()
        .filter(|o| o.state == State::Open && o.order_type == "S" && o.customer != 0);
    for order in open {
        let goods: i64 = order.lines.iter().map(super::orders::Line::extension).sum();
        if !random.chance(15) || goods == 0 {
            continue;
        }
        card(
            Row::new("SO_SalesOrderPayment"),
            &customers[order.customer],
            &order.number,
        )
        .with("SalesOrderNo", order.number.as_str())
        .with("PaymentSeqNo", "000001")
        .with("TransactionAmt", amount(goods / 4))
        .created(order.stamp, USERS[1])
        .insert(connection)?;
    }
    Ok(())
}

/// The columns of a card payment that orders, order history and invoice history share.
fn card(row: Row, customer: &Customer, order: &str) -> Row {
    row.with("PaymentType", "VISA")
        .with("PaymentTypeCategory", "P")
        .with("CardType", "3")
        .with("Last4UnencryptedCreditCardNos", last4(order))
        .with("CardholderName", customer.name.as_str())
        .with("CreditCardAuthorizationNo", format!("A{order}"))
}

fn last4(order: &str) -> String {
    let number: u64 = order.parse().unwrap_or(0);
    format!("{:04}", number * 37 % 10_000)
}
