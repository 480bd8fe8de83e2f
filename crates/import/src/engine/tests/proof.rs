//! What follows from what is found in the ERP.

use super::*;

#[test]
fn a_lost_write_is_fenced_before_it_is_read_back() {
    let run = Run::faulted(true);
    assert_eq!(
        run.commands,
        [Command::KillWorker, Command::Fence { server: Some(SERVER) }]
    );
    assert_eq!(run.step(Event::Fenced(true)).proof(), Proof::Fenced);
    assert_eq!(Run::faulted(true).step(Event::Fenced(false)).proof(), Proof::Open);
    // Nothing was begun: nothing can follow, whoever still runs.
    assert_eq!(
        Run::faulted(false).step(Event::Fenced(false)).proof(),
        Proof::NothingPending
    );
}

#[test]
fn what_is_found_after_a_lost_write_decides() {
    let fenced = || Run::faulted(true).step(Event::Fenced(true));
    let open = || Run::faulted(true).step(Event::Fenced(false));
    let unbegun = || Run::faulted(false).step(Event::Fenced(false));
    let again = (false, Some(Obstacle::WriteFailed));
    assert_eq!(fenced().found(Finding::Absent, true).ending(), again);
    assert_eq!(unbegun().found(Finding::Absent, false).ending(), again);
    assert_eq!(
        fenced().found(Finding::Absent, false).end(),
        (ImportState::InDoubt, "history_not_kept")
    );
    assert_eq!(
        open().found(Finding::Absent, true).end(),
        (ImportState::InDoubt, "fence_unknown")
    );
    assert_eq!(fenced().found(foreign(), false).ending(), (true, None));
    assert_eq!(
        open().found(foreign(), true).end(),
        (ImportState::InDoubt, "fence_unknown")
    );
    for run in [fenced(), open(), unbegun()] {
        let run = run.found(ours(), false);
        assert_eq!(run.end(), (ImportState::Written, ""));
        assert_eq!(
            run.outcome().totals["order_total"].to_string(),
            "7.00",
            "from the record found"
        );
    }
}

#[test]
fn what_contradicts_itself_is_read_again_and_then_left_to_a_person() {
    let partial = || Finding::Partial {
        what: "no lines".into(),
    };
    let unclear = || Finding::Unclear {
        why: "two readings".into(),
    };
    for (finding, code) in [
        (partial(), "partial"),
        (unclear(), "unclear"),
        (Finding::Absent, "missing_after_write"),
    ] {
        let mut run = Run::done();
        for _ in 1..MAX_UNCLEAR {
            run = run.found(finding.clone(), true);
            assert_eq!(run.import.waiting().unwrap().obstacle, Obstacle::ReadBackUnclear);
            let until = run.import.waiting().unwrap().until;
            let (import, commands) = run.import.step(Event::Due, &Moment { at: until, random: 0 });
            assert!(matches!(&commands[..], [Command::ReadBack { .. }]));
            run = Run { import, commands };
        }
        let run = run.found(finding, true);
        assert_eq!(run.end(), (ImportState::InDoubt, code));
        assert_eq!(
            run.outcome().numbers.get("sales_order_no").map(String::as_str),
            Some("101")
        );
        assert!(!run.outcome().problems[0].remedy.is_empty());
    }
    assert_eq!(
        Run::done().found(foreign(), true).end(),
        (ImportState::InDoubt, "foreign_after_write")
    );
}
