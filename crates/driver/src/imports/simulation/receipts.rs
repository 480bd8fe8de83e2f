//! A receipt whose entry was cut short is entered again only where its absence is proven.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use model::ImportState;
use values::ImportId;

use super::world::World;
use super::{CALM, Driver, Hook, kill_once};

const RECEIPTS: &str = "AR_CashReceiptsHistory";
const PAYMENTS: &str = "AR_TransactionPaymentHistory";

/// How often the entry of a receipt begins whose driver is killed before its write, and what it
/// is held for when it is in doubt instead of being entered again. What is more
/// than 60.00 is prepaid.
fn cut_short(history_kept: bool, tables: &[&'static str], amount: &str) -> (u32, Option<String>) {
    let mut world = World::calm();
    let payments = &mut world.settings.payments;
    payments.bank_code = Some("A".into());
    payments.history_kept = history_kept;
    payments.overpayment = import::settings::Overpayment::Prepayment;
    world.settings.capabilities.receipts = true;
    world.receipt_history = tables.to_vec();
    world.post_payment_of("payment-0", amount, "60.00");
    let world = Rc::new(RefCell::new(world));
    let begun = Rc::new(Cell::new(0));
    let hook = || -> Hook {
        let (world, begun) = (Rc::clone(&world), Rc::clone(&begun));
        Box::new(move |point| match point {
            "import.after_write_started" => begun.set(begun.get() + 1),
            "import.before_header_write" => kill_once(&world),
            _ => {}
        })
    };
    let mut driver = Driver::new(&world, "first");
    driver.start(hook());
    for _ in 0..CALM {
        if !driver.turn() {
            driver.start(hook());
        }
        if begun.get() > 1 {
            // What becomes of it then is not told by this ERP.
            return (begun.get(), None);
        }
        if world.borrow().all_settled() {
            let world = world.borrow();
            let report = world.report(&ImportId::new("payment-0"));
            assert_eq!(report.state, ImportState::InDoubt, "{report:?}");
            return (begun.get(), Some(report.problems[0].code.clone()));
        }
    }
    panic!("it does not settle");
}

#[test]
fn it_is_entered_again_where_what_is_posted_is_kept_and_all_of_it_is_read() {
    let doubt = (1, Some("history_not_kept".to_owned()));
    let again = (2, None);
    for (history_kept, tables, amount, end) in [
        (false, vec![RECEIPTS, PAYMENTS], "60.00", &doubt),
        (true, vec![], "60.00", &doubt),
        (true, vec![PAYMENTS], "60.00", &again),
        (true, vec![PAYMENTS], "70.00", &doubt),
        (true, vec![RECEIPTS], "70.00", &again),
        (true, vec![RECEIPTS, PAYMENTS], "70.00", &again),
    ] {
        let came_to = cut_short(history_kept, &tables, amount);
        assert_eq!(came_to, *end, "kept: {history_kept}, {tables:?}, {amount}");
    }
}
