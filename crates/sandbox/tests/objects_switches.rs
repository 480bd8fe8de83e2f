//! The simulated session and write of sales orders: what Sage may do otherwise, and the
//! states in which it does nothing.

mod desk;

use std::time::{Duration, Instant};

use desk::{Desk, Fixture, company, condition, date, module};
use sage::{BusinessObjects, Call, Condition};
use values::Date;

#[test]
fn an_unwritten_orders_number_is_spent_or_comes_back() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let next = |desk: &mut Desk| {
        let (object, number) = desk.ready("PLAIN");
        assert_eq!(desk.call(&Call::DropObject { object }).code, 1);
        number
    };
    assert_eq!(next(&mut desk), "0000185");
    assert_eq!(next(&mut desk), "0000186");
    fixture.set("number_spent", "returned");
    assert_eq!(next(&mut desk), "0000187");
    assert_eq!(next(&mut desk), "0000187");
    let (object, number) = desk.ready("PLAIN");
    assert_eq!(number, "0000187");
    desk.kept(object);
    desk.call(&Call::DropObject { object });
    assert_eq!(next(&mut desk), "0000188", "a written one is spent");
    // Numbers come back lowest first, at the end of the session, too.
    let (_, first) = desk.ready("PLAIN");
    let (_, second) = desk.ready("PLAIN");
    assert_eq!((first.as_str(), second.as_str()), ("0000188", "0000189"));
    assert_eq!(desk.call(&Call::CleanUp).code, 1);
    let mut desk = fixture.desk();
    assert_eq!(desk.ready("PLAIN").1, "0000188");
    assert_eq!(desk.ready("PLAIN").1, "0000189");
    assert_eq!(desk.ready("PLAIN").1, "0000190");
}

#[test]
fn a_write_in_two_transactions_can_be_torn() {
    let lines_of =
        |number: &str| format!("SELECT count(*) FROM SO_SalesOrderDetail WHERE SalesOrderNo = '{number}'");
    for is_atomic in ["yes", "no"] {
        let fixture = Fixture::new();
        fixture.set("write_atomic", is_atomic);
        let mut desk = fixture.desk();
        let (object, number) = desk.ready("PLAIN");
        desk.kept(object);
        assert_eq!(
            fixture.count(&lines_of(&number)),
            1,
            "without a fault all is stored"
        );
        fixture.set("fault.between_header_and_lines.crash", "once");
        let (object, number) = desk.ready("PLAIN");
        let answer = desk.try_write(object);
        if is_atomic == "yes" {
            assert_eq!(answer.unwrap().code, 1, "there is nothing in between");
            assert_eq!(fixture.count(&lines_of(&number)), 1);
            continue;
        }
        assert!(answer.is_err(), "{answer:?}");
        assert_eq!(
            (fixture.orders(&number), fixture.count(&lines_of(&number))),
            (1, 0)
        );
        let stock = "SELECT QuantityOnSalesOrder FROM IM_ItemWarehouse
            WHERE ItemCode = '1001-HON-H252' AND WarehouseCode = '000'";
        assert_eq!(fixture.one(stock), "2.000000", "only the first order's goods");
        let mirrored =
            format!("SELECT count(*) FROM SO_SalesOrderHistoryHeader WHERE SalesOrderNo = '{number}'");
        assert_eq!(fixture.count(&mirrored), 0);
    }
}

