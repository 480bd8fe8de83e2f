//! Sage as the driver meets it: the sandbox's own objects behind workers that are lost.

use std::cell::RefCell;
use std::collections::HashSet;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::time::Duration;

use driver::imports::{Clock, Fence, Worker, Workshop};
use jiff::Timestamp;
use sage::{BusinessObjects, Call, Fault, ObjectId, Return, ServerProcess};

use super::world::{Killed, World};

pub(super) type Shared = Rc<RefCell<World>>;

pub(super) fn kill() -> ! {
    resume_unwind(Box::new(Killed))
}

pub(super) struct StormClock(pub(super) Shared);

impl Clock for StormClock {
    fn now(&mut self) -> Timestamp {
        self.0.borrow_mut().tick(Duration::from_millis(3))
    }

    fn sleep(&mut self, wait: Duration) {
        self.0.borrow_mut().tick(wait);
    }

    fn random(&mut self) -> u32 {
        u32::try_from(self.0.borrow_mut().draw() >> 32).unwrap()
    }
}

pub(super) struct StormFence(pub(super) Shared);

impl Fence for StormFence {
    fn is_running(&mut self, process: ServerProcess) -> bool {
        self.0.borrow().is_running(process)
    }

    fn end(&mut self, process: ServerProcess) {
        self.0.borrow_mut().end_server(process);
    }
}

pub(super) struct Office(pub(super) Shared);

impl Workshop for Office {
    fn start(&mut self) -> Result<Box<dyn Worker>, Fault> {
        let mut world = self.0.borrow_mut();
        world.tick(Duration::from_millis(300));
        if world.strikes(20) {
            return Err(lost());
        }
        let server = world.start_server().ok_or_else(lost)?;
        drop(world);
        Ok(Box::new(OfficeWorker {
            world: Rc::clone(&self.0),
            server,
            lines: HashSet::new(),
            is_dead: false,
        }))
    }
}

fn lost() -> Fault {
    Fault {
        code: 99,
        message: "the bridge was lost".into(),
    }
}

/// What becomes of a call.
enum Fate {
    Answered,
    /// Sage did it, and nobody heard.
    Unheard,
    /// It never came to Sage.
    Unsaid,
    /// Sage does it later.
    Late,
}

/// A worker; at its end the server is left alone.
struct OfficeWorker {
    world: Shared,
    server: ServerProcess,
    lines: HashSet<ObjectId>,
    is_dead: bool,
}

impl OfficeWorker {
    fn fate(&self, call: &Call) -> Fate {
        let is_final = matches!(call, Call::Write { object } if !self.lines.contains(object));
        let mut world = self.world.borrow_mut();
        world.tick(Duration::from_millis(if is_final { 200 } else { 1 }));
        if !world.strikes(if is_final { 100 } else { 3 }) {
            return Fate::Answered;
        }
        match world.below(10) {
            0..3 => Fate::Unsaid,
            3..7 => Fate::Unheard,
            _ if is_final => Fate::Late,
            _ => Fate::Unheard,
        }
    }
}

impl BusinessObjects for OfficeWorker {
    fn server(&self) -> Option<ServerProcess> {
        Some(self.server)
    }

    fn call(&mut self, call: &Call) -> Result<Return, Fault> {
        if self.is_dead {
            return Err(lost());
        }
        let fate = self.fate(call);
        let mut world = self.world.borrow_mut();
        let answer = match fate {
            Fate::Answered | Fate::Unheard => world.engine(self.server).map(|engine| engine.call(call)),
            Fate::Unsaid => None,
            Fate::Late => {
                world.commit_late(self.server, call);
                None
            }
        };
        let kills = !matches!(fate, Fate::Answered) && world.chance(40);
        drop(world);
        match (fate, answer) {
            (Fate::Answered, Some(answer)) => {
                if let (
                    Call::Lines { .. },
                    Ok(Return {
                        object: Some(object), ..
                    }),
                ) = (call, &answer)
                {
                    self.lines.insert(*object);
                }
                self.is_dead = answer.is_err();
                answer
            }
            _ if kills => kill(),
            _ => {
                self.is_dead = true;
                Err(lost())
            }
        }
    }
}

impl Worker for OfficeWorker {
    fn kill(&mut self) {
        self.is_dead = true;
        self.world.borrow_mut().abandon(self.server);
    }
}

impl Drop for OfficeWorker {
    fn drop(&mut self) {
        self.world.borrow_mut().abandon(self.server);
    }
}
