//! A user at the keyboard.
#![expect(clippy::unwrap_used, reason = "tests may stop where they stand")]

use std::sync::Arc;

use jiff::Timestamp;
use sandbox::maintenance::{
    Stamping, delete_row, find_row, insert_row, set_item_price, set_values, write_row_with_stamp,
};
use sandbox::{Company, Plan, Profile, SandboxError, create};
use values::Decimal;

const ITEM: &[(&str, &str)] = &[("ItemCode", "A1")];

fn company(folder: &std::path::Path) -> Company {
    let path = folder.join("company.db");
    create(&path, &Plan::new(Profile::Empty)).unwrap();
    let now: Timestamp = "2026-05-01T19:30:00Z".parse().unwrap();
    let company = Company::open(&path, Arc::new(move || now)).unwrap();
    let values = [("ItemCode", "A1"), ("StandardUnitPrice", "84.000000")];
    insert_row(&company, "CI_Item", &values, Stamping::At(company.now())).unwrap();
    company
}

#[test]
fn a_price_change_is_stamped_in_the_companys_zone() {
    let folder = tempfile::tempdir().unwrap();
    let company = company(folder.path());
    let row = find_row(&company, "CI_Item", ITEM).unwrap();
    assert_eq!(
        (row.get("DateCreated"), row.get("TimeCreated")),
        (Some("2026-05-01"), Some("15.50000"))
    );
    // Half past one in the night in London is the evening before in New York.
    let later = "2026-05-03T01:30:00Z".parse().unwrap();
    set_item_price(&company, "A1", Decimal::new(79_500_000, 6), later).unwrap();
    let row = find_row(&company, "CI_Item", ITEM).unwrap();
    assert_eq!(row.get("StandardUnitPrice"), Some("79.500000"));
    assert_eq!(
        (row.get("DateUpdated"), row.get("TimeUpdated")),
        (Some("2026-05-02"), Some("21.50000"))
    );
    assert_eq!(row.get("DateCreated"), Some("2026-05-01"));
}

#[test]
fn an_import_leaves_the_stamp() {
    let folder = tempfile::tempdir().unwrap();
    let company = company(folder.path());
    set_values(
        &company,
        "CI_Item",
        ITEM,
        &[("StandardUnitPrice", "1.00")],
        Stamping::None,
    )
    .unwrap();
    let row = find_row(&company, "CI_Item", ITEM).unwrap();
    assert_eq!(
        (row.get("StandardUnitPrice"), row.get("TimeUpdated")),
        (Some("1.00"), Some("15.50000"))
    );
}

#[test]
fn rows_come_and_go_by_their_whole_key() {
    let folder = tempfile::tempdir().unwrap();
    let company = company(folder.path());
    let key = [("ItemCode", "A1"), ("WarehouseCode", "000")];
    let stamping = Stamping::At(company.now());
    write_row_with_stamp(
        &company,
        "IM_ItemWarehouse",
        &key,
        &[("QuantityOnHand", "5.000000")],
        stamping,
    )
    .unwrap();
    write_row_with_stamp(
        &company,
        "IM_ItemWarehouse",
        &key,
        &[("QuantityOnHand", "4.000000")],
        stamping,
    )
    .unwrap();
    assert_eq!(
        find_row(&company, "IM_ItemWarehouse", &key)
            .unwrap()
            .get("QuantityOnHand"),
        Some("4.000000")
    );
    let half = &key[..1];
    assert!(matches!(
        delete_row(&company, "IM_ItemWarehouse", half),
        Err(SandboxError::RowMissing { .. })
    ));
    delete_row(&company, "IM_ItemWarehouse", &key).unwrap();
    assert!(matches!(
        find_row(&company, "IM_ItemWarehouse", &key),
        Err(SandboxError::RowMissing { .. })
    ));
    // Lines have no stamp, and none is asked of them.
    let line = [("SalesOrderNo", "0000001"), ("LineKey", "000001")];
    write_row_with_stamp(
        &company,
        "SO_SalesOrderDetail",
        &line,
        &[("ItemCode", "A1")],
        stamping,
    )
    .unwrap();
}

#[test]
fn wrong_names_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let company = company(folder.path());
    let set = |table, key, column| {
        set_values(&company, table, key, &[(column, "1")], Stamping::None)
            .unwrap_err()
            .code()
    };
    assert_eq!(set("CI_Items", ITEM, "ItemCodeDesc"), "table_missing");
    assert_eq!(set("CI_Item", ITEM, "UnitPrice"), "column_missing");
    assert_eq!(
        set("CI_Item", &[("ItemCode", "Z9")], "ItemCodeDesc"),
        "row_missing"
    );
    assert_eq!(
        set("CI_Item", &[("Item\"Code", "Z9")], "ItemCodeDesc"),
        "column_missing"
    );
}
