//! Web payments into Sage: receipts in batches and deposits that tie out to the cent.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use system_tests::{Reader, Site};

const PAYMENTS: &str = "[company.imports.payments]\nbank_code = \"A\"\ncard_types = [\"VISA\"]\n\
     [company.imports.capabilities]\nreceipts = true\n\
     [[company.dataset]]\nname = \"payments\"\ninterval_s = 1\n";

const DAY: &str = "2026-06-15";

/// A site that takes payments, with a credit memo of 22.58 among the customer's invoices.
fn site() -> Site {
    let site = Site::demo(Reader::Sandbox);
    site.erp(
        "INSERT INTO AR_OpenInvoice (ARDivisionNo, CustomerNo, InvoiceNo, InvoiceType, InvoiceDate, \
         InvoiceDueDate, InvoiceHistoryHeaderSeqNo, TermsCode, Balance) \
         VALUES ('01', 'ABF', '0100099', 'CM', '2026-05-20', '2026-05-20', '000000', '01', '-22.58')",
    );
    site.setting("linger_ms", "50");
    site.write_config("driver", PAYMENTS);
    site.driver(&["sync"]).ok();
    site
}

fn payment(transaction: &str, amount: &str, invoices: &Value) -> Value {
    json!({
        "company": "ABC",
        "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "payment_type": "VISA",
        "amount": amount,
        "gateway_transaction_id": transaction,
        "last_4": "4242",
        "captured_on": DAY,
        "invoices": invoices,
    })
}