#[test]
fn the_time_between_header_and_lines_can_be_seen() {
    let fixture = Fixture::new();
    fixture.set("write_atomic", "no");
    fixture.set("fault.between_header_and_lines.delay_ms", "400");
    let mut desk = fixture.desk();
    let (object, number) = desk.ready("PLAIN");
    let lines = format!("SELECT count(*) FROM SO_SalesOrderDetail WHERE SalesOrderNo = '{number}'");
    let writing = std::thread::spawn(move || desk.write(object).code);
    let give_up = Instant::now() + Duration::from_secs(10);
    while fixture.orders(&number) == 0 {
        assert!(Instant::now() < give_up, "the header comes first");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(fixture.count(&lines), 0);
    assert_eq!(writing.join().unwrap(), 1);
    assert_eq!(fixture.count(&lines), 1);
}

#[test]
fn a_session_is_slow_to_open_when_told() {
    let fixture = Fixture::new();
    fixture.set("session_ms", "150");
    let before = Instant::now();
    let desk = fixture.desk();
    assert!(before.elapsed() >= Duration::from_millis(150));
    drop(desk);
}

#[test]
fn sage_closed_and_a_user_that_is_shut_out_are_known_by_their_words() {
    let fixture = Fixture::new();
    let mut desk = Desk(fixture.engine());
    for (setting, value, expected) in [
        ("closed", "Y", Condition::SageClosed),
        (
            "closed",
            "The system is closed for maintenance until 6 am.",
            Condition::SageClosed,
        ),
        ("user_locked", "Y", Condition::PasswordRefused),
        ("password_expired", "Y", Condition::PasswordRefused),
    ] {
        fixture.set(setting, value);
        let answer = desk.log_on();
        assert_eq!(condition(&answer), Some(expected), "{answer:?}");
        fixture.set(setting, "");
    }
    assert_eq!(desk.log_on().code, 1);
}

#[test]
fn a_period_end_stops_its_module_and_the_write() {
    let fixture = Fixture::new();
    let words = "Period end processing is in process for S/O.";
    let mut desk = fixture.desk();
    let (object, number) = desk.ready("PLAIN");
    fixture.set("period_end", "S/O");
    let answer = desk.write(object);
    assert_eq!(
        (condition(&answer), answer.message.as_str()),
        (Some(Condition::PeriodEnd), words)
    );
    let mut other = Desk(fixture.engine());
    assert_eq!(other.log_on().code, 1);
    assert_eq!(other.call(&company()).code, 1);
    let answer = other.call(&module());
    assert_eq!(
        (condition(&answer), answer.message.as_str()),
        (Some(Condition::PeriodEnd), words)
    );
    fixture.set("period_end", "A/R");
    assert_eq!(other.call(&module()).code, 1);
    assert_eq!(fixture.orders(&number), 0);
    desk.kept(object);
}

#[test]
fn a_closed_period_takes_no_dates() {
    let fixture = Fixture::new();
    fixture.set("closed_period", "2026-04");
    let mut desk = fixture.desk();
    let answer = desk.call(&date(Date::constant(2026, 4, 30)));
    assert_eq!(
        answer.message,
        "The posting date 2026-04-30 is in the period 2026-04, which is closed."
    );
    assert_eq!(condition(&answer), None);
    let (object, number) = desk.ready("PLAIN");
    let words = "The OrderDate 2026-04-30 is in the period 2026-04, which is closed.";
    desk.refuses(object, "OrderDate$", "20260430", words);
    desk.set(object, "OrderDate$", "20260501");
    // It was open when the date was set.
    fixture.set("closed_period", "2026-05");
    desk.not_kept(
        object,
        "The OrderDate 2026-05-01 is in the period 2026-05, which is closed.",
    );
    assert_eq!(fixture.orders(&number), 0);
    fixture.set("closed_period", "");
    desk.kept(object);
}

#[test]
fn a_role_may_lack_create_modify_or_remove() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let deny = |right: &str, value: &str| fixture.set(&format!("permission:SO_SalesOrder_ui:{right}"), value);
    let object = desk.object();
    let number = desk.number(object);
    deny("create", "N");
    let answer = desk.key(object, &number);
    assert_eq!(condition(&answer), Some(Condition::PermissionDenied));
    assert_eq!(
        answer.message,
        "You are not authorized to create sales orders (SO_SalesOrder_ui)."
    );
    assert_eq!(fixture.count("SELECT count(*) FROM sandbox_lock"), 0);
    assert_eq!(desk.key(object, "0000184").code, 1, "modify is another right");
    deny("modify", "N");
    let answer = desk.key(object, "0000184");
    assert_eq!(condition(&answer), Some(Condition::PermissionDenied));
    deny("modify", "Y");
    deny("remove", "N");
    assert_eq!(desk.key(object, "0000184").code, 1);
    let answer = desk.call(&Call::Delete { object });
    assert_eq!(condition(&answer), Some(Condition::PermissionDenied));
    assert_eq!(fixture.orders("0000184"), 1);
    deny("remove", "Y");
    assert_eq!(desk.call(&Call::Delete { object }).code, 1);
    assert_eq!(fixture.orders("0000184"), 0);
}

#[test]
fn a_clerk_at_the_record_is_told_by_name() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    fixture.set("lock:SO_SalesOrderHeader:0000184", "JANE");
    let object = desk.object();
    let answer = desk.key(object, "0000184");
    assert_eq!(condition(&answer), Some(Condition::RecordLocked));
    assert_eq!(Condition::locked_by(&answer.message), Some("JANE"));
}

#[test]
fn after_a_fault_the_session_answers_no_more() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    fixture.set("fault.header_write.crash_before_commit", "once");
    let (object, number) = desk.ready("PLAIN");
    assert!(desk.try_write(object).is_err());
    for call in [Call::Write { object }, module(), Call::CleanUp] {
        let answer = desk.0.call(&call);
        assert!(answer.is_err(), "{call:?}: {answer:?}");
    }
    assert_eq!(fixture.orders(&number), 0);
    drop(desk);
    let mut desk = fixture.desk();
    let (object, _) = desk.ready("PLAIN");
    desk.kept(object);
}

#[test]
fn words_about_a_value_are_no_condition() {
    for words in [
        "You do not have permission to change the price.",
        "You are not authorized to override the credit limit.",
        "The ItemCode EXCLUSIVE-01 is not on file.",
        "The ItemCode SUBSCRIPTION is not on file.",
        "AvaTax: the address is incomplete: ZIP code missing.",
        "The PASSWORD-HOLDER is too long: at most 30 characters.",
    ] {
        assert_eq!(Condition::of_message(words), None, "{words}");
    }
    for (words, expected) in [
        (
            "You do not have permission to use this task.",
            Condition::PermissionDenied,
        ),
        ("AvaTax: the tax service did not respond.", Condition::TaxService),
        ("Sales order 0000184 is in use by JANE.", Condition::RecordLocked),
    ] {
        assert_eq!(Condition::of_message(words), Some(expected), "{words}");
    }
}
