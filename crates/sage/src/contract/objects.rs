//! The contract of the writing side: what every adapter of [`BusinessObjects`] does.

mod receivables;

use values::{Date, Decimal, Secret};

pub use receivables::{RECEIVABLES_FIXTURE_SQL, check_receivables};

use crate::{BusinessObjects, Call, Condition, Fault, ObjectId, Return, Scalar};

/// The user of the fixture's company.
pub const USER: &str = "erpdriver";
/// That user's password.
pub const PASSWORD: &str = "sandbox";

/// The records that [`check_objects`] works with, as statements on Sage's tables of an
/// otherwise empty company `ABC` with two seats, in which [`USER`] may enter orders and
/// the next sales order number is 0000184.
pub const OBJECTS_FIXTURE_SQL: &str = include_str!("objects_fixture.sql");

/// Makes a new connection to the fixture's company.
pub type OpenObjects<'a> = &'a mut dyn FnMut() -> Result<Box<dyn BusinessObjects>, Fault>;

/// Runs the whole suite. Each connection that `open` makes is one of its own, as two
/// people at two machines would have.
///
/// # Panics
/// At the first broken promise.
pub fn check_objects(open: OpenObjects<'_>) {
    check_logon(open);
    check_poison(open);
    check_key_first(open);
    check_defaults(open);
    check_lines(open);
    let number = check_write_and_read_back(open);
    check_change(open, &number);
    check_spent_numbers(open);
    check_purchase_order_warning(open);
    check_locks(open);
    check_seats(open);
}

const MAY: Date = Date::constant(2026, 5, 6);

/// A session in which sales orders can be made.
struct Desk {
    objects: Box<dyn BusinessObjects>,
}

impl Desk {
    fn open(open: OpenObjects<'_>) -> Self {
        let mut desk = Self::engine(open);
        for (call, code) in [
            (set_user(USER, PASSWORD), 1),
            (Call::SetCompany { code: "ABC".into() }, 1),
            (
                Call::SetDate {
                    module: "S/O".into(),
                    date: MAY,
                },
                1,
            ),
            (Call::SetModule { module: "S/O".into() }, 1),
        ] {
            desk.expect(&call, code);
        }
        let task_id = desk
            .call(&Call::LookupTask {
                task: "SO_SalesOrder_ui".into(),
            })
            .code;
        assert!(task_id > 0, "the task has an id");
        desk.expect(&Call::SetProgram { task_id }, 1);
        desk
    }

    fn engine(open: OpenObjects<'_>) -> Self {
        let objects = open().unwrap_or_else(|fault| panic!("the engine starts: {fault}"));
        Self { objects }
    }

    fn call(&mut self, call: &Call) -> Return {
        self.objects
            .call(call)
            .unwrap_or_else(|fault| panic!("{call:?} comes back: {fault}"))
    }

    fn expect(&mut self, call: &Call, code: i32) -> Return {
        let answer = self.call(call);
        assert_eq!(answer.code, code, "{call:?}: {answer:?}");
        assert!(
            answer.message.is_empty() == (code > 0),
            "words come with 0 and -1 only: {call:?}: {answer:?}"
        );
        answer
    }

    fn order(&mut self) -> ObjectId {
        let made = self.expect(
            &Call::NewObject {
                name: "SO_SalesOrder_bus".into(),
            },
            1,
        );
        made.object
            .unwrap_or_else(|| panic!("NewObject hands out the object"))
    }

    fn lines(&mut self, object: ObjectId) -> ObjectId {
        let made = self.expect(&Call::Lines { object }, 1);
        made.object
            .unwrap_or_else(|| panic!("oLines hands out the object"))
    }

    fn next_number(&mut self, object: ObjectId) -> String {
        let given = self.expect(
            &Call::GetNextNumber {
                object,
                number: "SalesOrderNo".into(),
            },
            1,
        );
        match given.value {
            Some(Scalar::Text(number)) => number,
            other => panic!("a number is text: {other:?}"),
        }
    }

    /// A new order under a number of its own, for a customer.
    fn new_order(&mut self, customer: &str) -> (ObjectId, String) {
        let object = self.order();
        let number = self.next_number(object);
        self.key(object, &number, 2);
        self.set(object, "ARDivisionNo$", "01", 1);
        self.set(object, "CustomerNo$", customer, 1);
        (object, number)
    }

