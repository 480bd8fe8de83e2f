//! The writer's login, tried: a session is opened, and given back at once.

use std::time::Duration;

use import::plan::Program;
use import::writing::{Answer, Login as Credentials, enter_program, open_session, release_session};
use sage::{Condition, Fault};
use values::Date;

use super::report::{Login, Problem};
use crate::bridge::{WriteBridge, WriteTarget, default_program};
use crate::commands::Failed;
use crate::commands::connect::today;
use crate::commands::writing::desk;
use crate::config::{Company, Config};
use crate::pause::PauseFile;

const ORDERS: Program = Program {
    module: "S/O",
    task: "SO_SalesOrder_ui",
    object: "SO_SalesOrder_bus",
};

/// Logs on as documents do. What passes by itself, such as a seat that is taken, is told as
/// not checked. None without a writer.
pub(super) fn check(config: &Config, company: &Company) -> Result<Option<Login>, Failed> {
    let Some(writer) = &company.writer else {
        return Ok(None);
    };
    let (target, login) = desk(company, writer)?;
    let mut told = Login {
        user: login.user.clone(),
        not_checked: None,
        problem: None,
    };
    let file = PauseFile::load(&config.state_dir).unwrap_or_default();
    if let Some(paused) = file.paused(&company.id, &config.pauses, &config.time_zone, host::clock::now()) {
        told.not_checked = Some(paused.local_words(&config.time_zone));
        return Ok(Some(told));
    }
    let limit = Duration::from_secs(company.orders.call_limit_s);
    match log_on(&target, &login, limit, today(config)) {
        Ok(Answer::Given(())) => {}
        Ok(Answer::Condition(condition, words)) if passes(condition) => {
            told.not_checked = Some(format!("{}: {words}", condition.as_str()));
        }
        Ok(Answer::Condition(condition, words)) => {
            told.problem = Some(problem(condition.as_str(), words, condition.remedy()));
        }
        Ok(Answer::Refused(refused)) => {
            told.problem = Some(problem(&refused.code, refused.message, &refused.remedy));
        }
        Err(fault) => {
            let remedy = "check that Sage starts on this machine with the configured home folder";
            told.problem = Some(problem("sage_unreachable", fault.to_string(), remedy));
        }
    }
    Ok(Some(told))
}

fn problem(code: &str, message: String, remedy: &str) -> Problem {
    Problem {
        code: code.to_owned(),
        message,
        remedy: remedy.to_owned(),
    }
}

fn log_on(
    target: &WriteTarget,
    login: &Credentials,
    limit: Duration,
    today: Date,
) -> Result<Answer<()>, Fault> {
    let mut bridge = WriteBridge::start(&default_program(), target)?;
    bridge.set_deadline(limit);
    let mut answer = open_session(&mut bridge, login)?;
    if let Answer::Given(()) = answer {
        answer = enter_program(&mut bridge, ORDERS, today)?;
    }
    release_session(&mut bridge)?;
    Ok(answer)
}

/// Does it pass without a change of a setting?
const fn passes(condition: Condition) -> bool {
    match condition {
        Condition::NoSeat
        | Condition::RecordLocked
        | Condition::ExclusiveTask
        | Condition::PeriodEnd
        | Condition::SageClosed
        | Condition::TaxService => true,
        Condition::SubscriptionLapsed
        | Condition::PasswordRefused
        | Condition::ExternalAccessOff
        | Condition::PermissionDenied => false,
    }
}
