//! What Sage would say to a document: the same calls without the final write.
//!
//! A preview goes behind everything that is to be written, is journaled nowhere and spends
//! nothing but a number, as the same thing on Sage's screen does.

use std::sync::Arc;

use import::plan::{CustomerSource, Identities, Plan, Planned, ShipToSource, Write};
use import::writing::{Answer, EnterContext, Entry, next_number, preview};
use import::{Document, Event, Obstacle};
use model::{Decision, ImportReport, ImportState, Problem};
use wire::agent::{Preview, PreviewAnswer};

use super::carry_out::{Making, obstacle_of};
use super::ports::HubError;
use super::runner::{Gate, Runner};

impl Runner {
    /// Answers a preview; whatever comes of it, it is not tried again.
    pub(super) fn answer_preview(&mut self, asked: &Preview) -> Result<(), HubError> {
        let report = self.previewed(asked);
        let answer = PreviewAnswer {
            lease: self.lease.ok_or(HubError::LeaseLost)?,
            report,
        };
        self.hub.answer_preview(&asked.id, &answer)
    }

    fn previewed(&mut self, asked: &Preview) -> ImportReport {
        if let Some(reason) = self.is_paused() {
            return waiting(Obstacle::Paused.problem(&reason));
        }
        let document = Document {
            id: asked.id.clone(),
            company: asked.company.clone(),
            kind: asked.kind,
            revision: 0,
            body: asked.body.clone(),
            decision: Decision::default(),
        };
        let making = Making {
            now: self.clock.now(),
            today: self.today(),
            settings: Arc::clone(&self.site.settings),
            rules: Arc::clone(&self.site.rules),
            document,
            done: Vec::new(),
            suspects: Vec::new(),
            queued: self.queued(),
        };
        let made = self.tables.ask(move |erp| making.make(erp));
        let plan = match made.map(|made| made.planned) {
            Ok(Planned::Ready(plan)) => plan,
            Ok(Planned::Nothing { numbers, warnings }) => {
                return ImportReport {
                    numbers,
                    warnings,
                    ..report(ImportState::Validated)
                };
            }
            Ok(Planned::Refused(problems)) => return with(ImportState::Refused, problems),
            Ok(Planned::Held(problems)) => return with(ImportState::Held, problems),
            Err(error) => return waiting(error.obstacle().problem(&error.to_string())),
        };
        let Some(write) = plan.writes.iter().find(|w| matches!(w, Write::SalesOrder(_))) else {
            return ImportReport {
                warnings: plan.warnings,
                ..report(ImportState::Validated)
            };
        };
        if let Write::SalesOrder(order) = write
            && matches!(order.customer, CustomerSource::Write(_))
        {
            return ImportReport {
                warnings: plan.warnings.clone(),
                ..with(
                    ImportState::Held,
                    vec![Problem::new(
                        "preview_needs_customer",
                        "customer",
                        "the order would create its customer first, and Sage prices an order only for a customer that it has",
                        "create the customer with POST /v1/customers, or preview the order for an existing one",
                    )],
                )
            };
        }
        let mut told = self.preview_order(&with_its_address(write, &plan));
        told.warnings.splice(0..0, plan.warnings.iter().cloned());
        told
    }

    /// What a preview has run into keeps documents and other previews from trying, too.
    fn close_gate(&mut self, obstacle: Obstacle, detail: String) {
        if !obstacle.concerns_company() || obstacle == Obstacle::Paused {
            return;
        }
        let moment = self.moment();
        let same = self.gate.take().filter(|gate| gate.obstacle == obstacle);
        let tries = same.as_ref().map_or(1, |gate| gate.tries.saturating_add(1));
        let wait = obstacle.wait(tries, moment.random);
        self.gate = Some(Gate {
            obstacle,
            detail,
            since: same.map_or(moment.at, |gate| gate.since),
            tries,
            until: moment.at.checked_add(wait).unwrap_or(moment.at),
        });
    }

    fn preview_order(&mut self, write: &Write) -> ImportReport {
        let now = self.clock.now();
        if self.worker.is_none()
            && let Some(gate) = self.gate.as_ref().filter(|gate| gate.until > now)
        {
            // A password that is tried with each preview locks the user.
            return waiting(gate.obstacle.problem(&gate.detail));
        }
        if let Event::Blocked { obstacle, detail } = self.enter_session(write.program()) {
            let told = waiting(obstacle.problem(&detail));
            self.close_gate(obstacle, detail);
            return told;
        }
        let today = self.today();
        let Some(worker) = &mut self.worker else {
            return waiting(Obstacle::SageUnreachable.problem("the session is gone"));
        };
        worker.used_at = self.clock.now();
        let number = match next_number(worker.objects.as_mut(), write) {
            Ok(Answer::Given(number)) => number,
            Ok(Answer::Condition(condition, words)) => {
                return waiting(Obstacle::Sage(condition).problem(&words));
            }
            Ok(Answer::Refused(problem)) => return with(ImportState::Refused, vec![problem]),
            Err(fault) => {
                self.kill_worker();
                return waiting(obstacle_of(&fault).problem(&fault.to_string()));
            }
        };
        let context = EnterContext {
            today,
            marker: None,
            earlier: &Identities::new(),
            deposited: None,
        };
        match preview(worker.objects.as_mut(), &number, write, &context) {
            Entry::Entered {
                totals,
                numbers: _,
                extension: _,
                lines,
                warnings,
            } => ImportReport {
                totals,
                lines,
                warnings,
                ..report(ImportState::Validated)
            },
            Entry::Held { problems, warnings } => ImportReport {
                warnings,
                ..with(ImportState::Held, problems)
            },
            Entry::Refused {
                problems, warnings, ..
            } => ImportReport {
                warnings,
                ..with(ImportState::Refused, problems)
            },
            Entry::Condition {
                condition, detail, ..
            } => waiting(Obstacle::Sage(condition).problem(&detail)),
            Entry::KeyTaken | Entry::HandedOver { .. } => {
                waiting(Obstacle::ReadBackUnclear.problem("the number was taken meanwhile"))
            }
            Entry::Faulted { fault, .. } => {
                self.kill_worker();
                waiting(obstacle_of(&fault).problem(&fault.to_string()))
            }
        }
    }
}

/// The order as it can be shown before its ship-to record is there: with the record's
/// address on it.
fn with_its_address(write: &Write, plan: &Plan) -> Write {
    let Write::SalesOrder(order) = write else {
        return write.clone();
    };
    let Some(ShipToSource::Write(place)) = order.ship_to else {
        return write.clone();
    };
    let record = usize::try_from(place)
        .ok()
        .and_then(|place| plan.writes.get(place));
    let mut order = order.clone();
    order.ship_to = None;
    if let Some(Write::ShipTo(record)) = record {
        order.header.splice(0..0, record.settings.iter().cloned());
    }
    Write::SalesOrder(order)
}

fn report(state: ImportState) -> ImportReport {
    import::Outcome::of_state(state).into_report(Vec::new())
}

fn with(state: ImportState, problems: Vec<Problem>) -> ImportReport {
    ImportReport {
        problems,
        ..report(state)
    }
}

fn waiting(problem: Problem) -> ImportReport {
    with(ImportState::Waiting, vec![problem])
}
