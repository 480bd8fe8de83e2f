//! A company with every kind of item, and a session in it that enters sales orders.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test file uses its part, and a test may stop where it stands"
)]

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use sage::contract::objects::OBJECTS_FIXTURE_SQL;
use sage::{BusinessObjects, Call, Condition, Fault, ObjectId, Return, Scalar};
use sandbox::objects::{DEFAULT_PASSWORD, DEFAULT_USER, Engine};
use sandbox::{Clock, Plan, Profile, Settings, create};
use values::{Date, Decimal, Secret};

const MORE_SQL: &str = "
INSERT INTO AR_PaymentType (PaymentType, PaymentDesc, PaymentMethod) VALUES ('WEB', 'Web shop', 'O');
INSERT INTO SO_CancelReasonCode (CancelReasonCode, CancelReasonCodeDesc) VALUES ('HOLD', 'Held');
INSERT INTO SO_ShippingRateHeader (ShippingCode) VALUES ('UPS BLUE'), ('TRUCK');
INSERT INTO SY_SalesTaxSchedule (TaxSchedule) VALUES ('WI');
INSERT INTO AR_Salesperson (SalespersonDivisionNo, SalespersonNo) VALUES ('01', '0100'), ('02', '0200');
INSERT INTO GL_Account (AccountKey) VALUES ('00000001A');
INSERT INTO AR_Customer (ARDivisionNo, CustomerNo, CustomerName, City, State, ZipCode, TermsCode, CreditHold,
    CreditLimit, CurrentBalance, AgingCategory1, CustomerDiscountRate, CustomerStatus) VALUES
 ('01', 'HELD', 'Slow Payers', 'Racine', 'WI', '53402', '01', 'Y', '0.00', '0.00', '0.00', '0', 'A'),
 ('01', 'LIMIT', 'Close To The Limit', 'Racine', 'WI', '53402', '01', 'N', '1000.00', '400.00', '100.00', '0', 'A');
INSERT INTO CI_Item (ItemCode, ItemType, ItemCodeDesc, ProductType, ExplodeKitItems, TaxClass, SalesUnitOfMeasure,
    StandardUnitOfMeasure, PurchaseUnitOfMeasure, SalesUMConvFctr, PurchaseUMConvFctr, StandardUnitCost,
    StandardUnitPrice, Valuation, InactiveItem, AllowReturns, UseInSO) VALUES
 ('PENS', '1', 'PENS', 'F', 'N', 'TX', 'BOX', 'EACH', 'CASE', '12', '144', '0.400000', '1.000000', '1', 'N', 'Y', 'Y'),
 ('BUYONLY', '1', 'NOT SOLD', 'F', 'N', 'TX', 'EACH', 'EACH', 'EACH', '1', '1', '1', '1', '1', 'N', 'Y', 'N'),
 ('KIT-A', '1', 'ALWAYS EXPLODED', 'K', 'A', 'TX', 'EACH', 'EACH', 'EACH', '1', '1', '1', '500.000000', '1', 'N', 'N', 'Y'),
 ('KIT-P', '1', 'ASKS', 'K', 'P', 'TX', 'EACH', 'EACH', 'EACH', '1', '1', '1', '300.000000', '1', 'N', 'N', 'Y'),
 ('KIT-N', '1', 'ONE LINE', 'K', 'N', 'TX', 'EACH', 'EACH', 'EACH', '1', '1', '1', '200.000000', '1', 'N', 'N', 'Y'),
 ('KIT-0', '1', 'NOTHING IN IT', 'K', 'A', 'TX', 'EACH', 'EACH', 'EACH', '1', '1', '1', '200.000000', '1', 'N', 'N', 'Y'),
 ('/FREIGHT', '3', 'FREIGHT', '', '', 'NT', '', '', '', '0', '0', '0', '0', '', 'N', '', 'Y'),
 ('/SETUP', '5', 'SETUP', '', '', 'TX', 'EACH', 'EACH', '', '1', '1', '0', '95.000000', '', 'N', '', 'Y');
INSERT INTO IM_SalesKitDetail (SalesKitNo, LineKey, ComponentItemCode, ItemType, ComponentDesc, UnitOfMeasure,
    QuantityPerAssembly, SkipPrintCompLine) VALUES
 ('KIT-A', '000001', '1001-HON-H252', '1', 'DRAWER FILE', 'EACH', '2.000000', 'N'),
 ('KIT-A', '000002', 'PENS', '1', 'PENS', 'BOX', '1.000000', 'Y'),
 ('KIT-P', '000001', 'PENS', '1', 'PENS', 'EACH', '3.000000', 'N');
