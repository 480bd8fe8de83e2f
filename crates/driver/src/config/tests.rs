//! Every mistake in the file is found, with its line, before anything is done.

use std::path::Path;

use catalog::{Catalog, Class};
use expression::Step;
use sync::Keep;
use values::Date;

use super::*;

const GOOD: &str = r#"
[hub]
url = "https://hub.example.com"
[erp]
time_zone = "America/New_York"
[state]
dir = "state"
[[company]]
code = "ABC"
edition = "standard"
reader.odbc = "Driver=SQLite3;Database=nw.db;StepAPI=1"
writer.sandbox = "nw.db"
"#;

/// [`GOOD`] ends before this line.
const NEXT_LINE: usize = 13;

const SITE: &str = r#"
[[company.dataset]]
name = "items"
udf = ["UDF_WEB_CATEGORY", { column = "UDF_COST_NOTE", class = "cost", name = "cost_note" }]
only = { ProductLine = ["WF&A"], UDF_WEB = ["Y"] }
except = { ItemType = ["4"] }
when = "UDF_WEB = 'Y' and InactiveItem <> 'Y' and UDF_RANK > 3"
fields.item_code_desc = ["trim", { map = { A = "B" } }]
fields.web_price = { class = "public", steps = [{ expression = "StandardUnitPrice * 1.10" }, { scale = 2 }] }
fields.label = { class = "public", steps = [{ concat = ["ItemCode", { text = " " }, "ItemCodeDesc"] }] }
fields.UDF_WEB_CATEGORY = ["upper"]
sweep_hours = "19:00-06:00"
[[company.dataset]]
name = "sales_orders"
lines.udf = ["UDF_GIFT"]
lines.fields.item_code_desc = ["trim"]
[[company.dataset]]
name = "invoices"
history_years = 5
[[company.dataset]]
name = "promotions"
sync = false
[[company.dataset]]
name = "udt_varietals"
table = "CI_UDT_VARIETALS"
key = ["UDF_CODE"]
udf = ["UDF_NAME"]
"#;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("/etc/erp-driver/config.toml"), text)
}

/// The mistake in this section of items, or of another dataset when it begins with a name.
fn mistake(section: &str) -> ConfigError {
    let name = if section.starts_with("name") || section.starts_with('#') {
        ""
    } else {
        "name = \"items\"\n"
    };
    parse(&format!("{GOOD}[[company.dataset]]\n{name}{section}\n")).unwrap_err()
}

fn site(name: &str) -> SiteDataset {
    let config = parse(&format!("{GOOD}{SITE}")).unwrap();
    let all = config.companies[0].datasets(
        &config,
        &Catalog::standard().unwrap(),
        Date::new(2026, 11, 25).unwrap(),
    );
    all.into_iter().find(|d| d.dataset.name.as_str() == name).unwrap()
}

#[test]
fn reads_what_the_surface_shows() {
    let config = parse(GOOD).unwrap();
    assert_eq!(config.state_dir, Path::new("/etc/erp-driver/state"));
    assert_eq!(config.companies[0].id.as_str(), "ABC");
    assert_eq!(config.zone_name(), "America/New_York");
    assert!(!config.companies[0].orders.history_kept);
    assert_eq!(config.sync, SyncSettings::default());
}

