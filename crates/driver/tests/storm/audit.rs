//! What is in Sage at the end, read from the company's file without anything of the driver.

use std::collections::{BTreeMap, BTreeSet};

use hub_store::Import;
use model::{ImportKind, ImportState};
use rusqlite::Connection;
use values::Decimal;

use super::documents::Document;
use super::world::World;

/// The company's file.
pub(super) struct Books(Connection);

/// A receipt, posted or not.
const RECEIPTS: &str = "SELECT CheckNo, AmountReceived FROM AR_CashReceiptsHeader UNION ALL \
    SELECT CheckNo, printf('%.2f', sum(CAST(CashAmountApplied AS REAL))) FROM AR_CashReceiptsHistory \
    GROUP BY BankCode, BatchNo, DepositNo, ARDivisionNo, CustomerNo, CheckNo";

impl Books {
    pub(super) fn open(world: &World) -> Self {
        Self(world.database())
    }

    fn rows<const N: usize>(&self, sql: &str, of: &[&str]) -> Vec<[String; N]> {
        let mut statement = self.0.prepare(sql).unwrap();
        let rows = statement
            .query_map(rusqlite::params_from_iter(of), |row| {
                let mut found: [String; N] = std::array::from_fn(|_| String::new());
                for (place, text) in found.iter_mut().enumerate() {
                    *text = row.get::<_, Option<String>>(place)?.unwrap_or_default();
                }
                Ok(found)
            })
            .unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn count(&self, sql: &str, of: &[&str]) -> usize {
        self.rows::<1>(sql, of)[0][0].parse().unwrap()
    }

    /// Numbers under which an order with this text is or was there.
    fn orders(&self, po: &str) -> Vec<String> {
        let sql = "SELECT SalesOrderNo FROM SO_SalesOrderHeader WHERE CustomerPONo = ?1 UNION \
                   SELECT SalesOrderNo FROM SO_SalesOrderHistoryHeader WHERE CustomerPONo = ?1 UNION \
                   SELECT SalesOrderNo FROM AR_InvoiceHistoryHeader WHERE CustomerPONo = ?1";
        self.rows::<1>(sql, &[po])
            .into_iter()
            .map(|[number]| number)
            .collect()
    }

    /// An order that was entered once more under its number after it had left is twice there.
    fn is_open_and_invoiced(&self, number: &str) -> bool {
        let sql = "SELECT CAST(count(*) AS TEXT) FROM AR_InvoiceHistoryHeader WHERE SalesOrderNo = ?1";
        let invoiced = self.count(sql, &[number]);
        let open = self.count(
            "SELECT CAST(count(*) AS TEXT) FROM SO_SalesOrderHeader WHERE SalesOrderNo = ?1",
            &[number],
        );
        invoiced + open > 1
    }

    fn open_lines(&self, number: &str) -> Option<usize> {
        let open = "SELECT CAST(count(*) AS TEXT) FROM SO_SalesOrderHeader WHERE SalesOrderNo = ?1";
        let lines = "SELECT CAST(count(*) AS TEXT) FROM SO_SalesOrderDetail WHERE SalesOrderNo = ?1";
        (self.count(open, &[number]) == 1).then(|| self.count(lines, &[number]))
    }

    /// What an open order's lines come to, and what its header says.
    fn open_sums(&self, number: &str) -> Option<(Decimal, Decimal)> {
        let sql = "SELECT TaxableAmt, NonTaxableAmt FROM SO_SalesOrderHeader WHERE SalesOrderNo = ?1";
        let [header] = &self.rows::<2>(sql, &[number])[..] else {
            return None;
        };
        let sql = "SELECT ExtensionAmt FROM SO_SalesOrderDetail WHERE SalesOrderNo = ?1";
        let lines = self.rows::<1>(sql, &[number]);
        Some((sum(lines.iter().map(|[amount]| amount)), sum(header)))
    }

    fn customers(&self, email: &str) -> Vec<String> {
        let sql = "SELECT ARDivisionNo || '-' || CustomerNo FROM AR_Customer WHERE EmailAddress = ?1";
        self.rows::<1>(sql, &[email])
            .into_iter()
            .map(|[number]| number)
            .collect()
    }

    fn ship_tos(&self, line: &str) -> usize {
        self.count(
            "SELECT CAST(count(*) AS TEXT) FROM SO_ShipToAddress WHERE ShipToAddress1 = ?1",
            &[line],
        )
    }

    fn is_changed(&self, (division, customer, line): &(String, String, String)) -> bool {
        let sql = "SELECT AddressLine2 FROM AR_Customer WHERE ARDivisionNo = ?1 AND CustomerNo = ?2";
        self.rows::<1>(sql, &[division, customer])[0][0] == *line
    }

    /// Every receipt by its check number.
    fn receipts(&self) -> Vec<(String, Decimal)> {
        let rows = self.rows::<2>(RECEIPTS, &[]).into_iter();
        rows.map(|[check, amount]| (check, Decimal::parse(&amount, 2).unwrap()))
            .collect()
    }

    /// Check numbers that were there before.
    pub(super) fn checks(&self) -> BTreeSet<String> {
        self.receipts().into_iter().map(|(check, _)| check).collect()
    }

    /// Is any record of the document there, of those that would be doubled?
    pub(super) fn has_any_of(&self, document: &Document, shown: &Import) -> bool {
        let numbers = shown.report.as_ref().map(|report| &report.numbers);
        let check = numbers.and_then(|numbers| numbers.get("check_no"));
        document.po.as_ref().is_some_and(|po| !self.orders(po).is_empty())
            || document
                .email
                .as_ref()
                .is_some_and(|email| !self.customers(email).is_empty())
            || document
                .ship_to
                .as_ref()
                .is_some_and(|line| self.ship_tos(line) > 0)
            || document
                .change
                .as_ref()
                .is_some_and(|change| self.is_changed(change))
            || check.is_some_and(|check| self.checks().contains(check))
    }
}

fn sum<'t>(amounts: impl IntoIterator<Item = &'t String>) -> Decimal {
    amounts.into_iter().fold(Decimal::zero(2), |sum, amount| {
        sum.checked_add(Decimal::parse(amount, 6).unwrap()).unwrap()
    })
}

