use import::plan::{CustomerSource, ReceiptLine, ReceiptTarget, Setting};
use jiff::tz::TimeZone;
use model::CustomerRef;
use values::{CompanyId, Date, Decimal};

use super::*;
use crate::pause::{PauseEntry, PauseFile, PauseSchedule, PauseWatch, Pauses};

const LIMIT: Duration = Duration::from_secs(20);
const IDENTITY: &str = ":A::01:ABF:K234567890";

fn write() -> ReceiptWrite {
    let line = |target, cents| ReceiptLine {
        field: "invoices[0]".into(),
        target,
        amount: Decimal::new(cents, 2),
        discount: None,
    };
    ReceiptWrite {
        customer: CustomerSource::Known(CustomerRef {
            ar_division_no: "01".into(),
            customer_no: "ABF".into(),
        }),
        check_no: "K234567890".into(),
        batch_key: "2026-05-06 VISA".into(),
        batch_comment: "WEB 2026-05-06 VISA".into(),
        deposit_key: "2026-05-06 R".into(),
        bank_code: "A".into(),
        deposit_type: "R".into(),
        deposit_date: Date::constant(2026, 5, 6),
        amount: Decimal::new(15_000, 2),
        settings: vec![
            Setting::text("PaymentType", "VISA", "payment_type"),
            Setting::text("OtherPaymentTypeRefNo", "ch_1", "gateway_transaction_id"),
            Setting::text("Comment", "Café, \"web\"", "comment"),
            Setting::text("UDF_SOURCE", "portal", "udf.source"),
        ],
        lines: vec![
            line(
                ReceiptTarget::Invoice {
                    invoice_no: "0100001".into(),
                    invoice_type: "IN".into(),
                },
                20_000,
            ),
            line(
                ReceiptTarget::Invoice {
                    invoice_no: "0100002".into(),
                    invoice_type: "CM".into(),
                },
                -5_000,
            ),
        ],
        is_filed: false,
    }
}

fn hand_over(
    writer: &ReceiptWriter,
    write: &ReceiptWrite,
    identity: &str,
    time_limit: Duration,
) -> Result<HandedOver, HandOverError> {
    super::hand_over(writer, write, identity, time_limit, &CompanyPause::default())
}

fn file_writer(folder: &Path) -> ReceiptWriter {
    ReceiptWriter::File {
        folder: folder.display().to_string(),
    }
}