#[test]
fn a_site_s_own_shape_becomes_adaptations() {
    let items = site("items");
    let changes = &items.adaptation;
    let extras: Vec<_> = changes
        .udf
        .iter()
        .map(|e| {
            (
                e.name.as_str(),
                e.column.as_str(),
                e.class,
                e.expression.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        extras,
        [
            ("UDF_WEB_CATEGORY", "UDF_WEB_CATEGORY", Class::Public, None),
            ("cost_note", "UDF_COST_NOTE", Class::Cost, None),
            ("label", "", Class::Public, Some("''")),
            ("web_price", "", Class::Public, Some("StandardUnitPrice * 1.10")),
        ]
    );
    assert_eq!(changes.keep.len(), 4);
    assert!(matches!(&changes.keep[3], Keep::Expression(text) if text.contains("UDF_RANK")));
    let steps = |column: &str| &changes.steps.iter().find(|s| s.column == column).unwrap().steps;
    assert_eq!(steps("item_code_desc").len(), 2);
    assert_eq!(*steps("web_price"), [Step::Scale(2)]);
    assert!(matches!(steps("label")[..], [Step::Concat(_)]));
    assert_eq!(*steps("UDF_WEB_CATEGORY"), [Step::Upper]);
    assert_eq!(items.pace.sweep_hours, Some("19:00-06:00".parse().unwrap()));

    let orders = site("sales_orders").adaptation;
    assert_eq!(orders.child_udf[0].0, "lines");
    assert_eq!(orders.steps[0].child.as_deref(), Some("lines"));
    let invoices = site("invoices").adaptation;
    assert_eq!(invoices.not_before, Date::new(2021, 1, 1).ok());
    let table = site("udt_varietals").adaptation.table.unwrap();
    let columns: Vec<_> = table.columns.iter().map(|c| c.column.as_str()).collect();
    assert_eq!(columns, ["UDF_CODE", "UDF_NAME"]);
}

#[test]
fn what_is_not_synced_is_left_out_and_the_company_s_section_wins() {
    let text = format!(
        "{GOOD}{SITE}[[company]]\ncode = \"XYZ\"\nedition = \"premium\"\nreader.odbc = \"DSN=X\"\n\
         [[dataset]]\nname = \"items\"\nonly = {{ ItemType = [\"1\"] }}\n"
    );
    let config = parse(&text).unwrap();
    let catalog = Catalog::standard().unwrap();
    let today = Date::new(2026, 11, 25).unwrap();
    let first = config.companies[0].datasets(&config, &catalog, today);
    assert_eq!(first.len(), catalog.datasets().len());
    assert!(!first.iter().any(|d| d.dataset.name.as_str() == "promotions"));
    assert!(first.is_sorted_by_key(|d| d.dataset.name.as_str().to_owned()));
    let second = config.companies[1].datasets(&config, &catalog, today);
    let items = second
        .iter()
        .find(|d| d.dataset.name.as_str() == "items")
        .unwrap();
    assert_eq!(items.adaptation.keep.len(), 1);
    assert!(items.adaptation.udf.is_empty());
}

#[test]
fn every_mistake_names_its_place_and_line() {
    for (from, to, wanted) in [
        ("America/New_York", "New York", ":5: erp.time_zone"),
        ("\"ABC\"", "\"abc\"", ":9: company[0].code"),
        ("StepAPI=1", "PWD=geheim", ":11: company[0].reader.odbc"),
        (
            "reader.odbc = \"Driver=SQLite3;Database=nw.db;StepAPI=1\"",
            "reader.password_env = \"X\"",
            ":11: company[0].reader",
        ),
        (
            "writer.sandbox = \"nw.db\"",
            "writer.com = { home = 'C:\\Sage' }",
            ":12: company[0].writer.com",
        ),
        (
            "[erp]",
            "[sync]\ndatasets = [\"itmes\"]\n[erp]",
            ":5: sync.datasets[0]",
        ),
        (
            "[erp]",
            "[sync]\ndatasets = [\"udt_x\"]\n[erp]",
            ":5: sync.datasets[0]",
        ),
        ("[erp]", "[sync]\n\ninterval_s = 0\n[erp]", ":6: sync.interval_s"),
        (
            "[erp]",
            "[sync]\nsweep_hours = \"19-6\"\n[erp]",
            ":5: \"19-6\" is no hours",
        ),
        (
            "[erp]",
            "[sync]\nreading_share_percent = 101\n[erp]",
            ":5: sync.reading",
        ),
        ("url = ", "adress = ", ":3: unknown field `adress`"),
        (
            "reader.odbc",
            "reader.system_database = \"X\"\nreader.odbc",
            ":11: company[0].reader.system",
        ),
    ] {
        let error = parse(&GOOD.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().contains(wanted), "{wanted}: {error}");
        assert!(!error.to_string().contains("geheim"), "{error}");
        assert!(!error.remedy.is_empty());
    }
}

/// Each mistake in a dataset's section: on which of its lines, at which key, in which words.
#[test]
fn every_mistake_in_a_dataset_is_refused_with_line_and_mend() {
    // Lines count from the `[[company.dataset]]` line as 0; items' name is line 1.
    let cases: &[(&str, usize, &str, &str)] = &[
        ("name = \"itmes\"", 1, "name", "\"itmes\" is no dataset"),
        (
            "name = \"varietals\"\ntable = \"CI_UDT_V\"\nkey = [\"K\"]",
            1,
            "name",
            "no dataset",
        ),
        ("# nothing", 0, "", "there is no name"),
        ("\nhistory_yaers = 5", 3, "history_yaers", "not known"),
        ("history_years = 5", 2, "history_years", "no history"),
        (
            "name = \"invoices\"\nhistory_years = 0",
            2,
            "history_years",
            "0 is not possible",
        ),
        ("sweep_hours = \"7-8\"", 2, "sweep_hours", "no hours"),
        ("interval_s = \"5\"", 2, "interval_s", "has to be a whole number"),
        ("table = \"CI_Item\"", 2, "table", "a dataset of the catalog"),
        ("name = \"udt_x\"", 0, "", "no table"),
        ("name = \"udt_x\"\ntable = \"CI_UDT_X\"", 0, "", "no key"),
        (
            "name = \"udt_x\"\ntable = \"AR_Customer\"\nkey = [\"CustomerNo\"]",
            2,
            "table",
            "no user-defined table",
        ),
        ("udf = \"UDF_X\"", 2, "udf", "has to be a list"),
        (
            "udf = [\n  \"UDF_X\",\n  { column = \"UDF_Y\", class = \"secret\" },\n]",
            4,
            "udf[1].class",
            "no class",
        ),
        ("udf = [{ class = \"cost\" }]", 2, "udf[0]", "no column"),
        ("udf = [\"UDF_X\", \"UDF_X\"]", 2, "udf[1]", "stands twice"),
        ("udf = [\"ItemCode\"]", 2, "udf[0]", "the field item_code"),
        ("udf = [\"UDF X\"]", 2, "udf[0]", "no column's name"),
        (
            "only = { ProductLine = [1] }",
            2,
            "only.ProductLine[0]",
            "has to be a text",
        ),
        (
            "only = { ProductLine = [] }",
            2,
            "only.ProductLine",
            "keeps no row",
        ),
        (
            "only = { ItemType = [\"1\"] }\nexcept = { ItemType = [\"1\", \"2\"] }",
            3,
            "except.ItemType",
            "no row is left",
        ),
        ("when = \"UDF_WEB = 'Y\"", 2, "when", "character"),
        ("when = \"StandardUnitPrice = 'Y'\"", 2, "when", "character"),
        ("when = \"StandardUnitPrice * 2\"", 2, "when", "not true or false"),
        (
            "fields.item_code_desc = [\"trim\", \"trimm\"]",
            2,
            "fields.item_code_desc[1]",
            "trimm",
        ),
        ("fields.item_code_desc = []", 2, "fields.item_code_desc", "empty"),
        (
            "fields.item_code = [\"trim\"]",
            2,
            "fields.item_code",
            "part of the key",
        ),
        (
            "fields.standard_unit_price = [{ cut = 3 }]",
            2,
            "fields.standard_unit_price[0]",
            "cut",
        ),
        (
            "fields.standard_unit_price = [{ expression = \"'x'\" }]",
            2,
            "fields.standard_unit_price",
            "another kind",
        ),
        (
            "fields.item_code_desc = { class = \"cost\", steps = [\"trim\"] }",
            2,
            "fields.item_code_desc.class",
            "class public",
        ),
        (
            "fields.item_code_desc = [{ concat = [\"StandardUnitCost\"] }]",
            2,
            "fields.item_code_desc",
            "of class cost",
        ),
        (
            "fields.x = { class = \"public\", steps = [{ expression = \"StandardUnitCost * 2\" }] }",
            2,
            "fields.x.steps",
            "of class cost",
        ),
        (
            "fields.web_price = [{ expression = \"1\" }]",
            2,
            "fields.web_price",
            "no field of items",
        ),
        (
            "fields.web_price = { class = \"public\", steps = [\"trim\"] }",
            2,
            "fields.web_price.steps[0]",
            "nothing is there yet",
        ),
        (
            "fields.x = { class = \"public\", steps = [{ expression = \"value\" }] }",
            2,
            "fields.x.steps[0]",
            "value",
        ),
        (
            "fields.x = { class = \"public\", steps = [{ expression = \"1 = 1\" }] }",
            2,
            "fields.x.steps[0]",
            "true or false",
        ),
        (
            "fields.x = { class = \"public\", steps = [{ look_up = { table = \"AR_CustomerCreditCard\", on = { ItemCode = \"K\" }, column = \"CardholderName\" } }] }",
            2,
            "fields.x.steps",
            "neither a table",
        ),
        (
            "name = \"sales_orders\"\nlines.udf = [\"UDF_X\"]\nlines.only = { A = [\"1\"] }",
            3,
            "lines.only",
            "not known",
        ),
        ("lines.udf = [\"UDF_X\"]", 2, "lines", "not known"),
        ("[[company.dataset]]\nname = \"items\"", 3, "name", "two sections"),
    ];
    for (section, line, key, words) in cases {
        let error = mistake(section);
        assert_eq!(error.line, Some(NEXT_LINE + line), "{section}\n{error}");
        let dot = if key.is_empty() { "" } else { "." };
        assert!(
            error.place.ends_with(&format!("]{dot}{key}")),
            "{section}\n{error}"
        );
        assert!(error.problem.contains(words), "{section}\n{error}");
        assert!(!error.remedy.is_empty(), "{section}");
    }
    assert_eq!(mistake("only = { ProductLine = [] }").code, KEEPS_NOTHING);
}

#[test]
fn an_expression_that_does_not_compile_says_where() {
    let error = mistake("when = \"InactiveItem <> 'Y' and and\"");
    assert!(
        error
            .to_string()
            .contains("config.toml:15: company[0].dataset[0].when: "),
        "{error}"
    );
    assert!(error.problem.contains("character 25"), "{error}");
}

/// No part of a section selects a column that the catalog withholds, in any spelling, or one
/// whose name tells of a secret.
#[test]
fn withheld_columns_cannot_be_selected() {
    let catalog = Catalog::standard().unwrap();
    let tables = columns::Tables::of(&catalog);
    let place = place::Place::of("dataset");
    let mut tried = 0;
    for dataset in catalog.datasets() {
        let children = dataset.children.iter().map(|c| (Some(&c.name), &c.withheld));
        for (child, withheld) in std::iter::once((None, &dataset.withheld)).chain(children) {
            let head = format!("name = \"{}\"\n", dataset.name);
            let under = child.map_or(String::new(), |c| format!("{c}."));
            let telling = ["UDF_BANKACCTNO", "UDF_PIN", "VaultID"].map(str::to_owned);
            for column in withheld.iter().chain(&telling) {
                let lower = column.to_lowercase();
                let mut sections = vec![
                    format!("{head}{under}udf = [\"{column}\"]"),
                    format!("{head}{under}udf = [{{ column = \"{lower}\", class = \"cost\" }}]"),
                    format!(
                        "{head}{under}fields.x = {{ class = \"cost\", steps = [{{ expression = \"{lower}\" }}] }}"
                    ),
                    format!(
                        "{head}{under}fields.x = {{ class = \"cost\", steps = [{{ concat = [\"{column}\"] }}] }}"
                    ),
                    format!(
                        "{head}{under}fields.x = {{ class = \"cost\", steps = [{{ look_up = {{ table = \"{}\", on = {{ value = \"K\" }}, column = \"{column}\" }} }}] }}",
                        dataset.table
                    ),
                    format!(
                        "{head}{under}fields.x = {{ class = \"cost\", steps = [{{ look_up = {{ table = \"CI_UDT_X\", on = {{ {lower} = \"K\" }}, column = \"V\" }} }}] }}"
                    ),
                    format!("name = \"udt_x\"\ntable = \"CI_UDT_X\"\nkey = [\"K\"]\nudf = [\"{column}\"]"),
                    format!("name = \"udt_x\"\ntable = \"CI_UDT_X\"\nkey = [\"{column}\"]"),
                ];
                if child.is_none() {
                    sections.extend([
                        format!("{head}only = {{ {column} = [\"1\"] }}"),
                        format!("{head}except = {{ {lower} = [\"1\"] }}"),
                        format!("{head}when = \"{column} <> ''\""),
                    ]);
                }
                for section in sections {
                    let table: toml::Table = toml::from_str(&section).unwrap();
                    let error = site::read_all(&[table], &place, &catalog, &tables).unwrap_err();
                    assert!(
                        error.problem.contains("never leaves the ERP"),
                        "{section}\n{error:?}"
                    );
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn one_company_one_id() {
    let second = GOOD.split_once("[[company]]").unwrap().1;
    let error = parse(&format!("{GOOD}[[company]]{second}")).unwrap_err();
    assert!(error.to_string().contains("company[1].id"), "{error}");
}

#[test]
fn premium_has_its_system_tables_in_a_database_of_their_own() {
    let premium = GOOD.replace("\"standard\"", "\"premium\"");
    for (more, wanted) in [
        ("", "MAS_SYSTEM.dbo"),
        ("reader.system_database = \"MAS_SYS2\"\n", "MAS_SYS2.dbo"),
    ] {
        let config = parse(&format!("{premium}{more}")).unwrap();
        let ReaderSource::Odbc { dialect, .. } = &config.companies[0].reader else {
            panic!("{:?}", config.companies[0].reader);
        };
        assert_eq!(dialect.schema.as_deref(), Some("dbo"));
        assert_eq!(dialect.system_schema.as_deref(), Some(wanted));
    }
    let error = parse(&format!("{premium}reader.system_database = \"a;b\"\n")).unwrap_err();
    assert!(
        error
            .to_string()
            .contains(":13: company[0].reader.system_database"),
        "{error}"
    );
}

#[test]
fn a_proxy_s_credentials_are_not_shown() {
    let text = GOOD.replacen("[erp]", "proxy = \"http://me:geheim@proxy:3128\"\n[erp]", 1);
    let file: File = toml::from_str(&text).unwrap();
    let shown = toml::to_string_pretty(&file.without_secrets()).unwrap();
    assert!(shown.contains("http://…@proxy:3128"), "{shown}");
    assert!(!shown.contains("geheim") && !shown.contains("me:"), "{shown}");
}

#[test]
fn what_is_shown_can_be_read_again() {
    let file: File = toml::from_str(&format!("{GOOD}{SITE}")).unwrap();
    let shown = toml::to_string_pretty(&file).unwrap();
    let (one, two) = (parse(&shown).unwrap(), parse(&format!("{GOOD}{SITE}")).unwrap());
    let catalog = Catalog::standard().unwrap();
    let today = Date::new(2026, 11, 25).unwrap();
    let datasets = |config: &Config| config.companies[0].datasets(config, &catalog, today);
    assert_eq!(datasets(&one), datasets(&two));
}

/// The schema names the keys that the file may have, no more and no less.
#[test]
fn the_schema_has_every_key() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let keys = |pointer: &str| -> Vec<String> {
        let found = schema.pointer(pointer).and_then(|v| v.as_object());
        let mut keys: Vec<String> = found
            .unwrap_or_else(|| panic!("{pointer}"))
            .keys()
            .cloned()
            .collect();
        keys.sort();
        keys
    };
    let company = "/properties/company/items/properties";
    for (section, pointer) in [
        ("", "/properties".to_owned()),
        ("[hub]\nurl = ''", "/properties/hub/properties".to_owned()),
        ("[erp]", "/properties/erp/properties".to_owned()),
        ("[state]", "/properties/state/properties".to_owned()),
        ("[sync]", "/properties/sync/properties".to_owned()),
        ("[[company]]", company.to_owned()),
        (
            "[[company]]\ncode='ABC'\nedition='standard'\n[company.reader]",
            format!("{company}/reader/properties"),
        ),
        (
            "[[company]]\ncode='ABC'\nedition='standard'\nreader={}\n[company.writer]",
            format!("{company}/writer/properties"),
        ),
        (
            "[[company]]\ncode='ABC'\nedition='standard'\nreader={}\n[company.orders]",
            format!("{company}/orders/properties"),
        ),
    ] {
        let error = toml::from_str::<File>(&format!("{section}\nzzz = 1\n")).unwrap_err();
        let (_, known) = error
            .message()
            .split_once("expected")
            .unwrap_or_else(|| panic!("{error}"));
        let mut known: Vec<String> = known.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        known.sort();
        assert_eq!(keys(&pointer), known, "{section}");
    }
    let mut known: Vec<String> = site::KEYS.iter().map(|k| (*k).to_owned()).collect();
    known.sort();
    assert_eq!(keys("/$defs/dataset/properties"), known);
    let mut known: Vec<String> = pauses::KEYS.iter().map(|k| (*k).to_owned()).collect();
    known.sort();
    assert_eq!(keys("/properties/pause/items/properties"), known);
    for (key, value) in schema
        .pointer("/properties/sync/properties")
        .unwrap()
        .as_object()
        .unwrap()
    {
        let settings = serde_json::to_value(SyncSettings::default()).unwrap();
        if let Some(default) = value.get("default") {
            assert_eq!(settings.get(key), Some(default), "{key}");
        }
    }
}

/// Every piece of a configuration in the documentation holds.
#[test]
fn the_documentation_s_examples_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages: Vec<_> = std::fs::read_dir(root.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    pages.push(root.join("README.md"));
    let mut examples = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for block in text.split("```toml\n").skip(1) {
            let (block, _) = block.split_once("```").unwrap();
            let whole = if block.contains("[hub]") {
                block.to_owned()
            } else if block.trim_start().starts_with('[') {
                format!("{GOOD}{block}")
            } else {
                format!("{GOOD}[[company.dataset]]\nname = \"items\"\n{block}")
            };
            parse(&whole).unwrap_or_else(|error| panic!("{}: {error}\n{block}", page.display()));
            examples += 1;
        }
    }
    assert!(examples >= 2, "{examples}");
}

#[test]
fn a_copy_is_one_of_another_live_company_and_takes_no_documents() {
    let copy = |code: &str, of: &str, file: &str| {
        format!(
            "{GOOD}[[company]]\nid = \"copy\"\ncode = \"{code}\"\ncopy_of = \"{of}\"\nedition = \"standard\"\n\
             reader.sandbox = \"{file}\"\nwriter.sandbox = \"{file}\"\n"
        )
    };
    let path = Path::new("config.toml");
    let config = Config::parse(path, &copy("TST", "ABC", "copy.db")).unwrap();
    assert!(config.companies[0].document_writer().is_some());
    assert!(config.companies[1].writer.is_some());
    assert_eq!(config.companies[1].document_writer(), None);
    for (text, words) in [
        (copy("TST", "ABD", "copy.db"), "no company ABD"),
        (copy("TST", "copy", "copy.db"), "is a copy itself"),
        (copy("ABC", "ABC", "nw.db"), "are the same company"),
    ] {
        let error = Config::parse(path, &text).unwrap_err();
        assert_eq!(error.place, "company[1].copy_of", "{error}");
        assert_eq!(error.line, Some(NEXT_LINE + 3), "{error}");
        assert!(error.problem.contains(words), "{error}");
    }
}
