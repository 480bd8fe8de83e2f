//! The procedure against the sandbox's business objects, in process.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at whatever it does not expect"
)]

use std::path::PathBuf;
use std::sync::Arc;

use import::sales_order::{
    Answer, EnterOptions, Entry, Login, Step, enter, next_number, open_session, read_back_through_objects,
    release_session,
};
use model::SalesOrder;
use sage::Condition;
use sage::contract::objects::OBJECTS_FIXTURE_SQL;
use sandbox::objects::{DEFAULT_PASSWORD, DEFAULT_USER, Engine};
use sandbox::{Plan, Profile, Settings, create};
use serde_json::{Value, json};
use values::{Date, Secret};

const TODAY: Date = Date::constant(2026, 5, 6);

struct Site {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("company.db");
        create(&file, &Plan::new(Profile::Empty)).unwrap();
        let site = Self {
            _folder: folder,
            file,
        };
        rusqlite::Connection::open(&site.file)
            .unwrap()
            .execute_batch(OBJECTS_FIXTURE_SQL)
            .unwrap();
        site.set("NextSalesOrderNo", "0000185");
        site
    }

    fn set(&self, name: &str, value: &str) {
        Settings::new(&rusqlite::Connection::open(&self.file).unwrap())
            .set(name, value)
            .unwrap();
    }

    fn engine(&self) -> Engine {
        Engine::open(&self.file, Arc::new(|| "2026-05-06T14:30:00Z".parse().unwrap())).unwrap()
    }

    /// An engine with an open session.
    fn session(&self) -> Engine {
        let mut engine = self.engine();
        assert_eq!(
            open_session(&mut engine, &login(), TODAY).unwrap(),
            Answer::Given(())
        );
        engine
    }
}

fn login() -> Login {
    Login {
        user: DEFAULT_USER.into(),
        password: Secret::new(DEFAULT_PASSWORD),
        company: "ABC".into(),
    }
}

fn order(change: impl FnOnce(&mut Value)) -> SalesOrder {
    let mut body = json!({
        "company": "ABC",
        "customer": {"ar_division_no": "01", "customer_no": "ABF"},
        "customer_po_no": "WEB00001", "order_date": "2026-05-06", "ship_via": "UPS BLUE",
        "ship_to": {"ship_to_code": "2"},
        "lines": [
            {"item_code": "1001-HON-H252", "quantity_ordered": "2", "warehouse_code": "000"},
            {"item_code": "1001-HON-H254", "quantity_ordered": "1", "unit_price": "100"},
            {"item_code": "/C", "quantity_ordered": "1", "comment_text": "call before delivery"},
        ],
    });
    change(&mut body);
    SalesOrder::parse(&body).unwrap()
}

fn enter_it(engine: &mut Engine, number: &str, order: &SalesOrder) -> (Entry, Vec<Step>) {
    let mut steps = Vec::new();
    let options = EnterOptions {
        today: TODAY,
        marker: Some("mark".into()),
    };
    let entry = enter(engine, number, order, &options, &mut |step| steps.push(step));
    (entry, steps)
}

#[test]
fn an_order_goes_in_and_is_found_again() {
    let site = Site::new();
    let mut engine = site.session();
    assert_eq!(next_number(&mut engine).unwrap(), Answer::Given("0000185".into()));
    let (entry, steps) = enter_it(&mut engine, "0000185", &order(|_| {}));
    let Entry::Entered {
        totals,
        extension,
        warnings,
    } = entry
    else {
        panic!("{entry:?}")
    };
    // 2 at this customer's own price, 1 at the price sent.
    assert_eq!(extension.unwrap().to_string(), "259.00");
    assert_eq!(totals["taxable_amt"].to_string(), "159.00");
    assert_eq!(totals["non_taxable_amt"].to_string(), "100.00");
    assert!(totals.contains_key("order_total") && totals.contains_key("sales_tax_amt"));
    assert_eq!(warnings, Vec::<String>::new());
    let lines = (0..3).map(Step::LineWritten);
    let mut expected = vec![Step::BeforeSetKey, Step::AfterSetKey, Step::HeaderSet];
    expected.extend(lines.chain([Step::BeforeHeaderWrite, Step::AfterHeaderWrite]));
    assert_eq!(steps, expected);

    let found = read_back_through_objects(&mut engine, "0000185")
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.marker.as_deref(), found.customer_po_no.as_str()),
        (Some("mark"), "WEB00001")
    );
    assert_eq!(found.lines.unwrap().len(), 3);
    assert_eq!(read_back_through_objects(&mut engine, "0000999").unwrap(), None);

    let (again, _) = enter_it(&mut engine, "0000186", &order(|_| {}));
    assert!(
        matches!(again, Entry::Entered { warnings, .. } if warnings.len() == 1),
        "the number is used twice"
    );
    release_session(&mut engine).unwrap();
}