/// What the site wants, as far as it decides which records there are.
pub(super) struct Wanted {
    pub(super) guests_are_customers: bool,
    pub(super) makes_ship_tos: bool,
    pub(super) prepaid_receipts: bool,
    pub(super) changes_are_entered: bool,
}

/// How often each final state came out.
pub(super) type Ends = BTreeMap<&'static str, u32>;

/// Compares what the hub says with what is there.
pub(super) fn audit(
    world: &World,
    wanted: &Wanted,
    before: &BTreeSet<String>,
    documents: &[(&Document, Option<Import>)],
) -> Ends {
    let books = Books::open(world);
    let receipts: Vec<_> = books
        .receipts()
        .into_iter()
        .filter(|(check, _)| !before.contains(check))
        .collect();
    let mut ends = Ends::new();
    let mut money = Decimal::zero(2);
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut orders = 0;
    for (document, shown) in documents {
        let key = &document.key;
        let Some(shown) = shown else {
            assert!(
                document.po.as_ref().is_none_or(|po| books.orders(po).is_empty()),
                "{key} was refused at the door"
            );
            *ends.entry("at the door").or_default() += 1;
            continue;
        };
        let nothing = model::Numbers::new();
        let numbers = shown.report.as_ref().map_or(&nothing, |report| &report.numbers);
        let problems = shown.report.as_ref().map(|report| &report.problems);
        let steps: Vec<String> = shown
            .attempts
            .iter()
            .map(|(revision, tried)| format!("\n  {revision} {} {}: {}", tried.at, tried.step, tried.detail))
            .collect();
        let what = format!(
            "{key} {} is {} as {numbers:?}: {problems:?}{}",
            shown.id,
            shown.state.as_str(),
            steps.concat()
        );
        let (is_written, is_doubtful) = match shown.state {
            ImportState::Written => (true, false),
            ImportState::InDoubt => (false, true),
            ImportState::Held | ImportState::Refused | ImportState::Discarded => (false, false),
            ImportState::Received | ImportState::Validated | ImportState::Waiting | ImportState::Writing => {
                panic!("lost: {what}")
            }
        };
        *ends.entry(shown.state.as_str()).or_default() += 1;
        if !is_written {
            let problems = problems.unwrap();
            assert!(
                !problems.is_empty() && problems.iter().all(|p| !p.remedy.is_empty()),
                "{what}"
            );
            assert!(
                problems.iter().all(|p| p.code != "restored_from_backup"),
                "{what}"
            );
        }
        if is_doubtful {
            assert!(!world.excuses().is_empty(), "without reason: {what}");
        }
        // As the report tells: nothing more is there, and nothing less. Of what is in doubt
        // there is at most one.
        let agrees = |there: usize, is_told: bool| {
            assert!(
                there == usize::from(is_told) || (is_doubtful && there <= 1),
                "{there} in Sage, told: {is_told}; {what}"
            );
        };
        if let Some(po) = &document.po {
            let found = books.orders(po);
            let number = numbers.get("sales_order_no");
            agrees(found.len(), number.is_some());
            orders += found.len();
            assert!(!is_written || number.is_some(), "{what}");
            if let ([found], false) = (&found[..], is_doubtful) {
                assert_eq!(Some(found), number, "{what}");
                assert!(!books.is_open_and_invoiced(found), "twice: {what}");
                let lines = document.body["lines"].as_array().unwrap().len();
                assert!(
                    books.open_lines(found).is_none_or(|there| there >= lines),
                    "torn: {what}"
                );
                if let Some((lines, header)) = books.open_sums(found) {
                    assert_eq!(lines, header, "{what}");
                }
            }
        }
        if let Some(email) = &document.email {
            let found = books.customers(email);
            let is_made = !document.is_guest || wanted.guests_are_customers;
            assert!(found.len() <= 1, "{found:?} are one: {what}");
            assert!(
                !is_written || found.len() == usize::from(is_made) || !is_made,
                "{found:?}; {what}"
            );
        }
        if let Some(line) = &document.ship_to {
            agrees(books.ship_tos(line), numbers.contains_key("ship_to_code"));
            let is_shared = document.is_guest && !wanted.guests_are_customers;
            if is_written && wanted.makes_ship_tos && !is_shared {
                assert_eq!(books.ship_tos(line), 1, "{what}");
            }
        }
        if let Some(change) = &document.change {
            let is_there = books.is_changed(change);
            assert!(is_written || is_doubtful || !is_there, "{what}");
            assert!(
                !is_written || is_there == wanted.changes_are_entered || is_there,
                "{what}"
            );
        }
        if let Some(amount) = document.money {
            let check = numbers.get("check_no");
            let found: Vec<_> = receipts
                .iter()
                .filter(|(there, _)| Some(there) == check)
                .collect();
            let becomes_receipt = document.kind == ImportKind::Payment || wanted.prepaid_receipts;
            agrees(found.len(), check.is_some());
            assert!(!is_written || check.is_some() == becomes_receipt, "{what}");
            for (check, there) in found {
                assert_eq!(*there, amount, "{what}");
                money = money.checked_add(amount).unwrap();
                assert!(told.insert(check), "one receipt for two documents: {what}");
            }
        }
    }
    // Nothing is there that no document tells of.
    let in_sage = receipts.iter().fold(Decimal::zero(2), |sum, (_, amount)| {
        sum.checked_add(*amount).unwrap()
    });
    assert_eq!(
        in_sage, money,
        "receipts in Sage and receipts told: {receipts:?} {told:?}"
    );
    let all = "SELECT CAST(count(*) AS TEXT) FROM (SELECT SalesOrderNo FROM SO_SalesOrderHeader WHERE CustomerPONo LIKE ?1 \
               UNION SELECT SalesOrderNo FROM SO_SalesOrderHistoryHeader WHERE CustomerPONo LIKE ?1 \
               UNION SELECT SalesOrderNo FROM AR_InvoiceHistoryHeader WHERE CustomerPONo LIKE ?1)";
    assert_eq!(
        books.count(all, &["STORM-%"]),
        orders,
        "orders in Sage and orders told"
    );
    assert_eq!(books.count(all, &["PREVIEW-%"]), 0, "a preview leaves no order");
    ends
}
