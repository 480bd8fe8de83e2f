//! Calls to Sage, and what they come to: what is noted and what stops a procedure.

use model::{CustomerRef, Numbers, Problem, Totals};
use sage::{BusinessObjects, Call, Condition, Fault, ObjectId, Return, Scalar};
use values::Decimal;

use super::EnterContext;
use crate::identity::customer_of;
use crate::marker::MARKER_COLUMN;
use crate::plan::{CustomerSource, Setting};
use model::PricedLine;

/// Why a procedure stops.
#[derive(Debug)]
pub(super) enum Stop {
    /// A call did not come back.
    Fault(Fault),
    /// A state of Sage that passes, in its words.
    Condition(Condition, String),
    /// Without this nothing that follows makes sense.
    Refused(Problem),
    /// What is in the way is noted at the desk already.
    Told,
    /// What is to be written is loaded: it was written before.
    IsThere(Problem),
    /// Somebody's record is loaded.
    KeyTaken,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What the filled record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is written.
    Store,
    /// It is looked at and dropped: no call that stores anything may be made.
    Preview,
}

/// A record that is filled in and not written yet.
#[derive(Debug)]
pub(super) struct Filled {
    /// The object whose write stores it.
    pub(super) record: ObjectId,
    pub(super) totals: Totals,
    pub(super) numbers: Numbers,
    pub(super) extension: Option<Decimal>,
    pub(super) lines: Vec<PricedLine>,
    /// Its deposit was made for it, and holds no other receipt's money.
    pub(super) has_new_deposit: bool,
}

impl Filled {
    /// Without amounts or lines.
    pub(super) const fn plain(record: ObjectId) -> Self {
        Self {
            record,
            totals: Totals::new(),
            numbers: Numbers::new(),
            extension: None,
            lines: Vec::new(),
            has_new_deposit: false,
        }
    }
}

