//! The command line, and the program as a process.

use std::path::Path;

use clap::Parser as _;
use hub::{Command, CommandError, run};

/// The lines that a command prints.
#[expect(clippy::panic, reason = "a test may stop where it stands")]
fn erp_hub(store: &Path, words: &[&str]) -> Result<Vec<String>, CommandError> {
    let store = format!("sqlite:{}", store.display());
    let all = ["erp-hub"]
        .iter()
        .chain(words)
        .copied()
        .chain(["--store", &store]);
    let mut out = Vec::new();
    run(
        Command::try_parse_from(all).unwrap_or_else(|e| panic!("{e}")),
        &mut out,
    )?;
    Ok(String::from_utf8_lossy(&out).lines().map(str::to_owned).collect())
}

#[test]
fn each_command_prints_what_was_asked_for_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let ask = |words: &[&str]| erp_hub(&path, words).unwrap();
    assert_eq!(ask(&["migrate"]), ask(&["migrate"]), "the store's id");
    let tenant = ask(&["tenant", "add", "acme"]);
    assert!(tenant.len() == 1 && tenant[0].starts_with("t_"), "{tenant:?}");
    assert_eq!(
        erp_hub(&path, &["tenant", "add", "acme"])
            .unwrap_err()
            .to_string(),
        "a tenant called acme exists already"
    );
    for name in ["acme", &tenant[0]] {
        let code = ask(&[
            "enroll-code",
            "--tenant",
            name,
            "--role",
            "query-manager",
            "--valid-for",
            "30m",
        ]);
        assert!(code.len() == 1 && code[0].len() == 32, "{code:?}");
    }
    let codes = ask(&["code", "list", "--tenant", "acme"]);
    assert!(
        codes.len() == 2
            && codes
                .iter()
                .all(|line| line.contains("query-manager") && line.contains("open until")),
        "{codes:?}"
    );
    let id = codes[0].split('\t').next().unwrap();
    assert!(ask(&["code", "revoke", "--tenant", "acme", id]).is_empty());
    assert_eq!(ask(&["code", "list", "--tenant", "acme"]), codes[1..]);
    let token = ask(&[
        "token",
        "add",
        "--tenant",
        "acme",
        "--scope",
        "read",
        "--company",
        "ABC",
        "--unclaimed",
        "--classes",
        "public,cost",
    ]);
    assert!(token.len() == 1 && token[0].starts_with("erp_"), "{token:?}");
    ask(&["token", "add", "--tenant", "acme", "--scope", "write"]);
    assert!(ask(&["token", "revoke", "--tenant", "acme", &token[0][..12]]).is_empty());
    let list = ask(&["token", "list", "--tenant", "acme"]);
    assert!(
        list[0].contains("read") && list[0].contains("revoked"),
        "{list:?}"
    );
    assert!(
        list[1].contains("write") && list[1].contains("active"),
        "{list:?}"
    );
    assert!(!list.concat().contains(&token[0]), "a token is never shown again");
    ask(&["tenant", "add", "zenith"]);
    let tenants = ask(&["tenant", "list"]);
    assert_eq!(tenants.len(), 2, "{tenants:?}");
    assert!(
        tenants[0].starts_with(&tenant[0]) && tenants[0].contains("\tacme\t"),
        "{tenants:?}"
    );
    let error = erp_hub(
        &path,
        &[
            "token",
            "add",
            "--tenant",
            "acme",
            "--scope",
            "read",
            "--company",
            "ABX",
        ],
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no driver of acme has claimed a company ABX; none is known yet"
    );
    assert!(error.remedy().contains("--unclaimed"), "{}", error.remedy());
    assert_eq!(ask(&["agent", "list", "--tenant", "acme", "--json"]), ["[]"]);
    assert!(ask(&["company", "list", "--tenant", "acme"]).is_empty());
    for (words, wanted) in [
        (
            ["agent", "revoke", "--tenant", "acme", "a_none"].as_slice(),
            "there is no agent a_none",
        ),
        (
            &["company", "move", "--tenant", "acme", "ABC", "--to", "a_none"],
            "there is no agent a_none",
        ),
        (
            &[
                "company",
                "prices",
                "--tenant",
                "acme",
                "ABC",
                "--set",
                "rounding=once",
            ],
            "no company ABC is known",
        ),
        (
            &[
                "company",
                "prices",
                "--tenant",
                "acme",
                "ABC",
                "--set",
                "rounding=twice",
            ],
            "rounding: unknown variant `twice`, expected `each_step` or `once`",
        ),
        (
            &["company", "remove", "--tenant", "acme", "ABC"],
            "nothing was done: this cannot be undone",
        ),
        (
            &["company", "remove", "--tenant", "acme", "ABC", "--yes"],
            "no company ABC is known",
        ),
        (&["new-epoch"], "nothing was done: this cannot be undone"),
        (
            &["enroll-code", "--tenant", "nobody"],
            "no tenant is called nobody",
        ),
    ] {
        let error = erp_hub(&path, words).unwrap_err();
        assert_eq!(error.to_string(), wanted);
        assert!(!error.remedy().is_empty());
    }
}

