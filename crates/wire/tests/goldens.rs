//! The messages between agent and hub as they stand on the wire. A change here is a change
//! of the protocol: the hub serves agents of the version before.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use catalog::{Removal, RemovalReason};
use model::{Attempt, Decision, ImportKind, ImportReport, ImportState, PricedLine, Problem};
use serde::Serialize;
use serde_json::json;
use values::{
    AgentId, CompanyId, DatasetName, Epoch, Hash, ImportId, Key, LeaseEpoch, Secret, Sequence, StoreId,
    TenantId,
};
use wire::BatchHeader;
use wire::agent::{
    Accept, BatchAck, ChecksumPage, ChecksumRequest, Decide, DecideAction, Discarded, Enroll, Enrolled,
    HashPage, HashRequest, ImportDocument, Lease, LeaseRequest, OpenImport, OpenPage, OpenRequest, PROTOCOL,
    Preview, PreviewAnswer, RangeChecksum, Refusal, Report, Reservation, Reserve, StreamRequest, StreamReset,
    StreamState, Token, TokenRequest, Work, WorkRequest,
};

use wire::status::{
    AgentStatus, CompanyStatus, DatasetState, DatasetStatus, FindingSummary, HeldSummary, ImportsStanding,
    NamedCondition, PassProgress, PassSummary, Paused, WaitingDocument,
};

#[test]
fn the_messages_are_these() {
    let mut text = String::new();
    let mut show = |name: &str, message: &dyn erased::Shown| {
        text.push_str(&format!("{name} {}\n", message.shown()));
    };
    let (company, dataset) = (CompanyId::new("ABC"), DatasetName::new("items"));
    let document = ImportDocument {
        id: ImportId::new("1fe5"),
        company: company.clone(),
        kind: ImportKind::SalesOrder,
        revision: 1,
        body: json!({ "company": "ABC" }),
        decision: Decision {
            accept: vec!["credit_hold".into()],
            why: "called them".into(),
        },
    };
    let reservation = Reservation {
        write: 0,
        name: "sales_order_no".into(),
        value: "0000186".into(),
        at: "2026-05-06T14:00:00Z".into(),
    };
    let report = ImportReport {
        state: ImportState::Written,
        numbers: [("sales_order_no".to_owned(), "0000186".to_owned())].into(),
        totals: [("order_total".to_owned(), "166.46".parse().unwrap())].into(),
        lines: vec![PricedLine {
            item_code: "1001-HON-H252".into(),
            unit_price: Some("79.500000".parse().unwrap()),
            extension_amt: Some("159.00".parse().unwrap()),
        }],
        warnings: vec!["PO used".into()],
        problems: vec![Problem::new(
            "no_seat",
            "",
            "all seats are taken",
            "close a session",
        )],
        attempts: vec![Attempt {
            at: "2026-05-06T14:00:00Z".into(),
            step: "reserved".into(),
            detail: "0000186".into(),
        }],
    };
    show(
        "enroll",
        &Enroll {
            protocol: PROTOCOL,
            code: Secret::new("c0de"),
            public_key: "00ff".into(),
            host: "SAGE".into(),
            version: "0.1.0".into(),
        },
    );
    show(
        "enrolled",
        &Enrolled {
            agent: AgentId::new("a_1"),
            tenant: TenantId::new("t_1"),
            tenant_name: "Acme".into(),
        },
    );
    show(
        "token request",
        &TokenRequest {
            agent: AgentId::new("a_1"),
            at: 1_778_000_000,
            nonce: "01".into(),
            signature: "02".into(),
            version: "0.1.0".into(),
        },
    );
    show(
        "token",
        &Token {
            token: Secret::new("t0ken"),
            expires_in_s: 900,
            hub_time: 1_778_000_000,
        },
    );
    show(
        "lease request",
        &LeaseRequest {
            company: company.clone(),
            time_zone: "America/New_York".into(),
            journal: StoreId::new("j"),
        },
    );
    let open = vec![OpenImport {
        document: document.clone(),
        reservations: vec![reservation.clone()],
    }];
    show(
        "lease",
        &Lease {
            lease: LeaseEpoch(3),
            store: StoreId::new("h"),
        },
    );
    show(
        "open request",
        &OpenRequest {
            company: company.clone(),
            lease: LeaseEpoch(3),
            after: Some(ImportId::new("1fe4")),
        },
    );
    show(
        "open page",
        &OpenPage {
            imports: open,
            end: true,
        },
    );
    show(
        "stream request",
        &StreamRequest {
            company: company.clone(),
            dataset: dataset.clone(),
            count: true,
        },
    );
    show(
        "stream reset",
        &StreamReset {
            company: company.clone(),
            dataset: dataset.clone(),
            epoch: Epoch(1_048_577),
            from_epoch: Epoch(0),
            from_sequence: Sequence(0),
            from_digest: Hash(0),
            fingerprint: Hash(77),
        },
    );
    show(
        "stream state",
        &StreamState {
            store: StoreId::new("h"),
            epoch: Epoch(1_048_577),
            sequence: Sequence(2),
            digest: Hash(u64::MAX),
            previous: Hash(1),
            fingerprint: Hash(77),
            hub_fingerprint: Hash(77),
            records: Some(12),
        },
    );
    show(
        "hash request",
        &HashRequest {
            company: company.clone(),
            dataset: dataset.clone(),
            after: None,
            limit: 10,
            recompute: true,
        },
    );
    show(
        "hash page",
        &HashPage {
            entries: vec![(Key::from_parts(["01", "A B"]), Hash(5))],
            end: true,
        },
    );
    show(
        "checksum request",
        &ChecksumRequest {
            company: company.clone(),
            dataset: dataset.clone(),
            after: None,
            range: 1000,
            limit: 500,
        },
    );
    show(
        "checksum page",
        &ChecksumPage {
            ranges: vec![RangeChecksum {
                last: Key::from_parts(["01", "A B"]),
                records: 1000,
                checksum: Hash(6),
            }],
            end: true,
        },
    );
    show("agent status", &agent_status(&company, &dataset));
    show(
        "batch header",
        &BatchHeader {
            company: company.clone(),
            dataset: dataset.clone(),
            epoch: Epoch(1),
            sequence: Sequence(1),
            previous: Hash(0),
            fingerprint: Hash(77),
            removals: vec![Removal {
                key: Key::from_parts(["01", "GONE"]),
                reason: RemovalReason::Deleted,
            }],
            approved: 0,
        },
    );
    show(
        "batch ack",
        &BatchAck {
            epoch: Epoch(1),
            sequence: Sequence(1),
            repeated: false,
        },
    );
    show(
        "work request",
        &WorkRequest {
            companies: vec![(company, LeaseEpoch(3))],
            wait_ms: 20_000,
            limit: 20,
        },
    );
    show(
        "work",
        &Work {
            discarded: vec![Discarded {
                import: ImportId::new("1fe4"),
                revision: 2,
            }],
            imports: vec![document],
            previews: vec![Preview {
                id: ImportId::new("p_1"),
                company: CompanyId::new("ABC"),
                kind: ImportKind::Payment,
                body: json!({ "company": "ABC" }),
            }],
        },
    );
    show(
        "preview answer",
        &PreviewAnswer {
            lease: LeaseEpoch(3),
            report: report.clone(),
        },
    );
    show(
        "decide",
        &Decide {
            action: DecideAction::Discard,
            revision: Some(2),
            decision: Decision {
                accept: Vec::new(),
                why: "entered by hand".into(),
            },
        },
    );
    show(
        "accept",
        &Accept {
            lease: LeaseEpoch(3),
            revision: 1,
        },
    );
    show(
        "reserve",
        &Reserve {
            lease: LeaseEpoch(3),
            reservation,
        },
    );
    show(
        "report",
        &Report {
            lease: LeaseEpoch(3),
            revision: 1,
            report,
        },
    );
    show(
        "refusal",
        &Refusal {
            kind: "/errors/lease_lost".into(),
            title: "Lease lost".into(),
            status: 409,
            code: "lease_lost".into(),
            detail: "d".into(),
            remedy: "r".into(),
        },
    );
    insta::assert_snapshot!(text);
}

