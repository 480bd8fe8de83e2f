//! Delivery and buffers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use system_tests::Site;

use super::{
    SETTLED, has_remedies, import, in_state, is_written_once, order, orders_with, problem_code, retry,
    send_order, site, status,
};

#[test]
fn dead_letters_are_deleted_on_restart() {
    let mut site = site();
    site.erp("UPDATE AR_Customer SET CreditHold = 'Y' WHERE CustomerNo = 'KEYS001'");
    site.setting("fault.partial_write", "once");
    let mut driver = site.start_driver("driver", &[]);
    let in_doubt = send_order(&site, "DEAD-DOUBT");
    assert_eq!(site.settled(&in_doubt)["state"], "in_doubt");
    let mut wrong = order("DEAD-REFUSED");
    wrong["lines"][0]["item_code"] = json!("NO-SUCH-ITEM");
    let refused = site.send("sales_orders", "DEAD-REFUSED", &wrong);
    let mut credit = order("DEAD-HELD");
    credit["customer"]["customer_no"] = json!("KEYS001");
    let held = site.send("sales_orders", "DEAD-HELD", &credit);
    let before: Vec<Value> = [&in_doubt, &refused, &held].map(|id| site.settled(id)).to_vec();
    let states: Vec<&str> = before.iter().map(|i| i["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["in_doubt", "refused", "held"]);
    for _ in 0..3 {
        driver.kill();
        site.hub.kill();
        site.hub.start_again(&[]);
        driver = site.start_driver("driver", &[]);
        // The driver has come back when a new order goes in.
        let po = format!("DEAD-{}", driver.pid());
        is_written_once(&site, &send_order(&site, &po), &po);
        let after: Vec<Value> = [&in_doubt, &refused, &held].map(|id| import(&site, id)).to_vec();
        assert_eq!(after, before);
        let told = status(&site, "driver")["imports"].to_string();
        assert!(
            [&in_doubt, &refused, &held]
                .iter()
                .all(|id| told.contains(id.as_str())),
            "{told}"
        );
    }
    assert_eq!(orders_with(&site, "DEAD-DOUBT").len(), 1);
    assert_eq!(orders_with(&site, "DEAD-HELD"), Vec::<String>::new());
    // They are still the documents that they were: a person's word sends the held one in.
    assert_eq!(retry(&site, &held, &["credit_hold"]).status, 200);
    in_state(&site, &held, &["written"]);
    is_written_once(&site, &held, "DEAD-HELD");
}

/// What became of the document, without what the ERP says of the order since: that comes with
/// the read side.
fn without_thread(mut import: Value) -> Value {
    if let Some(fields) = import.as_object_mut() {
        fields.remove("order");
    }
    import
}

#[test]
fn a_disk_buffer_sends_everything_again() {
    let mut site = site();
    let mut driver = site.start_driver("driver", &[]);
    let ids: Vec<(String, String)> = (0..6)
        .map(|n| {
            let po = format!("BUFFER-{n}");
            (send_order(&site, &po), po)
        })
        .collect();
    let before: Vec<Value> = ids
        .iter()
        .map(|(id, po)| without_thread(is_written_once(&site, id, po)))
        .collect();
    for round in 0..4 {
        driver.kill();
        if round % 2 == 1 {
            site.hub.kill();
            site.hub.start_again(&[]);
        }
        driver = site.start_driver("driver", &[]);
        let po = format!("BUFFER-R{round}");
        is_written_once(&site, &send_order(&site, &po), &po);
        for ((id, po), before) in ids.iter().zip(&before) {
            assert_eq!(&without_thread(is_written_once(&site, id, po)), before);
        }
    }
    // Without the hub's record that it was told: every outcome may be told again, none is entered again.
    driver.kill();
    let journal = site.path().join("driver").join("journal.db");
    let db = rusqlite::Connection::open(&journal).unwrap();
    assert!(db.execute("UPDATE document SET reported = 0", []).unwrap() >= 10);
    drop(db);
    let _driver = site.start_driver("driver", &[]);
    let last = send_order(&site, "BUFFER-LAST");
    is_written_once(&site, &last, "BUFFER-LAST");
    for ((id, po), before) in ids.iter().zip(&before) {
        let after = is_written_once(&site, id, po);
        assert_eq!(after["sales_order_no"], before["sales_order_no"]);
    }
}

#[test]
fn a_corrupt_buffer_loops_until_somebody_deletes_it() {
    let site = site();
    let once_text = site.once_file().display().to_string();
    let environment = [
        ("ERP_DRIVER_FAULT_POINT", "import.after_header_write"),
        ("ERP_DRIVER_FAULT_ONCE", once_text.as_str()),
    ];
    let mut driver = site.start_driver("driver", &environment);
    let entered = send_order(&site, "CORRUPT-ENTERED");
    assert!(driver.wait(Duration::from_secs(60)).is_some());
    let waiting = send_order(&site, "CORRUPT-WAITING");
    assert_eq!(orders_with(&site, "CORRUPT-ENTERED").len(), 1);

    let journal = site.path().join("driver").join("journal.db");
    for name in ["journal.db-wal", "journal.db-shm"] {
        let _ = std::fs::remove_file(journal.with_file_name(name));
    }
    let size = std::fs::metadata(&journal).unwrap().len();
    std::fs::write(&journal, vec![0x5a; usize::try_from(size).unwrap()]).unwrap();
    // It ends, says what is wrong with which file and what to do, and leaves Sage alone.
    for _ in 0..2 {
        let mut driver = site.start_driver("driver", &[]);
        let output = driver
            .wait(Duration::from_secs(20))
            .expect("it does not go on without its journal");
        let said = format!("{}{}", output.stdout, output.stderr);
        assert_eq!(output.code, Some(1), "{said}");
        assert!(said.contains("journal_damaged"), "{said}");
        assert!(said.contains("move journal.db away"), "{said}");
    }
    assert_eq!(
        std::fs::metadata(&journal).unwrap().len(),
        size,
        "nobody but a person takes it away"
    );

    std::fs::rename(&journal, site.path().join("journal.damaged")).unwrap();
    let _driver = site.start_driver("driver", &[]);
    is_written_once(&site, &entered, "CORRUPT-ENTERED");
    is_written_once(&site, &waiting, "CORRUPT-WAITING");
}

/// The id of the agent that is not one of these.
fn agent_beside(site: &Site, known: &[String]) -> String {
    let text = site
        .hub
        .admin(&["agent", "list", "--tenant", "Acme", "--json"])
        .ok();
    let agents: Value = serde_json::from_str(&text).unwrap();
    let mut ids = agents
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["agent"].as_str().unwrap().to_owned());
    ids.find(|id| !known.contains(id)).unwrap()
}

#[test]
fn two_runners_run_one_job() {
    let site = site();
    let first_agent = agent_beside(&site, &[]);
    site.write_config("second", "");
    site.enroll("second").ok();
    let second_agent = agent_beside(&site, &[first_agent]);
    let first = site.start_driver("driver", &[]);
    let second = site.start_driver("second", &[]);
    for n in 0..4 {
        let po = format!("TWO-{n}");
        is_written_once(&site, &send_order(&site, &po), &po);
    }
    // The one that is not the writer knows, and says so by name.
    let began = Instant::now();
    loop {
        let told = status(&site, "second").to_string();
        if told.contains("company_claimed") && told.contains("company move") {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{told}");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(status(&site, "second")["imports"].as_array().unwrap().is_empty());

    // The company is given to it while the first is at work on an order.
    site.setting("fault.header_write.delay_ms", "once:1500");
    let moved = send_order(&site, "TWO-MOVED");
    in_state(&site, &moved, &["writing"]);
    site.hub
        .admin(&[
            "company",
            "move",
            "--tenant",
            "Acme",
            "--to",
            &second_agent,
            "ABC",
        ])
        .ok();
    let began = Instant::now();
    while !first
        .log()
        .contains("another process became the company's writer")
    {
        assert!(began.elapsed() < SETTLED, "{}", first.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    // The new writer cannot know what the old one's process still does: it says so where it
    // does not find the order, and enters nothing.
    let import = site.settled(&moved);
    match import["state"].as_str().unwrap() {
        "written" => {}
        "in_doubt" => {
            assert_eq!(problem_code(&import), "fence_unknown", "{import}");
            has_remedies(&import);
        }
        other => panic!("{other}: {import}"),
    }
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(orders_with(&site, "TWO-MOVED").len(), 1);
    let after = send_order(&site, "TWO-AFTER");
    is_written_once(&site, &after, "TWO-AFTER");
    assert!(status(&site, "second")["imports"].to_string().contains(&after));
    assert!(!status(&site, "driver")["imports"].to_string().contains(&after));
    drop((first, second));
}

#[test]
fn an_identity_key_stops_only_pending_twins() {
    let site = site();
    let driver = site.start_driver("driver", &[]);
    let twenty = |po: &str| -> Vec<String> {
        std::thread::scope(|scope| {
            let posts: Vec<_> = (0..20).map(|_| scope.spawn(|| send_order(&site, po))).collect();
            posts.into_iter().map(|post| post.join().unwrap()).collect()
        })
    };
    let ids = twenty("TWIN");
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let import = is_written_once(&site, &ids[0], "TWIN");
    // It is settled: its twins are still twins, also for a new driver, also when it was invoiced.
    assert!(twenty("TWIN").iter().all(|id| *id == ids[0]));
    drop(driver);
    let company = site.company().display().to_string();
    let number = import["sales_order_no"].as_str().unwrap();
    system_tests::run("sage-sandbox", &["post", &company, "--order", number]).ok();
    let _driver = site.start_driver("driver", &[]);
    assert!(twenty("TWIN").iter().all(|id| *id == ids[0]));
    let other = send_order(&site, "TWIN-OTHER");
    is_written_once(&site, &other, "TWIN-OTHER");
    is_written_once(&site, &ids[0], "TWIN");
    // A twin that was refused stays refused; a person edits it, nobody sends it anew.
    let mut wrong = order("TWIN-WRONG");
    wrong["lines"][0]["item_code"] = json!("NO-SUCH-ITEM");
    let refused = site.send("sales_orders", "TWIN-WRONG", &wrong);
    assert_eq!(site.settled(&refused)["state"], "refused");
    assert_eq!(site.send("sales_orders", "TWIN-WRONG", &wrong), refused);
    assert_eq!(site.settled(&refused)["state"], "refused");
    assert_eq!(
        site.api
            .post("/v1/sales_orders", "TWIN-WRONG", &order("TWIN-WRONG"))
            .status,
        409
    );
}