#[test]
fn refusals_name_the_field_and_store_nothing() {
    let site = Site::new();
    let mut engine = site.session();
    for (path, value, field, code) in [
        (
            "/lines/1/item_code",
            json!("NOPE"),
            "lines[1].item_code",
            "item_refused",
        ),
        (
            "/lines/1/warehouse_code",
            json!("999"),
            "lines[1].warehouse_code",
            "value_refused",
        ),
        (
            "/customer/customer_no",
            json!("OLD"),
            "customer.customer_no",
            "customer_refused",
        ),
        (
            "/ship_to/ship_to_code",
            json!("9"),
            "ship_to.ship_to_code",
            "value_refused",
        ),
        ("/udf", json!({"nowhere": "x"}), "udf.nowhere", "value_refused"),
    ] {
        let order = order(|body| {
            let (parent, name) = path.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap()[name] = value.clone();
        });
        match enter_it(&mut engine, "0000185", &order).0 {
            Entry::Refused {
                problem,
                at_header_write: false,
                ..
            } => {
                assert_eq!((problem.field.as_str(), problem.code.as_str()), (field, code));
                assert!(!problem.message.is_empty() && !problem.remedy.is_empty());
            }
            other => panic!("{path}: {other:?}"),
        }
    }
    assert_eq!(read_back_through_objects(&mut engine, "0000185").unwrap(), None);
    let (entry, _) = enter_it(&mut engine, "0000185", &order(|_| {}));
    assert!(
        matches!(entry, Entry::Entered { .. }),
        "the number was free again each time"
    );
}

#[test]
fn what_stands_in_the_way_is_told_apart() {
    let site = Site::new();
    let mut engine = site.session();
    assert_eq!(
        enter_it(&mut engine, "0000184", &order(|_| {})).0,
        Entry::KeyTaken
    );
    let condition = |condition, at_header_write| Entry::Condition {
        condition,
        at_header_write,
    };
    site.set("lock:SO_SalesOrderHeader:0000185", "SUE");
    assert_eq!(
        enter_it(&mut engine, "0000185", &order(|_| {})).0,
        condition(Condition::RecordLocked, false)
    );
    site.set("subscription", "lapsed");
    assert_eq!(
        enter_it(&mut engine, "0000186", &order(|_| {})).0,
        condition(Condition::SubscriptionLapsed, true)
    );
    site.set("subscription", "valid");
    site.set("fault.header_write.refuse", "once:Credit limit exceeded.");
    let (entry, _) = enter_it(&mut engine, "0000186", &order(|_| {}));
    assert!(
        matches!(entry, Entry::Refused { at_header_write: true, ref problem, .. } if problem.message == "Credit limit exceeded.")
    );
    site.set("fault.header_write.crash_after_commit", "once");
    let (entry, _) = enter_it(&mut engine, "0000186", &order(|_| {}));
    assert!(matches!(entry, Entry::Faulted { began: true, .. }), "{entry:?}");
    let (entry, steps) = enter_it(&mut engine, "0000187", &order(|_| {}));
    assert!(
        matches!(entry, Entry::Faulted { began: false, .. }) && steps.is_empty(),
        "the session is poisoned"
    );
    drop(engine);
    let found = read_back_through_objects(&mut site.session(), "0000186").unwrap();
    assert!(found.is_some(), "it had been committed");
}

#[test]
fn a_session_that_may_not_be_opened_says_why() {
    let site = Site::new();
    let open = || open_session(&mut site.engine(), &login(), TODAY).unwrap();
    let met = |answer| match answer {
        Answer::Condition(condition, _) => condition,
        Answer::Given(()) | Answer::Refused(_) => panic!("{answer:?}"),
    };
    site.set("permission:SO_SalesOrder_ui", "N");
    assert_eq!(met(open()), Condition::PermissionDenied);
    site.set("exclusive_task", "Period End Processing");
    assert_eq!(met(open()), Condition::ExclusiveTask);
    site.set("external_access", "N");
    assert_eq!(met(open()), Condition::ExternalAccessOff);
    site.set("Seats", "0");
    assert_eq!(met(open()), Condition::NoSeat);
    let wrong = Login {
        password: Secret::new("wrong"),
        ..login()
    };
    assert_eq!(
        met(open_session(&mut site.engine(), &wrong, TODAY).unwrap()),
        Condition::PasswordRefused
    );
}
