//! Rules of the house that no lint can check.
#![expect(
    clippy::expect_used,
    reason = "a test may stop where it stands, in its own functions too"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

const LONGEST_MAIN_LINES: usize = 100;

/// Floors 0 to 2: time, randomness and I/O are parameters there.
const LOWER_FLOORS: [&str; 9] = [
    "values",
    "catalog",
    "expression",
    "model",
    "sage",
    "import",
    "pricing",
    "sync",
    "wire",
];

/// Called by tests only; it damages files on purpose.
const CONTRACT_SUITE: [&str; 2] = ["crates/sage/src/contract.rs", "crates/sage/src/contract"];

const EFFECTS: [&str; 9] = [
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace's root")
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(&root().join("crates"), &mut found);
    collect(&root().join("xtask"), &mut found);
    assert!(found.len() > 20, "the sources are not where this test looks");
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let text = fs::read_to_string(&path).expect("readable source");
            found.push((
                path.strip_prefix(root()).expect("below the root").to_owned(),
                text,
            ));
        }
    }
}

#[test]
fn a_program_is_a_library_with_a_short_main() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        let is_main =
            path.ends_with("src/main.rs") || path.parent().is_some_and(|at| at.ends_with("src/bin"));
        assert!(
            !is_main || lines < LONGEST_MAIN_LINES,
            "{} has {lines} lines: move what it does into the library",
            path.display()
        );
    }
}

#[test]
fn the_lower_floors_are_told_the_time_and_open_nothing() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if !is_pure(&path) {
            continue;
        }
        // Tests stand at the end of a file.
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for effect in EFFECTS {
            if product.contains(effect) {
                wrong.push(format!("{}: {effect}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "make it a parameter: {wrong:#?}");
}

#[test]
fn a_switched_off_lint_has_its_reason() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for line in switched_off_without_reason(&text) {
            wrong.push(format!("{}:{line}", path.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "lints switched off without `reason = `: {wrong:#?}"
    );
}

#[test]
fn the_search_for_reasons_finds_what_it_should() {
    let text = [
        "fn a() {}",
        "#[ALLOW(dead_code)]",
        "  #![EXPECT(",
        "  dead_code,",
        "  reason = \"so\"",
        ")]",
    ]
    .join("\n")
    .replace("ALLOW", "allow")
    .replace("EXPECT", "expect");
    assert_eq!(switched_off_without_reason(&text), [2]);
}

fn is_pure(path: &Path) -> bool {
    let below = |folder: &str| path.starts_with(folder);
    LOWER_FLOORS
        .iter()
        .any(|name| below(&format!("crates/{name}/src")))
        && !CONTRACT_SUITE.iter().any(|at| below(at))
}

/// The lines, from 1, on which an attribute switches a lint off without a reason.
fn switched_off_without_reason(text: &str) -> Vec<usize> {
    let mut wrong = Vec::new();
    for (start, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let is_attribute = line.starts_with("#[") || line.starts_with("#![");
        if !is_attribute || !["allow(", "expect("].iter().any(|word| line.contains(word)) {
            continue;
        }
        let attribute: Vec<&str> = text
            .lines()
            .skip(start)
            .scan(false, |ended, line| {
                let keep = !*ended;
                *ended = line.trim_end().ends_with(")]");
                keep.then_some(line)
            })
            .collect();
        if !attribute.iter().any(|line| line.contains("reason = ")) {
            wrong.push(start + 1);
        }
    }
    wrong
}