    fn key(&mut self, object: ObjectId, number: &str, code: i32) -> Return {
        self.expect(&set_key_value(object, number), 1);
        self.expect(&Call::SetKey { object }, code)
    }

    fn find(&mut self, object: ObjectId, number: &str, code: i32) {
        self.expect(&set_key_value(object, number), 1);
        self.expect(&Call::Find { object }, code);
    }

    fn set(&mut self, object: ObjectId, column: &str, text: &str, code: i32) -> Return {
        let value = Scalar::Text(text.into());
        self.expect(
            &Call::SetValue {
                object,
                column: column.into(),
                value,
            },
            code,
        )
    }

    fn set_number(&mut self, object: ObjectId, column: &str, number: &str, code: i32) -> Return {
        let value = Scalar::Number(decimal(number));
        self.expect(
            &Call::SetValue {
                object,
                column: column.into(),
                value,
            },
            code,
        )
    }

    fn add_line(&mut self, lines: ObjectId, item: &str, quantity: &str) {
        self.expect(&Call::AddLine { object: lines }, 2);
        self.set(lines, "ItemCode$", item, 1);
        self.set_number(lines, "QuantityOrdered", quantity, 1);
    }

    fn write(&mut self, object: ObjectId) {
        self.expect(&Call::Write { object }, 1);
    }

    fn text(&mut self, object: ObjectId, column: &str) -> String {
        match self
            .expect(
                &Call::GetValue {
                    object,
                    column: column.into(),
                },
                1,
            )
            .value
        {
            Some(Scalar::Text(text)) => text,
            other => panic!("{column} is text: {other:?}"),
        }
    }

    fn number(&mut self, object: ObjectId, column: &str) -> Decimal {
        match self
            .expect(
                &Call::GetValue {
                    object,
                    column: column.into(),
                },
                1,
            )
            .value
        {
            Some(Scalar::Number(number)) => number,
            other => panic!("{column} is a number: {other:?}"),
        }
    }

    fn check_texts(&mut self, object: ObjectId, expected: &[(&str, &str)]) {
        for (column, text) in expected {
            assert_eq!(self.text(object, column), *text, "{column}");
        }
    }

    fn check_numbers(&mut self, object: ObjectId, expected: &[(&str, &str)]) {
        for (column, number) in expected {
            assert_eq!(self.number(object, column), decimal(number), "{column}");
        }
    }

    fn leave(mut self) {
        self.expect(&Call::CleanUp, 1);
    }
}

fn check_logon(open: OpenObjects<'_>) {
    let mut desk = Desk::engine(open);
    let refusal = desk.expect(&set_user(USER, "wrong"), 0);
    assert_eq!(
        Condition::of_message(&refusal.message),
        Some(Condition::PasswordRefused),
        "{refusal:?}"
    );
    desk.expect(&Call::SetCompany { code: "ABC".into() }, 0);
    desk.expect(&set_user(USER, PASSWORD), 1);
    desk.expect(&Call::SetCompany { code: "ZZZ".into() }, 0);
    desk.expect(&Call::SetCompany { code: "ABC".into() }, 1);
    desk.expect(&Call::SetModule { module: "S/O".into() }, 1);
    desk.expect(
        &Call::LookupTask {
            task: "XX_Nothing_ui".into(),
        },
        0,
    );
    desk.leave();
}

/// `NewObject` without its module and program faults, and a fault is the end.
fn check_poison(open: OpenObjects<'_>) {
    let mut desk = Desk::engine(open);
    desk.expect(&set_user(USER, PASSWORD), 1);
    desk.expect(&Call::SetCompany { code: "ABC".into() }, 1);
    let new_object = Call::NewObject {
        name: "SO_SalesOrder_bus".into(),
    };
    let fault = desk.objects.call(&new_object);
    assert!(
        matches!(fault, Err(Fault { code: 90 | 200, .. })),
        "no module, no object: {fault:?}"
    );
    for call in [Call::SetModule { module: "S/O".into() }, new_object] {
        let answer = desk.objects.call(&call);
        assert!(answer.is_err(), "a poisoned session answers no more: {answer:?}");
    }
    drop(desk);
    Desk::open(open).leave();
}

