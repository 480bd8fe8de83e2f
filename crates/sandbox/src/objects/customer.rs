//! `AR_Customer_bus`: customers.

use rusqlite::{Connection, TransactionBehavior};
use sage::{Return, Scalar};
use values::Stamp;

use super::commit::Writing;
use super::document::{Document, given, no_number};
use super::input::{code, done, refused};
use super::keyed::{Form, KeyedRecord, Part, keyed_methods};
use super::kind::Kind;
use super::order::{Desk, State};
use super::record::{Cell, Record, StoreError, exists};
use super::rules::{self, Rules};
use super::settings;
use crate::Settings;
use crate::settings::{COMPANY_CODE, NEXT_CUSTOMER_NO};

const PARTS: [Part; 2] = [("ARDivisionNo", Form::Filled), ("CustomerNo", Form::Capitals)];

const YES_NO: &[&str] = &["Y", "N"];

const RULES: Rules = Rules {
    computed: &[
        "DateLastActivity",
        "DateLastPayment",
        "DateLastStatement",
        "DateLastFinanceChrg",
        "DateLastAging",
        "NumberOfInvToUseInCalc",
        "AvgDaysPaymentInvoice",
        "AvgDaysOverDue",
        "LastPaymentAmt",
        "HighestStmntBalance",
        "UnpaidServiceChrg",
        "BalanceForward",
        "CurrentBalance",
        "AgingCategory1",
        "AgingCategory2",
        "AgingCategory3",
        "AgingCategory4",
        "OpenOrderAmt",
        "RetentionCurrent",
        "RetentionAging1",
        "RetentionAging2",
        "RetentionAging3",
        "RetentionAging4",
        "PIIEncryptedDate",
        "EncryptedVals",
    ],
    required: &["CustomerName", "TermsCode"],
    codes: &[
        ("TermsCode", "AR_TermsCode", "TermsCode"),
        ("TaxSchedule", "SY_SalesTaxSchedule", "TaxSchedule"),
        ("DefaultPaymentType", "AR_PaymentType", "PaymentType"),
        ("DefaultCreditCardPmtType", "AR_PaymentType", "PaymentType"),
        ("DefaultItemCode", "CI_Item", "ItemCode"),
        ("ShipMethod", "SO_ShippingRateHeader", "ShippingCode"),
    ],
    choices: &[
        ("CustomerStatus", &["A", "I", "T"]),
        ("TemporaryCustomer", YES_NO),
        ("OpenItemCustomer", YES_NO),
        ("ResidentialAddress", YES_NO),
        ("CreditHold", YES_NO),
        ("PrintDunningMessage", YES_NO),
        ("EmailStatements", YES_NO),
        ("BatchFax", YES_NO),
        ("EBMEnabled", YES_NO),
    ],
    positive: &["CreditLimit", "CustomerDiscountRate", "ServiceChargeRate"],
};

/// Tables whose rows keep a customer from being deleted.
const IN_USE: [&str; 4] = [
    "SO_SalesOrderHeader",
    "SO_InvoiceHeader",
    "AR_OpenInvoice",
    "AR_CashReceiptsHeader",
];

/// A customer under work.
#[derive(Debug)]
pub(crate) struct Customer {
    keyed: KeyedRecord,
}

impl Customer {
    /// A new object.
    pub(crate) fn open(db: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            keyed: KeyedRecord::open(db, Kind::Customer, &PARTS)?,
        })
    }

    fn division(&self) -> &str {
        self.keyed.part("ARDivisionNo")
    }

    fn set_defaults(&mut self, desk: &Desk<'_>) -> Result<(), StoreError> {
        let division = self.division().to_owned();
        let code = settings::get(desk.db, COMPANY_CODE)?.unwrap_or_default();
        let company = Record::look_up(desk.db, "SY_Company", &[("CompanyCode", &code)])?;
        let row = &mut self.keyed.row;
        for (column, value) in [
            ("CustomerStatus", "A"),
            ("OpenItemCustomer", "Y"),
            ("TemporaryCustomer", "N"),
            ("CreditHold", "N"),
            ("ResidentialAddress", "N"),
            ("PrintDunningMessage", "Y"),
            ("SalespersonDivisionNo", &division),
        ] {
            row.put_text(column, value);
        }
        if let Some(company) = company {
            row.copy_column("CountryCode", &company, "CountryCode")?;
        }
        row.put_date("DateEstablished", Some(desk.date));
        Ok(())
    }

    /// Contacts and ship-to addresses are the customer's own.
    fn own_code(&self, db: &Connection, name: &str, text: &str) -> Result<Option<Return>, StoreError> {
        let (table, column) = match name {
            "ContactCode" => ("AR_CustomerContact", "ContactCode"),
            "PrimaryShipToCode" => ("SO_ShipToAddress", "ShipToCode"),
            _ => return Ok(None),
        };
        let mut having = self.keyed.key();
        having.push((column, text));
        let is_unknown = !text.is_empty() && exists(db, table, &having)? == Some(false);
        Ok(is_unknown.then(|| refused(format!("The {name} {text} is not on file."))))
    }
}

