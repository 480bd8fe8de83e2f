//! Calls that stop a procedure when Sage does not take them.

use model::Problem;
use sage::{BusinessObjects, Call, Condition, Fault, ObjectId, Return, Scalar};

/// Why a procedure stops.
pub(super) enum Stop {
    Fault(Fault),
    Condition(Condition),
    Refused(Problem),
    KeyTaken,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The objects, and what Sage said on the way.
pub(super) struct Desk<'a> {
    pub(super) objects: &'a mut dyn BusinessObjects,
    pub(super) warnings: Vec<String>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(objects: &'a mut dyn BusinessObjects) -> Self {
        Self {
            objects,
            warnings: Vec::new(),
        }
    }

    /// Makes a call; a warning is kept, a refusal stops.
    pub(super) fn call(&mut self, call: &Call, code: &str, field: &str) -> Result<Return, Stop> {
        let answer = self.objects.call(call)?;
        if answer.is_refused() {
            return Err(refusal(&answer.message, code, field));
        }
        self.warnings.extend(answer.warning().map(str::to_owned));
        Ok(answer)
    }

    /// Makes an object.
    pub(super) fn object(&mut self, call: &Call, code: &str) -> Result<ObjectId, Stop> {
        let answer = self.call(call, code, "")?;
        answer.object.ok_or_else(|| {
            Stop::Fault(Fault {
                code: 0,
                message: format!("{call:?} was answered without an object"),
            })
        })
    }

    pub(super) fn set(
        &mut self,
        object: ObjectId,
        column: &str,
        value: Scalar,
        field: &str,
    ) -> Result<(), Stop> {
        let code = match column {
            "ItemCode$" => "item_refused",
            "CustomerNo$" | "ARDivisionNo$" => "customer_refused",
            _ => "value_refused",
        };
        let call = Call::SetValue {
            object,
            column: column.to_owned(),
            value,
        };
        self.call(&call, code, field).map(|_| ())
    }

    pub(super) fn text(
        &mut self,
        object: ObjectId,
        column: &str,
        value: &str,
        field: &str,
    ) -> Result<(), Stop> {
        self.set(object, column, Scalar::Text(value.to_owned()), field)
    }

    /// A value; none when Sage does not tell it.
    pub(super) fn get(&mut self, object: ObjectId, column: &str) -> Result<Option<Scalar>, Fault> {
        let answer = self.objects.call(&Call::GetValue {
            object,
            column: column.to_owned(),
        })?;
        Ok(if answer.is_refused() { None } else { answer.value })
    }

    pub(super) fn get_text(&mut self, object: ObjectId, column: &str) -> Result<Option<String>, Fault> {
        let value = self.get(object, column)?;
        Ok(value
            .as_ref()
            .and_then(Scalar::as_text)
            .map(|text| text.trim_end().to_owned()))
    }
}

/// What a refusal means. Words about a value are searched only for states that a value
/// can meet: "you have no permission to change the price" is about the price.
fn refusal(message: &str, code: &str, field: &str) -> Stop {
    let condition = Condition::of_message(message).filter(|condition| match condition {
        Condition::RecordLocked
        | Condition::ExclusiveTask
        | Condition::PeriodEnd
        | Condition::SageClosed
        | Condition::TaxService
        | Condition::SubscriptionLapsed => true,
        Condition::NoSeat
        | Condition::PasswordRefused
        | Condition::ExternalAccessOff
        | Condition::PermissionDenied => field.is_empty(),
    });
    match condition {
        Some(condition) => Stop::Condition(condition),
        None => Stop::Refused(problem(message, code, field)),
    }
}

fn problem(message: &str, code: &str, field: &str) -> Problem {
    let said = if message.is_empty() {
        "Sage refused it without a word"
    } else {
        message
    };
    let remedy = if field.is_empty() {
        "do what Sage's words ask for, then post the order again under a new idempotency key"
    } else {
        "correct the value, or set up in Sage what it names, then post the order again under a new idempotency key"
    };
    Problem::new(code, field, said, remedy)
}
