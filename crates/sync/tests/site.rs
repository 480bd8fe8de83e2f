//! A site's own shape: filters, steps, values, tables; joined fields; who left and why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]
#![allow(dead_code, reason = "the tables are shared with other tests")]

mod tables;

use catalog::{Catalog, Class, Dataset, RemovalReason, Value};
use sync::{
    Adaptation, ColumnFill, DocumentPage, Extra, FieldSteps, JoinCache, Keep, PageRequest, RowCode, Shape,
    Suspect, UserTable, Verdict, confirm, read_documents, read_fill, read_keys,
};
use tables::{LIMIT, Row, Rows, Tables, dataset, first_page, fit_with, row};
use values::Key;

fn salespersons() -> Dataset {
    dataset("salespersons", &["SalespersonName", "DateUpdated", "TimeUpdated"])
}

fn person(number: &str, name: &str, region: &str) -> Row {
    row(&[
        ("SalespersonDivisionNo", "01"),
        ("SalespersonNo", number),
        ("SalespersonName", name),
        ("DateUpdated", "2026-05-01"),
        ("TimeUpdated", "9.5"),
        ("UDF_REGION", region),
        ("UDF_QUOTA", "12.5"),
    ])
}

fn persons() -> Tables {
    let rows = vec![
        person("0100", "  jim kelly", "E"),
        person("0200", "JO \"J\" BROWN", "W"),
        person("0300", "ANN", "E"),
    ];
    let tables: Rows = [("AR_Salesperson", rows)].into();
    let mut tables = Tables::new(tables);
    tables.declared.insert("UDF_QUOTA", ("DECIMAL", 10));
    tables
}

fn extra(name: &str, column: &str, class: Class) -> Extra {
    Extra {
        name: name.into(),
        column: column.into(),
        class,
        expression: None,
    }
}