fn job_writer(folder: &Path, script: &str) -> ReceiptWriter {
    ReceiptWriter::VisualIntegrator {
        job: "VIWI0A".into(),
        folder: folder.display().to_string(),
        command: ["sh", "-c", script, "job", "{job}", "{file}"]
            .map(String::from)
            .to_vec(),
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_receipt_becomes_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let done = hand_over(&file_writer(folder.path()), &write(), IDENTITY, LIMIT).unwrap();
    assert!(done.is_new);
    assert_eq!(files(folder.path()), ["WEB 2026-05-06 VISA K234567890.csv"]);
    let text = fs::read(&done.file).unwrap();
    let text: String = text.into_iter().map(char::from).collect();
    let rows: Vec<&str> = text.split("\r\n").collect();
    assert!(
        rows[0].starts_with("BatchComment,BankCode,DepositDate"),
        "{}",
        rows[0]
    );
    assert_eq!(
        rows[1],
        "\"WEB 2026-05-06 VISA\",\"A\",20260506,\"R\",\"2026-05-06 R\",\"01\",\"ABF\",\"K234567890\",150.00,\"VISA\",\"ch_1\",\"\",\"Café, \"\"web\"\"\",\"I\",\"0100001\",\"IN\",\"\",200.00,0.00,\"UDF_SOURCE=portal\""
    );
    assert!(
        rows[2].contains("\"0100002\",\"CM\",\"\",-50.00,0.00"),
        "{}",
        rows[2]
    );
    assert_eq!(rows[3..], [""]);
    let problem = done.problem();
    assert_eq!(problem.code, "import_file_waiting");
    assert!(problem.message.contains("K234567890.csv"), "{problem:?}");
}

#[test]
fn there_is_one_file_ever_wherever_it_is_moved() {
    let folder = tempfile::tempdir().unwrap();
    let writer = file_writer(folder.path());
    let first = hand_over(&writer, &write(), IDENTITY, LIMIT).unwrap();
    fs::remove_file(&first.file).unwrap();
    let mut later = write();
    later.batch_comment = "WEB 2026-05-07 VISA".into();
    let again = hand_over(&writer, &later, IDENTITY, LIMIT).unwrap();
    assert_eq!((again.file, again.is_new), (first.file, false));
    assert!(files(folder.path()).is_empty());
    // Another receipt of the batch is a file of its own.
    hand_over(&writer, &write(), ":A::01:ABF:K000000001", LIMIT).unwrap();
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn a_crash_on_the_way_is_made_good() {
    let folder = tempfile::tempdir().unwrap();
    let writer = file_writer(folder.path());
    let kept = folder.path().join(HANDED_OVER);
    fs::create_dir_all(&kept).unwrap();
    // Only half of it was written: it is written anew.
    fs::write(kept.join("K234567890.part"), "Batch").unwrap();
    let done = hand_over(&writer, &write(), IDENTITY, LIMIT).unwrap();
    let whole = fs::read(&done.file).unwrap();
    assert!(done.is_new && whole.ends_with(b"\r\n"));
    // It was marked and had not got its name yet: it gets it.
    fs::rename(&done.file, kept.join("K234567890.part")).unwrap();
    let again = hand_over(&writer, &write(), IDENTITY, LIMIT).unwrap();
    assert_eq!(fs::read(&again.file).unwrap(), whole);
    assert_eq!(files(folder.path()).len(), 1);
}

#[cfg(unix)]
#[test]
fn a_job_is_run_over_the_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let script = format!(
        "echo \"$1 took $(basename \"$2\")\"; echo x >> '{}'",
        ran.display()
    );
    let writer = job_writer(folder.path(), &script);
    let done = hand_over(&writer, &write(), IDENTITY, LIMIT).unwrap();
    let job = done.job.clone().unwrap();
    assert_eq!(job.end, JobEnd::Ended(0));
    assert_eq!(job.output, "VIWI0A took WEB 2026-05-06 VISA K234567890.csv");
    assert_eq!(done.problem().code, "import_file_waiting");
    let again = hand_over(&writer, &write(), IDENTITY, LIMIT)
        .unwrap()
        .job
        .unwrap();
    assert_eq!((again.end, again.output), (JobEnd::StartedBefore, job.output));
    assert_eq!(fs::read_to_string(ran).unwrap(), "x\n");
}

#[cfg(unix)]
#[test]
fn a_job_that_fails_or_hangs_is_told() {
    for (script, limit, end) in [
        ("echo no such job >&2; exit 3", LIMIT, JobEnd::Ended(3)),
        (
            "echo working; sleep 60",
            Duration::from_millis(300),
            JobEnd::TimedOut,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let done = hand_over(&job_writer(folder.path(), script), &write(), IDENTITY, limit).unwrap();
        let job = done.job.clone().unwrap();
        assert_eq!(job.end, end);
        let problem = done.problem();
        assert_eq!(problem.code, "import_job_failed");
        assert!(
            problem.message.contains(&job.output) && !job.output.is_empty(),
            "{problem:?}"
        );
    }
}

#[test]
fn a_job_that_cannot_be_started_may_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let writer = ReceiptWriter::VisualIntegrator {
        job: "VIWI0A".into(),
        folder: folder.path().display().to_string(),
        command: vec!["no-such-program-here".into()],
    };
    for _ in 0..2 {
        let error = hand_over(&writer, &write(), IDENTITY, LIMIT).unwrap_err();
        assert_eq!(
            (error.code(), error.is_retryable()),
            ("import_job_not_started", true)
        );
    }
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn a_job_that_another_driver_left_running_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let ended = folder.path().join("ended");
    let script = format!("sleep 2; echo > '{}'", ended.display());
    let writer = job_writer(folder.path(), &script);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| hand_over(&writer, &write(), IDENTITY, LIMIT).unwrap());
        let started = folder.path().join(HANDED_OVER).join("K234567890.started");
        while fs::read_to_string(&started).unwrap_or_default().is_empty() {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(!ended.exists());
        let again = hand_over(&writer, &write(), IDENTITY, LIMIT).unwrap();
        assert!(ended.exists(), "its end is not waited for");
        assert_eq!(again.job.unwrap().end, JobEnd::StartedBefore);
        assert_eq!(first.join().unwrap().job.unwrap().end, JobEnd::Ended(0));
    });
}