fn check_key_first(open: OpenObjects<'_>) {
    let mut desk = Desk::open(open);
    let object = desk.order();
    desk.set(object, "ARDivisionNo$", "01", 0);
    desk.expect(&Call::SetKey { object }, 0);
    desk.expect(&Call::Write { object }, 0);
    let number = desk.next_number(object);
    desk.key(object, &number, 2);
    desk.set(object, "CustomerNo$", "ABF", 0);
    desk.set(object, "ARDivisionNo$", "01", 1);
    desk.set(object, "CustomerNo$", "NOBODY", 0);
    desk.set(object, "CustomerNo$", "OLD", 0);
    // A required column is missing, and nothing is lost by asking.
    desk.expect(&Call::Write { object }, 0);
    desk.set(object, "CustomerNo$", "ABF", 1);
    desk.set(
        object,
        "Comment$",
        "longer than the thirty characters that fit",
        0,
    );
    desk.set(object, "Comment", "not numeric", 0);
    desk.set(object, "NoSuchColumn$", "x", 0);
    desk.set(object, "OrderDate$", "05/06/2026", 0);
    desk.set(object, "OrderDate$", "20260504", 1);
    desk.set_number(object, "TaxableAmt", "1", 0);
    assert_eq!(desk.text(object, "OrderDate$"), "20260504");
    desk.leave();
}

fn check_defaults(open: OpenObjects<'_>) {
    let mut desk = Desk::open(open);
    let (object, number) = desk.new_order("ABF");
    desk.check_texts(
        object,
        &[
            ("SalesOrderNo$", &number),
            ("OrderDate$", "20260506"),
            ("OrderType$", "S"),
            ("BillToName$", "American Business Futures"),
            ("BillToAddress1$", "2131 N. 14th Street"),
            ("BillToZipCode$", "53205-1204"),
            ("TermsCode$", "01"),
            ("TaxSchedule$", "WI"),
            ("SalespersonNo$", "0100"),
            ("ShipToCode$", "2"),
            ("ShipToName$", "Racine Warehouse"),
            ("ShipVia$", "TRUCK"),
            ("WarehouseCode$", "001"),
        ],
    );
    desk.check_numbers(object, &[("DiscountRate", "10")]);
    desk.set(object, "ShipToCode$", "9", 0);
    desk.set(object, "ShipToCode$", "3", 1);
    desk.check_texts(object, &[("ShipToCode$", "3"), ("ShipToCity$", "Madison")]);
    desk.set(object, "ShipToName$", "Back Door", 1);
    desk.set(object, "WarehouseCode$", "999", 0);
    desk.set(object, "WarehouseCode$", "000", 1);
    desk.check_texts(object, &[("ShipToName$", "Back Door"), ("WarehouseCode$", "000")]);
    desk.expect(&Call::DropObject { object }, 1);

    let (object, _) = desk.new_order("PLAIN");
    desk.check_texts(
        object,
        &[
            ("ShipToCode$", ""),
            ("ShipToName$", "Plain Goods"),
            ("ShipToCity$", "Racine"),
        ],
    );
    desk.leave();
}

