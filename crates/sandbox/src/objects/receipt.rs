//! `AR_CashReceipts_bus`: cash receipts, the lowest level under batch and deposit. No call
//! list is published: the names are those of tables and screens, the rest is a guess.

use rusqlite::{Connection, TransactionBehavior};
use sage::{Return, Scalar};
use values::Stamp;

use super::batches;
use super::commit::Writing;
use super::document::{Document, Lines};
use super::input::{code, done, refused};
use super::keyed::{Form, KeyedRecord, Part, batch_methods, keyed_methods};
use super::kind::Kind;
use super::order::{Desk, State};
use super::periods;
use super::receipt_lines::{Payer, ReceiptLines};
use super::receipt_tables::{DEPOSIT, LINE};
use super::record::{Cell, Record, StoreError};
use super::rules::Rules;
use super::settings;

const PARTS: [Part; 5] = [
    ("BankCode", Form::Capitals),
    ("DepositNo", Form::Filled),
    ("ARDivisionNo", Form::Filled),
    ("CustomerNo", Form::Capitals),
    ("CheckNo", Form::Capitals),
];

const RULES: Rules = Rules {
    computed: &["DepositDate", "DepositType"],
    required: &[],
    codes: &[("PaymentType", "AR_PaymentType", "PaymentType")],
    choices: &[],
    positive: &["AmountReceived"],
};

/// A cash receipt under work.
#[derive(Debug)]
pub(crate) struct Receipt {
    keyed: KeyedRecord,
    lines: ReceiptLines,
}

impl Receipt {
    /// A new object.
    pub(crate) fn open(db: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            keyed: KeyedRecord::open(db, Kind::Receipt, &PARTS)?,
            lines: ReceiptLines::open(db)?,
        })
    }

    fn deposit(&self, db: &Connection) -> Result<Option<Record>, StoreError> {
        let key = [
            ("BatchNo", self.keyed.batch.as_str()),
            ("BankCode", self.keyed.part("BankCode")),
            ("DepositNo", self.keyed.part("DepositNo")),
        ];
        Record::look_up(db, DEPOSIT, &key)
    }

    fn no_deposit(&self) -> Return {
        let (bank, number) = (self.keyed.part("BankCode"), self.keyed.part("DepositNo"));
        let batch = &self.keyed.batch;
        let place = if batch.is_empty() {
            String::new()
        } else {
            format!(" in batch {batch}")
        };
        refused(format!("Deposit {bank}-{number} is not on file{place}."))
    }

    fn is_locked(&self) -> bool {
        matches!(self.keyed.state, State::New | State::Existing)
    }
}

impl Document for Receipt {
    keyed_methods!(Kind::Receipt);

    fn clear(&mut self) {
        self.keyed.clear();
        self.lines.clear();
    }

    batch_methods!();

    fn key_refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError> {
        if let Some(refusal) = batches::entry_refusal(db, &self.keyed.batch)? {
            return Ok(Some(refusal));
        }
        if self.deposit(db)?.is_none() {
            return Ok(Some(self.no_deposit()));
        }
        let (division, customer) = (self.keyed.part("ARDivisionNo"), self.keyed.part("CustomerNo"));
        let key = [("ARDivisionNo", division), ("CustomerNo", customer)];
        if Record::look_up(db, Kind::Customer.table(), &key)?.is_none() {
            let refusal = format!("Customer {division}-{customer} is not on file.");
            return Ok(Some(refused(refusal)));
        }
        self.keyed.right_refusal(db)
    }

    fn key(&mut self, desk: &Desk<'_>) -> Result<Return, StoreError> {
        if self.keyed.load(desk.db)? {
            self.lines.load(desk.db, &self.keyed.key())?;
            return Ok(done());
        }
        self.lines.clear();
        let deposit = self.deposit(desk.db)?;
        let key = ["ARDivisionNo", "CustomerNo"].map(|name| (name, self.keyed.part(name)));
        let customer = Record::look_up(desk.db, Kind::Customer.table(), &key)?;
        let row = &mut self.keyed.row;
        if let Some(customer) = customer {
            row.copy_column("CustomerName", &customer, "CustomerName")?;
        }
        if let Some(deposit) = deposit {
            row.copy_column("DepositDate", &deposit, "DepositDate")?;
            row.copy_column("DepositType", &deposit, "DepositType")?;
        }
        row.put_date("PostingDate", Some(desk.date));
        Ok(code(2))
    }

    fn find(&mut self, db: &Connection) -> Result<Return, StoreError> {
        self.lines.clear();
        let answer = self.keyed.find(db)?;
        if !answer.is_refused() {
            self.lines.load(db, &self.keyed.key())?;
        }
        Ok(answer)
    }

