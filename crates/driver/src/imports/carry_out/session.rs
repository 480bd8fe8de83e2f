//! Sage's session: opened for a program, and ended.

use import::plan::Program;
use import::writing::{Answer, enter_program, open_session, release_session};
use import::{Event, Obstacle};
use sage::ServerProcess;

use super::super::current::Current;
use super::super::ports::Worker;
use super::super::runner::{OpenWorker, Runner};
use super::{blocked, faulted, lost, unjournaled, unreadable};

impl Runner {
    pub(super) fn open_session(&mut self, current: &Current, write: usize) -> Event {
        match self.frozen() {
            Ok(Some(reason)) => return Event::Frozen(reason),
            Ok(None) => {}
            Err(error) => return unjournaled(&error),
        }
        let Some(write) = current.write(write) else {
            return lost("the plan has no such write");
        };
        if write.is_filed() {
            return Event::SessionOpened(None);
        }
        self.enter_session(write.program())
    }

    /// Has a session in which this program is open.
    pub(in crate::imports) fn enter_session(&mut self, program: Program) -> Event {
        let today = self.today();
        if self.worker.is_none() {
            // A new session looks at the site anew. Before a number is spent it must be
            // possible to read back.
            self.has_marker.clear();
            let columns = self.tables.ask(|erp| {
                erp.forget();
                erp.columns()
            });
            if let Err(error) = columns {
                return unreadable(&error);
            }
            let mut objects = match self.workshop.start() {
                Ok(objects) => objects,
                Err(fault) => return blocked(Obstacle::SageUnreachable, &fault),
            };
            match open_session(objects.as_mut(), &self.site.login) {
                Ok(Answer::Given(())) => {
                    self.run = self.clock.now().to_string();
                    self.worker = Some(OpenWorker {
                        objects,
                        used_at: self.clock.now(),
                        program: None,
                    });
                }
                Ok(Answer::Condition(condition, words)) => {
                    release(objects);
                    return blocked(Obstacle::Sage(condition), &words);
                }
                Ok(Answer::Refused(problem)) => {
                    release(objects);
                    return blocked(Obstacle::SageUnreachable, &problem.message);
                }
                Err(fault) => {
                    objects.kill();
                    return faulted(&fault);
                }
            }
        }
        let Some(worker) = &mut self.worker else {
            return lost("the session is gone");
        };
        if worker.program != Some(program) {
            worker.program = None;
            match enter_program(worker.objects.as_mut(), program, today) {
                Ok(Answer::Given(())) => worker.program = Some(program),
                Ok(Answer::Condition(condition, words)) => {
                    // The user may have taken a seat before the task was refused.
                    self.release_session();
                    let words = if words.is_empty() {
                        format!("task {} of {}", program.task, program.module)
                    } else {
                        format!("{words} (task {})", program.task)
                    };
                    return blocked(Obstacle::Sage(condition), &words);
                }
                Ok(Answer::Refused(problem)) => {
                    self.release_session();
                    return blocked(Obstacle::SageUnreachable, &problem.message);
                }
                Err(fault) => {
                    self.kill_worker();
                    return faulted(&fault);
                }
            }
        }
        let server = self.server();
        self.point("import.after_session");
        Event::SessionOpened(server)
    }

    /// The process of the open session.
    pub(super) fn server(&self) -> Option<ServerProcess> {
        self.worker.as_ref().and_then(|worker| worker.objects.server())
    }

    pub(in crate::imports) fn kill_worker(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            worker.objects.kill();
        }
    }
}

/// Frees the seat that a session may have taken, and ends its process.
fn release(mut objects: Box<dyn Worker>) {
    if let Err(fault) = release_session(objects.as_mut()) {
        tracing::debug!(%fault, "the session was not released");
    }
    objects.kill();
}