fn agent_status(company: &CompanyId, dataset: &DatasetName) -> AgentStatus {
    let problem = wire::status::Problem {
        code: "timed_out".into(),
        message: "m".into(),
        remedy: "r".into(),
    };
    let dataset = DatasetStatus {
        dataset: dataset.clone(),
        state: DatasetState::Held,
        documents: 77,
        passes: vec![PassSummary {
            kind: "sweep".into(),
            at: "2026-05-06T14:00:00Z".into(),
            documents: 77,
            sent: 2,
            removed: 1,
            took_ms: 120,
        }],
        progress: Some(PassProgress {
            documents: 10,
            expected: Some(77),
            documents_per_s: 100,
            remaining_s: Some(1),
        }),
        lag_s: Some(4),
        watermark: Some("2026-05-06T07:00:00".into()),
        next_run_at: Some("2026-05-06T14:00:02Z".into()),
        findings: vec![FindingSummary {
            code: "bad_date".into(),
            column: "SaleStartingDate".into(),
            count: 1,
            keys: vec!["1001".into()],
        }],
        held: Some(HeldSummary {
            reason: "deletes".into(),
            message: "m".into(),
            unexplained: 40,
            documents: 77,
            since: "2026-05-06T10:00:00".into(),
        }),
        problem: Some(problem),
    };
    AgentStatus {
        clock_offset_s: Some(-2),
        companies: vec![CompanyStatus {
            company: company.clone(),
            problem: None,
            paused: Some(Paused {
                since: "2026-05-06T12:00:00Z".into(),
                until: Some("2026-05-06T14:00:00Z".into()),
                reason: "period end".into(),
            }),
            imports: Some(imports_standing()),
            datasets: vec![dataset],
        }],
    }
}

fn imports_standing() -> ImportsStanding {
    let condition = NamedCondition {
        code: "record_locked".into(),
        detail: "in use by JQ.".into(),
        since: "2026-05-06T14:00:00Z".into(),
        until: "2026-05-06T14:00:10Z".into(),
        locked_by: Some("JQ".into()),
        remedy: "r".into(),
    };
    ImportsStanding {
        condition: Some(condition.clone()),
        frozen: Some("numbers went backwards".into()),
        queued: 3,
        waiting_count: 1,
        in_doubt: 1,
        session_open: true,
        waiting: vec![WaitingDocument {
            import: ImportId::new("imp-1"),
            condition,
        }],
    }
}

/// `Serialize` behind a reference.
mod erased {
    use super::Serialize;

    pub(super) trait Shown {
        fn shown(&self) -> String;
    }

    impl<T: Serialize> Shown for T {
        fn shown(&self) -> String {
            serde_json::to_string(self).unwrap()
        }
    }
}