fn receipt(site: &Site, import: &Value) -> std::collections::BTreeMap<String, String> {
    let found = site.erp_rows(&format!(
        "SELECT * FROM AR_CashReceiptsHeader WHERE CheckNo = '{}'",
        import["check_no"].as_str().unwrap()
    ));
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[track_caller]
fn tie_out(site: &Site, suits: impl Fn(&Value) -> bool) -> Value {
    site.api
        .wait_for(
            &format!("/v1/tie_out?company=ABC&date={DAY}"),
            Duration::from_secs(30),
            |answer| answer.status == 200 && suits(&answer.body),
        )
        .body
}

fn is(sum: &Value, count: u64, amount: &str) -> bool {
    sum["count"] == count && sum["sum"] == amount
}

#[test]
fn a_payment_of_two_invoices_and_a_credit_ties_out_to_the_cent() {
    let site = site();
    let body = payment(
        "ch_1",
        "2400.00",
        &json!([
            { "invoice_no": "0100041", "amount": "1222.58" },
            { "invoice_no": "0100058", "amount": "1200.00" },
            { "invoice_no": "0100099", "invoice_type": "CM", "amount": "-22.58" },
        ]),
    );
    let id = site.send("payments", "pay-1", &body);
    let queued = tie_out(&site, |t| is(&t["total"]["queued"], 1, "2400.00"));
    assert!(is(&queued["total"]["captured"], 1, "2400.00"), "{queued}");

    let _driver = site.start_driver("driver", &[]);
    let import = site.written(&id);
    let header = receipt(&site, &import);
    for (number, column) in [
        ("batch_no", "BatchNo"),
        ("deposit_no", "DepositNo"),
        ("bank_code", "BankCode"),
    ] {
        assert_eq!(import[number].as_str(), Some(header[column].as_str()), "{import}");
    }
    assert_eq!(header["AmountReceived"], "2400.00");
    assert_eq!(header["PaymentType"], "VISA");
    assert_eq!(header["DepositType"], "R");
    assert_eq!(header["OtherPaymentTypeRefNo"], "ch_1");
    assert_eq!(header["Last4UnencryptedCreditCardNos"], "4242");
    let lines = site.erp_rows(&format!(
        "SELECT InvoiceNo, InvoiceType, AmountPosted FROM AR_CashReceiptsDetail \
         WHERE BatchNo = '{}' AND DepositNo = '{}' AND CheckNo = '{}' ORDER BY InvoiceNo",
        header["BatchNo"], header["DepositNo"], header["CheckNo"]
    ));
    let lines: Vec<_> = lines
        .iter()
        .map(|l| {
            (
                l["InvoiceNo"].as_str(),
                l["InvoiceType"].as_str(),
                l["AmountPosted"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("0100041", "IN", "1222.58"),
            ("0100058", "IN", "1200.00"),
            ("0100099", "CM", "-22.58")
        ]
    );
    // The clerk's batch that is open all the while is not ours to use.
    assert_ne!(header["BatchNo"], "00001");

    // The same transaction is not taken a second time, on whatever document.
    let mut again = body.clone();
    again["amount"] = json!("2401.00");
    let answer = site.api.post("/v1/payments", "pay-1-again", &again);
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert_eq!(answer.body["code"], "gateway_transaction_used", "{}", answer.body);
    assert!(answer.body.to_string().contains(&id), "{}", answer.body);

    let entered = tie_out(&site, |t| is(&t["total"]["unposted"], 1, "2400.00"));
    assert!(is(&entered["total"]["entered"], 1, "2400.00"), "{entered}");
    assert!(is(&entered["total"]["queued"], 0, "0.00"), "{entered}");
    assert_eq!(entered["differences"], json!([]), "{entered}");

    // The clerk's batch is older and is posted first.
    site.play("post-receipts");
    site.play("post-receipts");
    let posted = tie_out(&site, |t| is(&t["total"]["posted"], 1, "2400.00"));
    assert!(is(&posted["total"]["captured"], 1, "2400.00"), "{posted}");
    assert!(is(&posted["total"]["entered"], 1, "2400.00"), "{posted}");
    assert_eq!(posted["differences"], json!([]), "{posted}");
}

#[test]
fn payments_of_one_day_share_batch_and_deposit_until_the_batch_is_posted() {
    let site = site();
    let _driver = site.start_driver("driver", &[]);
    let pay = |number: u32, kind: &str| {
        let transaction = format!("ch_{number}");
        let mut body = payment(
            &transaction,
            "10.00",
            &json!([{ "invoice_no": "0100029", "amount": "10.00" }]),
        );
        body["payment_type"] = json!(kind);
        let id = site.send("payments", &transaction, &body);
        let import = site.written(&id);
        let receipt = receipt(&site, &import);
        (receipt["BatchNo"].clone(), receipt["DepositNo"].clone())
    };
    let first = pay(1, "VISA");
    assert_eq!(pay(2, "VISA"), first, "one day and type, one batch and deposit");
    let other_type = pay(3, "CHECK");
    assert_ne!(other_type.0, first.0, "another type, another batch");
    let deposit = site.erp_rows(&format!(
        "SELECT * FROM AR_CashReceiptsDeposit WHERE DepositNo = '{}' AND BatchNo = '{}'",
        first.1, first.0
    ));
    assert_eq!(deposit.len(), 1, "{deposit:?}");

    // The clerk's batch is older and is posted first.
    site.play("post-receipts");
    site.play("post-receipts");
    let status = |batch: &str| {
        site.ask_erp(&format!(
            "SELECT BatchStatus FROM AR_CashReceiptsBatch WHERE BatchNo = '{batch}'"
        ))
    };
    assert_eq!(status(&first.0), "P");
    let next = pay(4, "VISA");
    assert_ne!(next.0, first.0, "a posted batch is never used again");
    assert_eq!(status(&next.0), "N");
    assert_eq!(pay(5, "VISA"), next);
    let in_posted = site.erp_rows(&format!(
        "SELECT * FROM AR_CashReceiptsHeader WHERE BatchNo = '{}'",
        first.0
    ));
    assert!(in_posted.is_empty(), "{in_posted:?}");
}

#[test]
fn payments_on_both_sides_of_midnight_stand_in_batches_of_their_days() {
    let site = site();
    let _driver = site.start_driver("driver", &[]);
    let mut batches = Vec::new();
    for (number, day) in [(1, "2026-11-01"), (2, "2026-11-02"), (3, "2026-11-01")] {
        let transaction = format!("ch_night_{number}");
        let mut body = payment(
            &transaction,
            "10.00",
            &json!([{ "invoice_no": "0100029", "amount": "10.00" }]),
        );
        body["captured_on"] = json!(day);
        let import = site.written(&site.send("payments", &transaction, &body));
        let receipt = receipt(&site, &import);
        assert_eq!(receipt["DepositDate"], day, "{receipt:?}");
        batches.push((receipt["BatchNo"].clone(), receipt["DepositNo"].clone()));
    }
    assert_ne!(batches[0], batches[1], "each day has a batch of its own");
    assert_eq!(batches[0], batches[2], "a payment that comes late joins its day");
}

#[test]
fn a_batch_that_a_clerk_has_open_is_left_to_them() {
    let site = site();
    let _driver = site.start_driver("driver", &[]);
    let pay = |number: u32| {
        let transaction = format!("ch_lock_{number}");
        let body = payment(
            &transaction,
            "10.00",
            &json!([{ "invoice_no": "0100029", "amount": "10.00" }]),
        );
        site.send("payments", &transaction, &body)
    };
    let first = site.written(&pay(1));
    let batch = first["batch_no"].as_str().unwrap();
    // A clerk has the batch open: the next payment goes into another, not into theirs.
    site.setting(&format!("lock:AR_CashReceiptsBatch:{batch}"), "JQ");
    let second = site.written(&pay(2));
    assert_ne!(second["batch_no"], first["batch_no"], "{second}");
    // The clerk is out of it again; the younger one stays in use.
    site.setting(&format!("lock:AR_CashReceiptsBatch:{batch}"), "");
    let third = site.written(&pay(3));
    assert_eq!(third["batch_no"], second["batch_no"], "{third}");
}

#[test]
fn money_given_back_and_money_beyond_the_invoices_wait_for_a_person() {
    let site = site();
    let _driver = site.start_driver("driver", &[]);
    let mut refund = payment("re_1", "10.00", &json!([]));
    refund["kind"] = json!("refund");
    let held = site.settled(&site.send("payments", "refund", &refund));
    assert_eq!(held["state"], "held", "{held}");
    assert_eq!(held["problems"][0]["code"], "refund_not_entered", "{held}");

    let over = payment(
        "ch_over",
        "1300.00",
        &json!([{ "invoice_no": "0100029", "amount": "1257.40" }]),
    );
    let id = site.send("payments", "over", &over);
    let held = site.settled(&id);
    assert_eq!(held["state"], "held", "{held}");
    assert_eq!(held["problems"][0]["code"], "overpayment", "{held}");
    let answer = site.api.post(
        &format!("/v1/imports/{id}/retry"),
        "accept-over",
        &json!({ "accept": ["overpayment"], "why": "the rest is for the next order" }),
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    let import = site.written_after_decision(&id);
    let header = receipt(&site, &import);
    assert_eq!(header["AmountReceived"], "1300.00");
    let prepaid = site.erp_rows(&format!(
        "SELECT AmountPosted FROM AR_CashReceiptsDetail WHERE CheckNo = '{}' AND InvoiceType = 'PP'",
        header["CheckNo"]
    ));
    assert_eq!(prepaid[0]["AmountPosted"], "42.60", "{prepaid:?}");
}

#[test]
fn receipts_in_files_hold_nothing_up_and_can_be_given_up() {
    let site = site();
    let folder = site.path().join("files");
    std::fs::create_dir(&folder).unwrap();
    site.write_config(
        "driver",
        &PAYMENTS.replace("card_types", "writer = { file = \"files\" }\ncard_types"),
    );
    let driver = site.start_driver("driver", &[]);
    let files = || {
        let entries = std::fs::read_dir(&folder).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().path().is_file())
            .count()
    };
    // More than the writer holds of what it is to enter.
    let ids: Vec<String> = (0..110)
        .map(|number| {
            let lines = json!([{ "invoice_no": "0100041", "amount": "1.00" }]);
            let transaction = format!("ch_file_{number}");
            site.send("payments", &transaction, &payment(&transaction, "1.00", &lines))
        })
        .collect();
    let order = json!({
        "company": "ABC",
        "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "lines": [{ "item_code": "1001-HON-H252", "quantity_ordered": "1" }],
    });
    let _ = site.written(&site.send("sales_orders", "behind-files", &order));
    let path = format!("/v1/imports/{}", ids[109]);
    let _ = site.api.wait_for(&path, Duration::from_secs(60), |answer| {
        answer.body["problems"][0]["code"] == "import_file_waiting"
    });
    assert_eq!(files(), 110);

    let give_up = |id: &str| {
        let body = json!({ "why": "it was imported under another check number" });
        let answer = site.api.post(&format!("/v1/imports/{id}/discard"), id, &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["state"], "discarded", "{}", answer.body);
    };
    let until = |wanted: usize| {
        let end = Instant::now() + Duration::from_secs(60);
        while files() != wanted {
            assert!(Instant::now() < end, "{} files are left", files());
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    give_up(&ids[0]);
    until(109);
    // So when the driver hears of it at its next start only.
    drop(driver);
    give_up(&ids[1]);
    let _driver = site.start_driver("driver", &[]);
    until(108);
    let queued = json!(108);
    let _ = site.api.wait_for("/v1/sites", Duration::from_secs(30), |answer| {
        answer.body["companies"][0]["imports"]["queued"] == queued
    });
}

#[test]
fn a_receipt_that_waits_in_a_file_says_so_once() {
    let site = site();
    std::fs::create_dir(site.path().join("files")).unwrap();
    site.write_config(
        "driver",
        &PAYMENTS.replace("card_types", "writer = { file = \"files\" }\ncard_types"),
    );
    let _driver = site.start_driver("driver", &[]);
    let lines = json!([{ "invoice_no": "0100041", "amount": "100.00" }]);
    let id = site.send("payments", "pay-file", &payment("ch_file", "100.00", &lines));
    let condition = |answer: &system_tests::Answer| {
        let waiting = answer.body["companies"][0]["imports"]["waiting"]
            .as_array()
            .cloned();
        let found = waiting.into_iter().flatten().find(|w| w["import"] == id.as_str());
        found.filter(|w| w["code"] == "import_file_waiting")
    };
    let sites = site.api.wait_for("/v1/sites", Duration::from_secs(60), |answer| {
        condition(answer).is_some()
    });
    let detail = condition(&sites).unwrap()["detail"].to_string();
    assert!(
        detail.contains("and not in Sage yet") && !detail.contains("import_file_waiting"),
        "{detail}"
    );
}

/// A receipt whose driver dies right behind its write. Its batch is posted before another driver
/// starts, and nothing of that is left in `forgotten`.
fn posted_unseen(forgotten: &[&str]) -> (Site, Value) {
    let site = site();
    let fault = [("ERP_DRIVER_FAULT_POINT", "import.after_header_write@1")];
    let mut driver = site.start_driver("driver", &fault);
    let lines = json!([{ "invoice_no": "0100041", "amount": "100.00" }]);
    let id = site.send("payments", "pay-unseen", &payment("ch_unseen", "100.00", &lines));
    assert!(driver.wait(Duration::from_secs(60)).is_some(), "it does not die");
    let ours =
        "CheckNo IN (SELECT CheckNo FROM AR_CashReceiptsHeader WHERE OtherPaymentTypeRefNo = 'ch_unseen')";
    let check_no = site.ask_erp(&format!("SELECT CheckNo FROM AR_CashReceiptsHeader WHERE {ours}"));
    // The clerk's batch is older and is posted first.
    site.play("post-receipts");
    site.play("post-receipts");
    for table in ["AR_CashReceiptsHistory", "AR_TransactionPaymentHistory"] {
        let posted = site.ask_erp(&format!(
            "SELECT count(*) FROM {table} WHERE CheckNo = '{check_no}'"
        ));
        assert_eq!(posted, "1", "{table}");
        if forgotten.contains(&table) {
            site.erp(&format!("DELETE FROM {table} WHERE CheckNo = '{check_no}'"));
        }
    }
    let _driver = site.start_driver("driver", &[]);
    let import = site.settled(&id);
    let again =
        site.ask_erp("SELECT count(*) FROM AR_CashReceiptsHeader WHERE OtherPaymentTypeRefNo = 'ch_unseen'");
    assert_eq!(again, "0", "it was entered a second time: {import}");
    (site, import)
}

#[test]
fn a_receipt_that_was_posted_unseen_is_never_entered_again() {
    let (_site, import) = posted_unseen(&[]);
    assert_eq!(import["state"], "written", "{import}");
    let (_site, import) = posted_unseen(&["AR_CashReceiptsHistory"]);
    assert_eq!(import["state"], "written", "its payment is there: {import}");
    let (_site, import) = posted_unseen(&["AR_CashReceiptsHistory", "AR_TransactionPaymentHistory"]);
    assert_eq!(import["state"], "in_doubt", "{import}");
    let problem = &import["problems"][0];
    assert_eq!(problem["code"], "history_not_kept", "{import}");
    assert!(
        problem["remedy"]
            .as_str()
            .unwrap()
            .contains("payments.history_kept"),
        "{import}"
    );
}

/// A site whose receipts go through a job that takes so many seconds, and where it notes its
/// starts and ends.
fn slow_site(seconds: u32) -> (Site, PathBuf) {
    let site = site();
    let folder = site.path().join("files");
    std::fs::create_dir(&folder).unwrap();
    let log = site.path().join("jobs");
    let script = site.path().join("job.sh");
    let text = format!(
        "echo start >> '{log}'\nsleep {seconds}\necho end >> '{log}'\n",
        log = log.display()
    );
    std::fs::write(&script, text).unwrap();
    let writer = format!(
        "overpayment = \"prepayment\"\nwriter = {{ visual_integrator = {{ job = \"VIWI0A\", folder = \"files\", \
         command = [\"sh\", \"{}\", \"{{file}}\"] }} }}\ncard_types",
        script.display()
    );
    site.write_config("driver", &PAYMENTS.replace("card_types", &writer));
    (site, log)
}

fn jobs(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[track_caller]
fn wait_for_jobs(log: &Path, what: &str, times: usize) {
    let began = Instant::now();
    while jobs(log).iter().filter(|line| *line == what).count() < times {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{what}: {:?}",
            jobs(log)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Active customers of a division that may buy on account.
fn customers(site: &Site, count: usize) -> Vec<Value> {
    let rows = site.erp_rows(&format!(
        "SELECT ARDivisionNo, CustomerNo FROM AR_Customer WHERE CustomerStatus = 'A' AND CreditHold <> 'Y' \
         AND CustomerNo <> 'ABF' AND ARDivisionNo = '01' ORDER BY CustomerNo LIMIT {count}"
    ));
    assert_eq!(rows.len(), count);
    let customer = |row: &std::collections::BTreeMap<String, String>| json!({ "ar_division_no": row["ARDivisionNo"], "customer_no": row["CustomerNo"] });
    rows.iter().map(customer).collect()
}

#[test]
fn jobs_run_one_after_the_other_and_an_order_goes_in_meanwhile() {
    const RECEIPTS: usize = 5;
    let (site, log) = slow_site(4);
    let payers = customers(&site, RECEIPTS);
    let _driver = site.start_driver("driver", &[]);
    for (number, payer) in payers.iter().enumerate() {
        let transaction = format!("ch_slow_{number}");
        let mut body = payment(&transaction, "10.00", &json!([]));
        body["customer"] = payer.clone();
        let _ = site.send("payments", &transaction, &body);
    }
    wait_for_jobs(&log, "start", 1);
    let order = json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "customer_po_no": "MEANWHILE",
        "lines": [{ "item_code": "1001-HON-H252", "quantity_ordered": "1" }],
    });
    let _ = site.written(&site.send("sales_orders", "meanwhile", &order));
    let so_far = jobs(&log);
    let ended = so_far.iter().filter(|line| *line == "end").count();
    assert!(ended < RECEIPTS - 1, "the order waited for the jobs: {so_far:?}");
    wait_for_jobs(&log, "end", RECEIPTS);
    let wanted = ["start", "end"].repeat(RECEIPTS);
    assert_eq!(jobs(&log), wanted, "one at a time, each once");
}

#[test]
fn a_stop_does_not_wait_for_a_job_and_the_next_start_does() {
    let (site, log) = slow_site(10);
    let mut driver = site.start_driver("driver", &[]);
    let lines = json!([{ "invoice_no": "0100041", "amount": "100.00" }]);
    let id = site.send("payments", "pay-stop", &payment("ch_stop", "100.00", &lines));
    wait_for_jobs(&log, "start", 1);
    let began = Instant::now();
    let _ = driver.stop();
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(jobs(&log), ["start"], "the job runs on");
    let _driver = site.start_driver("driver", &[]);
    let told = site
        .api
        .wait_for(&format!("/v1/imports/{id}"), Duration::from_secs(60), |answer| {
            answer.body["problems"][0]["code"] == "import_file_waiting"
        });
    assert_eq!(jobs(&log), ["start", "end"], "{}", told.body);
    let message = told.body["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains("was started over"), "{message}");
}
