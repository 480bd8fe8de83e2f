//! The session in which orders are entered.

use model::Problem;
use sage::{BusinessObjects, Call, Condition, Fault, Return, Scalar};
use values::{Date, Secret};

use super::Answer;

const MODULE: &str = "S/O";
const TASK: &str = "SO_SalesOrder_ui";
pub(super) const OBJECT: &str = "SO_SalesOrder_bus";

/// Who logs on where.
#[derive(Clone, Debug)]
pub struct Login {
    /// Sage user logon.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// Company code.
    pub company: String,
}

/// Logs on and prepares module and program of sales orders.
///
/// # Errors
/// [`Fault`] when a call did not come back: throw the objects away.
pub fn open_session(
    objects: &mut dyn BusinessObjects,
    login: &Login,
    today: Date,
) -> Result<Answer<()>, Fault> {
    let calls = [
        Call::SetUser {
            user: login.user.clone(),
            password: login.password.clone(),
        },
        Call::SetCompany {
            code: login.company.clone(),
        },
        Call::SetDate {
            module: MODULE.into(),
            date: today,
        },
        Call::SetModule {
            module: MODULE.into(),
        },
    ];
    for call in &calls {
        let answer = objects.call(call)?;
        if answer.is_refused() {
            return Ok(refused(&answer, None));
        }
    }
    let task = objects.call(&Call::LookupTask { task: TASK.into() })?;
    if task.is_refused() {
        // Sage answers 0 for a task that the user's role lacks, often without a word.
        return Ok(refused(&task, Some(Condition::PermissionDenied)));
    }
    let program = objects.call(&Call::SetProgram { task_id: task.code })?;
    if program.is_refused() {
        return Ok(refused(&program, Some(Condition::PermissionDenied)));
    }
    Ok(Answer::Given(()))
}

/// Frees the seat.
///
/// # Errors
/// [`Fault`] when the call did not come back: throw the objects away.
pub fn release_session(objects: &mut dyn BusinessObjects) -> Result<(), Fault> {
    objects.call(&Call::CleanUp).map(|_| ())
}

/// Asks Sage for the next sales order number. It is spent, whatever follows.
///
/// # Errors
/// [`Fault`] when a call did not come back: throw the objects away.
pub fn next_number(objects: &mut dyn BusinessObjects) -> Result<Answer<String>, Fault> {
    let made = objects.call(&Call::NewObject { name: OBJECT.into() })?;
    let Some(object) = made.object.filter(|_| !made.is_refused()) else {
        return Ok(refused(&made, None));
    };
    let answer = objects.call(&Call::GetNextNumber {
        object,
        number: "SalesOrderNo".into(),
    })?;
    objects.call(&Call::DropObject { object })?;
    let number = answer
        .value
        .as_ref()
        .and_then(Scalar::as_text)
        .map(|n| n.trim().to_owned());
    Ok(
        match number.filter(|number| !answer.is_refused() && !number.is_empty()) {
            Some(number) => Answer::Given(number),
            None => refused(&answer, None),
        },
    )
}

fn refused<T>(answer: &Return, otherwise: Option<Condition>) -> Answer<T> {
    match Condition::of_message(&answer.message).or(otherwise) {
        Some(condition) => Answer::Condition(condition, answer.message.clone()),
        None => Answer::Refused(Problem::new(
            "session_refused",
            "",
            answer.message.clone(),
            "check company code and Sage user in the driver's configuration, then post the order again under a new idempotency key",
        )),
    }
}
