//! `SO_SalesOrder_bus`: a sales order under work. Nothing of it is stored before the
//! header's `nWrite`.

use std::sync::Arc;

use rusqlite::Connection;
use sage::{Return, Scalar};
use values::{Date, Stamp};

use super::commit::{self, Writing, committed_column};
use super::input::{accept, code, done, hand_out, refused, warned};
use super::line::{self, OrderTerms};
use super::record::{Cell, FieldKind, Layout, Record, StoreError};
use super::session::Session;
use super::{header, kits, price_lookup, sold_to, tax, totals};

/// The header's table; locks stand under its name.
pub(crate) const HEADER: &str = "SO_SalesOrderHeader";
/// The lines' table.
pub(crate) const DETAIL: &str = "SO_SalesOrderDetail";

const TASK: &str = "SO_SalesOrder_ui";
const RECORDS: &str = "sales orders";

/// What the engine knows besides the order.
pub(crate) struct Desk<'a> {
    /// The company.
    pub(crate) db: &'a Connection,
    /// Posting date of S/O.
    pub(crate) date: Date,
}

/// How far the record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// No key yet.
    Unkeyed,
    /// Loaded by `nFind`, for reading.
    Found,
    /// Keyed and locked: a new record.
    New,
    /// Keyed and locked: an existing record.
    Existing,
}

/// A sales order under work.
#[derive(Debug)]
pub(crate) struct Order {
    header_layout: Arc<Layout>,
    detail_layout: Arc<Layout>,
    /// How far it is.
    pub(crate) state: State,
    /// Number under work; blank before it is set.
    pub(crate) number: String,
    /// The header as it would be written.
    pub(crate) header: Record,
    /// The lines as they would be written.
    pub(crate) lines: Vec<Record>,
    /// The lines as they are stored.
    pub(crate) stored: Vec<Record>,
    /// The stock column that the stored lines are held under.
    pub(crate) stored_under: Option<&'static str>,
    next_line: u32,
    draft: Option<Draft>,
    cursor: usize,
}

#[derive(Debug)]
struct Draft {
    line: Record,
    /// Place of the line that it replaces; none for a new one.
    replaces: Option<usize>,
}

impl Order {
    /// A new object.
    pub(crate) fn open(db: &Connection) -> Result<Self, StoreError> {
        let header_layout = Layout::read(db, HEADER)?;
        let detail_layout = Layout::read(db, DETAIL)?;
        let header = Record::blank(&header_layout);
        Ok(Self {
            header_layout,
            detail_layout,
            state: State::Unkeyed,
            number: String::new(),
            header,
            lines: Vec::new(),
            stored: Vec::new(),
            stored_under: None,
            next_line: 1,
            draft: None,
            cursor: 0,
        })
    }

    /// Forgets the record; the object may be keyed anew.
    pub(crate) fn clear(&mut self) {
        self.header = Record::blank(&self.header_layout);
        self.state = State::Unkeyed;
        self.number.clear();
        self.lines.clear();
        self.stored.clear();
        self.stored_under = None;
        self.next_line = 1;
        self.draft = None;
        self.cursor = 0;
    }

    /// Is the record locked by this object?
    pub(crate) fn is_locked(&self) -> bool {
        matches!(self.state, State::New | State::Existing)
    }

    /// `nSetKeyValue`.
    pub(crate) fn set_key_value(&mut self, column: &str, value: &Scalar) -> Return {
        let (name, cell) = match accept(&self.header_layout, column, value) {
            Ok((field, cell)) => (field.name.clone(), cell),
            Err(message) => return refused(message),
        };
        match cell {
            Cell::Text(text) if name == "SalesOrderNo" && !text.is_empty() => {
                self.number = self.zero_filled(&text);
                done()
            }
            Cell::Text(_) | Cell::Number(_) | Cell::Date(_) if name == "SalesOrderNo" => {
                refused("The SalesOrderNo is required.")
            }
            Cell::Text(_) | Cell::Number(_) | Cell::Date(_) => refused(format!("{name} is no key column.")),
        }
    }

    /// Why the user's role does not let the record under the key be worked on.
    pub(crate) fn key_refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError> {
        let right = if commit::is_open(db, &self.number)? {
            "modify"
        } else {
            "create"
        };
        Ok(Session::lacks_right(db, TASK, right, RECORDS)?.map(refused))
    }

    /// Why the order may not be written yet.
    pub(crate) fn refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError> {
        header::refusal_of(db, &self.header)
    }

    /// The header's `nWrite`: stores the order, with a warning where Sage has one.
    pub(crate) fn write(&self, db: &mut Connection, writing: &Writing<'_>) -> Result<Return, StoreError> {
        let warning = header::warning_of(db, &self.header)?;
        if !commit::write(db, self, writing)? {
            let number = &self.number;
            return Ok(refused(format!("Sales order {number} is already on file.")));
        }
        Ok(warning.map_or_else(done, warned))
    }

