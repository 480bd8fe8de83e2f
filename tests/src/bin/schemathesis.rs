//! Generated requests against a live hub with a synced company: what `cargo xtask
//! schemathesis` starts. Arguments: the program and what it is given.

#![expect(
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a tool of this repository speaks to the person at the terminal"
)]

use std::process::{Command, ExitCode};

use system_tests::{Reader, Site};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().expect("the path of schemathesis");
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync"]).ok();
    // With a driver at work documents move on while they are looked at.
    let driver = site.start_driver("driver", &[]);
    let grant = [
        "token",
        "add",
        "--tenant",
        "Acme",
        "--scope",
        "admin",
        "--classes",
        "public,personal,cost,credit",
    ];
    let token = site.hub.admin(&grant).ok();
    let document = format!("{}/v1/openapi.json", site.hub.address);
    let status = Command::new(program)
        .args(arguments)
        .arg(document)
        .arg("--header")
        .arg(format!("Authorization: Bearer {}", token.trim()))
        .status()
        .expect("schemathesis can be started");
    drop(driver);
    if status.success() {
        return ExitCode::SUCCESS;
    }
    eprintln!("schemathesis found failures: see above");
    ExitCode::FAILURE
}
