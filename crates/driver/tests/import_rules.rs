//! `erp-driver rules test`, by the examples of `docs/import-rules.md`: what they show is what
//! the program prints.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test may stop where it stands, in its own functions too"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

const HANDBOOK: &str = include_str!("../../../docs/import-rules.md");

const COMPANY: &str = "[hub]\nurl = \"http://127.0.0.1:1\"\n[erp]\ntime_zone = \"America/Chicago\"\n\
                       [[company]]\ncode = \"ABC\"\nedition = \"standard\"\nreader.sandbox = \"ABC.sqlite\"\n";

#[derive(Default)]
struct Example {
    rules: String,
    files: BTreeMap<String, String>,
    command: String,
    output: String,
    exit_code: i32,
}

fn examples() -> Vec<Example> {
    let sections = HANDBOOK.split("\n## ").filter(|s| s.starts_with("Example: "));
    sections.map(example).collect()
}

fn example(section: &str) -> Example {
    let mut example = Example::default();
    let mut parts = section.split("```");
    let mut before = parts.next().unwrap();
    while let (Some(block), Some(after)) = (parts.next(), parts.next()) {
        let (language, content) = block.split_once('\n').unwrap();
        match language {
            "toml" => content.clone_into(&mut example.rules),
            "json" => {
                let name = before.trim().trim_matches('`').to_owned();
                example.files.insert(name, content.to_owned());
            }
            "console" => {
                let (command, output) = content.split_once('\n').unwrap();
                example.command = command.strip_prefix("$ erp-driver ").unwrap().to_owned();
                output.clone_into(&mut example.output);
            }
            other => assert_eq!(other, "", "an unknown block"),
        }
        before = after;
    }
    let (_, code) = section.split_once("exit code ").expect("an exit code");
    example.exit_code = code.split_once('.').unwrap().0.parse().unwrap();
    example
}

fn run(folder: &Path, command: &str) -> Output {
    let config = folder.join("etc/config.toml");
    Command::new(env!("CARGO_BIN_EXE_erp-driver"))
        .current_dir(folder)
        .arg("--config")
        .arg(config)
        .args(command.split(' '))
        .output()
        .expect("the program runs")
}

/// The configuration is in another folder: the files of the command are those of the caller.
fn laid_out(rules: &str, files: &BTreeMap<String, String>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("etc")).unwrap();
    std::fs::write(
        folder.path().join("etc/config.toml"),
        format!("{COMPANY}\n{rules}"),
    )
    .unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn the_handbook_shows_what_the_program_prints() {
    let examples = examples();
    assert_eq!(examples.len(), 3);
    for example in examples {
        assert!(!example.output.is_empty() && example.files.contains_key("order.json"));
        let folder = laid_out(&example.rules, &example.files);
        let output = run(folder.path(), &example.command);
        let printed = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(printed, example.output, "{said}");
        assert_eq!(output.status.code(), Some(example.exit_code));
    }
}

#[test]
fn a_mistake_in_a_rule_is_named_with_its_line() {
    let rules = "[[company.imports.rule]]\nname = \"r\"\ndocument = \"sales_order\"\nwhen = \"ship_vai = 'A'\"\nwarn = \"w\"\n";
    let files = BTreeMap::from([("order.json".to_owned(), "{}".to_owned())]);
    let folder = laid_out(rules, &files);
    let output = run(folder.path(), "rules test --document order.json");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let line = COMPANY.lines().count() + 5;
    assert!(
        said.contains(&format!("config.toml:{line}: company[0].imports.rule[0].when:")),
        "{said}"
    );
    assert!(said.contains("ship_vai") && said.contains("hint: "), "{said}");
}

#[test]
fn json_holds_the_whole_outcome() {
    let example = examples().remove(0);
    let folder = laid_out(&example.rules, &example.files);
    let output = run(
        folder.path(),
        &format!("{} --json --company ABC", example.command),
    );
    assert_eq!(output.status.code(), Some(3));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["outcome"], "held");
    assert_eq!(report["body"]["ship_via"], "COMMON CARRIER");
    assert_eq!(report["changes"][0]["by"], "rule \"heavy ground\"");
    let unknown = run(folder.path(), &format!("{} --company XYZ", example.command));
    assert_eq!(unknown.status.code(), Some(1));
}