    fn set_value(&mut self, desk: &Desk<'_>, column: &str, value: &Scalar) -> Result<Return, StoreError> {
        let (name, cell) = match self.keyed.accept(column, value) {
            Ok(accepted) => accepted,
            Err(refusal) => return Ok(refusal),
        };
        if let Some(refusal) = RULES.refusal(desk.db, &name, &cell)? {
            return Ok(refusal);
        }
        if let ("Last4UnencryptedCreditCardNos", Cell::Text(text)) = (name.as_str(), &cell)
            && !text.is_empty()
            && (text.len() != 4 || !text.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Ok(refused(format!("The {name} must be four digits.")));
        }
        if let ("PostingDate", Cell::Date(Some(date))) = (name.as_str(), &cell)
            && let Some(words) = periods::refusal_of(desk.db, &name, *date)?
        {
            return Ok(refused(words));
        }
        self.keyed.put(&name, &cell)?;
        Ok(done())
    }

    fn refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError> {
        let received = self.keyed.row.number("AmountReceived");
        if self.lines.rows.is_empty() && received.is_zero() {
            return Ok(Some(refused("The AmountReceived is required.")));
        }
        let difference = received.checked_sub(self.lines.sum()?)?;
        if difference.is_zero() || settings::is(db, "receipts_may_be_unapplied", "Y")? {
            return Ok(None);
        }
        Ok(Some(refused(format!(
            "The cash receipt is out of balance by {difference}."
        ))))
    }

    fn write(&self, db: &mut Connection, writing: &Writing<'_>) -> Result<Return, StoreError> {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Batch and deposit may have been posted since the key was set.
        if let Some(refusal) = self.key_refusal(&transaction)? {
            return Ok(refusal);
        }
        if let Err(refusal) = self.keyed.store(&transaction, writing)? {
            return Ok(refusal);
        }
        delete_lines(&transaction, &self.keyed.key())?;
        if writing.with_lines {
            for line in &self.lines.rows {
                line.store(&transaction)?;
            }
        }
        transaction.commit()?;
        Ok(done())
    }

    fn delete(&self, db: &mut Connection, _stamp: Stamp, _user_key: &str) -> Result<Return, StoreError> {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(refusal) = self.key_refusal(&transaction)? {
            return Ok(refusal);
        }
        if let Some(refusal) = self.keyed.removal_refusal(&transaction)? {
            return Ok(refusal);
        }
        delete_lines(&transaction, &self.keyed.key())?;
        self.keyed.row.delete(&transaction)?;
        transaction.commit()?;
        Ok(done())
    }

    fn lines(&mut self) -> Option<&mut dyn Lines> {
        Some(self)
    }
}

impl Lines for Receipt {
    fn add_line(&mut self) -> Return {
        if !self.is_locked() {
            return refused("The key of the cash receipt is not set.");
        }
        self.lines.add(&self.keyed.key())
    }

    fn move_to(&mut self, first: bool) -> Return {
        self.lines.move_to(first)
    }

    fn set_line_value(
        &mut self,
        desk: &Desk<'_>,
        column: &str,
        value: &Scalar,
    ) -> Result<Return, StoreError> {
        if !self.is_locked() {
            return Ok(refused("The key of the cash receipt is not set."));
        }
        self.lines.set(desk.db, &payer_of(&self.keyed), column, value)
    }

    fn get_line_value(&self, column: &str) -> Return {
        self.lines.get(column)
    }

    fn write_line(&mut self, db: &Connection) -> Result<Return, StoreError> {
        if !self.is_locked() {
            return Ok(refused("The key of the cash receipt is not set."));
        }
        self.lines.keep(db, &payer_of(&self.keyed))
    }

    fn delete_line(&mut self, _db: &Connection) -> Result<Return, StoreError> {
        if !self.is_locked() {
            return Ok(refused("The key of the cash receipt is not set."));
        }
        Ok(self.lines.delete())
    }
}

fn payer_of(keyed: &KeyedRecord) -> Payer<'_> {
    Payer {
        division: keyed.part("ARDivisionNo"),
        customer: keyed.part("CustomerNo"),
        date: keyed.row.date("DepositDate"),
    }
}

fn delete_lines(db: &Connection, key: &[(&str, &str)]) -> Result<(), StoreError> {
    let condition = key
        .iter()
        .map(|(name, _)| format!("\"{name}\" = ?"))
        .collect::<Vec<_>>()
        .join(" AND ");
    db.prepare_cached(&format!("DELETE FROM {LINE} WHERE {condition}"))?
        .execute(rusqlite::params_from_iter(key.iter().map(|(_, value)| value)))?;
    Ok(())
}
