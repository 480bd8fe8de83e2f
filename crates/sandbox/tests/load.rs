//! Loading CSV exports: unknown columns and tables are kept, values stay their text, and
//! a file that cannot be taken names the place and the mend.
#![expect(clippy::unwrap_used, reason = "tests may stop where they stand")]

use std::fs;
use std::path::Path;

use sandbox::maintenance::find_row;
use sandbox::row::table_counts;
use sandbox::settings::NEXT_SALES_ORDER_NO;
use sandbox::{Company, Plan, Profile, SandboxError, create, load, system_clock};

fn empty(folder: &Path) -> Company {
    let path = folder.join("company.db");
    create(&path, &Plan::new(Profile::Empty)).unwrap();
    Company::open(&path, system_clock()).unwrap()
}

fn export(folder: &Path, file: &str, text: &str) -> std::path::PathBuf {
    let exports = folder.join("exports");
    fs::create_dir_all(&exports).unwrap();
    fs::write(exports.join(file), text).unwrap();
    exports
}

#[test]
fn unknown_columns_and_tables_are_kept_and_values_stay_their_text() {
    let folder = tempfile::tempdir().unwrap();
    let mut company = empty(folder.path());
    export(
        folder.path(),
        "CI_Item.csv",
        "\u{feff}ItemCode,ItemCodeDesc,StandardUnitPrice,DateUpdated,UDF_COLOUR\nA1,\"Plate, 6\"\"\",79.50,2026-05-01,Red\nB2,,26,,\n",
    );
    let exports = export(
        folder.path(),
        "CI_UDT_LABELS.csv",
        "UDF_CODE,UDF_NAME\n007,Merlot\n",
    );
    let mut seen = Vec::new();
    let loaded = load(&mut company, &exports, &mut |file| seen.push(file.table.clone())).unwrap();
    assert_eq!(seen, ["CI_Item", "CI_UDT_LABELS"]);
    assert_eq!((loaded[0].rows, loaded[0].new_table), (2, false));
    assert_eq!(loaded[0].added_columns, ["UDF_COLOUR"]);
    assert!(loaded[1].new_table);
    let item = find_row(&company, "CI_Item", &[("ItemCode", "A1")]).unwrap();
    for (column, value) in [
        ("ItemCodeDesc", "Plate, 6\""),
        ("StandardUnitPrice", "79.50"),
        ("DateUpdated", "2026-05-01"),
        ("UDF_COLOUR", "Red"),
        ("ProductLine", ""),
        ("StandardUnitCost", "0"),
    ] {
        assert_eq!(item.get(column), Some(value), "{column}");
    }
    assert_eq!(
        find_row(&company, "CI_UDT_LABELS", &[("UDF_CODE", "007")])
            .unwrap()
            .get("UDF_NAME"),
        Some("Merlot")
    );

    // Loading again replaces by key and, where there is none, the whole table.
    export(
        folder.path(),
        "CI_Item.csv",
        "ItemCode,StandardUnitPrice\nA1,80.25\n",
    );
    load(&mut company, &exports, &mut |_| {}).unwrap();
    let item = find_row(&company, "CI_Item", &[("ItemCode", "A1")]).unwrap();
    assert_eq!(
        (item.get("StandardUnitPrice"), item.get("UDF_COLOUR")),
        (Some("80.25"), Some("Red"))
    );
    let counts = table_counts(company.connection()).unwrap();
    assert!(counts.contains(&("CI_Item".to_owned(), 2)) && counts.contains(&("CI_UDT_LABELS".to_owned(), 1)));
}

#[test]
fn a_bad_file_names_the_place_and_the_mend_and_changes_nothing() {
    for (file, text, place, mend) in [
        (
            "CI_Item.csv",
            &b"ItemCode,StandardUnitPrice\nA1,1.00\nB2,\"1,234.50\"\n"[..],
            "line 3, column StandardUnitPrice",
            "without separators",
        ),
        (
            "CI_Item.csv",
            b"ItemCode,DateUpdated\nA1,05/31/2026\n",
            "line 2, column DateUpdated",
            "write 2026-05-31",
        ),
        (
            "CI_Item.csv",
            b"ItemCode,ItemCodeDesc\nA1,Plate, round\n",
            "line 2",
            "unquoted comma",
        ),
        (
            "CI_Item.csv",
            b"ItemCodeDesc\nPlate\n",
            "line 1, column ItemCode",
            "export it too",
        ),
        (
            "CI_Item.csv",
            b"ItemCode,ItemCode\nA1,A1\n",
            "line 1, column ItemCode",
            "twice",
        ),
        (
            "CI_Item.csv",
            b"ItemCode,Unit price\nA1,1\n",
            "line 1, column 2",
            "no column name",
        ),
        (
            "CI_Item.csv",
            b"ItemCode,ItemCodeDesc\nA1,caf\xe9\n",
            "line 2",
            "UTF-8",
        ),
        (
            "my items.csv",
            b"ItemCode\nA1\n",
            "my items.csv",
            "name it as the table",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut company = empty(folder.path());
        let exports = folder.path().join("exports");
        fs::create_dir(&exports).unwrap();
        fs::write(exports.join(file), text).unwrap();
        let error = load(&mut company, &exports, &mut |_| {}).unwrap_err();
        let words = error.to_string();
        assert!(matches!(error, SandboxError::File { .. }), "{error:?}");
        assert!(
            words.contains(file) && words.contains(place) && words.contains(mend),
            "{words}"
        );
        let counts = table_counts(company.connection()).unwrap();
        assert!(
            counts.contains(&("CI_Item".to_owned(), 0)),
            "{words}: nothing of the file is kept"
        );
    }
}

#[test]
fn a_folder_without_exports_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut company = empty(folder.path());
    let none = folder.path().join("none");
    assert_eq!(
        load(&mut company, &none, &mut |_| {}).unwrap_err().code(),
        "io_failed"
    );
    fs::create_dir(&none).unwrap();
    assert!(
        load(&mut company, &none, &mut |_| {})
            .unwrap_err()
            .to_string()
            .contains("no .csv file")
    );
}

#[test]
fn the_northwind_exports_load_whole() {
    let Some(data) = test_tier::sample_data() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut company = empty(folder.path());
    load(&mut company, &data.join("northwind"), &mut |_| {}).unwrap();
    let counts = table_counts(company.connection()).unwrap();
    for (table, rows) in [
        ("CI_Item", 77),
        ("AR_Customer", 93),
        ("SO_ShipToAddress", 90),
        ("IM_Warehouse", 2),
        ("IM_ItemWarehouse", 154),
        ("IM_PriceCode", 613),
        ("SO_SalesOrderHeader", 21),
        ("SO_SalesOrderDetail", 73),
    ] {
        assert!(counts.contains(&(table.to_owned(), rows)), "{table}: {counts:?}");
    }
    let chai = find_row(&company, "CI_Item", &[("ItemCode", "NW-0001")]).unwrap();
    assert_eq!(
        (chai.get("ItemCodeDesc"), chai.get("StandardUnitPrice")),
        (Some("Chai"), Some("18.000000"))
    );
    let next = company.settings().take_number(NEXT_SALES_ORDER_NO).unwrap();
    let last: String = company
        .connection()
        .query_row(
            "SELECT max(SalesOrderNo) FROM SO_SalesOrderHistoryHeader",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(next > last, "{next} is free");
}
