//! The engine in process: the port's contract, and what only the file shows.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use sage::contract::objects::{OBJECTS_FIXTURE_SQL, check_objects};
use sage::{BusinessObjects, Call, Condition, Fault, ObjectId, Return, Scalar};
use sandbox::objects::{
    DEFAULT_PASSWORD, DEFAULT_USER, DEFAULT_USER_KEY, Engine, PostingError, invoice_order,
};
use sandbox::{Clock, Company, Plan, Profile, Settings, create};
use values::{Date, Decimal, Secret};

/// 2026-05-06 10:30 in New York.
fn clock() -> Clock {
    Arc::new(|| "2026-05-06T14:30:00Z".parse().unwrap())
}

struct Fixture {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("company.db");
        create(&file, &Plan::new(Profile::Empty)).unwrap();
        let fixture = Self {
            _folder: folder,
            file,
        };
        let db = fixture.db();
        db.execute_batch(OBJECTS_FIXTURE_SQL).unwrap();
        fixture.set("Seats", "2");
        fixture.set("NextSalesOrderNo", "0000184");
        fixture
    }

    fn db(&self) -> Connection {
        Connection::open(&self.file).unwrap()
    }

    fn set(&self, name: &str, value: &str) {
        Settings::new(&self.db()).set(name, value).unwrap();
    }

    fn setting(&self, name: &str) -> Option<String> {
        Settings::new(&self.db()).get(name).unwrap()
    }

    fn one(&self, sql: &str) -> String {
        self.db().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn count(&self, sql: &str) -> i64 {
        self.db().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

struct Desk(Engine);

impl Desk {
    fn open(file: &Path) -> Self {
        let mut desk = Self(Engine::open(file, clock()).unwrap());
        assert_eq!(desk.log_on().code, 1);
        assert_eq!(desk.call(Call::SetCompany { code: "ABC".into() }).code, 1);
        desk.call(Call::SetDate {
            module: "S/O".into(),
            date: Date::constant(2026, 5, 6),
        });
        desk.call(Call::SetModule { module: "S/O".into() });
        let task_id = desk
            .call(Call::LookupTask {
                task: "SO_SalesOrder_ui".into(),
            })
            .code;
        assert_eq!(desk.call(Call::SetProgram { task_id }).code, 1);
        desk
    }

    fn log_on(&mut self) -> Return {
        self.call(Call::SetUser {
            user: DEFAULT_USER.into(),
            password: Secret::new(DEFAULT_PASSWORD),
        })
    }

    fn call(&mut self, call: Call) -> Return {
        self.0.call(&call).unwrap()
    }

    fn set(&mut self, object: ObjectId, column: &str, value: Scalar) {
        let answer = self.call(Call::SetValue {
            object,
            column: column.into(),
            value,
        });
        assert_eq!(answer.code, 1, "{answer:?}");
    }

    fn number(&mut self) -> (ObjectId, String) {
        let object = self
            .call(Call::NewObject {
                name: "SO_SalesOrder_bus".into(),
            })
            .object
            .unwrap();
        let number = self
            .call(Call::GetNextNumber {
                object,
                number: "SalesOrderNo".into(),
            })
            .value
            .unwrap();
        (object, number.as_text().unwrap().to_owned())
    }

    fn key(&mut self, object: ObjectId, number: &str) -> Return {
        let value = Scalar::Text(number.into());
        self.call(Call::SetKeyValue {
            object,
            column: "SalesOrderNo$".into(),
            value,
        });
        self.call(Call::SetKey { object })
    }

    /// Ten of the item with a price of its own, ready to be written.
    fn order(&mut self) -> (ObjectId, String) {
        let (object, number) = self.number();
        assert_eq!(self.key(object, &number).code, 2);
        self.set(object, "ARDivisionNo$", Scalar::Text("01".into()));
        self.set(object, "CustomerNo$", Scalar::Text("ABF".into()));
        self.set(object, "UDF_ERP_DRIVER_ID$", Scalar::Text("an id".into()));
        let lines = self.call(Call::Lines { object }).object.unwrap();
        self.call(Call::AddLine { object: lines });
        self.set(lines, "ItemCode$", Scalar::Text("1001-HON-H252".into()));
        self.set(lines, "QuantityOrdered", Scalar::Number(Decimal::new(10, 0)));
        assert_eq!(self.call(Call::Write { object: lines }).code, 1);
        (object, number)
    }

    fn write(&mut self, object: ObjectId) -> Result<Return, Fault> {
        self.0.call(&Call::Write { object })
    }
}

#[test]
fn the_engine_keeps_the_contract() {
    let fixture = Fixture::new();
    check_objects(&mut || {
        let engine = Engine::open(&fixture.file, clock())?;
        Ok(Box::new(engine))
    });
    assert_eq!(
        fixture.count("SELECT count(*) FROM sandbox_session"),
        0,
        "every seat is free again"
    );
    assert_eq!(fixture.count("SELECT count(*) FROM sandbox_lock"), 0);
}

#[test]
fn a_written_order_is_stamped_mirrored_and_held_in_stock() {
    let fixture = Fixture::new();
    let mut desk = Desk::open(&fixture.file);
    let (object, number) = desk.order();
    assert_eq!(number, "0000185", "0000184 is taken");
    assert_eq!(desk.write(object).unwrap().code, 1);
    for verb in ["Created", "Updated"] {
        let sql = format!(
            "SELECT Date{verb} || ' ' || Time{verb} || ' ' || User{verb}Key FROM SO_SalesOrderHeader
             WHERE SalesOrderNo = '0000185'"
        );
        assert_eq!(
            fixture.one(&sql),
            format!("2026-05-06 10.50000 {DEFAULT_USER_KEY}")
        );
    }
    assert_eq!(
        fixture.one(
            "SELECT LineSeqNo || ' ' || QuantityOrdered || ' ' || UnitPrice || ' ' || ExtensionAmt
             FROM SO_SalesOrderDetail WHERE SalesOrderNo = '0000185'"
        ),
        "00000000000001 10.000000 75.000000 750.00"
    );
    assert_eq!(
        fixture.one(
            "SELECT OrderStatus || ' ' || UDF_ERP_DRIVER_ID || ' ' || TaxableAmt FROM SO_SalesOrderHistoryHeader"
        ),
        "A an id 750.00"
    );
    assert_eq!(
        fixture.one(
            "SELECT QuantityOrderedOriginal || ' ' || LastUnitPrice || ' ' || LastExtensionAmt
             FROM SO_SalesOrderHistoryDetail"
        ),
        "10.000000 75.000000 750.00"
    );
    let stock = "SELECT QuantityOnSalesOrder || '|' || DateUpdated FROM IM_ItemWarehouse
        WHERE ItemCode = '1001-HON-H252' AND WarehouseCode = '001'";
    assert_eq!(fixture.one(stock), "10.000000|", "stock moves without a stamp");

    assert_eq!(desk.key(object, &number).code, 1);
    assert_eq!(desk.call(Call::Delete { object }).code, 1);
    assert_eq!(fixture.one(stock), "0.000000|");
    assert_eq!(
        fixture.one("SELECT OrderStatus FROM SO_SalesOrderHistoryHeader"),
        "X"
    );
    assert_eq!(
        fixture.count("SELECT count(*) FROM SO_SalesOrderDetail WHERE SalesOrderNo = '0000185'"),
        0
    );
}

#[test]
fn history_is_kept_only_with_the_option() {
    let fixture = Fixture::new();
    fixture.set("RetainSalesOrderHistory", "N");
    let mut desk = Desk::open(&fixture.file);
    let (object, _) = desk.order();
    desk.write(object).unwrap();
    assert_eq!(
        fixture.count("SELECT count(*) FROM SO_SalesOrderHistoryHeader"),
        0
    );
}

#[test]
fn conditions_of_sage_are_refusals_in_words_that_the_port_knows() {
    let fixture = Fixture::new();
    let condition = |answer: &Return| {
        assert_eq!(answer.code, 0);
        Condition::of_message(&answer.message)
    };
    let mut desk = Desk(Engine::open(&fixture.file, clock()).unwrap());
    fixture.set("fault.open.refuse", "once:Your subscription has lapsed.");
    assert_eq!(condition(&desk.log_on()), Some(Condition::SubscriptionLapsed));
    assert_eq!(desk.log_on().code, 1);
    let company = || Call::SetCompany { code: "ABC".into() };
    fixture.set("external_access", "N");
    assert_eq!(
        condition(&desk.call(company())),
        Some(Condition::ExternalAccessOff)
    );
    fixture.set("external_access", "Y");
    fixture.set("exclusive_task", "Rebuild Sort Files");
    assert_eq!(condition(&desk.call(company())), Some(Condition::ExclusiveTask));
    fixture.set("exclusive_task", "");
    assert_eq!(desk.call(company()).code, 1);
    fixture.set("permission:SO_SalesOrder_ui", "N");
    let answer = desk.call(Call::LookupTask {
        task: "SO_SalesOrder_ui".into(),
    });
    assert_eq!(condition(&answer), Some(Condition::PermissionDenied));
    fixture.set("permission:SO_SalesOrder_ui", "Y");
    drop(desk);

    let mut desk = Desk::open(&fixture.file);
    let (object, number) = desk.number();
    let lock = format!("lock:SO_SalesOrderHeader:{number}");
    fixture.set(&lock, "JANE");
    let answer = desk.key(object, &number);
    assert_eq!(condition(&answer), Some(Condition::RecordLocked));
    assert!(answer.message.contains("JANE"), "{answer:?}");
    fixture.set(&lock, "");
    let (object, _) = desk.order();
    fixture.set("subscription", "lapsed");
    assert_eq!(
        condition(&desk.write(object).unwrap()),
        Some(Condition::SubscriptionLapsed)
    );
    fixture.set("subscription", "");
    assert_eq!(desk.write(object).unwrap().code, 1);
}

#[test]
fn a_refused_write_stays_under_work_and_once_is_once() {
    let fixture = Fixture::new();
    fixture.set("fault.header_write.refuse", "once:The period is closed.");
    let mut desk = Desk::open(&fixture.file);
    let (object, number) = desk.order();
    let answer = desk.write(object).unwrap();
    assert_eq!(
        (answer.code, answer.message.as_str()),
        (0, "The period is closed.")
    );
    assert_eq!(fixture.setting("fault.header_write.refuse"), None);
    assert_eq!(desk.write(object).unwrap().code, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM SO_SalesOrderHeader"), 2);

    // A fault that is not one-shot strikes again.
    fixture.set("fault.header_write.refuse", "Closed.");
    assert_eq!(desk.key(object, &number).code, 1);
    assert_eq!(desk.write(object).unwrap().code, 0);
    assert_eq!(desk.write(object).unwrap().code, 0);
}

#[test]
fn crashes_strike_on_the_side_of_the_commit_that_they_name() {
    for (fault, stored) in [("crash_before_commit", 1), ("crash_after_commit", 2)] {
        let fixture = Fixture::new();
        fixture.set(&format!("fault.header_write.{fault}"), "once");
        let mut desk = Desk::open(&fixture.file);
        let (object, _) = desk.order();
        assert!(desk.write(object).is_err(), "{fault}");
        assert!(desk.0.call(&Call::CleanUp).is_err(), "{fault}: poisoned");
        assert_eq!(
            fixture.count("SELECT count(*) FROM SO_SalesOrderHeader"),
            stored,
            "{fault}"
        );
        drop(desk);
        assert_eq!(
            fixture.count("SELECT count(*) FROM sandbox_session"),
            0,
            "{fault}"
        );
    }
}

#[test]
fn a_torn_write_has_totals_and_no_lines() {
    let fixture = Fixture::new();
    fixture.set("fault.partial_write", "once");
    let mut desk = Desk::open(&fixture.file);
    let (object, number) = desk.order();
    assert_eq!(desk.write(object).unwrap().code, 1);
    assert_eq!(desk.key(object, &number).code, 1);
    let taxable = desk.call(Call::GetValue {
        object,
        column: "TaxableAmt".into(),
    });
    assert_eq!(taxable.value, Some(Scalar::Number(Decimal::new(750, 0))));
    let lines = desk.call(Call::Lines { object }).object.unwrap();
    assert_eq!(desk.call(Call::MoveFirst { object: lines }).code, 0);
}

#[test]
fn a_number_may_be_taken_before_it_is_used() {
    let fixture = Fixture::new();
    fixture.set("fault.number_taken", "once:01-PLAIN");
    let mut desk = Desk::open(&fixture.file);
    let (object, number) = desk.number();
    assert_eq!(desk.key(object, &number).code, 1, "another order is loaded");
    let customer = desk.call(Call::GetValue {
        object,
        column: "CustomerNo$".into(),
    });
    assert_eq!(customer.value, Some(Scalar::Text("PLAIN".into())));
    let (object, number) = desk.number();
    assert_eq!(desk.key(object, &number).code, 2);
}

#[test]
fn numbers_begin_after_what_is_there() {
    let fixture = Fixture::new();
    Settings::new(&fixture.db()).remove("NextSalesOrderNo").unwrap();
    let mut desk = Desk::open(&fixture.file);
    assert_eq!(desk.number().1, "0000185");
    assert_eq!(desk.number().1, "0000186");
}

#[test]
fn an_invoiced_order_moves_to_history() {
    let fixture = Fixture::new();
    let mut desk = Desk::open(&fixture.file);
    let (object, number) = desk.order();
    desk.write(object).unwrap();
    let mut company = Company::open(&fixture.file, clock()).unwrap();
    let invoice = invoice_order(&mut company, &number).unwrap();
    let open = format!("SELECT count(*) FROM SO_SalesOrderHeader WHERE SalesOrderNo = '{number}'");
    assert_eq!(fixture.count(&open), 0);
    assert_eq!(
        fixture.one("SELECT OrderStatus || ' ' || LastInvoiceNo FROM SO_SalesOrderHistoryHeader"),
        format!("C {invoice}")
    );
    assert_eq!(
        fixture.one(
            "SELECT h.SalesOrderNo || ' ' || h.TaxableSalesAmt || ' ' || h.InvoiceDueDate || ' ' || d.QuantityShipped
             FROM AR_InvoiceHistoryHeader h JOIN AR_InvoiceHistoryDetail d ON d.InvoiceNo = h.InvoiceNo"
        ),
        format!("{number} 750.00 2026-06-05 10.000000")
    );
    // 750 less 10 %, and 1.5 % of 675.
    assert_eq!(fixture.one("SELECT Balance FROM AR_OpenInvoice"), "685.13");
    assert_eq!(
        fixture.one(
            "SELECT QuantityOnHand || ' ' || QuantityOnSalesOrder FROM IM_ItemWarehouse
             WHERE ItemCode = '1001-HON-H252' AND WarehouseCode = '001'"
        ),
        "40.000000 0.000000"
    );
    let again = invoice_order(&mut company, &number);
    assert!(matches!(again, Err(PostingError::NotOpen { .. })), "{again:?}");
}

/// One of `item` for a customer: the price that the engine sets, and the stored header.
fn buy(fixture: &Fixture, customer: &str, item: &str) -> (Decimal, String) {
    let mut desk = Desk::open(&fixture.file);
    let (object, number) = desk.number();
    assert_eq!(desk.key(object, &number).code, 2);
    desk.set(object, "ARDivisionNo$", Scalar::Text("01".into()));
    desk.set(object, "CustomerNo$", Scalar::Text(customer.into()));
    let lines = desk.call(Call::Lines { object }).object.unwrap();
    desk.call(Call::AddLine { object: lines });
    desk.set(lines, "ItemCode$", Scalar::Text(item.into()));
    desk.set(lines, "QuantityOrdered", Scalar::Number(Decimal::new(1, 0)));
    let price = desk
        .call(Call::GetValue {
            object: lines,
            column: "UnitPrice".into(),
        })
        .value
        .unwrap();
    desk.call(Call::Write { object: lines });
    assert_eq!(desk.write(object).unwrap().code, 1);
    let stored = fixture.one(&format!(
        "SELECT ShipToCode || ' ' || TermsCode || ' ' || UserCreatedKey FROM SO_SalesOrderHeader
         WHERE SalesOrderNo = '{number}'"
    ));
    (price.as_number().unwrap(), stored)
}

#[test]
fn the_demo_company_takes_an_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.db");
    create(&file, &Plan::new(Profile::Demo)).unwrap();
    let fixture = Fixture {
        _folder: folder,
        file,
    };
    let (price, stored) = buy(&fixture, "ABF", "1001-HON-H252");
    assert!(price > Decimal::zero(0), "{price}");
    assert!(stored.ends_with(DEFAULT_USER_KEY), "{stored}");
}

#[test]
fn a_loaded_company_prices_by_its_own_records() {
    let Some(samples) = std::env::var_os("ERP_DRIVER_SAMPLE_DATA") else {
        println!("skipped: ERP_DRIVER_SAMPLE_DATA is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loaded.db");
    create(&file, &Plan::new(Profile::Empty)).unwrap();
    let mut company = Company::open(&file, clock()).unwrap();
    sandbox::load(&mut company, &Path::new(&samples).join("northwind"), &mut |_| {}).unwrap();
    let fixture = Fixture {
        _folder: folder,
        file,
    };
    let (price, _) = buy(&fixture, "CHOPS", "NW-0001");
    assert_eq!(price.to_string(), "14.400000", "the customer's own price record");
}
