//! The program as a person calls it.
#![expect(clippy::unwrap_used, reason = "tests may stop where they stand")]

use std::path::Path;
use std::process::{Command, Output};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sage-sandbox"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// Standard output of a command that succeeds.
fn says(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The one line of a command that fails.
fn complains(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(!output.status.success(), "{arguments:?} should fail");
    assert!(output.stdout.is_empty(), "{arguments:?} printed data");
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn a_company_is_made_shown_and_changed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = says(folder, &["create", "abc.db"]);
    assert!(
        made.starts_with("Made company ABC in abc.db\n") && made.contains(" open orders"),
        "{made}"
    );
    assert!(says(folder, &["show", "abc.db"]).contains("  CI_Item\n"));

    let item = ["--table", "CI_Item", "--key", "ItemCode=1001-HON-H252"];
    let shown = |columns| {
        says(
            folder,
            &[&["show", "abc.db"], &item[..], &["--columns", columns]].concat(),
        )
    };
    assert_eq!(
        shown("StandardUnitPrice"),
        "{\"StandardUnitPrice\":\"84.000000\"}\n"
    );
    let stamp = shown("DateUpdated,TimeUpdated");
    says(
        folder,
        &[
            &["set", "abc.db"],
            &item[..],
            &["--value", "StandardUnitPrice=80.00", "--no-stamp"],
        ]
        .concat(),
    );
    assert_eq!(shown("StandardUnitPrice"), "{\"StandardUnitPrice\":\"80.00\"}\n");
    assert_eq!(shown("DateUpdated,TimeUpdated"), stamp);
    says(
        folder,
        &[
            &["set", "abc.db"],
            &item[..],
            &["--value", "StandardUnitPrice=79.50"],
        ]
        .concat(),
    );
    assert_ne!(shown("DateUpdated,TimeUpdated"), stamp);
    says(folder, &[&["delete", "abc.db"], &item[..]].concat());
    assert_eq!(shown("ItemCode"), "");
    says(
        folder,
        &[
            &["set", "abc.db"],
            &item[..],
            &["--value", "ItemCodeDesc=BACK AGAIN", "--add"],
        ]
        .concat(),
    );
    assert_eq!(shown("ItemCodeDesc"), "{\"ItemCodeDesc\":\"BACK AGAIN\"}\n");
}

#[test]
fn settings_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = says(
        folder,
        &[
            "create",
            "e.db",
            "--profile",
            "empty",
            "--company",
            "XYZ",
            "--json",
        ],
    );
    assert!(made.contains("\"company\":\"XYZ\""), "{made}");
    assert_eq!(says(folder, &["setting", "e.db", "get", "CompanyCode"]), "XYZ\n");
    says(folder, &["setting", "e.db", "set", "Seats", "1"]);
    assert_eq!(
        says(folder, &["setting", "e.db", "get", "Seats", "--json"]),
        "{\"Seats\":\"1\"}\n"
    );
    says(folder, &["setting", "e.db", "unset", "Seats"]);
    assert!(!says(folder, &["setting", "e.db", "list"]).contains("Seats"));
    assert!(complains(folder, &["setting", "e.db", "get", "Seats"]).contains("[bad_setting]"));
}

#[test]
fn exports_are_loaded_with_progress() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    says(folder, &["create", "e.db", "--profile", "empty"]);
    std::fs::create_dir(folder.join("in")).unwrap();
    std::fs::write(folder.join("in/CI_Item.csv"), "ItemCode,UDF_X\nA1,1\n").unwrap();
    let output = run(folder, &["load", "e.db", "in"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "Loaded 1 rows into 1 tables\n"
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "CI_Item: 1 rows, new columns UDF_X\n"
    );
}

#[test]
fn a_failure_is_one_line_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let words = complains(folder, &["show", "missing.db"]);
    assert!(
        words.contains("missing.db") && words.contains("[wrong_database]") && words.contains("create"),
        "{words}"
    );
    assert!(!folder.join("missing.db").exists());
    says(folder, &["create", "e.db", "--profile", "empty"]);
    assert!(complains(folder, &["create", "e.db"]).contains("[company_exists]"));
    assert!(complains(folder, &["show", "e.db", "--table", "CI_Items"]).contains("[table_missing]"));
    assert!(complains(folder, &["load", "e.db", "nowhere"]).contains("nowhere"));
    let zone = complains(folder, &["create", "z.db", "--zone", "Mars/Olympus"]);
    assert!(zone.contains("IANA") && !folder.join("z.db").exists(), "{zone}");
}
