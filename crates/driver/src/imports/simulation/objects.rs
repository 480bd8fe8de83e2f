//! Business objects whose server is a process of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use sage::{BusinessObjects, Call, Fault, ObjectId, Return, Scalar, ServerProcess};
use values::Decimal;

use super::world::{Line, Order, Shelf};
use super::{Shared, kill};
use crate::imports::ports::{Worker, Workshop};

pub(super) struct SimWorkshop(pub(super) Shared);

impl Workshop for SimWorkshop {
    fn start(&mut self) -> Result<Box<dyn Worker>, Fault> {
        let mut world = self.0.borrow_mut();
        world.tick(Duration::from_millis(800));
        if world.strikes(3) {
            return Err(Fault {
                code: 1,
                message: "does not start".into(),
            });
        }
        let server = world.start_server();
        drop(world);
        Ok(Box::new(SimWorker {
            world: self.0.clone(),
            server,
            is_dead: false,
            draft: Draft::default(),
        }))
    }
}

/// One worker; at its end the server is left alone.
struct SimWorker {
    world: Shared,
    server: ServerProcess,
    is_dead: bool,
    draft: Draft,
}

#[derive(Default)]
struct Draft {
    number: String,
    values: BTreeMap<String, Scalar>,
    lines: Vec<Line>,
    line: BTreeMap<String, Scalar>,
}

const DOCUMENT: ObjectId = ObjectId(1);
const LINES: ObjectId = ObjectId(2);

fn code(code: i32) -> Return {
    Return {
        code,
        ..Return::default()
    }
}

fn refused(message: &str) -> Return {
    Return {
        code: 0,
        message: message.to_owned(),
        ..Return::default()
    }
}

impl Draft {
    fn text(&self, column: &str) -> String {
        self.values
            .get(column)
            .and_then(Scalar::as_text)
            .unwrap_or("")
            .to_owned()
    }

    /// Per unit.
    fn price(&self) -> Decimal {
        let price = self.line.get("UnitPrice").and_then(Scalar::as_number);
        price.unwrap_or(Decimal::new(1_000_000, 6))
    }

    /// The line under work, priced at one where no price was set.
    fn current(&self) -> Line {
        let number = |column: &str| self.line.get(column).and_then(Scalar::as_number);
        let quantity = number("QuantityOrdered").unwrap_or(Decimal::zero(6));
        let price = self.price();
        let item = self
            .line
            .get("ItemCode$")
            .and_then(Scalar::as_text)
            .unwrap_or("")
            .to_owned();
        Line {
            item,
            quantity,
            extension: price.multiply(quantity, 2).unwrap(),
        }
    }
}

impl SimWorker {
    fn order(&self) -> Order {
        let draft = &self.draft;
        let world = self.world.borrow();
        Order {
            origin: Some(draft.text("Comment$")),
            marker: draft.text("UDF_ERP_DRIVER_ID$"),
            customer: draft.text("CustomerNo$"),
            po: draft.text("CustomerPONo$"),
            user: "WEB",
            created: world.stamp(),
            lines: draft.lines.clone(),
            is_whole: true,
            shelf: Shelf::Open,
        }
    }

    fn lost(&mut self) -> Fault {
        self.is_dead = true;
        Fault {
            code: 99,
            message: "the bridge was lost".into(),
        }
    }

    fn set_key(&mut self) -> Return {
        let number = self.draft.number.clone();
        self.draft = Draft {
            number: number.clone(),
            ..Draft::default()
        };
        let mut world = self.world.borrow_mut();
        if world.foreign_takes > 0 || world.strikes(5) {
            world.foreign_takes = world.foreign_takes.saturating_sub(1);
            if !world.orders.contains_key(&number) {
                world.take(&number);
            }
        }
        let is_open = world.locked_number.as_ref() == Some(&number);
        if is_open || !world.lock(self.server, Some(&number)) || world.strikes(2) {
            return refused("The record is in use by SUE.");
        }
        let is_open = world
            .orders
            .get(&number)
            .is_some_and(|order| order.shelf == Shelf::Open);
        code(if is_open { 1 } else { 2 })
    }