INSERT INTO IM_ItemWarehouse (ItemCode, WarehouseCode, QuantityOnHand, QuantityOnSalesOrder) VALUES
 ('PENS', '000', '500.000000', '0.000000'), ('PENS', '001', '500.000000', '0.000000');
INSERT INTO IM_AliasItem (AliasItemNo, ItemCode, ARDivisionNo, CustomerNo) VALUES
 ('CABINET', '1001-HON-H252', '', ''), ('CABINET', '1001-HON-H254', '01', 'ABF');
";

/// The company.
pub(crate) struct Fixture {
    _folder: tempfile::TempDir,
    pub(crate) file: PathBuf,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("company.db");
        create(&file, &Plan::new(Profile::Empty)).unwrap();
        let fixture = Self {
            _folder: folder,
            file,
        };
        let db = fixture.db();
        db.execute_batch(OBJECTS_FIXTURE_SQL).unwrap();
        db.execute_batch(MORE_SQL).unwrap();
        fixture.set("NextSalesOrderNo", "0000185");
        fixture
    }

    /// The demonstration company.
    pub(crate) fn demo() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("demo.db");
        create(&file, &Plan::new(Profile::Demo)).unwrap();
        Self {
            _folder: folder,
            file,
        }
    }

    pub(crate) fn db(&self) -> Connection {
        Connection::open(&self.file).unwrap()
    }

    pub(crate) fn set(&self, name: &str, value: &str) {
        Settings::new(&self.db()).set(name, value).unwrap();
    }

    pub(crate) fn one(&self, sql: &str) -> String {
        self.db().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn all(&self, sql: &str) -> Vec<String> {
        let db = self.db();
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.db().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// What stands on an order under `number`.
    pub(crate) fn orders(&self, number: &str) -> i64 {
        self.count(&format!(
            "SELECT count(*) FROM SO_SalesOrderHeader WHERE SalesOrderNo = '{number}'"
        ))
    }

    pub(crate) fn engine(&self) -> Engine {
        // 2026-05-06 10:30 in New York.
        let clock: Clock = Arc::new(|| "2026-05-06T14:30:00Z".parse().unwrap());
        Engine::open(&self.file, clock).unwrap()
    }

    /// A session in S/O.
    pub(crate) fn desk(&self) -> Desk {
        let mut desk = Desk(self.engine());
        assert_eq!(desk.log_on().code, 1);
        assert_eq!(desk.call(&company()).code, 1);
        assert_eq!(desk.call(&date(Date::constant(2026, 5, 6))).code, 1);
        assert_eq!(desk.call(&module()).code, 1);
        let task_id = desk
            .call(&Call::LookupTask {
                task: "SO_SalesOrder_ui".into(),
            })
            .code;
        assert_eq!(desk.call(&Call::SetProgram { task_id }).code, 1);
        desk
    }
}

pub(crate) fn company() -> Call {
    Call::SetCompany { code: "ABC".into() }
}

pub(crate) fn date(date: Date) -> Call {
    Call::SetDate {
        module: "S/O".into(),
        date,
    }
}

pub(crate) fn module() -> Call {
    Call::SetModule { module: "S/O".into() }
}

/// A session.
pub(crate) struct Desk(pub(crate) Engine);

impl Desk {
    pub(crate) fn log_on(&mut self) -> Return {
        self.call(&Call::SetUser {
            user: DEFAULT_USER.into(),
            password: Secret::new(DEFAULT_PASSWORD),
        })
    }

    pub(crate) fn call(&mut self, call: &Call) -> Return {
        self.0.call(call).unwrap()
    }

    pub(crate) fn object(&mut self) -> ObjectId {
        let made = self.call(&Call::NewObject {
            name: "SO_SalesOrder_bus".into(),
        });
        made.object.unwrap()
    }

    pub(crate) fn number(&mut self, object: ObjectId) -> String {
        let given = self.call(&Call::GetNextNumber {
            object,
            number: "SalesOrderNo".into(),
        });
        given.value.unwrap().as_text().unwrap().to_owned()
    }

    pub(crate) fn key(&mut self, object: ObjectId, number: &str) -> Return {
        let set = self.call(&Call::SetKeyValue {
            object,
            column: "SalesOrderNo$".into(),
            value: Scalar::Text(number.into()),
        });
        assert_eq!(set.code, 1, "{set:?}");
        self.call(&Call::SetKey { object })
    }

    /// A new order with its number, for nobody yet.
    pub(crate) fn blank_order(&mut self) -> (ObjectId, String) {
        let object = self.object();
        let number = self.number(object);
        assert_eq!(self.key(object, &number).code, 2);
        self.set(object, "ARDivisionNo$", "01");
        (object, number)
    }

    /// A new order of a customer with its number.
    pub(crate) fn order(&mut self, customer: &str) -> (ObjectId, String) {
        let (object, number) = self.blank_order();
        self.set(object, "CustomerNo$", customer);
        (object, number)
    }

    pub(crate) fn lines(&mut self, object: ObjectId) -> ObjectId {
        self.call(&Call::Lines { object }).object.unwrap()
    }

    /// A new line of an item.
    pub(crate) fn line(&mut self, lines: ObjectId, item: &str) {
        assert_eq!(self.call(&Call::AddLine { object: lines }).code, 2);
        self.set(lines, "ItemCode$", item);
    }

    /// A line that is kept.
    pub(crate) fn buy(&mut self, lines: ObjectId, item: &str, quantity: &str) {
        self.line(lines, item);
        self.set(lines, "QuantityOrdered", quantity);
        self.kept(lines);
    }

    /// An order of two of a stocked item, ready to be written.
    pub(crate) fn ready(&mut self, customer: &str) -> (ObjectId, String) {
        let (object, number) = self.order(customer);
        let lines = self.lines(object);
        self.buy(lines, "1001-HON-H252", "2");
        (object, number)
    }

    /// Sets a column; one without `$` is given as a number.
    pub(crate) fn try_set(&mut self, object: ObjectId, column: &str, value: &str) -> Return {
        let value = if column.ends_with('$') {
            Scalar::Text(value.into())
        } else {
            Scalar::Number(value.parse().unwrap())
        };
        self.call(&Call::SetValue {
            object,
            column: column.into(),
            value,
        })
    }

    pub(crate) fn set(&mut self, object: ObjectId, column: &str, value: &str) {
        let answer = self.try_set(object, column, value);
        assert_eq!(answer.code, 1, "{column} = {value}: {answer:?}");
    }

    /// The value is refused in exactly these words, which are no condition.
    pub(crate) fn refuses(&mut self, object: ObjectId, column: &str, value: &str, words: &str) {
        let before = self.get(object, column);
        let answer = self.try_set(object, column, value);
        assert_eq!((answer.code, answer.message.as_str()), (0, words), "{column}");
        assert_eq!(Condition::of_message(words), None, "{words}");
        assert_eq!(self.get(object, column), before, "{column} is as it was");
    }

    /// The value is taken with exactly this warning, which is no condition.
    pub(crate) fn warns(&mut self, object: ObjectId, column: &str, value: &str, words: &str) {
        let answer = self.try_set(object, column, value);
        assert_eq!((answer.code, answer.message.as_str()), (-1, words), "{column}");
        assert_eq!(Condition::of_message(words), None, "{words}");
    }

    pub(crate) fn get(&mut self, object: ObjectId, column: &str) -> Option<Scalar> {
        self.call(&Call::GetValue {
            object,
            column: column.into(),
        })
        .value
    }

    pub(crate) fn text(&mut self, object: ObjectId, column: &str) -> String {
        let value = self.get(object, column).expect(column);
        value.as_text().expect(column).to_owned()
    }

    pub(crate) fn amount(&mut self, object: ObjectId, column: &str) -> Decimal {
        self.get(object, column).expect(column).as_number().expect(column)
    }

    pub(crate) fn reads(&mut self, object: ObjectId, expected: &[(&str, &str)]) {
        for (column, value) in expected {
            if column.ends_with('$') {
                assert_eq!(self.text(object, column), *value, "{column}");
            } else {
                assert_eq!(self.amount(object, column), decimal(value), "{column}");
            }
        }
    }

    pub(crate) fn write(&mut self, object: ObjectId) -> Return {
        self.call(&Call::Write { object })
    }

    pub(crate) fn try_write(&mut self, object: ObjectId) -> Result<Return, Fault> {
        self.0.call(&Call::Write { object })
    }

    pub(crate) fn kept(&mut self, object: ObjectId) {
        let answer = self.write(object);
        assert_eq!(answer.code, 1, "{answer:?}");
    }

    /// The write is refused in exactly these words.
    pub(crate) fn not_kept(&mut self, object: ObjectId, words: &str) {
        let answer = self.write(object);
        assert_eq!((answer.code, answer.message.as_str()), (0, words));
    }
}

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// The condition of a refusal.
pub(crate) fn condition(answer: &Return) -> Option<Condition> {
    assert_eq!(answer.code, 0, "{answer:?}");
    Condition::of_message(&answer.message)
}
