//! What people and scripts rely on: the command lines, word for word.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::fmt::Write as _;
use std::path::Path;

use system_tests::run_in;

/// The help of a program and of every command below it.
fn help(program: &str) -> String {
    let mut text = String::new();
    let mut waiting = vec![Vec::new()];
    while let Some(command) = waiting.pop() {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        arguments.push("--help");
        let shown = run_in(Path::new("."), program, &arguments, &[("COLUMNS", "100")]).ok();
        writeln!(text, "$ {program} {}\n{shown}", arguments.join(" ")).unwrap();
        let below = shown
            .lines()
            .skip_while(|l| *l != "Commands:")
            .skip(1)
            .take_while(|l| l.starts_with("  "))
            .filter(|l| !l.starts_with("   "));
        let mut names: Vec<&str> = below
            .filter_map(|l| l.split_whitespace().next())
            .filter(|n| *n != "help")
            .collect();
        names.reverse();
        waiting.extend(names.into_iter().map(|name| {
            let mut next = command.clone();
            next.push(name.to_owned());
            next
        }));
    }
    text
}

#[test]
fn the_command_line_of_erp_driver() {
    insta::assert_snapshot!(help("erp-driver"));
}

#[test]
fn the_command_line_of_erp_hub() {
    insta::assert_snapshot!(help("erp-hub"));
}

#[test]
fn the_command_line_of_sage_sandbox() {
    insta::assert_snapshot!(help("sage-sandbox"));
}