    /// `nDelete`.
    pub(crate) fn delete(
        &self,
        db: &mut Connection,
        stamp: Stamp,
        user_key: &str,
    ) -> Result<Return, StoreError> {
        if let Some(words) = Session::lacks_right(db, TASK, "remove", RECORDS)? {
            return Ok(refused(words));
        }
        commit::delete(db, self, stamp, user_key)?;
        Ok(done())
    }

    /// `nSetKey` after the lock is taken: 2 for a new record, 1 for an existing one.
    pub(crate) fn key(&mut self, desk: &Desk<'_>) -> Result<Return, StoreError> {
        let number = std::mem::take(&mut self.number);
        self.clear();
        self.number = number;
        if self.load(desk.db)? {
            self.state = State::Existing;
            return Ok(done());
        }
        self.state = State::New;
        self.header.put_text("SalesOrderNo", &self.number);
        header::set_defaults(desk, &mut self.header)?;
        Ok(code(2))
    }

    /// `nFind`: loads without a lock.
    pub(crate) fn find(&mut self, db: &Connection) -> Result<Return, StoreError> {
        let number = std::mem::take(&mut self.number);
        self.clear();
        self.number = number;
        if self.load(db)? {
            self.state = State::Found;
            Ok(done())
        } else {
            Ok(refused(format!("Sales order {} is not on file.", self.number)))
        }
    }

    fn load(&mut self, db: &Connection) -> Result<bool, StoreError> {
        let key = [("SalesOrderNo", self.number.as_str())];
        let Some(header) = Record::read_one(db, &self.header_layout, &key)? else {
            return Ok(false);
        };
        self.stored_under = committed_column(header.text("OrderType"));
        self.header = header;
        self.lines = Record::read_all(db, &self.detail_layout, &key)?;
        self.lines
            .sort_by(|a, b| a.text("LineSeqNo").cmp(b.text("LineSeqNo")));
        self.stored.clone_from(&self.lines);
        let last = self
            .lines
            .iter()
            .filter_map(|line| line.text("LineKey").parse::<u32>().ok())
            .max();
        self.next_line = last.unwrap_or(0) + 1;
        Ok(true)
    }

    /// `nSetValue` on the header.
    pub(crate) fn set_value(
        &mut self,
        desk: &Desk<'_>,
        column: &str,
        value: &Scalar,
    ) -> Result<Return, StoreError> {
        if !self.is_locked() {
            return Ok(refused(format!(
                "The key is not set: SalesOrderNo is required before {column}."
            )));
        }
        let is_new = self.state == State::New;
        let answer = header::set_value(desk, &mut self.header, is_new, column, value)?;
        if !answer.is_refused() {
            totals::sum(desk.db, &mut self.header, &self.lines)?;
        }
        Ok(answer)
    }

    /// `nGetValue` on the header.
    pub(crate) fn get_value(&self, column: &str) -> Return {
        if self.state == State::Unkeyed {
            return refused("The key is not set.");
        }
        value_of(&self.header, column)
    }

    /// `nAddLine`.
    pub(crate) fn add_line(&mut self) -> Return {
        if !self.is_locked() {
            return refused("The key of the sales order is not set.");
        }
        if self.header.text("CustomerNo").is_empty() {
            return refused("The CustomerNo is required before lines.");
        }
        let mut line = Record::blank(&self.detail_layout);
        line.put_text("SalesOrderNo", &self.number);
        line.put_text("LineKey", &format!("{:06}", self.next_line));
        line.put_text("LineSeqNo", &format!("{:014}", self.next_line));
        line.put_text("SOHistoryDetlSeqNo", &format!("{:014}", self.next_line));
        self.next_line += 1;
        self.draft = Some(Draft { line, replaces: None });
        code(2)
    }

    /// `nMoveFirst` and `nMoveNext` on the lines.
    pub(crate) fn move_to(&mut self, first: bool) -> Return {
        self.cursor = if first { 0 } else { self.cursor.wrapping_add(1) };
        self.draft = self.lines.get(self.cursor).map(|line| Draft {
            line: line.clone(),
            replaces: Some(self.cursor),
        });
        if self.draft.is_some() {
            done()
        } else {
            refused("There are no more lines.")
        }
    }

    /// `nSetValue` on the lines.
    pub(crate) fn set_line_value(
        &mut self,
        desk: &Desk<'_>,
        column: &str,
        value: &Scalar,
    ) -> Result<Return, StoreError> {
        if !self.is_locked() {
            return Ok(refused("The key of the sales order is not set."));
        }
        let Some(draft) = &mut self.draft else {
            return Ok(refused("There is no current line."));
        };
        let price_level = sold_to::price_level(desk.db, &self.header)?;
        let terms = OrderTerms {
            division: self.header.text("ARDivisionNo"),
            customer: self.header.text("CustomerNo"),
            price_level: &price_level,
            ship_to: self.header.text("ShipToCode"),
            others: if price_lookup::counts_together(desk.db)? {
                others_than(&self.lines, draft.replaces)
            } else {
                Vec::new()
            },
            warehouse: self.header.text("WarehouseCode"),
            order_date: self.header.date("OrderDate").unwrap_or(desk.date),
            promise_date: self.header.date("ShipExpireDate"),
        };
        line::set_value(desk.db, &terms, &mut draft.line, column, value)
    }

