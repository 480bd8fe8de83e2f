//! A company of the sandbox, and records to enter into it.
#![allow(dead_code, reason = "each file of tests uses a part of it")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use import::plan::{
    CustomerSource, Identities, LinePrice, LineWrite, OrderChecks, OrderWrite, Setting, ShipToSource, Write,
};
use import::writing::{
    Answer, EnterContext, Entry, Login, Step, enter, enter_program, open_session, preview,
};
use model::{CustomerRef, OrderType};
use sage::contract::objects::OBJECTS_FIXTURE_SQL;
use sandbox::objects::{DEFAULT_PASSWORD, DEFAULT_USER, Engine};
use sandbox::{Plan, Profile, Settings, create};
use values::{Date, Decimal, Secret};

pub(crate) const TODAY: Date = Date::constant(2026, 5, 6);

pub(crate) struct Site {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl Site {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("company.db");
        create(&file, &Plan::new(Profile::Empty)).unwrap();
        let site = Self {
            _folder: folder,
            file,
        };
        site.sql(OBJECTS_FIXTURE_SQL);
        site.set("NextSalesOrderNo", "0000185");
        site
    }

    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(&self.file).unwrap()
    }

    pub(crate) fn sql(&self, sql: &str) {
        self.database().execute_batch(sql).unwrap();
    }

    pub(crate) fn set(&self, name: &str, value: &str) {
        Settings::new(&self.database()).set(name, value).unwrap();
    }

    pub(crate) fn engine(&self) -> Engine {
        Engine::open(&self.file, Arc::new(|| "2026-05-06T14:30:00Z".parse().unwrap())).unwrap()
    }

    /// An engine with an open session, and in it the program of this record.
    pub(crate) fn session(&self, write: &Write) -> Engine {
        let mut engine = self.engine();
        assert_eq!(open_session(&mut engine, &login()).unwrap(), Answer::Given(()));
        open_program(&mut engine, write);
        engine
    }

    /// Every row of every table, as text.
    pub(crate) fn rows(&self) -> BTreeMap<String, Vec<String>> {
        let database = self.database();
        let mut tables = database
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
            .unwrap();
        let tables: Vec<String> = tables
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        tables
            .into_iter()
            .map(|table| {
                let mut all = database.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
                let width = all.column_count();
                let rows = all
                    .query_map([], |row| {
                        (0..width)
                            .map(|at| row.get::<_, rusqlite::types::Value>(at).map(|v| format!("{v:?}")))
                            .collect::<Result<Vec<_>, _>>()
                    })
                    .unwrap()
                    .map(|row| row.unwrap().join("|"))
                    .collect();
                (table, rows)
            })
            .collect()
    }
}

pub(crate) fn login() -> Login {
    Login {
        user: DEFAULT_USER.into(),
        password: Secret::new(DEFAULT_PASSWORD),
        company: "ABC".into(),
    }
}

pub(crate) fn open_program(engine: &mut Engine, write: &Write) {
    assert_eq!(
        enter_program(engine, write.program(), TODAY).unwrap(),
        Answer::Given(())
    );
}

pub(crate) fn abf() -> CustomerSource {
    CustomerSource::Known(CustomerRef {
        ar_division_no: "01".into(),
        customer_no: "ABF".into(),
    })
}

pub(crate) fn number(text: &str) -> Decimal {
    Decimal::parse(text, 6).unwrap()
}

/// A line at Sage's price.
pub(crate) fn line(at: u32, item_code: &str, quantity: &str) -> LineWrite {
    LineWrite {
        place: Some(at),
        field: format!("lines[{at}]"),
        item_code: item_code.into(),
        quantity: number(quantity),
        settings: Vec::new(),
        price: LinePrice::Sage {
            web: None,
            tolerance: number("0.01"),
        },
        discount_percent: None,
    }
}

/// Two goods and a comment for the demo company's customer.
pub(crate) fn order(change: impl FnOnce(&mut OrderWrite)) -> Write {
    let mut order = OrderWrite {
        customer: abf(),
        ship_to: Some(ShipToSource::Code("2".into())),
        order_type: OrderType::Standard,
        customer_po_no: "WEB00001".into(),
        order_date: Some(TODAY),
        header: vec![Setting::text("ShipVia", "UPS BLUE", "ship_via")],
        lines: vec![
            line(0, "1001-HON-H252", "2"),
            line(1, "1001-HON-H254", "1"),
            line(2, "/C", "1"),
        ],
        closing: Vec::new(),
        checks: OrderChecks {
            tolerance: number("0.05"),
            ..OrderChecks::default()
        },
        made_from: String::new(),
    };
    order.lines[0].settings = vec![Setting::text("WarehouseCode", "000", "lines[0].warehouse_code")];
    order.lines[1].price = LinePrice::Web(number("100"));
    order.lines[2].settings = vec![Setting::text(
        "CommentText",
        "call before delivery",
        "lines[2].comment_text",
    )];
    change(&mut order);
    Write::SalesOrder(order)
}

pub(crate) fn enter_it(engine: &mut Engine, identity: &str, write: &Write) -> (Entry, Vec<Step>) {
    let earlier = Identities::new();
    let mut steps = Vec::new();
    let entry = enter(engine, identity, write, &context(&earlier), &mut |step| {
        steps.push(step);
    });
    (entry, steps)
}

/// Enters a receipt into a deposit whose other receipts come to this.
pub(crate) fn enter_into(
    engine: &mut Engine,
    identity: &str,
    write: &Write,
    deposited: Option<Decimal>,
) -> Entry {
    let earlier = Identities::new();
    let context = EnterContext {
        deposited,
        ..context(&earlier)
    };
    enter(engine, identity, write, &context, &mut |_| ())
}

pub(crate) fn preview_it(engine: &mut Engine, identity: &str, write: &Write) -> Entry {
    let earlier = Identities::new();
    preview(engine, identity, write, &context(&earlier))
}

pub(crate) fn context(earlier: &Identities) -> EnterContext<'_> {
    EnterContext {
        today: TODAY,
        marker: Some("mark".into()),
        earlier,
        deposited: None,
    }
}

/// Field and code of each problem.
pub(crate) fn told(problems: &[model::Problem]) -> Vec<(&str, &str)> {
    for problem in problems {
        assert!(
            !problem.message.is_empty() && !problem.remedy.is_empty(),
            "{problem:?}"
        );
    }
    problems
        .iter()
        .map(|problem| (problem.field.as_str(), problem.code.as_str()))
        .collect()
}
