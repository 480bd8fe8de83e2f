//! One transaction on one connection.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Write as _;

use futures_util::future::try_join_all;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::listen::NOTIFY;
use super::pool::{Pool, Use};
use super::statistics::Grown;
use super::types::Bound;
use super::wait::{send, wait};
use super::{Staged, pool};
use crate::StoreError;
use crate::engine::{Param, Row};
use crate::wake::Wake;

/// Prepared statements of a connection: a few for each dataset and each call; filters come
/// in many combinations.
const STATEMENTS: usize = 2_000;

pub(super) type Argument<'a> = &'a (dyn ToSql + Sync);

/// A connection and what it has prepared.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) statements: RefCell<HashMap<String, Statement>>,
    pub(super) staged: RefCell<Staged>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// A transaction. It is rolled back unless it is committed, and begins with its first
/// statement.
pub(crate) struct Session<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
    purpose: Use,
    /// None: statements stand alone.
    begin: Option<&'static str>,
    begun: Cell<bool>,
    failed: Cell<bool>,
    /// A batch stands in the staging tables.
    pub(super) staged: Cell<bool>,
    pub(super) grown: Grown,
    pub(in crate::engine) wakes: RefCell<Vec<Wake>>,
}

impl<'a> Session<'a> {
    pub(super) fn new(pool: &'a Pool, purpose: Use, begin: Option<&'static str>) -> Result<Self, StoreError> {
        Ok(Self {
            connection: Some(pool.take(purpose)?),
            pool,
            purpose,
            begin,
            begun: Cell::new(false),
            failed: Cell::new(false),
            staged: Cell::new(false),
            grown: Grown::default(),
            wakes: RefCell::default(),
        })
    }

    pub(super) fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection
            .as_ref()
            .ok_or_else(|| StoreError::Unavailable("the transaction is over".to_owned()))
    }

    pub(in crate::engine) fn query(
        &self,
        sql: &str,
        parameters: &[Argument<'_>],
    ) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let client = &self.connection()?.client;
        let statement = self.prepared(sql)?;
        self.run(client.query(&statement, parameters))
    }

    /// Sends statements of the same parameters together, and then waits for their rows.
    pub(super) fn query_all(
        &self,
        statements: &[String],
        parameters: &[Argument<'_>],
    ) -> Result<Vec<Vec<tokio_postgres::Row>>, StoreError> {
        let client = &self.connection()?.client;
        let prepared = statements.iter().map(|sql| self.prepared(sql));
        let prepared = prepared.collect::<Result<Vec<_>, _>>()?;
        let asked = prepared
            .iter()
            .map(|statement| client.query(statement, parameters));
        self.run(try_join_all(asked))
    }

    pub(in crate::engine) fn execute(
        &self,
        sql: &str,
        parameters: &[Argument<'_>],
    ) -> Result<u64, StoreError> {
        let client = &self.connection()?.client;
        let statement = self.prepared(sql)?;
        self.run(client.execute(&statement, parameters))
    }

    pub(in crate::engine) fn execute_bound(
        &self,
        sql: &str,
        parameters: &[Param<'_>],
    ) -> Result<u64, StoreError> {
        bound(parameters, |parameters| self.execute(sql, parameters))
    }

    pub(in crate::engine) fn each_bound(
        &self,
        sql: &str,
        parameters: &[Param<'_>],
        work: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for row in bound(parameters, |parameters| self.query(sql, parameters))? {
            work(&Row::Postgres(&row))?;
        }
        Ok(())
    }

    pub(in crate::engine) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.run(self.connection()?.client.batch_execute(sql))
    }

    /// Runs statements before the transaction begins; inside it when it has begun.
    pub(super) fn before(&self, sql: &str) -> Result<(), StoreError> {
        let client = &self.connection()?.client;
        if self.begun.get() {
            return self.batch(sql);
        }
        wait(client.batch_execute(sql)).map_err(|error| pool::failed(&error))
    }

    /// Runs what a client does inside the transaction, which begins on the way.
    pub(super) fn run<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        let client = &self.connection()?.client;
        let begin = self.begin.filter(|_| !self.begun.replace(true));
        let done = wait(async {
            let Some(begin) = begin else {
                return work.await;
            };
            let (begun, done) = tokio::join!(biased; client.batch_execute(begin), work);
            begun.and(done)
        });
        done.map_err(|error| {
            self.failed.set(true);
            pool::failed(&error)
        })
    }

    /// A statement of the connection's; prepared when it is new.
    pub(super) fn prepared(&self, sql: &str) -> Result<Statement, StoreError> {
        #[cfg(test)]
        crate::engine::recorder::record(sql);
        let connection = self.connection()?;
        if let Some(statement) = connection.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let numbered = numbered(sql);
        // Before the transaction begins nothing has to be rolled back when this fails.
        let prepared = wait(connection.client.prepare(&numbered));
        let statement = prepared.map_err(|error| {
            self.failed.set(true);
            pool::failed(&error)
        })?;
        let mut statements = connection.statements.borrow_mut();
        if statements.len() >= STATEMENTS {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(super) fn commit(mut self) -> Result<(), StoreError> {
        // The server answers a commit of a failed transaction without an error.
        if self.failed.get() {
            return Err(StoreError::Unavailable(
                "a statement had failed before the commit".to_owned(),
            ));
        }
        if self.begun.get() {
            let wakes: Vec<String> = self.wakes.take().iter().map(Wake::payload).collect();
            let client = &self.connection()?.client;
            if wakes.is_empty() {
                self.run(client.batch_execute("COMMIT"))?;
            } else {
                let told = self.prepared(NOTIFY)?;
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&wakes];
                self.run(async {
                    let told = client.execute(&told, &values);
                    let (told, done) = tokio::join!(biased; told, client.batch_execute("COMMIT"));
                    told.and(done)
                })?;
            }
            self.begun.set(false);
        }
        self.give_back();
        Ok(())
    }

    fn give_back(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.give_back(connection, self.purpose);
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection
            && self.begun.get()
        {
            // A read has nothing to keep: this ends it as well.
            send(connection.client.batch_execute("ROLLBACK"));
        }
        self.give_back();
    }
}

fn bound<T>(parameters: &[Param<'_>], work: impl FnOnce(&[Argument<'_>]) -> T) -> T {
    let bound: Vec<_> = parameters.iter().map(|parameter| Bound(*parameter)).collect();
    let arguments: Vec<_> = bound.iter().map(|b| b as Argument<'_>).collect();
    work(&arguments)
}

/// `?` and `?1` as `$1`, outside of quotes.
pub(super) fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut chars = sql.chars().peekable();
    let (mut next, mut quote) = (1_u32, None);
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '?') => {
                let mut number = String::new();
                while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                    number.push(digit);
                }
                let number = number.parse().unwrap_or(next);
                next = next.max(number + 1);
                // Writing to a String cannot fail.
                let _ = write!(out, "${number}");
                continue;
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None | Some(_), _) => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn places_are_numbered_outside_of_quotes() {
        assert_eq!(numbered("a = ? AND b = ? LIMIT ?"), "a = $1 AND b = $2 LIMIT $3");
        assert_eq!(numbered("?1, ?12, ?1, ?"), "$1, $12, $1, $13");
        assert_eq!(
            numbered("\"a?\" = '?''?' AND c = ?"),
            "\"a?\" = '?''?' AND c = $1"
        );
    }
}