impl Document for Customer {
    keyed_methods!(Kind::Customer);

    fn clear(&mut self) {
        self.keyed.clear();
    }

    fn key_refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError> {
        let division = self.division();
        let key = [("ARDivisionNo", division)];
        match rules::unknown_code(db, "ARDivisionNo", division, "AR_Division", &key)? {
            Some(refusal) => Ok(Some(refusal)),
            None => self.keyed.right_refusal(db),
        }
    }

    fn key(&mut self, desk: &Desk<'_>) -> Result<Return, StoreError> {
        if self.keyed.load(desk.db)? {
            return Ok(done());
        }
        self.set_defaults(desk)?;
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
                let division = self.division().to_owned();
                let refusal = rules::set_salesperson(desk.db, &mut self.keyed, &name, text, &division)?;
                return Ok(refusal.unwrap_or_else(done));
            }
            ("ContactCode" | "PrimaryShipToCode", Cell::Text(text)) => {
                if let Some(refusal) = self.own_code(desk.db, &name, text)? {
                    return Ok(refusal);
                }
            }
            ("CustomerName", Cell::Text(text)) if self.keyed.row.text("SortField").is_empty() => {
                self.keyed.put_text("SortField", &text.to_uppercase());
            }
            ("ZipCode", Cell::Text(text)) => {
                if let Some((city, state)) = rules::town_of(desk.db, text)? {
                    self.keyed.put_text("City", &city);
                    self.keyed.put_text("State", &state);
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
        for table in IN_USE {
            if exists(&transaction, table, &self.keyed.key())? == Some(true) {
                let name = self.keyed.record().unwrap_or_default();
                return Ok(refused(format!(
                    "Customer {name} has open documents and cannot be deleted."
                )));
            }
        }
        self.keyed.row.delete(&transaction)?;
        transaction.commit()?;
        Ok(done())
    }

    fn next_number(&self, db: &Connection, number: &str) -> Result<Return, StoreError> {
        if number != "CustomerNo" {
            return Ok(no_number(number));
        }
        if settings::is(db, "auto_customer_no", "N")? {
            return Ok(refused(
                "Automatic numbering of customers is not activated in A/R Options.",
            ));
        }
        let settings = Settings::new(db);
        if settings.get(NEXT_CUSTOMER_NO)?.is_none() {
            let highest: i64 = db.query_row(
                "SELECT coalesce(max(CAST(CustomerNo AS INTEGER)), 0) FROM AR_Customer
                 WHERE length(CustomerNo) = 7 AND CustomerNo NOT GLOB '*[^0-9]*'",
                [],
                |row| row.get(0),
            )?;
            settings.set_if_absent(NEXT_CUSTOMER_NO, &format!("{:07}", highest + 1))?;
        }
        loop {
            let taken = settings.take_number(NEXT_CUSTOMER_NO)?;
            if exists(db, Kind::Customer.table(), &[("CustomerNo", &taken)])? != Some(true) {
                return Ok(given(taken));
            }
        }
    }

    fn number(&self) -> &str {
        self.keyed.part("CustomerNo")
    }

    fn take_for_somebody_else(
        &self,
        db: &mut Connection,
        argument: &str,
        stamp: Stamp,
    ) -> Result<(), StoreError> {
        let mut row = self.keyed.of_somebody_else(db, stamp)?;
        let is_named = !matches!(argument, "" | "always");
        row.put_text("CustomerName", if is_named { argument } else { "Counter Sales" });
        row.put_text("TermsCode", "01");
        row.put_text("CustomerStatus", "A");
        row.put_text("OpenItemCustomer", "Y");
        row.store(db)
    }
}
