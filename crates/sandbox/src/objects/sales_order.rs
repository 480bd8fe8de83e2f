//! `SO_SalesOrder_bus` among the business objects.

use rusqlite::Connection;
use sage::{Return, Scalar};
use values::Stamp;

use super::commit::{self, Writing};
use super::document::{Document, Lines, given, no_number};
use super::input::refused;
use super::kind::Kind;
use super::numbers;
use super::order::{Desk, Order, State};
use super::record::StoreError;

impl Document for Order {
    fn kind(&self) -> Kind {
        Kind::SalesOrder
    }

    fn state(&self) -> State {
        self.state
    }

    fn record(&self) -> Result<String, Return> {
        if self.number.is_empty() {
            return Err(refused("The SalesOrderNo is required."));
        }
        Ok(self.number.clone())
    }

    fn clear(&mut self) {
        Self::clear(self);
    }

    fn set_key_value(&mut self, column: &str, value: &Scalar) -> Return {
        Self::set_key_value(self, column, value)
    }

    fn key_refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError> {
        Self::key_refusal(self, db)
    }

    fn key(&mut self, desk: &Desk<'_>) -> Result<Return, StoreError> {
        Self::key(self, desk)
    }

    fn find(&mut self, db: &Connection) -> Result<Return, StoreError> {
        Self::find(self, db)
    }

    fn set_value(&mut self, desk: &Desk<'_>, column: &str, value: &Scalar) -> Result<Return, StoreError> {
        Self::set_value(self, desk, column, value)
    }

    fn get_value(&self, column: &str) -> Return {
        Self::get_value(self, column)
    }

    fn refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError> {
        Self::refusal(self, db)
    }

    fn write(&self, db: &mut Connection, writing: &Writing<'_>) -> Result<Return, StoreError> {
        Self::write(self, db, writing)
    }

    fn delete(&self, db: &mut Connection, stamp: Stamp, user_key: &str) -> Result<Return, StoreError> {
        Self::delete(self, db, stamp, user_key)
    }

    fn next_number(&self, db: &Connection, number: &str) -> Result<Return, StoreError> {
        match number {
            "SalesOrderNo" => Ok(given(numbers::next_sales_order(db)?)),
            _ => Ok(no_number(number)),
        }
    }

    fn give_number_back(&self, db: &Connection) -> Result<(), StoreError> {
        numbers::give_back(db, &self.number)
    }

    fn number(&self) -> &str {
        &self.number
    }

    fn is_on_file(&self, db: &Connection) -> Result<bool, StoreError> {
        commit::is_open(db, &self.number)
    }

    fn take_for_somebody_else(
        &self,
        db: &mut Connection,
        argument: &str,
        stamp: Stamp,
    ) -> Result<(), StoreError> {
        numbers::take_for_somebody_else(db, &self.number, argument, stamp)
    }

    fn lines(&mut self) -> Option<&mut dyn Lines> {
        Some(self)
    }
}

impl Lines for Order {
    fn add_line(&mut self) -> Return {
        Self::add_line(self)
    }

    fn move_to(&mut self, first: bool) -> Return {
        Self::move_to(self, first)
    }

    fn set_line_value(
        &mut self,
        desk: &Desk<'_>,
        column: &str,
        value: &Scalar,
    ) -> Result<Return, StoreError> {
        Self::set_line_value(self, desk, column, value)
    }

    fn get_line_value(&self, column: &str) -> Return {
        Self::get_line_value(self, column)
    }

    fn write_line(&mut self, db: &Connection) -> Result<Return, StoreError> {
        Self::write_line(self, db)
    }

    fn delete_line(&mut self, db: &Connection) -> Result<Return, StoreError> {
        Self::delete_line(self, db)
    }
}