fn texts(page: &DocumentPage, dataset: &Dataset, field: &str) -> Vec<String> {
    let place = dataset.fields.iter().position(|f| f.name == field).unwrap();
    (0..page.batch.parents.num_rows())
        .map(|row| match page.batch.parent_value(place, row) {
            Value::Text(text) => text.to_owned(),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn steps(column: &str, json: &[&str]) -> FieldSteps {
    FieldSteps {
        column: column.into(),
        child: None,
        steps: json.iter().map(|s| serde_json::from_str(s).unwrap()).collect(),
    }
}

#[test]
fn own_values_travel_by_class_and_name() {
    let mut reader = persons();
    let computed = Extra {
        expression: Some("UDF_QUOTA * 2".into()),
        ..extra("double", "", Class::Cost)
    };
    let adaptation = Adaptation {
        udf: vec![
            computed,
            extra("region", "udf_region", Class::Public),
            extra("name \"as is\"", "SalespersonName", Class::Personal),
        ],
        ..Adaptation::default()
    };
    let (shape, _) = fit_with(&mut reader, &salespersons(), &adaptation).unwrap();
    let udf = texts(&first_page(&mut reader, &shape), &shape.dataset, "udf");
    let wanted =
        r#"{"public":{"region":"W"},"personal":{"name \"as is\"":"JO \"J\" BROWN"},"cost":{"double":""#;
    assert!(udf[1].starts_with(wanted), "{}", udf[1]);
    let parsed: serde_json::Value = serde_json::from_str(&udf[1]).unwrap();
    assert_eq!(parsed["public"]["region"], "W");
    let (plain, _) = fit_with(&mut reader, &salespersons(), &Adaptation::default()).unwrap();
    assert_eq!(
        texts(&first_page(&mut reader, &plain), &plain.dataset, "udf"),
        ["", "", ""]
    );
    assert_ne!(plain.site(), shape.site());
}

#[test]
fn the_filter_marks_and_the_keyed_read_confirms() {
    let mut reader = persons();
    let adaptation = Adaptation {
        keep: vec![
            Keep::OneOf {
                column: "UDF_REGION".into(),
                values: vec!["E".into()],
            },
            Keep::Expression("SalespersonName <> 'ANN'".into()),
        ],
        ..Adaptation::default()
    };
    let (shape, _) = fit_with(&mut reader, &salespersons(), &adaptation).unwrap();
    assert_eq!(first_page(&mut reader, &shape).kept, [true, false, false]);
    let suspects: Vec<Suspect> = ["0100", "0200", "0999"]
        .map(|number| Suspect {
            key: Key::from_parts(["01", number]),
            may_leave: false,
        })
        .into();
    let verdicts = confirm(&mut reader, &shape, &suspects, &mut JoinCache::default(), LIMIT).unwrap();
    assert_eq!(
        verdicts,
        [
            Verdict::There,
            Verdict::Gone(RemovalReason::Filtered),
            Verdict::Gone(RemovalReason::Deleted)
        ]
    );
    let mut history = shape.clone();
    history.dataset.temperament = catalog::Temperament::History;
    let verdicts = confirm(&mut reader, &history, &suspects, &mut JoinCache::default(), LIMIT).unwrap();
    assert_eq!(
        verdicts,
        [
            Verdict::There,
            Verdict::Hidden,
            Verdict::Gone(RemovalReason::Purged)
        ]
    );
}

#[test]
fn steps_change_a_field_and_a_row_that_fails_stays_as_it_was() {
    let mut reader = persons();
    let adaptation = Adaptation {
        steps: vec![steps(
            "SalespersonName",
            &[
                r#""trim""#,
                r#""title""#,
                r#"{"expression": "if(UDF_REGION = 'W', text(1 / 0 * UDF_QUOTA), value)"}"#,
            ],
        )],
        ..Adaptation::default()
    };
    let (shape, _) = fit_with(&mut reader, &salespersons(), &adaptation).unwrap();
    let page = first_page(&mut reader, &shape);
    let names = texts(&page, &shape.dataset, "salesperson_name");
    assert_eq!(names, ["Jim Kelly", "JO \"J\" BROWN", "Ann"]);
    assert_eq!(page.findings.len(), 1);
    assert_eq!(page.findings[0].key.as_str(), "01:0200");
    assert_eq!(page.findings[0].code, RowCode::StepFailed("division_by_zero"));
}

#[test]
fn a_look_up_reads_a_small_table_once_and_a_large_one_by_key() {
    for size in [3, 6_000] {
        let mut reader = persons();
        let regions = (0..size).map(|n| {
            let code = match n {
                0 => "E".to_owned(),
                other => format!("R{other}"),
            };
            row(&[("Code", &code), ("Name", &format!("name of {code}"))])
        });
        reader.rows.insert("SITE_Region", regions.collect());
        let look_up =
            r#"{"look_up": {"table": "SITE_Region", "on": {"UDF_REGION": "Code"}, "column": "Name"}}"#;
        let adaptation = Adaptation {
            udf: vec![extra("region", "UDF_REGION", Class::Public)],
            steps: vec![steps("region", &[look_up])],
            ..Adaptation::default()
        };
        let (shape, _) = fit_with(&mut reader, &salespersons(), &adaptation).unwrap();
        let mut joins = JoinCache::default();
        for _ in 0..2 {
            let request = PageRequest {
                limit: 100,
                ..PageRequest::default()
            };
            let page = read_documents(&mut reader, &shape, &request, &mut joins, LIMIT).unwrap();
            let udf = texts(&page, &shape.dataset, "udf");
            assert_eq!(udf[0], r#"{"public":{"region":"name of E"}}"#);
            assert_eq!(udf[1], r#"{"public":{"region":""}}"#);
        }
        let asked = reader.asked.iter().filter(|s| s.table == "SITE_Region").count();
        assert_eq!(asked, if size == 3 { 1 } else { 1 + 2 + 2 });
    }
}

#[test]
fn a_table_of_the_sites_own_is_paged_by_its_own_key() {
    let mut reader = persons();
    let route = |day: &str, stop: &str, note: &str| row(&[("Day", day), ("Stop", stop), ("Note", note)]);
    reader.rows.insert(
        "SITE_Route",
        vec![
            route("MO", "1", "a b"),
            route("MO", "2", ""),
            route("TU", "1", "c"),
        ],
    );
    let adaptation = Adaptation {
        table: Some(UserTable {
            table: "SITE_Route".into(),
            key: vec!["Day".into(), "Stop".into()],
            columns: vec![extra("note", "Note", Class::Public)],
        }),
        ..Adaptation::default()
    };
    let dataset = Dataset::user_defined("udt_routes");
    let (shape, problems) = fit_with(&mut reader, &dataset, &adaptation).unwrap();
    assert_eq!(problems, []);
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let request = PageRequest {
            since: None,
            after,
            limit: 2,
        };
        let page = read_documents(&mut reader, &shape, &request, &mut JoinCache::default(), LIMIT).unwrap();
        found.extend(shape.dataset.keys(&page.batch));
        after = page.last;
        if page.end {
            break;
        }
    }
    assert_eq!(
        found.iter().map(Key::as_str).collect::<Vec<_>>(),
        ["MO:1", "MO:2", "TU:1"]
    );
    let one = read_keys(&mut reader, &shape, &found[..1], &mut JoinCache::default(), LIMIT).unwrap();
    assert_eq!(
        texts(&one, &shape.dataset, "udf"),
        [r#"{"public":{"note":"a b"}}"#]
    );
}

#[test]
fn a_rule_that_names_what_is_not_there_or_never_leaves_is_refused() {
    let code = |adaptation: Adaptation, dataset: &Dataset| {
        let problem = fit_with(&mut persons(), dataset, &adaptation).unwrap_err();
        assert!(problem.is_fatal() && !problem.remedy().is_empty());
        problem.code()
    };
    let with = |udf: Vec<Extra>, keep: Vec<Keep>| Adaptation {
        udf,
        keep,
        ..Adaptation::default()
    };
    let mut dataset = salespersons();
    let unknown = || vec![extra("x", "UDF_NONE", Class::Public)];
    assert_eq!(code(with(unknown(), Vec::new()), &dataset), "column_unknown");
    let text = vec![Keep::Expression("SalespersonName".into())];
    assert_eq!(code(with(Vec::new(), text), &dataset), "rule_invalid");
    dataset.withheld.push("UDF_REGION".into());
    let secret = || vec![extra("x", "udf_region", Class::Public)];
    assert_eq!(code(with(secret(), Vec::new()), &dataset), "column_withheld");
    let by_filter = vec![Keep::Expression("UDF_REGION = 'E'".into())];
    assert_eq!(code(with(Vec::new(), by_filter), &dataset), "rule_invalid");
    let (shape, _) = fit_with(&mut persons(), &dataset, &Adaptation::default()).unwrap();
    assert!(shape.parent_columns().iter().all(|c| c.name != "UDF_REGION"));
    assert!(shape.offered().iter().all(|o| o.column != "UDF_REGION"));
}

#[test]
fn widths_and_types_that_change_are_findings() {
    let mut reader = persons();
    reader.declared.insert("SalespersonName", ("VARCHAR", 30));
    let fit = |reader: &mut Tables, seen: &sync::Remembered| {
        let fitted = Shape::fit(&salespersons(), &Adaptation::default(), "ABC", seen, |table| {
            sage::Reader::columns(reader, table)
        });
        let (shape, problems) = fitted.unwrap().unwrap();
        let codes: Vec<&str> = problems.iter().map(sync::ShapeProblem::code).collect();
        (shape.remember(), codes)
    };
    let (seen, codes) = fit(&mut reader, &sync::Remembered::new());
    assert_eq!(codes, [] as [&str; 0]);
    for (declared, wanted) in [
        (("VARCHAR", 60), "column_wider"),
        (("VARCHAR", 20), "column_narrower"),
        (("DECIMAL", 30), "type_changed"),
    ] {
        reader.declared.insert("SalespersonName", declared);
        assert_eq!(fit(&mut reader, &seen).1, [wanted]);
    }
}

#[test]
fn an_order_that_went_to_the_history_is_explained() {
    let orders = dataset("sales_orders", &["Comment", "DateUpdated", "TimeUpdated"]);
    let successor = orders
        .successors
        .iter()
        .find(|s| s.unless.is_some())
        .expect("the history")
        .clone();
    let unless = successor.unless.clone().unwrap();
    let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let (table, number) = (leak(&successor.table), leak(&successor.on[0].theirs));
    let status = leak(&unless.column);
    let mut tables: Rows = [(
        table,
        vec![
            row(&[(number, "0000001"), (status, "C")]),
            row(&[(number, "0000002"), (status, &unless.values[0])]),
        ],
    )]
    .into();
    let mut only = orders.clone();
    only.children.clear();
    only.successors = vec![successor];
    let header = [
        ("SalesOrderNo", "0000009"),
        ("Comment", ""),
        ("DateUpdated", ""),
        ("TimeUpdated", ""),
    ];
    tables.insert("SO_SalesOrderHeader", vec![row(&header)]);
    let mut reader = Tables::new(tables);
    let (shape, _) = fit_with(&mut reader, &only, &Adaptation::default()).unwrap();
    let suspect = |number: &str, may_leave| Suspect {
        key: Key::from_parts([number]),
        may_leave,
    };
    let suspects = [
        suspect("0000001", false),
        suspect("0000002", false),
        suspect("0000003", true),
        suspect("0000009", true),
    ];
    let verdicts = confirm(&mut reader, &shape, &suspects, &mut JoinCache::default(), LIMIT).unwrap();
    let wanted = [
        Verdict::Gone(RemovalReason::Moved),
        Verdict::Gone(RemovalReason::Deleted),
        Verdict::Gone(RemovalReason::Settled),
        Verdict::There,
    ];
    assert_eq!(verdicts, wanted);
}

#[test]
fn lines_have_own_values_and_steps_too() {
    let mut orders = dataset("sales_orders", &["DateUpdated", "TimeUpdated", "ItemCode"]);
    orders.children.retain(|child| child.name == "lines");
    let header = [
        ("SalesOrderNo", "1"),
        ("DateUpdated", "2026-05-01"),
        ("TimeUpdated", "9"),
    ];
    let line = |key: &str, item: &str, bin: &str| {
        row(&[
            ("SalesOrderNo", "1"),
            ("LineKey", key),
            ("ItemCode", item),
            ("UDF_BIN", bin),
        ])
    };
    let tables: Rows = [
        ("SO_SalesOrderHeader", vec![row(&header)]),
        (
            "SO_SalesOrderDetail",
            vec![line("2", "b", "X2"), line("1", "a", "X1")],
        ),
    ]
    .into();
    let mut reader = Tables::new(tables);
    let upper = steps("ItemCode", &[r#""upper""#]);
    let adaptation = Adaptation {
        child_udf: vec![("lines".into(), vec![extra("bin", "UDF_BIN", Class::Public)])],
        steps: vec![FieldSteps {
            child: Some("lines".into()),
            ..upper
        }],
        ..Adaptation::default()
    };
    let (shape, _) = fit_with(&mut reader, &orders, &adaptation).unwrap();
    let page = first_page(&mut reader, &shape);
    let place = |name: &str| {
        shape.dataset.children[0]
            .fields
            .iter()
            .position(|f| f.name == name)
            .unwrap()
    };
    let shown: Vec<String> = (0..2)
        .map(|row| {
            let of = |name: &str| match page.batch.child_value(0, place(name), row) {
                Value::Text(text) => text.to_owned(),
                other => panic!("{other:?}"),
            };
            format!("{} {}", of("item_code"), of("udf"))
        })
        .collect();
    assert_eq!(
        shown,
        [r#"A {"public":{"bin":"X1"}}"#, r#"B {"public":{"bin":"X2"}}"#]
    );
}

#[test]
fn every_successor_is_asked_by_columns_of_the_key() {
    for dataset in Catalog::standard().unwrap().datasets() {
        for on in dataset.successors.iter().flat_map(|s| &s.on) {
            assert!(dataset.key.contains(&on.own), "{}: {}", dataset.name, on.own);
        }
    }
}

#[test]
fn a_layout_that_nobody_wrote_down_is_taken_whole_but_for_what_never_leaves() {
    let mut guessed = salespersons();
    guessed.guess = Some("no layout was at hand".into());
    guessed.discover = true;
    guessed.withheld.push("UDF_QUOTA".into());
    let (shape, _) = fit_with(&mut persons(), &guessed, &Adaptation::default()).unwrap();
    let udf = texts(&first_page(&mut persons(), &shape), &shape.dataset, "udf");
    assert_eq!(udf[0], r#"{"personal":{"UDF_REGION":"E"}}"#);
    let public = Adaptation {
        udf: vec![extra("region", "UDF_REGION", Class::Public)],
        ..Adaptation::default()
    };
    let (shape, _) = fit_with(&mut persons(), &guessed, &public).unwrap();
    let udf = texts(&first_page(&mut persons(), &shape), &shape.dataset, "udf");
    assert_eq!(udf[0], r#"{"public":{"region":"E"}}"#);
    guessed.discover = false;
    let (shape, _) = fit_with(&mut persons(), &guessed, &Adaptation::default()).unwrap();
    let offered: Vec<&str> = shape.offered().iter().map(|o| o.column.as_str()).collect();
    assert_eq!(offered, ["UDF_REGION"], "offered, and not taken");
    assert!(shape.parent_columns().iter().all(|c| c.name != "UDF_REGION"));
    let mut reader = Tables::new(Rows::new());
    let absent = fit_with(&mut reader, &guessed, &Adaptation::default()).unwrap_err();
    assert!(!absent.is_fatal(), "a table that a site may lack is passed over");
    let missing = fit_with(&mut reader, &salespersons(), &Adaptation::default()).unwrap_err();
    assert!(missing.is_fatal());
}

#[test]
fn joined_fields_come_from_their_table_and_are_blank_where_it_is_not() {
    let mut items = Catalog::standard().unwrap().get("items").unwrap().clone();
    items.children.clear();
    let joined = items.fields.iter().find(|f| f.join.is_some()).unwrap().clone();
    items.fields.retain(|f| {
        f.is_udf() || f.join.is_some() || f.column == "ItemCode" || f.column.ends_with("Updated")
    });
    let item = |code: &str, key: &str| {
        row(&[
            ("ItemCode", code),
            ("ExtendedDescriptionKey", key),
            ("DateUpdated", "2026-05-01"),
            ("TimeUpdated", "9"),
        ])
    };
    let text =
        |key: &str, text: &str| row(&[("ExtendedDescriptionKey", key), ("ExtendedDescriptionText", text)]);
    let mut tables: Rows = [(
        "CI_Item",
        vec![item("A", "0000000001"), item("B", ""), item("C", "0000000009")],
    )]
    .into();
    let mut reader = Tables::new(tables.clone());
    let (shape, problems) = fit_with(&mut reader, &items, &Adaptation::default()).unwrap();
    assert!(
        problems.iter().any(|p| p.code() == "table_absent"),
        "{problems:?}"
    );
    assert_eq!(
        texts(&first_page(&mut reader, &shape), &shape.dataset, &joined.name),
        ["", "", ""]
    );
    tables.insert(
        "CI_ExtendedDescription",
        vec![text("0000000001", "long text"), text("0000000002", "other")],
    );
    let mut reader = Tables::new(tables);
    let (with, _) = fit_with(&mut reader, &items, &Adaptation::default()).unwrap();
    assert_eq!(
        texts(&first_page(&mut reader, &with), &with.dataset, &joined.name),
        ["long text", "", ""]
    );
    assert_ne!(
        with.site(),
        shape.site(),
        "the whole table is read when the joined one is there at last"
    );
}

#[test]
fn the_company_sees_its_own_row_alone_with_all_options() {
    let options = Catalog::standard()
        .unwrap()
        .get("company_options")
        .unwrap()
        .clone();
    let company = |code: &str| row(&[("CompanyCode", code), ("CompanyName", code)]);
    let mut tables: Rows = [("SY_Company", vec![company("ABC"), company("XYZ")])].into();
    tables.insert("SO_Options", vec![row(&[("ModuleCode", "S/O")])]);
    let mut reader = Tables::new(tables);
    let (shape, problems) = fit_with(&mut reader, &options, &Adaptation::default()).unwrap();
    assert!(
        problems.iter().any(|p| p.code() == "table_absent"),
        "{problems:?}"
    );
    let page = first_page(&mut reader, &shape);
    assert_eq!(page.batch.parents.num_rows(), 1);
    let rows: Vec<usize> = page
        .batch
        .children
        .iter()
        .map(arrow_array::RecordBatch::num_rows)
        .collect();
    assert_eq!(rows.iter().sum::<usize>(), 1);
    assert_eq!(reader.asked.len(), 2, "headers of side children are read once");
}

#[test]
fn a_key_that_comes_twice_is_an_error() {
    let mut reader = persons();
    let (shape, _) = fit_with(&mut reader, &salespersons(), &Adaptation::default()).unwrap();
    let rows = reader.rows.get_mut("AR_Salesperson").unwrap();
    rows.push(person("0100", "again", "E"));
    let request = PageRequest {
        limit: 100,
        ..PageRequest::default()
    };
    let page = read_documents(&mut reader, &shape, &request, &mut JoinCache::default(), LIMIT);
    assert!(page.unwrap_err().message.contains("a key came twice"));
}

#[test]
fn a_blank_page_is_looked_into_before_it_is_believed() {
    let mut reader = persons();
    let numbers: Vec<String> = (0..60).map(|n| format!("{n:04}")).collect();
    let name = |n: usize| if n < 20 { "" } else { "SOMEBODY" };
    let rows = numbers
        .iter()
        .enumerate()
        .map(|(n, number)| person(number, name(n), "E"));
    reader.rows.insert("AR_Salesperson", rows.collect());
    let (shape, _) = fit_with(&mut reader, &salespersons(), &Adaptation::default()).unwrap();
    let page = |from: usize, reader: &mut Tables| {
        let request = PageRequest {
            since: None,
            after: from
                .checked_sub(1)
                .map(|n| vec!["01".to_owned(), format!("{n:04}")]),
            limit: 20,
        };
        let page = read_documents(reader, &shape, &request, &mut JoinCache::default(), LIMIT).unwrap();
        sync::Fill::of(&shape, &page)
    };
    let before = page(20, &mut reader);
    let blank = page(0, &mut reader);
    let name = "SalespersonName".to_owned();
    assert_eq!(sync::implausible(&before, &blank), std::slice::from_ref(&name));
    assert!(sync::implausible(&before, &page(40, &mut reader)).is_empty());
    let whole = read_fill(&mut reader, &shape, &[name], LIMIT).unwrap();
    let counted = ColumnFill { rows: 60, filled: 40 };
    assert_eq!(whole.column("SalespersonName"), Some(counted));
    assert!(whole.lost_since(&before).is_empty());
    let lost = ColumnFill { rows: 60, filled: 9 };
    assert!(lost.is_lost_since(before.column("SalespersonName").unwrap()));
}

#[test]
fn what_looks_like_a_secret_is_not_even_known_to_exist() {
    let mut reader = persons();
    for row in reader.rows.get_mut("AR_Salesperson").unwrap() {
        row.insert("UDF_BANKACCTNO", "12345".into());
        row.insert("UDF_PIN", "0000".into());
    }
    let mut guessed = salespersons();
    guessed.guess = Some("no layout was at hand".into());
    guessed.discover = true;
    for dataset in [salespersons(), guessed] {
        let (shape, _) = fit_with(&mut reader, &dataset, &Adaptation::default()).unwrap();
        let is_secret = |name: &str| name.contains("BANKACCT") || name.contains("PIN");
        assert!(shape.parent_columns().iter().all(|c| !is_secret(&c.name)));
        assert!(shape.offered().iter().all(|o| !is_secret(&o.column)));
        assert!(shape.remember().keys().all(|name| !is_secret(name)));
        let udf = texts(&first_page(&mut reader, &shape), &shape.dataset, "udf");
        assert!(udf.iter().all(|udf| !udf.contains("12345")), "{udf:?}");
    }
    let of_a_person =
        r#"{"look_up": {"table": "AR_Salesperson", "on": {"value": "SalespersonNo"}, "column": "UDF_PIN"}}"#;
    for adaptation in [
        Adaptation {
            udf: vec![extra("x", "udf_bankacctno", Class::Personal)],
            ..Adaptation::default()
        },
        Adaptation {
            keep: vec![Keep::OneOf {
                column: "UDF_PIN".into(),
                values: vec!["0000".into()],
            }],
            ..Adaptation::default()
        },
        Adaptation {
            steps: vec![steps("SalespersonName", &[of_a_person])],
            ..Adaptation::default()
        },
    ] {
        let problem = fit_with(&mut reader, &salespersons(), &adaptation).unwrap_err();
        assert_eq!(problem.code(), "column_withheld", "{problem}");
    }
}
