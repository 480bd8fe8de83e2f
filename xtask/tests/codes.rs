//! Every code of a problem that the sources can produce has its line in `docs/errors.md`.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop where it stands, in its own functions too"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Calls whose first argument is a code.
const CALLS: [&str; 5] = [
    "Problem::new(",
    "Failed::new(",
    "problem(",
    "in_doubt(",
    "again_or_doubt(inquiry, ",
];
/// An arm that chooses a code, where arms choose nothing else.
const ARM: &str = "=> (";
const ARMS: [&str; 2] = ["crates/import/", "crates/driver/src/receipt_files"];
/// Folders of sources in which documents and commands get their problems.
const SOURCES: [&str; 4] = [
    "crates/model/src",
    "crates/import/src",
    "crates/driver/src",
    "crates/hub/src",
];
/// Files that name codes of conditions in a match: `Self::NoSeat => "no_seat"`.
const CONDITIONS: [(&str, &str); 2] = [
    ("crates/import/src/obstacle.rs", "impl Obstacle {"),
    ("crates/sage/src/objects.rs", "impl Condition {"),
];

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask stands in the workspace").to_owned()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.expect("an entry of a folder").path();
        let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        if name == "tests" || name == "simulation" {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// A file without its own tests.
fn program(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end].to_owned()
}

/// The text in quotes with which this begins, when it looks like a code.
fn code(text: &str) -> Option<&str> {
    let (code, rest) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    // A code is an argument or a whole arm, never part of a sentence.
    let is_whole = rest.starts_with([',', ')', '\n']);
    (!code.is_empty() && code.bytes().all(fits) && is_whole).then_some(code)
}

fn codes() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut paths = Vec::new();
    for folder in SOURCES {
        sources(&root().join(folder), &mut paths);
    }
    for path in paths {
        let text = program(&path);
        let mut add = |code: &str| found.insert(code.to_owned(), path.display().to_string());
        let has_arms = ARMS.iter().any(|part| path.display().to_string().contains(part));
        for call in CALLS.into_iter().chain(has_arms.then_some(ARM)) {
            for (_, arguments) in text
                .match_indices(call)
                .map(|(at, _)| text.split_at(at + call.len()))
            {
                code(arguments).map(&mut add);
            }
        }
        let writes = path.starts_with(root().join("crates/import"));
        for line in text.lines().filter(|_| writes) {
            // Codes that are handed down to where the problem is made.
            let words = line.split('"').skip(1).step_by(2);
            words
                .filter(|w| w.ends_with("_refused") && !w.contains(' '))
                .for_each(|w| {
                    add(w);
                });
        }
    }
    for (file, start) in CONDITIONS {
        let text = program(&root().join(file));
        let names = text.split_once(start).expect(start).1;
        let names = names.split_once("fn as_str").expect(file).1;
        let names = names.split_once("\n    }\n").expect(file).0;
        for (_, arm) in names
            .match_indices("=> ")
            .map(|(at, arrow)| names.split_at(at + arrow.len()))
        {
            if let Some(code) = code(arm) {
                found.insert(code.to_owned(), file.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_code_is_documented() {
    let codes = codes();
    // What is looked for is found: one of each way.
    for known in [
        "item_unknown",
        "card_data",
        "fence_unknown",
        "no_seat",
        "com_fault",
        "line_refused",
    ] {
        assert!(codes.contains_key(known), "{known} is not in {:?}", codes.keys());
    }
    let page = fs::read_to_string(root().join("docs/errors.md")).expect("docs/errors.md");
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let documented: Vec<&str> = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let missing: Vec<String> = codes
        .iter()
        .filter(|(code, _)| !documented.contains(&code.as_str()))
        .map(|(code, path)| format!("{code} ({path})"))
        .collect();
    assert!(
        missing.is_empty(),
        "without a line in docs/errors.md:\n{}",
        missing.join("\n")
    );
}