    /// `nGetValue` on the lines: blank and zero when no line is current, as after its
    /// `nWrite`.
    pub(crate) fn get_line_value(&self, column: &str) -> Return {
        match &self.draft {
            Some(draft) => value_of(&draft.line, column),
            None => value_of(&Record::blank(&self.detail_layout), column),
        }
    }

    /// `nWrite` on the lines.
    pub(crate) fn write_line(&mut self, db: &Connection) -> Result<Return, StoreError> {
        if !self.is_locked() {
            return Ok(refused("The key of the sales order is not set."));
        }
        let Some(draft) = self.draft.take() else {
            return Ok(refused("There is no current line."));
        };
        let refusal = match line::refusal_of(db, &draft.line)? {
            Some(words) => Some(words),
            None => tax::refusal_of(db, &self.header)?,
        };
        if let Some(words) = refusal {
            self.draft = Some(draft);
            return Ok(refused(words));
        }
        let place = match draft.replaces {
            Some(place) if place < self.lines.len() => {
                self.lines[place] = draft.line;
                place
            }
            Some(_) | None => {
                self.lines.push(draft.line);
                self.lines.len() - 1
            }
        };
        self.set_components(db, place)?;
        self.reprice_together(db)?;
        totals::sum(db, &mut self.header, &self.lines)?;
        Ok(done())
    }

    /// Gives a kit's line the component lines that it should have, behind it.
    fn set_components(&mut self, db: &Connection, place: usize) -> Result<(), StoreError> {
        let kit = self.lines[place].clone();
        let earlier = self.take_components(kit.text("LineKey"));
        let mut next = self.next_line;
        let mut next_key = || {
            next += 1;
            next - 1
        };
        let components = kits::component_lines(db, &kit, earlier, &self.detail_layout, &mut next_key)?;
        self.next_line = next;
        let behind = place + 1;
        self.lines.splice(behind..behind, components);
        Ok(())
    }

    /// Where quantities count together, a line changes the prices of others.
    fn reprice_together(&mut self, db: &Connection) -> Result<(), StoreError> {
        let Some(order_date) = self.header.date("OrderDate") else {
            return Ok(());
        };
        if !price_lookup::counts_together(db)? {
            return Ok(());
        }
        let price_level = sold_to::price_level(db, &self.header)?;
        for place in 0..self.lines.len() {
            let mut line = self.lines[place].clone();
            let terms = OrderTerms {
                division: self.header.text("ARDivisionNo"),
                customer: self.header.text("CustomerNo"),
                price_level: &price_level,
                ship_to: self.header.text("ShipToCode"),
                others: others_than(&self.lines, Some(place)),
                warehouse: self.header.text("WarehouseCode"),
                order_date,
                promise_date: self.header.date("ShipExpireDate"),
            };
            line::reprice(db, &terms, &mut line)?;
            totals::extend(&mut line)?;
            self.lines[place] = line;
        }
        Ok(())
    }

    fn take_components(&mut self, kit_line: &str) -> Vec<Record> {
        let (components, others) = std::mem::take(&mut self.lines)
            .into_iter()
            .partition(|line| line.text("SalesKitLineKey") == kit_line);
        self.lines = others;
        components
    }

    /// `nDelete` on the lines.
    pub(crate) fn delete_line(&mut self, db: &Connection) -> Result<Return, StoreError> {
        match self.draft.take().map(|draft| draft.replaces) {
            Some(Some(place)) if self.is_locked() && place < self.lines.len() => {
                let line = self.lines.remove(place);
                self.take_components(line.text("LineKey"));
                // `nMoveNext` goes on with the line that moved up.
                self.cursor = place.wrapping_sub(1);
                self.reprice_together(db)?;
                totals::sum(db, &mut self.header, &self.lines)?;
                Ok(done())
            }
            Some(Some(_) | None) | None => Ok(refused("There is no stored line to delete.")),
        }
    }

    fn zero_filled(&self, number: &str) -> String {
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        match self.header_layout.field("SalesOrderNo").map(|field| field.kind) {
            Some(FieldKind::Text(Some(width))) if is_number => format!("{number:0>width$}"),
            Some(FieldKind::Text(_) | FieldKind::Number(_) | FieldKind::Date) | None => number.to_owned(),
        }
    }
}

fn others_than(lines: &[Record], place: Option<usize>) -> Vec<&Record> {
    lines
        .iter()
        .enumerate()
        .filter(|(other, _)| Some(*other) != place)
        .map(|(_, line)| line)
        .collect()
}

fn value_of(record: &Record, column: &str) -> Return {
    match hand_out(record, column) {
        Ok(value) => Return {
            value: Some(value),
            ..done()
        },
        Err(message) => refused(message),
    }
}
