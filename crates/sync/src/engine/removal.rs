//! After the last page: who left, why, and whether they may leave.

use values::Hash;

use super::{Command, Engine, Failure, Pass, PassKind, Step, take};
use crate::brake::{Brake, HeldReason, note_removed};

/// The hub's code for a batch whose removals a person has to approve.
const BRAKE_ENGAGED: &str = "brake_engaged";

impl Failure {
    pub(super) fn is_brake(&self) -> bool {
        match self {
            Self::Hub { code, .. } => code == BRAKE_ENGAGED,
            Self::Read(_) | Self::Store { .. } => false,
        }
    }
}

impl Engine {
    pub(super) fn after_reading(&self, pass: &mut Pass) -> Command {
        if pass.kind.is_whole() {
            if !pass.marks {
                // Nobody knows what was seen before the restart.
                return self.end(pass);
            }
            let known = self.scan(pass).map_or(0, |scan| scan.known);
            let brake = Brake::new(&self.progress, known, pass.at_hand.approved, pass.started);
            pass.brake = Some(brake);
            pass.step = Step::Confirming;
            return Command::Confirm {
                allowed: brake.allowed(),
            };
        }
        if pass.filtered > 0 {
            pass.step = Step::Counting;
            return Command::CountDocuments;
        }
        self.end(pass)
    }

    pub(super) fn on_confirmed(&self, pass: &mut Pass, left: u64, end: bool) -> Command {
        let Some(brake) = pass.brake else {
            return self.end(pass);
        };
        if !end && pass.unexplained <= brake.allowed() {
            return Command::Confirm {
                allowed: brake.allowed() - pass.unexplained,
            };
        }
        let kept = self.scan(pass).map_or(0, |scan| scan.kept);
        let unexplained = pass.unexplained + if end { 0 } else { left };
        pass.swept = true;
        self.weigh(pass, brake, unexplained, kept);
        take(pass)
    }

    pub(super) fn on_counted(&self, pass: &mut Pass, documents: u64) -> Command {
        let brake = Brake::new(&self.progress, documents, pass.at_hand.approved, pass.started);
        pass.brake = Some(brake);
        pass.unexplained = pass.filtered;
        self.weigh(
            pass,
            brake,
            pass.filtered,
            documents.saturating_sub(pass.filtered),
        );
        take(pass)
    }

    fn weigh(&self, pass: &mut Pass, brake: Brake, unexplained: u64, remaining: u64) {
        pass.held = brake
            .holds(unexplained, remaining)
            .map(|reason| brake.held(reason, unexplained, self.progress.held.as_ref(), pass.started));
    }

    /// The hub counts too, and it may know of removals that this side has forgotten. What was
    /// found elsewhere goes alone.
    pub(super) fn hub_brakes(&self, pass: &mut Pass, unexplained: u64) -> Command {
        let brake = pass
            .brake
            .unwrap_or_else(|| Brake::new(&self.progress, 0, pass.at_hand.approved, pass.started));
        let unexplained = pass.unexplained.max(unexplained);
        pass.held = Some(brake.held(
            HeldReason::Deletes,
            unexplained,
            self.progress.held.as_ref(),
            pass.started,
        ));
        take(pass)
    }

    pub(super) fn commit_removals(
        &self,
        pass: &mut Pass,
        count: u64,
        unexplained: u64,
        digest: Hash,
    ) -> Command {
        let mut progress = self.progress.clone();
        progress.sequence = progress.sequence.next();
        progress.digest = digest;
        note_removed(&mut progress, unexplained, pass.started);
        pass.removed += count;
        pass.step = Step::CommittingRemovals(progress.clone());
        Command::Commit {
            progress,
            acknowledged: true,
        }
    }

    /// Records how the pass ended.
    pub(super) fn end(&self, pass: &mut Pass) -> Command {
        let mut progress = self.progress.clone();
        note_removed(&mut progress, 0, pass.started);
        if pass.kind.is_whole() {
            let scan = progress.scan.take();
            if pass.swept {
                progress.swept_at = Some(scan.map_or(pass.started, |scan| scan.started));
            }
            // Without a look at who left, records that the site filtered away would stay.
            if pass.swept || pass.kind == PassKind::Initial {
                progress.site = Some(self.settings.site);
            }
        } else {
            self.move_watermark(&mut progress, pass.started);
        }
        // A question stays until a look at everything finds no reason for it, or a person
        // has answered it.
        if pass.swept || pass.held.is_some() {
            progress.held.clone_from(&pass.held);
        }
        if progress == self.progress && !pass.answered {
            return self.complete(pass);
        }
        pass.step = Step::Ending(progress.clone());
        Command::Commit {
            progress,
            acknowledged: false,
        }
    }
}
