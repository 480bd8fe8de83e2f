//! Ship-to addresses.

use super::desk::{Desk, Filled, Stop, broken, customer};
use super::{EnterContext, Step};
use crate::identity::parts;
use crate::plan::ShipToWrite;

const OBJECT: &str = "SO_ShipToAddress_bus";

/// A new ship-to address, everything but its write.
pub(super) fn fill(
    desk: &mut Desk<'_>,
    identity: &str,
    write: &ShipToWrite,
    context: &EnterContext<'_>,
    progress: &mut dyn FnMut(Step),
) -> Result<Filled, Stop> {
    let parts = parts(identity);
    let [division, customer_no, code] = parts.as_slice() else {
        return Err(broken(format!("{identity} is no ship-to address's identity")));
    };
    let owner = customer(&write.customer, context)?;
    if (&owner.ar_division_no, &owner.customer_no) != (division, customer_no) {
        return Err(broken(format!("{identity} is not of the customer of its plan")));
    }
    let object = desk.record(OBJECT)?;
    progress(Step::BeforeSetKey);
    let key = [
        ("ARDivisionNo", division.as_str()),
        ("CustomerNo", customer_no),
        ("ShipToCode", code),
    ];
    if desk.key(object, &key, "ship_to_refused")? != 2 {
        return Err(Stop::KeyTaken);
    }
    progress(Step::AfterSetKey);
    desk.settings(object, &write.settings)?;
    desk.mark(object, context)?;
    progress(Step::HeaderSet);
    Ok(Filled::plain(object))
}
