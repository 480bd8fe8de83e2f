//! A company of its own and a session in it, for tests of customers and receipts.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use sage::contract::objects::RECEIVABLES_FIXTURE_SQL;
use sage::{BusinessObjects, Call, Fault, ObjectId, Return, Scalar};
use sandbox::objects::{DEFAULT_PASSWORD, DEFAULT_USER, Engine};
use sandbox::{Clock, Plan, Profile, Settings, create};
use values::{Date, Secret};

/// 2026-05-06 10:30 in New York.
pub(crate) fn clock() -> Clock {
    Arc::new(|| "2026-05-06T14:30:00Z".parse().unwrap())
}

pub(crate) struct Fixture {
    _folder: tempfile::TempDir,
    pub(crate) file: PathBuf,
}

impl Fixture {
    /// The contract's company, with room for two sessions.
    pub(crate) fn new() -> Self {
        let fixture = Self::of(Profile::Empty);
        fixture.db().execute_batch(RECEIVABLES_FIXTURE_SQL).unwrap();
        fixture.set("Seats", "2");
        fixture
    }

    pub(crate) fn of(profile: Profile) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("company.db");
        create(&file, &Plan::new(profile)).unwrap();
        Self {
            _folder: folder,
            file,
        }
    }

    pub(crate) fn db(&self) -> Connection {
        Connection::open(&self.file).unwrap()
    }

    pub(crate) fn set(&self, name: &str, value: &str) {
        Settings::new(&self.db()).set(name, value).unwrap();
    }

    pub(crate) fn one(&self, sql: &str) -> String {
        self.db().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.db().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

pub(crate) struct Desk(pub(crate) Engine);

impl Desk {
    /// A session with a program set.
    pub(crate) fn open(fixture: &Fixture, module: &str, task: &str) -> Self {
        let mut desk = Self(Engine::open(&fixture.file, clock()).unwrap());
        let log_on = Call::SetUser {
            user: DEFAULT_USER.into(),
            password: Secret::new(DEFAULT_PASSWORD),
        };
        assert_eq!(desk.call(log_on).code, 1);
        assert_eq!(desk.call(Call::SetCompany { code: "ABC".into() }).code, 1);
        desk.enter(module, task);
        desk
    }

    pub(crate) fn enter(&mut self, module: &str, task: &str) {
        self.call(Call::SetDate {
            module: module.into(),
            date: Date::constant(2026, 5, 6),
        });
        self.call(Call::SetModule {
            module: module.into(),
        });
        let task_id = self.call(Call::LookupTask { task: task.into() }).code;
        assert_eq!(self.call(Call::SetProgram { task_id }).code, 1);
    }

    pub(crate) fn call(&mut self, call: Call) -> Return {
        self.0.call(&call).unwrap()
    }

    pub(crate) fn make(&mut self, name: &str) -> ObjectId {
        self.call(Call::NewObject { name: name.into() }).object.unwrap()
    }

    pub(crate) fn next(&mut self, object: ObjectId, number: &str) -> Return {
        let number = number.into();
        self.call(Call::GetNextNumber { object, number })
    }

    /// Sets the key's parts and the key.
    pub(crate) fn key(&mut self, object: ObjectId, parts: &[(&str, &str)]) -> Return {
        for (column, value) in parts {
            let answer = self.call(Call::SetKeyValue {
                object,
                column: (*column).into(),
                value: Scalar::Text((*value).into()),
            });
            assert_eq!(answer.code, 1, "{column}: {answer:?}");
        }
        self.call(Call::SetKey { object })
    }

    pub(crate) fn set(&mut self, object: ObjectId, column: &str, value: &str) -> Return {
        let value = if column.ends_with('$') {
            Scalar::Text(value.into())
        } else {
            Scalar::Number(value.parse().unwrap())
        };
        self.call(Call::SetValue {
            object,
            column: column.into(),
            value,
        })
    }

    /// Sets what is taken.
    pub(crate) fn fill(&mut self, object: ObjectId, values: &[(&str, &str)]) {
        for (column, value) in values {
            let answer = self.set(object, column, value);
            assert_eq!(answer.code, 1, "{column}: {answer:?}");
        }
    }

    pub(crate) fn text(&mut self, object: ObjectId, column: &str) -> String {
        let column = column.into();
        let answer = self.call(Call::GetValue { object, column });
        answer.value.unwrap().as_text().unwrap().to_owned()
    }

    pub(crate) fn write(&mut self, object: ObjectId) -> Result<Return, Fault> {
        self.0.call(&Call::Write { object })
    }
}

/// It was refused, in these words.
pub(crate) fn refused(answer: &Return, words: &str) {
    assert_eq!((answer.code, answer.message.as_str()), (0, words));
}