#[test]
fn a_store_is_copied_put_back_and_given_a_new_id() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let ask = |words: &[&str]| erp_hub(&path, words).unwrap();
    let first = ask(&["migrate"]);
    ask(&["tenant", "add", "acme"]);
    let copy = folder.path().join("copy.db").display().to_string();
    assert_eq!(ask(&["backup", "--to", &copy]), [copy.as_str()]);
    let log = ask(&["audit", "list", "--tenant", "acme", "--json"]).concat();
    assert!(log.contains("store.copied") && log.contains("copy.db"), "{log}");
    ask(&["tenant", "add", "later"]);
    let second = ask(&["restore", "--from", &copy]);
    assert_ne!(second, first);
    assert_eq!(ask(&["migrate"]), second);
    assert_eq!(ask(&["tenant", "list"]).len(), 1);
    let third = ask(&["new-epoch", "--yes"]);
    assert_eq!(ask(&["migrate"]), third);
    let log = ask(&["audit", "list", "--tenant", "acme", "--json"]).concat();
    assert_eq!(log.matches("store.restored").count(), 2, "{log}");
    let database = ["erp-hub", "backup", "--to", &copy, "--store", "postgres://u@h/d"];
    let error = run(Command::try_parse_from(database).unwrap(), &mut Vec::new()).unwrap_err();
    assert_eq!(error.code(), "store_not_a_file");
    assert!(error.remedy().contains("new-epoch"), "{}", error.remedy());
}

#[cfg(unix)]
#[test]
fn serves_until_it_is_told_to_stop() {
    use std::io::{Read as _, Write as _};
    use std::process::{Command as Process, Stdio};
    use std::time::{Duration, Instant};

    let folder = tempfile::tempdir().unwrap();
    let announced = folder.path().join("address");
    /// A test that fails leaves no hub behind.
    struct Ended(std::process::Child);
    impl Drop for Ended {
        fn drop(&mut self) {
            // It has ended by itself where the test holds.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    let hub = Process::new(env!("CARGO_BIN_EXE_erp-hub"))
        .args(["serve", "--listen", "127.0.0.1:0", "--announce"])
        .arg(&announced)
        .env(
            "ERP_HUB_STORE",
            format!("sqlite:{}", folder.path().join("hub.db").display()),
        )
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut hub = Ended(hub);
    let start = Instant::now();
    while !announced.exists() && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let address = std::fs::read_to_string(&announced).unwrap();
    let mut stream = std::net::TcpStream::connect(address.trim()).unwrap();
    stream
        .write_all(b"GET /readyz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    test_tier::signal(hub.0.id(), "TERM");
    assert!(hub.0.wait().unwrap().success());
    let mut log = String::new();
    hub.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains(&format!("http://{}", address.trim())), "{log}");
    assert!(!log.contains('\u{1b}'), "no colours where no terminal is: {log}");
}

#[test]
fn other_stores_are_refused() {
    for store in [
        "postgres://u:p@h/db?sslmode=prefer",
        "mysql://u:p@h/db",
        "hub.db",
        "sqlite:",
        "sqlite::memory:",
    ] {
        let command = Command::try_parse_from(["erp-hub", "migrate", "--store", store]).unwrap();
        let error = run(command, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("cannot be used"), "{error}");
        assert!(!error.to_string().contains("u:p"), "{error}");
    }
}
