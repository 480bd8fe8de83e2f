//! Clerks in Sage, and a person who looks after the documents.

use model::{Decision, ImportState};
use sandbox::objects::{invoice_order, post_cash_receipts};
use sandbox::settings::NEXT_SALES_ORDER_NO;
use sandbox::{Company, Settings};
use wire::agent::DecideAction;

use super::Storm;
use super::audit::Books;
use super::world::World;

/// What a person does not take upon themselves.
const NEVER_ACCEPTED: [&str; 2] = ["customer_like", "in_doubt"];

/// One thing that happens in Sage beside the driver.
pub(super) fn clerk(world: &mut World, tears: bool) {
    match world.below(13) {
        0 => world.set("fault.SO_SalesOrder_bus.number_taken", "once:01-ABF"),
        1 => world.set("fault.AR_Customer_bus.number_taken", "once:Somebody Else"),
        2 => world.set(
            "fault.AR_CashReceiptsDeposit_bus.number_taken",
            "once:Checks in the mail",
        ),
        3 => world.obstruct("lock:AR_Customer:01-ABF", "SUE", 120),
        4 | 5 => post_a_batch(world),
        6 | 7 => invoice_an_order(world),
        8 => {
            let (name, value) = *world.pick(&[
                ("Seats", "0"),
                ("closed", "Y"),
                ("exclusive_task", "Rebuild Sort Files"),
                ("period_end", "S/O"),
                ("subscription", "lapsed"),
                ("external_access", "N"),
            ]);
            world.obstruct(name, value, 600);
        }
        9 => {
            Settings::new(&world.database())
                .take_number(NEXT_SALES_ORDER_NO)
                .unwrap();
        }
        10 => world.set("fault.header_write.refuse", "once:The record is not accepted."),
        11 => lock_a_batch(world),
        _ if tears => {
            world.excuse("a torn write");
            world.set("fault.partial_write", "once");
        }
        _ => {}
    }
}

fn company(world: &World) -> Company {
    Company::open(&world.file, world.clock()).unwrap()
}

fn one_of(world: &mut World, sql: &str) -> Option<String> {
    let found: Vec<String> = {
        let db = world.database();
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    (!found.is_empty()).then(|| world.pick(&found).clone())
}

const OPEN_BATCHES: &str = "SELECT BatchNo FROM AR_CashReceiptsBatch WHERE BatchStatus <> 'P' ORDER BY 1";

fn post_a_batch(world: &mut World) {
    if let Some(batch) = one_of(world, OPEN_BATCHES) {
        // Refused while somebody is in it.
        let _ = post_cash_receipts(&mut company(world), &batch);
    }
}

fn lock_a_batch(world: &mut World) {
    if let Some(batch) = one_of(world, OPEN_BATCHES) {
        world.obstruct(&format!("lock:AR_CashReceiptsBatch:{batch}"), "SUE", 120);
    }
}

/// A person looks at an order before it is shipped; one without lines is not.
fn invoice_an_order(world: &mut World) {
    let ours = "SELECT SalesOrderNo FROM SO_SalesOrderHeader h WHERE CustomerPONo LIKE 'STORM-%' AND OrderStatus <> 'H' \
                AND EXISTS (SELECT 1 FROM SO_SalesOrderDetail d WHERE d.SalesOrderNo = h.SalesOrderNo) ORDER BY 1";
    if let Some(order) = one_of(world, ours) {
        invoice_order(&mut company(world), &order).unwrap();
    }
}

impl Storm {
    /// Somebody looks at a document that waits for them.
    pub(super) fn decide(&mut self) {
        let waiting: Vec<usize> = (0..self.documents.len())
            .filter(|place| self.documents[*place].decisions < 3)
            .filter(|place| {
                self.shown(*place).is_some_and(|shown| {
                    matches!(
                        shown.state,
                        ImportState::Held | ImportState::Refused | ImportState::InDoubt
                    )
                })
            })
            .collect();
        if waiting.is_empty() {
            return;
        }
        let place = *self.world.borrow_mut().pick(&waiting);
        let shown = self.shown(place).unwrap();
        let codes: Vec<String> = shown
            .report
            .iter()
            .flat_map(|r| &r.problems)
            .map(|p| p.code.clone())
            .collect();
        self.documents[place].decisions += 1;
        let dice = self.world.borrow_mut().below(10);
        let why = String::from("looked at it");
        if shown.state == ImportState::InDoubt {
            let is_pending = self.world.borrow().is_anything_pending();
            let is_there = Books::open(&self.world.borrow()).has_any_of(&self.documents[place], &shown);
            if !is_pending && !is_there {
                let accept = vec![String::from("in_doubt")];
                self.tell(place, DecideAction::Retry, &Decision { accept, why });
            }
            return;
        }
        let good = self.documents[place].good.clone();
        match (dice, good) {
            (0, _) => self.tell(
                place,
                DecideAction::Discard,
                &Decision {
                    accept: Vec::new(),
                    why,
                },
            ),
            (1..5, Some(good)) => self.edit(place, shown.revision, &good),
            _ => {
                let accept = codes
                    .into_iter()
                    .filter(|code| !NEVER_ACCEPTED.contains(&code.as_str()));
                let accept = if dice < 8 { accept.collect() } else { Vec::new() };
                self.tell(place, DecideAction::Retry, &Decision { accept, why });
            }
        }
    }
}
