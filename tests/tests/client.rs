//! The typed client in `clients/typescript`, generated from the hub's own description,
//! against a hub with a synced company.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where it stands")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use system_tests::{Reader, Site};

/// The client's folder in the sources.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/typescript")
}

/// What is installed stays between two runs, as long as it is what the lock file says.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("typescript");
    let lock = fs::read(sources().join("package-lock.json")).unwrap();
    let is_same = fs::read(folder.join("installed")).is_ok_and(|before| before == lock);
    for part in ["src", "test"] {
        copy(&sources().join(part), &folder.join(part));
    }
    for file in ["package.json", "package-lock.json", "tsconfig.json"] {
        fs::copy(sources().join(file), folder.join(file)).unwrap();
    }
    if !is_same {
        ended_well(
            Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund"])
                .current_dir(&folder),
        );
        fs::write(folder.join("installed"), lock).unwrap();
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn ended_well(command: &mut Command) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

#[test]
fn a_generated_client_lists_posts_and_follows() {
    if !test_tier::require("node") {
        return;
    }
    let folder = installed();
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync"]).ok();
    let document = format!("{}/v1/openapi.json", site.hub.address);
    let generate = ["run", "generate", "--", &document, "-o", "src/schema.d.ts"];
    ended_well(Command::new("npm").args(generate).current_dir(&folder));
    ended_well(Command::new("npm").args(["run", "build"]).current_dir(&folder));
    ended_well(
        Command::new("npm")
            .arg("test")
            .current_dir(&folder)
            .env("ERP_HUB_ADDRESS", &site.hub.address)
            .env("ERP_HUB_TOKEN", site.api.token())
            .env("ERP_COMPANY", "ABC"),
    );
}