fn check_lines(open: OpenObjects<'_>) {
    let mut desk = Desk::open(open);
    let (object, _) = desk.new_order("ABF");
    let lines = desk.lines(object);
    desk.set(lines, "ItemCode$", "1001-HON-H252", 0);
    desk.expect(&Call::AddLine { object: lines }, 2);
    desk.set_number(lines, "QuantityOrdered", "2", 0);
    desk.set(lines, "ItemCode$", "NOTHING", 0);
    desk.set(lines, "ItemCode$", "GONE", 0);
    desk.expect(&Call::Write { object: lines }, 0);
    desk.set(lines, "ItemCode$", "1001-HON-H252", 1);
    desk.check_texts(
        lines,
        &[
            ("ItemCodeDesc$", "HON 2 DRAWER LETTER FLE W/O LK"),
            ("UnitOfMeasure$", "EACH"),
            ("WarehouseCode$", "001"),
            ("PriceLevel$", "B"),
            ("TaxClass$", "TX"),
            ("PriceOverridden$", "N"),
        ],
    );
    desk.set(lines, "WarehouseCode$", "999", 0);
    desk.set(lines, "UnitOfMeasure$", "CASE", 0);
    // The customer's own price for this item, by quantity: 79.50 up to 9, then 75.
    for (quantity, price, extension) in [("9", "79.5", "715.5"), ("10", "75", "750"), ("2", "79.5", "159")] {
        desk.set_number(lines, "QuantityOrdered", quantity, 1);
        desk.check_numbers(lines, &[("UnitPrice", price), ("ExtensionAmt", extension)]);
    }
    desk.set_number(lines, "LineDiscountPercent", "5", 1);
    desk.check_numbers(lines, &[("ExtensionAmt", "151.05")]);
    desk.set_number(lines, "UnitPrice", "70.125", 1);
    // 2 × 70.125 = 140.25, less 5 % = 133.2375.
    desk.check_numbers(lines, &[("ExtensionAmt", "133.24")]);
    desk.check_texts(lines, &[("PriceOverridden$", "Y")]);
    desk.set_number(lines, "QuantityOrdered", "4", 1);
    desk.check_numbers(lines, &[("UnitPrice", "70.125")]);
    desk.write(lines);
    // The cursor has moved on: the line's values are no longer there.
    desk.check_numbers(lines, &[("UnitPrice", "0")]);
    desk.check_texts(lines, &[("ItemCode$", "")]);
    // Price code and the customer's level: 131.00 less 10 %.
    desk.add_line(lines, "1001-HON-H254", "1");
    desk.check_numbers(lines, &[("UnitPrice", "117.9")]);
    desk.write(lines);
    desk.expect(&Call::AddLine { object: lines }, 2);
    desk.set(lines, "ItemCode$", "/C", 1);
    desk.set(lines, "CommentText$", "Leave at the back door", 1);
    desk.check_numbers(lines, &[("ExtensionAmt", "0")]);
    desk.write(lines);
    desk.leave();

    // No price of its own, no level: price code with the blank level, 84.00 less 1 %.
    let mut desk = Desk::open(open);
    let (object, _) = desk.new_order("PLAIN");
    let lines = desk.lines(object);
    desk.add_line(lines, "1001-HON-H252", "1");
    desk.check_numbers(lines, &[("UnitPrice", "83.16")]);
    desk.leave();
}

fn check_write_and_read_back(open: OpenObjects<'_>) -> String {
    let mut desk = Desk::open(open);
    let mut other = Desk::open(open);
    let reading = other.order();
    let (object, number) = desk.new_order("ABF");
    desk.set(object, "CustomerPONo$", "WEB00001", 1);
    let lines = desk.lines(object);
    desk.add_line(lines, "1001-HON-H252", "100");
    desk.write(lines);
    desk.add_line(lines, "1001-HON-H254", "1");
    desk.write(lines);
    // 100 × 75 taxable and 117.90 not, less 10 %; tax 1.5 % of 7500 - 750.
    let totals = [
        ("TaxableAmt", "7500"),
        ("NonTaxableAmt", "117.9"),
        ("DiscountAmt", "761.79"),
        ("SalesTaxAmt", "101.25"),
    ];
    desk.check_numbers(object, &totals);
    // Lines are kept in the document; before the header's write nothing is stored.
    other.find(reading, &number, 0);
    desk.write(object);
    other.find(reading, &number, 1);
    other.check_texts(
        reading,
        &[
            ("CustomerNo$", "ABF"),
            ("CustomerPONo$", "WEB00001"),
            ("OrderStatus$", "N"),
            ("ShipToCode$", "2"),
        ],
    );
    other.check_numbers(reading, &totals);
    let lines = other.lines(reading);
    other.expect(&Call::MoveFirst { object: lines }, 1);
    other.check_texts(lines, &[("ItemCode$", "1001-HON-H252"), ("LineKey$", "000001")]);
    other.check_numbers(
        lines,
        &[
            ("QuantityOrdered", "100"),
            ("UnitPrice", "75"),
            ("ExtensionAmt", "7500"),
        ],
    );
    other.expect(&Call::MoveNext { object: lines }, 1);
    other.check_texts(lines, &[("ItemCode$", "1001-HON-H254"), ("LineKey$", "000002")]);
    other.expect(&Call::MoveNext { object: lines }, 0);
    // What was found is for reading.
    other.set(reading, "Comment$", "no key, no change", 0);
    other.expect(&Call::Write { object: reading }, 0);
    desk.leave();
    other.leave();
    number
}

