//! Customers, new ones and changes.

use sage::ObjectId;

use super::desk::{Desk, Filled, Stop, broken};
use super::{EnterContext, Step};
use crate::identity::customer_of;
use crate::plan::{CustomerChange, CustomerWrite, NumberSource};
use model::{CustomerRef, Problem};

const OBJECT: &str = "AR_Customer_bus";

/// A new customer, everything but its write.
pub(super) fn fill(
    desk: &mut Desk<'_>,
    identity: &str,
    write: &CustomerWrite,
    context: &EnterContext<'_>,
    progress: &mut dyn FnMut(Step),
) -> Result<Filled, Stop> {
    let customer =
        customer_of(identity).ok_or_else(|| broken(format!("{identity} is no customer's identity")))?;
    let field = match &write.number {
        NumberSource::Given { field, .. } => field.as_str(),
        NumberSource::SageNext | NumberSource::Counter { .. } => "",
    };
    let object = desk.record(OBJECT)?;
    progress(Step::BeforeSetKey);
    if load(desk, object, &customer).map_err(|stop| in_field(stop, field))? != 2 {
        return Err(Stop::KeyTaken);
    }
    progress(Step::AfterSetKey);
    desk.settings(object, &write.settings)?;
    desk.mark(object, context)?;
    progress(Step::HeaderSet);
    Ok(Filled::plain(object))
}

/// Changes to a customer, everything but the write.
pub(super) fn fill_change(
    desk: &mut Desk<'_>,
    change: &CustomerChange,
    progress: &mut dyn FnMut(Step),
) -> Result<Filled, Stop> {
    let customer = &change.customer;
    let object = desk.record(OBJECT)?;
    progress(Step::BeforeSetKey);
    if load(desk, object, customer)? != 1 {
        return Err(Stop::Refused(Problem::new(
            "customer_missing",
            "customer.customer_no",
            format!(
                "customer {}-{} is not in Sage any more",
                customer.ar_division_no, customer.customer_no
            ),
            "was the customer renumbered, merged or deleted? Send the change with the number that the customer has now",
        )));
    }
    progress(Step::AfterSetKey);
    desk.settings(object, &change.settings)?;
    progress(Step::HeaderSet);
    Ok(Filled::plain(object))
}

fn load(desk: &mut Desk<'_>, object: ObjectId, customer: &CustomerRef) -> Result<i32, Stop> {
    let key = [
        ("ARDivisionNo", customer.ar_division_no.as_str()),
        ("CustomerNo", customer.customer_no.as_str()),
    ];
    desk.key(object, &key, "number_refused")
}

/// A number that the document brought is refused in its field.
fn in_field(stop: Stop, field: &str) -> Stop {
    match stop {
        Stop::Refused(mut problem) => {
            field.clone_into(&mut problem.field);
            Stop::Refused(problem)
        }
        Stop::Fault(_) | Stop::Condition(..) | Stop::Told | Stop::KeyTaken | Stop::IsThere(_) => stop,
    }
}