    fn write_header(&mut self) -> Result<Return, Fault> {
        let number = self.draft.number.clone();
        let mut order = self.order();
        let origin = order.origin.clone().unwrap_or_default();
        let (late, lost, partial, dice) = {
            let mut world = self.world.borrow_mut();
            world.tick(Duration::from_millis(200));
            let dice = if world.is_calm { 99 } else { world.below(100) };
            (
                world.late_commit.take(),
                std::mem::take(&mut world.lost_write),
                std::mem::take(&mut world.partial_write),
                dice,
            )
        };
        if let Some((wait, kills)) = late {
            self.world
                .borrow_mut()
                .commit_late(self.server, wait, &number, order);
            if kills {
                kill();
            }
            return Err(self.lost());
        }
        if lost {
            return Err(self.lost());
        }
        match dice {
            0..5 => {
                self.world.borrow_mut().commit(&number, order);
                Err(self.lost())
            }
            5..10 => Err(self.lost()),
            10..20 => {
                let mut world = self.world.borrow_mut();
                let wait = Duration::from_millis(world.below(90_000));
                world.commit_late(self.server, wait, &number, order);
                drop(world);
                if dice < 15 {
                    kill();
                }
                Err(self.lost())
            }
            20..23 => {
                self.world.borrow_mut().refusals.insert(origin);
                Ok(refused("The order is not accepted."))
            }
            23..25 => Ok(refused("The subscription has lapsed.")),
            _ if partial || dice == 25 => {
                order.lines.clear();
                order.is_whole = false;
                let mut world = self.world.borrow_mut();
                world.excuse("partial write");
                world.commit(&number, order);
                Ok(code(1))
            }
            _ => {
                let mut world = self.world.borrow_mut();
                let stored = world.commit(&number, order);
                world.lock(self.server, None);
                Ok(if stored {
                    code(1)
                } else {
                    refused("The sales order is already on file.")
                })
            }
        }
    }

    fn set_value(&mut self, object: ObjectId, column: &str, value: &Scalar) -> Return {
        if column == "ItemCode$" && self.world.borrow_mut().strikes(1) {
            let origin = self.draft.text("Comment$");
            self.world.borrow_mut().refusals.insert(origin);
            return refused("The item is not for sale.");
        }
        let values = if object == DOCUMENT {
            &mut self.draft.values
        } else {
            &mut self.draft.line
        };
        values.insert(column.to_owned(), value.clone());
        if column == "CustomerPONo$" {
            return Return {
                code: -1,
                message: "Customer PO is already used.".into(),
                ..Return::default()
            };
        }
        code(1)
    }

    fn get_value(&self, object: ObjectId, column: &str) -> Return {
        let value = match (object, column) {
            (LINES, "ExtensionAmt") => Scalar::Number(self.draft.current().extension),
            (LINES, "UnitPrice") => Scalar::Number(self.draft.price()),
            (LINES, "ItemType$") => Scalar::Text("1".into()),
            (LINES, "QuantityOrdered") => Scalar::Number(self.draft.current().quantity),
            (LINES, "ItemCode$") => Scalar::Text(self.draft.current().item),
            (_, column) => match self.draft.values.get(column) {
                Some(value) => value.clone(),
                None => return refused("The column is not valid."),
            },
        };
        Return {
            value: Some(value),
            ..code(1)
        }
    }

    /// Loads an open order for reading.
    fn find(&mut self) -> Return {
        let world = self.world.borrow();
        let Some(order) = world
            .orders
            .get(&self.draft.number)
            .filter(|o| o.shelf == Shelf::Open)
        else {
            return code(0);
        };
        self.draft.lines.clone_from(&order.lines);
        self.draft.values = [("CustomerNo$", &order.customer), ("CustomerPONo$", &order.po)]
            .map(|(column, text)| (column.to_owned(), Scalar::Text(text.clone())))
            .into();
        self.draft
            .values
            .insert("UserCreatedKey$".into(), Scalar::Text(order.user.into()));
        code(1)
    }