fn check_change(open: OpenObjects<'_>, number: &str) {
    let mut desk = Desk::open(open);
    let object = desk.order();
    desk.key(object, number, 1);
    desk.set(object, "CustomerNo$", "PLAIN", 0);
    desk.set(object, "Comment$", "second thoughts", 1);
    let lines = desk.lines(object);
    desk.expect(&Call::MoveFirst { object: lines }, 1);
    desk.set_number(lines, "QuantityOrdered", "2", 1);
    desk.write(lines);
    desk.expect(&Call::MoveNext { object: lines }, 1);
    desk.expect(&Call::Delete { object: lines }, 1);
    desk.expect(&Call::MoveNext { object: lines }, 0);
    desk.add_line(lines, "1001-HON-H252", "1");
    assert_eq!(
        desk.text(lines, "LineKey$"),
        "000003",
        "a line key is not used twice"
    );
    desk.write(lines);
    desk.write(object);
    desk.find(object, number, 1);
    desk.check_texts(object, &[("Comment$", "second thoughts")]);
    desk.check_numbers(object, &[("TaxableAmt", "238.5"), ("NonTaxableAmt", "0")]);
    desk.key(object, number, 1);
    desk.expect(&Call::Delete { object }, 1);
    desk.find(object, number, 0);
    desk.leave();
}

fn check_spent_numbers(open: OpenObjects<'_>) {
    let mut desk = Desk::open(open);
    let (object, first) = desk.new_order("ABF");
    desk.expect(&Call::DropObject { object }, 1);
    let object = desk.order();
    desk.find(object, &first, 0);
    let second = desk.next_number(object);
    assert!(second > first, "{first} was spent, and then came {second}");
    assert_eq!(second.len(), 7, "numbers are zero-filled: {second}");
    desk.leave();
}

fn check_purchase_order_warning(open: OpenObjects<'_>) {
    let mut desk = Desk::open(open);
    let (object, _) = desk.new_order("ABF");
    desk.set(object, "CustomerPONo$", "101255", -1);
    assert_eq!(
        desk.text(object, "CustomerPONo$"),
        "101255",
        "a warning keeps the value"
    );
    let (object, _) = desk.new_order("PLAIN");
    desk.set(object, "CustomerPONo$", "101255", 1);
    desk.leave();
}

fn check_locks(open: OpenObjects<'_>) {
    let mut desk = Desk::open(open);
    let mut other = Desk::open(open);
    let (ours, theirs) = (desk.order(), other.order());
    desk.key(ours, "0000184", 1);
    let refusal = other.key(theirs, "0000184", 0);
    assert_eq!(
        Condition::of_message(&refusal.message),
        Some(Condition::RecordLocked),
        "{refusal:?}"
    );
    // Reading takes no lock, and minds none.
    other.find(theirs, "0000184", 1);
    other.check_numbers(theirs, &[("NonTaxableAmt", "131")]);
    desk.expect(&Call::DropObject { object: ours }, 1);
    other.key(theirs, "0000184", 1);
    other.leave();
    desk.leave();
}

fn check_seats(open: OpenObjects<'_>) {
    let first = Desk::open(open);
    let second = Desk::open(open);
    let mut third = Desk::engine(open);
    let refusal = third.expect(&set_user(USER, PASSWORD), 0);
    assert_eq!(
        Condition::of_message(&refusal.message),
        Some(Condition::NoSeat),
        "{refusal:?}"
    );
    first.leave();
    third.expect(&set_user(USER, PASSWORD), 1);
    third.leave();
    second.leave();
}

fn set_user(user: &str, password: &str) -> Call {
    Call::SetUser {
        user: user.into(),
        password: Secret::new(password),
    }
}

fn set_key_value(object: ObjectId, number: &str) -> Call {
    Call::SetKeyValue {
        object,
        column: "SalesOrderNo$".into(),
        value: Scalar::Text(number.into()),
    }
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}