#[test]
fn no_job_is_started_while_the_company_is_paused() {
    let folder = tempfile::tempdir().unwrap();
    let company = CompanyId::new("ABC");
    let pauses = Pauses::new([company.clone()]);
    let mut watch = PauseWatch::new(
        &pauses,
        vec![company.clone()],
        folder.path().to_owned(),
        PauseSchedule::default(),
        TimeZone::UTC,
    );
    let entry = PauseEntry {
        since: Timestamp::UNIX_EPOCH,
        until: None,
        reason: "posting".to_owned(),
    };
    let file = PauseFile {
        companies: [(company.clone(), entry)].into(),
        ..PauseFile::default()
    };
    file.save(folder.path()).unwrap();
    watch.look(host::clock::now());
    let writer = job_writer(folder.path(), "true");
    let hand_over = || super::hand_over(&writer, &write(), IDENTITY, LIMIT, &pauses.company(&company));
    let error = hand_over().unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("paused", true));
    assert!(error.to_string().contains("posting"), "{error}");
    PauseFile::default().save(folder.path()).unwrap();
    watch.look(host::clock::now());
    assert_eq!(hand_over().unwrap().job.unwrap().end, JobEnd::Ended(0));
}

#[test]
fn what_is_no_receipt_for_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = hand_over(&ReceiptWriter::Objects, &write(), IDENTITY, LIMIT).unwrap_err();
    assert_eq!(error.code(), "receipt_writer_is_objects");
    let error = hand_over(&file_writer(folder.path()), &write(), "0000185", LIMIT).unwrap_err();
    assert_eq!(error.code(), "wrong_identity");
    let nowhere = folder.path().join("file");
    fs::write(&nowhere, "").unwrap();
    let error = hand_over(&file_writer(&nowhere), &write(), IDENTITY, LIMIT).unwrap_err();
    assert_eq!(
        (error.code(), error.is_retryable()),
        ("receipt_file_failed", true)
    );
}

#[test]
fn an_old_file_is_removed_and_never_handed_over_again() {
    let folder = tempfile::tempdir().unwrap();
    let writer = file_writer(folder.path());
    let (one, other) = (IDENTITY, ":A::01:ABF:K999999999");
    let first = hand_over(&writer, &write(), one, LIMIT).unwrap();
    let kept = hand_over(
        &writer,
        &ReceiptWrite {
            check_no: "K999999999".into(),
            ..write()
        },
        other,
        LIMIT,
    )
    .unwrap();
    assert!(first.file.exists());
    forget(&writer, one).unwrap();
    assert!(!first.file.exists(), "{}", first.file.display());
    assert!(kept.file.exists());
    // Again, after somebody moved a file away, and for one that never was.
    fs::remove_file(&kept.file).unwrap();
    for identity in [one, other, ":A::01:ABF:K000000000"] {
        forget(&writer, identity).unwrap();
    }
    let again = hand_over(&writer, &write(), one, LIMIT).unwrap();
    assert!(!again.is_new && !again.file.exists());
    // A file that cannot be removed is told, with its place.
    let stuck = file_writer(&folder.path().join("stuck"));
    let handed = hand_over(&stuck, &write(), one, LIMIT).unwrap();
    fs::remove_file(&handed.file).unwrap();
    fs::create_dir(&handed.file).unwrap();
    let error = forget(&stuck, one).unwrap_err();
    assert_eq!(error.code(), "receipt_file_failed");
    assert!(error.to_string().contains("K234567890"), "{error}");
}