    fn move_to(&mut self, first: bool) -> Return {
        let place = if first {
            0
        } else {
            self.draft.line.get("place").map_or(0, |_| 1)
        };
        if !first && place == 1 && !self.draft.lines.is_empty() {
            self.draft.lines.remove(0);
        }
        let Some(line) = self.draft.lines.first() else {
            return code(0);
        };
        self.draft.line = [
            ("place".to_owned(), Scalar::Text(String::new())),
            ("ItemCode$".to_owned(), Scalar::Text(line.item.clone())),
            ("QuantityOrdered".to_owned(), Scalar::Number(line.quantity)),
        ]
        .into();
        code(1)
    }
}

impl BusinessObjects for SimWorker {
    fn server(&self) -> Option<ServerProcess> {
        Some(self.server)
    }

    fn call(&mut self, call: &Call) -> Result<Return, Fault> {
        let (faults, kills) = {
            let mut world = self.world.borrow_mut();
            world.tick(Duration::from_millis(10));
            (
                world.strikes(1) && world.chance(40),
                world.strikes(1) && world.chance(20),
            )
        };
        if kills {
            kill();
        }
        if self.is_dead || faults || !self.world.borrow().is_running(self.server) {
            return Err(self.lost());
        }
        Ok(match call {
            Call::SetUser { .. } if self.world.borrow_mut().strikes(3) => {
                refused("The maximum number of users has been reached.")
            }
            Call::SetCompany { .. } if self.world.borrow_mut().strikes(2) => {
                refused("Period End requires exclusive access.")
            }
            Call::NewObject { .. } => {
                self.draft = Draft::default();
                Return {
                    object: Some(DOCUMENT),
                    ..code(1)
                }
            }
            Call::Lines { .. } => Return {
                object: Some(LINES),
                ..code(1)
            },
            Call::GetNextNumber { .. } => {
                let number = self.world.borrow_mut().give_number();
                Return {
                    value: Some(Scalar::Text(number)),
                    ..code(1)
                }
            }
            Call::SetKeyValue { value, .. } => {
                self.draft.number = value.as_text().unwrap_or("").to_owned();
                code(1)
            }
            Call::SetKey { .. } => self.set_key(),
            Call::Find { .. } => self.find(),
            Call::SetValue {
                object,
                column,
                value,
            } => self.set_value(*object, column, value),
            Call::GetValue { object, column } => self.get_value(*object, column),
            Call::AddLine { .. } => {
                self.draft.line.clear();
                code(2)
            }
            Call::MoveFirst { .. } => self.move_to(true),
            Call::MoveNext { .. } => self.move_to(false),
            Call::Write { object } if *object == LINES => {
                let line = self.draft.current();
                self.draft.lines.push(line);
                code(1)
            }
            Call::Write { .. } => return self.write_header(),
            Call::DropObject { .. } | Call::CleanUp => {
                self.world.borrow_mut().lock(self.server, None);
                code(1)
            }
            Call::LookupTask { .. } => code(7),
            Call::SelectNewBatch { .. } | Call::SelectBatch { .. } if self.world.borrow().locks_batches => {
                refused("The record is in use by SUE.")
            }
            Call::SelectNewBatch { .. } | Call::SelectBatch { .. } => Return {
                value: Some(Scalar::Text("00001".into())),
                ..code(1)
            },
            Call::SetUser { .. }
            | Call::SetCompany { .. }
            | Call::SetDate { .. }
            | Call::SetModule { .. }
            | Call::SetProgram { .. }
            | Call::Delete { .. } => code(1),
        })
    }
}

impl Worker for SimWorker {
    fn kill(&mut self) {
        self.is_dead = true;
    }
}

impl Drop for SimWorker {
    fn drop(&mut self) {
        self.world.borrow_mut().abandon(self.server);
    }
}
