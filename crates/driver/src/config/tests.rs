//! Every mistake in the file is found, with its line, before anything is done.

use super::*;

const GOOD: &str = r#"
[hub]
url = "https://hub.example.com"
[erp]
time_zone = "America/New_York"
[state]
dir = "state"
[[company]]
code = "ABC"
edition = "standard"
reader.odbc = "Driver=SQLite3;Database=nw.db;StepAPI=1"
writer.sandbox = "nw.db"
"#;

fn read(text: &str) -> Result<Config, String> {
    let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
    Config::from_file(Path::new("/etc/erp-driver/config.toml"), file).map_err(|e| e.to_string())
}

#[test]
fn reads_what_the_surface_shows() {
    let config = read(GOOD).unwrap();
    assert_eq!(config.state_dir, Path::new("/etc/erp-driver/state"));
    assert_eq!(config.companies[0].id.as_str(), "ABC");
    assert_eq!(config.zone_name(), "America/New_York");
    assert!(!config.companies[0].orders.history_kept);
}

#[test]
fn every_mistake_names_its_place() {
    for (from, to, wanted) in [
        ("America/New_York", "New York", "erp.time_zone"),
        ("\"ABC\"", "\"abc\"", "company[0].code"),
        ("StepAPI=1", "PWD=geheim", "company[0].reader.odbc"),
        (
            "reader.odbc = \"Driver=SQLite3;Database=nw.db;StepAPI=1\"",
            "reader.password_env = \"X\"",
            "company[0].reader",
        ),
        (
            "writer.sandbox = \"nw.db\"",
            "writer.com = { home = 'C:\\Sage' }",
            "company[0].writer.com",
        ),
        ("[erp]", "[sync]\ndatasets = [\"itmes\"]\n[erp]", "sync.datasets"),
        ("[erp]", "[sync]\ninterval_s = 0\n[erp]", "sync"),
        ("url = ", "adress = ", "adress"),
    ] {
        let error = read(&GOOD.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(wanted), "{wanted}: {error}");
        assert!(!error.contains("geheim"), "{error}");
    }
}

#[test]
fn one_company_one_id() {
    let second = GOOD.split_once("[[company]]").unwrap().1;
    let error = read(&format!("{GOOD}[[company]]{second}")).unwrap_err();
    assert!(error.contains("company[1].id"), "{error}");
}
