//! `AR_CashReceiptsDeposit_bus`: deposits, the middle level of cash receipts.

use rusqlite::{Connection, TransactionBehavior};
use sage::{Return, Scalar};
use values::{Decimal, Stamp};

use super::batches;
use super::commit::Writing;
use super::document::{Document, given, no_number};
use super::input::{code, done, refused};
use super::keyed::{Form, KeyedRecord, Part, batch_methods, keyed_methods};
use super::kind::Kind;
use super::order::{Desk, State};
use super::periods;
use super::receipt_tables::{DEPOSIT, RECEIPT};
use super::record::{Cell, StoreError, exists};
use super::rules::{self, Rules};
use crate::Settings;

const PARTS: [Part; 2] = [("BankCode", Form::Capitals), ("DepositNo", Form::Filled)];

const RULES: Rules = Rules {
    computed: &[],
    required: &["DepositDate", "DepositType"],
    codes: &[],
    choices: &[("DepositType", &["C", "R"])],
    positive: &["CashDepositAmt", "CreditCardDepositAmt"],
};

/// The number that the next deposit gets.
const NEXT_DEPOSIT_NO: &str = "NextDepositNo";

/// A deposit under work.
#[derive(Debug)]
pub(crate) struct Deposit {
    keyed: KeyedRecord,
}

impl Deposit {
    /// A new object.
    pub(crate) fn open(db: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            keyed: KeyedRecord::open(db, Kind::Deposit, &PARTS)?,
        })
    }
}

impl Document for Deposit {
    keyed_methods!(Kind::Deposit);

    fn clear(&mut self) {
        self.keyed.clear();
    }

    batch_methods!();

    fn key_refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError> {
        if let Some(refusal) = batches::entry_refusal(db, &self.keyed.batch)? {
            return Ok(Some(refusal));
        }
        let bank = self.keyed.part("BankCode");
        match rules::unknown_code(db, "BankCode", bank, "GL_Bank", &[("BankCode", bank)])? {
            Some(refusal) => Ok(Some(refusal)),
            None => self.keyed.right_refusal(db),
        }
    }

    fn key(&mut self, desk: &Desk<'_>) -> Result<Return, StoreError> {
        if self.keyed.load(desk.db)? {
            return Ok(done());
        }
        self.keyed.row.put_date("DepositDate", Some(desk.date));
        self.keyed.row.put_text("DepositType", "C");
        Ok(code(2))
    }

    fn find(&mut self, db: &Connection) -> Result<Return, StoreError> {
        self.keyed.find(db)
    }

    fn set_value(&mut self, desk: &Desk<'_>, column: &str, value: &Scalar) -> Result<Return, StoreError> {
        let (name, cell) = match self.keyed.accept(column, value) {
            Ok(accepted) => accepted,
            Err(refusal) => return Ok(refusal),
        };
        if let Some(refusal) = RULES.refusal(desk.db, &name, &cell)? {
            return Ok(refusal);
        }
        if let ("DepositDate", Cell::Date(Some(date))) = (name.as_str(), &cell)
            && let Some(words) = periods::refusal_of(desk.db, &name, *date)?
        {
            return Ok(refused(words));
        }
        self.keyed.put(&name, &cell)?;
        Ok(done())
    }

    fn refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError> {
        if let Some(refusal) = RULES.missing(&self.keyed.row) {
            return Ok(Some(refusal));
        }
        let row = &self.keyed.row;
        let amount = row
            .number("CashDepositAmt")
            .checked_add(row.number("CreditCardDepositAmt"))?;
        let lacks_amount = amount == Decimal::zero(2) && batches::option(db, "RequireDepositAmt", "N")?;
        Ok(lacks_amount.then(|| refused("The CashDepositAmt or CreditCardDepositAmt is required.")))
    }

    fn write(&self, db: &mut Connection, writing: &Writing<'_>) -> Result<Return, StoreError> {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(refusal) = batches::entry_refusal(&transaction, &self.keyed.batch)? {
            return Ok(refusal);
        }
        if let Err(refusal) = self.keyed.store(&transaction, writing)? {
            return Ok(refusal);
        }
        transaction.commit()?;
        Ok(done())
    }

    fn delete(&self, db: &mut Connection, _stamp: Stamp, _user_key: &str) -> Result<Return, StoreError> {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(refusal) = self.keyed.removal_refusal(&transaction)? {
            return Ok(refusal);
        }
        if exists(&transaction, RECEIPT, &self.keyed.key())? == Some(true) {
            let name = self.keyed.record().unwrap_or_default();
            return Ok(refused(format!("Deposit {name} has cash receipts.")));
        }
        self.keyed.row.delete(&transaction)?;
        transaction.commit()?;
        Ok(done())
    }

    fn next_number(&self, db: &Connection, number: &str) -> Result<Return, StoreError> {
        if number != "DepositNo" {
            return Ok(no_number(number));
        }
        let settings = Settings::new(db);
        if settings.get(NEXT_DEPOSIT_NO)?.is_none() {
            let highest: i64 = db.query_row(
                &format!(
                    "SELECT coalesce(max(CAST(DepositNo AS INTEGER)), 0) FROM
                     (SELECT DepositNo FROM {DEPOSIT} UNION SELECT DepositNo FROM AR_CashReceiptsHistory)
                     WHERE DepositNo NOT GLOB '*[^0-9]*'"
                ),
                [],
                |row| row.get(0),
            )?;
            settings.set_if_absent(NEXT_DEPOSIT_NO, &format!("{:05}", highest + 1))?;
        }
        loop {
            let taken = settings.take_number(NEXT_DEPOSIT_NO)?;
            let is_used = [DEPOSIT, "AR_CashReceiptsHistory"]
                .into_iter()
                .map(|table| exists(db, table, &[("DepositNo", &taken)]))
                .collect::<Result<Vec<_>, _>>()?
                .contains(&Some(true));
            if !is_used {
                return Ok(given(taken));
            }
        }
    }

    fn number(&self) -> &str {
        self.keyed.part("DepositNo")
    }

    fn take_for_somebody_else(
        &self,
        db: &mut Connection,
        argument: &str,
        stamp: Stamp,
    ) -> Result<(), StoreError> {
        let mut row = self.keyed.of_somebody_else(db, stamp)?;
        row.put_date("DepositDate", Some(stamp.date()));
        row.put_text("DepositType", "C");
        let is_named = !matches!(argument, "" | "always");
        row.put_text("DepositDesc", if is_named { argument } else { "Counter" });
        row.store(db)
    }
}