/// The objects, and what was noted on the way.
pub(super) struct Desk<'a> {
    pub(super) objects: &'a mut dyn BusinessObjects,
    pub(super) purpose: Purpose,
    /// What Sage took with a warning.
    pub(super) warnings: Vec<String>,
    /// What Sage refused, while the procedure went on.
    pub(super) problems: Vec<Problem>,
    /// What a person may accept.
    pub(super) holds: Vec<Problem>,
    /// Dropped when the procedure stops.
    pub(super) under_work: Option<ObjectId>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(objects: &'a mut dyn BusinessObjects, purpose: Purpose) -> Self {
        Self {
            objects,
            purpose,
            warnings: Vec::new(),
            problems: Vec::new(),
            holds: Vec::new(),
            under_work: None,
        }
    }

    /// Makes a call; a warning is kept, a refusal stops.
    pub(super) fn call(&mut self, call: &Call, code: &str, field: &str) -> Result<Return, Stop> {
        let answer = self.objects.call(call)?;
        if answer.is_refused() {
            return Err(refusal(&answer.message, code, field));
        }
        self.warn_of(&answer, field);
        Ok(answer)
    }

    /// Makes a call; a refusal is noted, and the answer is whether Sage took it.
    pub(super) fn attempt(&mut self, call: &Call, code: &str, field: &str) -> Result<bool, Stop> {
        match self.call(call, code, field) {
            Ok(_) => Ok(true),
            Err(Stop::Refused(problem)) => {
                self.problems.push(if let Call::SetValue { value, .. } = call {
                    problem.with_value(said(value))
                } else {
                    problem
                });
                Ok(false)
            }
            Err(stop) => Err(stop),
        }
    }

    /// Makes an object.
    pub(super) fn object(&mut self, call: &Call, code: &str) -> Result<ObjectId, Stop> {
        let answer = self.call(call, code, "")?;
        answer
            .object
            .ok_or_else(|| broken(format!("{call:?} was answered without an object")))
    }

    /// Makes the object of the record under work.
    pub(super) fn record(&mut self, name: &str) -> Result<ObjectId, Stop> {
        let object = self.object(&Call::NewObject { name: name.into() }, "session_refused")?;
        self.under_work = Some(object);
        Ok(object)
    }

    /// Sets the parts of a key and loads it: the code is 2 for a new record, 1 for one that
    /// is there.
    pub(super) fn key(&mut self, object: ObjectId, parts: &[(&str, &str)], code: &str) -> Result<i32, Stop> {
        for (column, value) in parts {
            let call = Call::SetKeyValue {
                object,
                column: format!("{column}$"),
                value: Scalar::Text((*value).to_owned()),
            };
            self.call(&call, code, "")?;
        }
        Ok(self.call(&Call::SetKey { object }, code, "")?.code)
    }

    /// Sets a column; a refusal is noted, and the answer is whether Sage took it.
    pub(super) fn set(
        &mut self,
        object: ObjectId,
        column: &str,
        value: Scalar,
        field: &str,
    ) -> Result<bool, Stop> {
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
        // What the site set has no field; the column says what was meant.
        let problems = self.problems.len();
        let is_taken = self.attempt(&call, code, field)?;
        if field.is_empty()
            && let Some(problem) = self.problems.get_mut(problems)
        {
            problem.message = format!("{}: {}", column.trim_end_matches('$'), problem.message);
            "set this default of the configuration to a value that Sage takes, or set up in Sage what it names, then retry the document".clone_into(&mut problem.remedy);
        }
        Ok(is_taken)
    }

    pub(super) fn text(
        &mut self,
        object: ObjectId,
        column: &str,
        value: &str,
        field: &str,
    ) -> Result<bool, Stop> {
        self.set(object, column, Scalar::Text(value.to_owned()), field)
    }

    /// Sets columns in their order; refusals are noted. All taken?
    pub(super) fn settings(&mut self, object: ObjectId, settings: &[Setting]) -> Result<bool, Stop> {
        let mut all = true;
        for setting in settings {
            all &= self.set(object, &setting.column, setting.value.clone(), &setting.field)?;
        }
        Ok(all)
    }

    /// Puts the document's mark, where the site has the column.
    pub(super) fn mark(&mut self, object: ObjectId, context: &EnterContext<'_>) -> Result<(), Stop> {
        if let Some(marker) = &context.marker {
            let call = Call::SetValue {
                object,
                column: format!("{MARKER_COLUMN}$"),
                value: Scalar::Text(marker.clone()),
            };
            self.attempt(&call, "marker_refused", "")?;
        }
        Ok(())
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

    pub(super) fn get_number(&mut self, object: ObjectId, column: &str) -> Result<Option<Decimal>, Fault> {
        Ok(self.get(object, column)?.as_ref().and_then(Scalar::as_number))
    }

    fn warn_of(&mut self, answer: &Return, field: &str) {
        if let Some(warning) = answer.warning() {
            self.warnings.push(match field.split_once('.') {
                // A document has many lines; Sage's words do not say which.
                Some((line, _)) if line.starts_with("lines[") => format!("sage_warning: {line}: {warning}"),
                Some(_) | None => format!("sage_warning: {warning}"),
            });
        }
    }
}

/// The customer of a write.
pub(super) fn customer(source: &CustomerSource, context: &EnterContext<'_>) -> Result<CustomerRef, Stop> {
    match source {
        CustomerSource::Known(customer) => Ok(customer.clone()),
        CustomerSource::Write(place) => context
            .earlier
            .get(place)
            .and_then(|identity| customer_of(identity))
            .ok_or_else(|| broken(format!("write {place} of the plan has made no customer yet"))),
    }
}

/// A fault of our own: nothing was said to Sage, and nothing more is.
pub(super) fn broken(message: String) -> Stop {
    Stop::Fault(Fault { code: 0, message })
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
        Some(condition) => Stop::Condition(condition, message.to_owned()),
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
        "do what Sage's words ask for, then retry the document or post it again under a new idempotency key"
    } else {
        "correct the value, or set up in Sage what it names, then retry the document or post it again under a new idempotency key"
    };
    Problem::new(code, field, said, remedy)
}

fn said(value: &Scalar) -> String {
    match value {
        Scalar::Text(text) => text.chars().take(100).collect(),
        Scalar::Number(number) => number.to_string(),
    }
}
