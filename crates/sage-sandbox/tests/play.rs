//! `sage-sandbox play` as a person calls it.
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

fn says(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn complains(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(!output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_list_needs_no_company() {
    let folder = tempfile::tempdir().unwrap();
    let list = says(folder.path(), &["play", "--list"]);
    assert_eq!(list.lines().count(), sandbox::play::SCRIPTS.len());
    for script in sandbox::play::SCRIPTS {
        assert!(list.contains(script.name), "{list}");
    }
}

#[test]
fn a_script_tells_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    says(folder, &["create", "abc.db"]);
    let load = ["play", "abc.db", "--script", "price-load", "--count", "3"];
    let told = says(folder, &load);
    assert!(told.starts_with("IM_PriceCode: 3 updated ("), "{told}");
    let json = says(folder, &[&load[..], &["--json"]].concat());
    assert!(
        json.starts_with(
            "{\"tables\":{\"IM_PriceCode\":{\"inserted\":0,\"updated\":3,\"deleted\":0,\"keys\":["
        ),
        "{json}"
    );
}

#[test]
fn what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    says(folder, &["create", "e.db", "--profile", "empty"]);
    let unknown = complains(folder, &["play", "e.db", "--script", "nothing"]);
    assert!(
        unknown.contains("[script_unknown]") && unknown.contains("price-load, "),
        "{unknown}"
    );
    let empty = complains(folder, &["play", "e.db", "--script", "price-load"]);
    assert!(
        empty.contains("[nothing_to_do]") && empty.contains("create"),
        "{empty}"
    );
    let option = complains(folder, &["play", "e.db", "--script", "truncate"]);
    assert!(
        option.contains("[option_missing]") && option.contains("--table"),
        "{option}"
    );
    assert!(complains(folder, &["play", "e.db"]).contains("--script"));
}
