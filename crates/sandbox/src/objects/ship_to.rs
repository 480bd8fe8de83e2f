//! `SO_ShipToAddress_bus`: ship-to addresses of customers.

use rusqlite::{Connection, TransactionBehavior};
use sage::{Return, Scalar};
use values::Stamp;

use super::commit::Writing;
use super::document::Document;
use super::input::{code, done, refused};
use super::keyed::{Form, KeyedRecord, Part, keyed_methods};
use super::kind::Kind;
use super::order::{Desk, State};
use super::record::{Cell, Record, StoreError, exists};
use super::rules::{self, Rules};

const PARTS: [Part; 3] = [
    ("ARDivisionNo", Form::Filled),
    ("CustomerNo", Form::Capitals),
    ("ShipToCode", Form::Capitals),
];

const RULES: Rules = Rules {
    computed: &["EncryptedVals"],
    required: &["ShipToName"],
    codes: &[
        ("TaxSchedule", "SY_SalesTaxSchedule", "TaxSchedule"),
        ("WarehouseCode", "IM_Warehouse", "WarehouseCode"),
        ("ShipVia", "SO_ShippingRateHeader", "ShippingCode"),
    ],
    choices: &[
        ("ResidentialAddress", &["Y", "N"]),
        ("BatchFax", &["Y", "N"]),
        ("BatchEmail", &["Y", "N"]),
    ],
    positive: &[],
};

/// What a new address takes over from its customer, with the customer's name for it.
const FROM_CUSTOMER: [(&str, &str); 6] = [
    ("ShipToCountryCode", "CountryCode"),
    ("SalespersonDivisionNo", "SalespersonDivisionNo"),
    ("SalespersonNo", "SalespersonNo"),
    ("TaxSchedule", "TaxSchedule"),
    ("ShipVia", "ShipMethod"),
    ("ResidentialAddress", "ResidentialAddress"),
];

/// A ship-to address under work.
#[derive(Debug)]
pub(crate) struct ShipTo {
    keyed: KeyedRecord,
}

impl ShipTo {
    /// A new object.
    pub(crate) fn open(db: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            keyed: KeyedRecord::open(db, Kind::ShipTo, &PARTS)?,
        })
    }

    fn parent(&self) -> [(&str, &str); 2] {
        ["ARDivisionNo", "CustomerNo"].map(|name| (name, self.keyed.part(name)))
    }
}

impl Document for ShipTo {
    keyed_methods!(Kind::ShipTo);

    fn clear(&mut self) {
        self.keyed.clear();
    }

    fn key_refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError> {
        let parent = self.parent();
        let is_missing = exists(db, Kind::Customer.table(), &parent)? != Some(true);
        let [(_, division), (_, customer)] = parent;
        if is_missing {
            let refusal = format!("Customer {division}-{customer} is not on file.");
            return Ok(Some(refused(refusal)));
        }
        self.keyed.right_refusal(db)
    }

    fn key(&mut self, desk: &Desk<'_>) -> Result<Return, StoreError> {
        if self.keyed.load(desk.db)? {
            return Ok(done());
        }
        if let Some(customer) = Record::look_up(desk.db, Kind::Customer.table(), &self.parent())? {
            for (ours, theirs) in FROM_CUSTOMER {
                self.keyed.row.copy_column(ours, &customer, theirs)?;
            }
        }
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
        match (name.as_str(), &cell) {
            ("SalespersonDivisionNo" | "SalespersonNo", Cell::Text(text)) => {
                let division = self.keyed.part("ARDivisionNo").to_owned();
                let refusal = rules::set_salesperson(desk.db, &mut self.keyed, &name, text, &division)?;
                return Ok(refusal.unwrap_or_else(done));
            }
            ("ContactCode", Cell::Text(text)) if !text.is_empty() => {
                let [division, customer] = self.parent();
                let key = [division, customer, ("ContactCode", text.as_str())];
                if exists(desk.db, "AR_CustomerContact", &key)? == Some(false) {
                    return Ok(refused(format!("The ContactCode {text} is not on file.")));
                }
            }
            ("ShipToZipCode", Cell::Text(text)) => {
                if let Some((city, state)) = rules::town_of(desk.db, text)? {
                    self.keyed.put_text("ShipToCity", &city);
                    self.keyed.put_text("ShipToState", &state);
                }
            }
            _ => {}
        }
        self.keyed.put(&name, &cell)?;
        Ok(done())
    }

    fn refusal(&self, _db: &Connection) -> Result<Option<Return>, StoreError> {
        Ok(RULES.missing(&self.keyed.row))
    }

    fn write(&self, db: &mut Connection, writing: &Writing<'_>) -> Result<Return, StoreError> {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(refusal) = self.key_refusal(&transaction)? {
            return Ok(refusal);
        }
        if let Err(refusal) = self.keyed.store(&transaction, writing)? {
            return Ok(refusal);
        }
        transaction.commit()?;
        Ok(done())
    }

    fn delete(&self, db: &mut Connection, _stamp: Stamp, _user_key: &str) -> Result<Return, StoreError> {
        if let Some(refusal) = self.keyed.removal_refusal(db)? {
            return Ok(refusal);
        }
        self.keyed.row.delete(db)?;
        Ok(done())
    }
}
