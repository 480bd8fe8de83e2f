//! The product running on one machine: a sandbox company, a hub, a driver, an order from
//! the web into the ERP. Started by `cargo xtask demo`.

#![expect(
    clippy::print_stdout,
    reason = "a demonstration speaks to the person before it and stops where it fails"
)]

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use system_tests::{Reader, Site, run};

/// Longest wait for one step.
const LIMIT: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let once = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--once"] => true,
        _ => {
            println!(
                "Usage: demo [--once]\n\nStarted by cargo xtask demo; --once checks everything unattended and exits 0 or 1."
            );
            return ExitCode::from(2);
        }
    };
    let reader = if test_tier::tier("odbc").is_some_and(test_tier::Tier::is_available) {
        Reader::Odbc
    } else {
        Reader::Sandbox
    };
    println!(
        "1. A company: ABC, a distributor made up for this purpose, in a SQLite file with Sage 100's tables."
    );
    let site = Site::demo(reader);
    let through = match reader {
        Reader::Odbc => "unixODBC and libsqliteodbc",
        Reader::Sandbox => {
            "the sandbox adapter (no ODBC driver on this machine: apt-get install unixodbc libsqliteodbc)"
        }
    };
    println!(
        "2. A hub at {}, and a driver enrolled with a one-time code. It reads through {through}.",
        site.hub.address
    );
    println!("3. The initial load:");
    let started = Instant::now();
    if !show(&site, &["sync"]) {
        return failed("the initial load");
    }
    println!(
        "   {:.1} s. From now on the driver runs by itself.",
        started.elapsed().as_secs_f64()
    );
    let driver = site.start_driver("driver", &[]);

    println!("4. An order from the web: two pieces of 1001-HON-H252 for customer 01-ABF.");
    let body = json!({
        "company": "ABC",
        "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "customer_po_no": "WEB00001", "ship_to": { "ship_to_code": "2" },
        "lines": [ { "item_code": "1001-HON-H252", "quantity_ordered": "2" } ]
    });
    let posted = site.api.post("/v1/sales_orders", "demo-order-1", &body);
    let Some(id) = posted.body["id"].as_str().filter(|_| posted.status == 202) else {
        println!("   the hub refused it: {}", posted.body);
        return failed("the order");
    };
    let path = format!("/v1/imports/{id}");
    let import = site.api.wait_for(&path, LIMIT, |a| settled(&a.body)).body;
    if import["state"] != "written" {
        println!("   {import}");
        return failed("the order");
    }
    let number = import["sales_order_no"].as_str().unwrap_or_default().to_owned();
    println!(
        "   Sage has it as {number}, priced and taxed by Sage: {}",
        import["totals"]
    );
    let order = site
        .api
        .wait_for(&format!("/v1/sales_orders/{number}"), LIMIT, |a| a.status == 200)
        .body;
    println!(
        "   It came back through the read side with unit price {}.",
        order["lines"][0]["unit_price"]
    );

    if once {
        drop(driver);
        println!("5. What no stamp tells: an item is deleted, and a job changes twenty prices.");
        let company = site.company().display().to_string();
        for script in [["delete-items", "--count", "1"], ["price-load", "--count", "20"]] {
            let mut arguments = vec!["play", &company, "--script"];
            arguments.extend(script);
            print!("{}", run("sage-sandbox", &arguments).ok());
        }
        println!("   One sweep finds both (and the stock that the order moved):");
        if !show(&site, &["sync", "--full"]) {
            return failed("the sweep");
        }
        println!("6. The proof: every record of the ERP beside every record of the hub.");
        if !show(&site, &["verify"]) {
            return failed("the comparison");
        }
        let sites = site.api.get("/v1/sites").body;
        let datasets = sites["datasets"].as_array().into_iter().flatten();
        let records: u64 = datasets.filter_map(|d| d["records"].as_u64()).sum();
        println!(
            "\nThe demo holds: {records} records in step, order {number} written once. Run `cargo xtask demo` to keep it and try things."
        );
        return ExitCode::SUCCESS;
    }
    explain(&site, &number);
    let mut line = String::new();
    // Enter or the end of input ends it; either will do.
    let _ = std::io::stdin().read_line(&mut line);
    drop(driver);
    ExitCode::SUCCESS
}

fn explain(site: &Site, number: &str) {
    let bin = test_tier::program("erp-driver");
    let bin = bin.parent().unwrap_or_else(|| Path::new(".")).display();
    let (hub, token) = (&site.hub.address, site.api.token());
    let (company, config) = (
        site.company().display().to_string(),
        site.config("driver").display().to_string(),
    );
    println!(
        "\nRunning: hub {hub}, driver {config}\nToken for the API: {token}\n\n\
         Four things to try in another terminal:\n\n\
         1. Change a price in the ERP, and see it at the hub two seconds later:\n   \
         {bin}/sage-sandbox set {company} --table CI_Item --key ItemCode=1001-HON-H252 --value StandardUnitPrice=91.25\n   \
         curl -s -H 'Authorization: Bearer {token}' {hub}/v1/items/1001-HON-H252\n\n\
         2. Look at the order, and post another:\n   \
         curl -s -H 'Authorization: Bearer {token}' {hub}/v1/sales_orders/{number}\n   \
         curl -s -H 'Authorization: Bearer {token}' -H 'Idempotency-Key: my-1' -H 'Content-Type: application/json' {hub}/v1/sales_orders \\\n     \
         -d '{{\"company\":\"ABC\",\"customer\":{{\"ar_division_no\":\"01\",\"customer_no\":\"ABF\"}},\"lines\":[{{\"item_code\":\"1001-HON-H254\",\"quantity_ordered\":\"1\"}}]}}'\n\n\
         3. Play a user's day (sage-sandbox play --list), and see what a sweep finds:\n   \
         {bin}/sage-sandbox play {company} --script day-end\n\n\
         4. Prove that nothing is missing:\n   \
         {bin}/erp-driver --config {config} verify\n\n\
         Press Enter to end; everything is removed then."
    );
}

/// Runs a command of the driver with its output on this terminal.
fn show(site: &Site, arguments: &[&str]) -> bool {
    let status = Command::new(test_tier::program("erp-driver"))
        .arg("--config")
        .arg(site.config("driver"))
        .args(arguments)
        .env("SAGE_PASSWORD", "sandbox")
        .stdin(Stdio::null())
        .status();
    status.is_ok_and(|s| s.success())
}

fn settled(import: &Value) -> bool {
    ["written", "held", "in_doubt", "refused", "discarded"]
        .contains(&import["state"].as_str().unwrap_or_default())
}

fn failed(what: &str) -> ExitCode {
    println!("\nThe demo does not hold: {what} failed; the lines above say why.");
    ExitCode::FAILURE
}
