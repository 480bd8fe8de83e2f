//! The session in which records are entered.

use model::Problem;
use sage::{BusinessObjects, Call, Condition, Fault, Return, Scalar};
use values::{Date, Secret};

use super::Answer;
use crate::plan::{Program, Write};

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

/// Logs on to a company; takes a seat. No program is open yet.
///
/// # Errors
/// [`Fault`] when a call did not come back: throw the objects away.
pub fn open_session(objects: &mut dyn BusinessObjects, login: &Login) -> Result<Answer<()>, Fault> {
    let calls = [
        Call::SetUser {
            user: login.user.clone(),
            password: login.password.clone(),
        },
        Call::SetCompany {
            code: login.company.clone(),
        },
    ];
    all_taken(objects, &calls)
}

/// Opens the program of a record in the session; records of other programs can be made
/// again after opening theirs.
///
/// # Errors
/// [`Fault`] when a call did not come back: throw the objects away.
pub fn enter_program(
    objects: &mut dyn BusinessObjects,
    program: Program,
    today: Date,
) -> Result<Answer<()>, Fault> {
    let module = program.module;
    let calls = [
        Call::SetDate {
            module: module.into(),
            date: today,
        },
        Call::SetModule {
            module: module.into(),
        },
    ];
    match all_taken(objects, &calls)? {
        Answer::Given(()) => {}
        other @ (Answer::Condition(..) | Answer::Refused(_)) => return Ok(other),
    }
    let task = objects.call(&Call::LookupTask {
        task: program.task.into(),
    })?;
    if task.is_refused() {
        // Sage answers 0 for a task that the user's role lacks, often without a word.
        return Ok(no_permission(&task, program));
    }
    let opened = objects.call(&Call::SetProgram { task_id: task.code })?;
    if opened.is_refused() {
        return Ok(no_permission(&opened, program));
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

/// Asks Sage for the next number of a sales order or customer. It is spent, whatever
/// follows. Sage numbers nothing else.
///
/// # Errors
/// [`Fault`] when a call did not come back: throw the objects away.
pub fn next_number(objects: &mut dyn BusinessObjects, write: &Write) -> Result<Answer<String>, Fault> {
    let number = match write {
        Write::SalesOrder(_) => "SalesOrderNo",
        Write::Customer(_) => "CustomerNo",
        Write::CustomerChange(_) | Write::ShipTo(_) | Write::Receipt(_) => {
            return Ok(Answer::Refused(Problem::new(
                "number_refused",
                "",
                format!("Sage gives out no numbers for a {}", write.noun()),
                "tell the maker of the driver",
            )));
        }
    };
    let made = objects.call(&Call::NewObject {
        name: write.program().object.into(),
    })?;
    let Some(object) = made.object.filter(|_| !made.is_refused()) else {
        return Ok(refused(&made));
    };
    let answer = objects.call(&Call::GetNextNumber {
        object,
        number: number.into(),
    })?;
    objects.call(&Call::DropObject { object })?;
    let given = answer
        .value
        .as_ref()
        .and_then(Scalar::as_text)
        .map(|n| n.trim().to_owned());
    Ok(
        match given.filter(|given| !answer.is_refused() && !given.is_empty()) {
            Some(given) => Answer::Given(given),
            None => match Condition::of_message(&answer.message) {
                Some(condition) => Answer::Condition(condition, answer.message),
                None => Answer::Refused(Problem::new(
                    "number_refused",
                    "",
                    format!("Sage gives out no {number}: {}", answer.message),
                    "check next number and automatic numbering in the module's options in Sage, then retry the document",
                )),
            },
        },
    )
}

fn all_taken(objects: &mut dyn BusinessObjects, calls: &[Call]) -> Result<Answer<()>, Fault> {
    for call in calls {
        let answer = objects.call(call)?;
        if answer.is_refused() {
            return Ok(refused(&answer));
        }
    }
    Ok(Answer::Given(()))
}

fn no_permission<T>(answer: &Return, program: Program) -> Answer<T> {
    let condition = Condition::of_message(&answer.message).unwrap_or(Condition::PermissionDenied);
    let detail = if answer.message.is_empty() {
        format!("{} is not permitted", program.task)
    } else {
        answer.message.clone()
    };
    Answer::Condition(condition, detail)
}

pub(super) fn refused<T>(answer: &Return) -> Answer<T> {
    match Condition::of_message(&answer.message) {
        Some(condition) => Answer::Condition(condition, answer.message.clone()),
        None => Answer::Refused(Problem::new(
            "session_refused",
            "",
            answer.message.clone(),
            "check company code and Sage user in the driver's configuration, then retry the document",
        )),
    }
}
