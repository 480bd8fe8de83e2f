//! The loop, without a process around it.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::io::{self, Cursor, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bridge::{Role, serve};
use sage::contract::READER_FIXTURE_SQL;
use sage::{Call, Column, ReadErrorCode, Select};
use values::Kind;
use wire::bridge::{Request, Response, read_message, read_rows, write_message};

fn input(requests: &[Request]) -> Cursor<Vec<u8>> {
    let mut pipe = Vec::new();
    for request in requests {
        write_message(&mut pipe, request).unwrap();
    }
    Cursor::new(pipe)
}

fn read_items() -> Request {
    Request::Read {
        select: Select {
            table: "CI_Item".into(),
            columns: vec![Column::new("ItemCode", Kind::Text)],
            conditions: Vec::new(),
            order_by: Vec::new(),
        },
        max_rows: 3,
        time_limit_ms: 5000,
    }
}

#[test]
fn requests_are_answered_in_order_and_rows_follow_their_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("company.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(READER_FIXTURE_SQL)
        .unwrap();
    let open = Request::OpenSandboxReader {
        path: path.to_string_lossy().into_owned(),
    };
    let requests = [
        read_items(),
        open.clone(),
        open,
        read_items(),
        Request::Call { call: Call::CleanUp },
        Request::Tables,
        Request::Probe,
    ];
    let mut output = Vec::new();
    serve(Role::Read, input(&requests), &mut output, || {}).unwrap();
    let mut output = output.as_slice();
    let mut next = || read_message::<Response>(&mut output).unwrap().unwrap();
    let refused = |response: Response| {
        assert!(
            matches!(&response, Response::ReadFailed { error } if error.code == ReadErrorCode::DriverError),
            "{response:?}"
        );
    };
    refused(next());
    assert_eq!(next(), Response::Opened { server: None });
    refused(next());
    assert_eq!(
        next(),
        Response::Page {
            end: false,
            findings: Vec::new()
        }
    );
    assert_eq!(read_rows(&mut output).unwrap().num_rows(), 3);
    let mut next = || read_message::<Response>(&mut output).unwrap();
    refused(next().unwrap());
    let tables = ["AR_Customer", "CI_Item", "IM_ItemWarehouse"].map(str::to_owned);
    assert_eq!(
        next(),
        Some(Response::Tables {
            tables: tables.into()
        })
    );
    assert!(matches!(next(), Some(Response::Probe { .. })));
    assert_eq!(next(), None, "nothing else is on the output");
}

#[test]
fn a_writer_does_not_read_and_needs_to_be_open() {
    let mut output = Vec::new();
    let requests = [Request::Probe, Request::Call { call: Call::CleanUp }];
    serve(Role::Write, input(&requests), &mut output, || {}).unwrap();
    let mut output = output.as_slice();
    for _ in requests {
        let response = read_message::<Response>(&mut output).unwrap().unwrap();
        assert!(matches!(response, Response::Faulted { .. }), "{response:?}");
    }
}

#[test]
fn the_end_of_the_input_is_seen_while_a_request_is_at_work() {
    struct Waiting(Arc<AtomicBool>);
    impl Write for Waiting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let until = Instant::now() + Duration::from_secs(10);
            while !self.0.load(Ordering::SeqCst) {
                assert!(Instant::now() < until, "the end was not seen");
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let closed = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&closed);
    let on_close = move || seen.store(true, Ordering::SeqCst);
    serve(
        Role::Read,
        input(&[Request::Probe]),
        &mut Waiting(closed),
        on_close,
    )
    .unwrap();
}

#[test]
fn a_closed_output_is_an_end_and_a_cut_request_an_error() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    serve(Role::Read, input(&[Request::Probe]), &mut Closed, || {}).unwrap();
    let mut cut = input(&[Request::Probe]).into_inner();
    cut.pop();
    assert!(serve(Role::Read, Cursor::new(cut), &mut Vec::new(), || {}).is_err());
}
