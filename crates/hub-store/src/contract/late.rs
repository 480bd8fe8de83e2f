//! What a driver said earlier arrives behind what it said since: a proxy or a replica kept it.

use model::{ImportKind, ImportState};
use serde_json::json;
use wire::agent::DecideAction;

use super::decisions::Desk;
use crate::Store;

/// An end stands until a person decides: what was said on the way to it changes nothing.
pub(super) fn check(store: &dyn Store) {
    let desk = Desk::new(store, "late-messages");
    for end in [ImportState::Held, ImportState::InDoubt, ImportState::Refused] {
        let key = format!("late-{}", end.as_str());
        let payment = json!({
            "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
            "amount": "10.00", "gateway_transaction_id": key,
        });
        let id = desk.post(ImportKind::Payment, &key, &payment).unwrap().id;
        desk.accept(&id, 1).unwrap();
        desk.report(&id, 1, ImportState::Waiting, &[]);
        desk.report(&id, 1, end, &[("check_no", "Q1")]);
        let ended = desk.shown(&id);
        assert_eq!(ended.state, end);
        for state in [ImportState::Validated, ImportState::Waiting, ImportState::Writing] {
            // A driver that does not tell the revision means the one that is there.
            for revision in [0, 1] {
                desk.report(&id, revision, state, &[]);
                assert_eq!(desk.shown(&id), ended, "{} is late", state.as_str());
            }
        }
        if end == ImportState::Refused {
            // It did not take its transaction back, either.
            desk.post(ImportKind::Payment, &format!("{key}-again"), &payment)
                .unwrap();
        }
        desk.decide(&id, DecideAction::Discard, &[], "not needed")
            .unwrap();

        // The driver's own later word does count.
        let id = desk.post(ImportKind::SalesOrder, &format!("{key}-order"), &json!(1));
        let id = id.unwrap().id;
        desk.accept(&id, 1).unwrap();
        desk.report(&id, 1, end, &[]);
        desk.report(&id, 1, ImportState::Written, &[("sales_order_no", "0000001")]);
        assert_eq!(desk.shown(&id).state, ImportState::Written);
    }
}
