//! Which document the writer goes on with.

use std::collections::BTreeSet;

use import::{Obstacle, Stage, Waiting};
use jiff::Timestamp;

use super::super::current::Current;
use super::super::lanes::Taken;
use super::{MAX_UNDER_WAY, Runner};

/// What the writer does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imports) enum Next {
    /// It brings the document at this place on.
    GoOn(usize),
    /// It says of this one that it waits for what the company waits for: it is behind another one
    /// that has run into it.
    Wait(usize),
}

impl Runner {
    /// The document to go on with. What was begun before a start is looked for first, since
    /// others wait behind it; then what is asked of others, since it goes on by itself; then what
    /// may be entered, so that Sage's session is never idle without need; then the one to be
    /// entered after it; then what is left to be journaled.
    pub(in crate::imports) fn next_due(&self, now: Timestamp) -> Option<Next> {
        let is_paused = self.is_paused().is_some();
        let is_due = |current: &Current| {
            current.asked.is_none()
                && current.import.due_at().is_some_and(|due| due <= now)
                && !(is_paused && current.waits_for_pause())
        };
        let in_session = self.imports.iter().position(Current::is_in_session);
        let filing = self.imports.iter().position(Current::is_filing);
        let mut taken = Taken::default();
        let mut under_way = 0;
        for current in &self.imports {
            if current.is_under_way || current.has_standing_plan() {
                taken.take(&current.lane, current.id());
            }
            under_way += usize::from(current.is_under_way && !current.is_handed_over());
        }
        // Customers that a document is to change which came before.
        let mut changed = BTreeSet::new();
        let mut best: Option<(u8, usize)> = None;
        let gate = self.gate.as_ref().filter(|gate| gate.until > now);
        let waits_for = gate.map(|gate| gate.obstacle);
        let waits_for = if is_paused {
            Some(Obstacle::Paused)
        } else {
            waits_for
        };
        let mut gated = None;
        for (place, current) in self.imports.iter().enumerate() {
            if current.has_ended() {
                if is_due(current) {
                    choose(&mut best, rank_of(current), place);
                }
                continue;
            }
            let is_behind = current.changes.as_ref().is_some_and(|it| !changed.insert(it));
            let has_lane = || current.has_standing_plan() || taken.is_free(&current.lane, current.id());
            // That it is journaled is told whoever is before it: the hub hands it over until then.
            let may_go = current.is_under_way
                || !current.is_acknowledged
                || current.is_ending()
                || (under_way < MAX_UNDER_WAY && !is_behind && has_lane());
            if current.keeps_lane() && !is_behind {
                // Who comes later of the same customer waits behind it. One that waits for an earlier
                // change itself, which may be stuck, holds nobody up.
                taken.take(&current.lane, current.id());
            }
            if !may_go {
                let waits_for_it = |waiting: &Waiting| waits_for == Some(waiting.obstacle);
                let is_told = waits_for.is_none() || current.waiting().is_some_and(waits_for_it);
                if !is_told && current.asked.is_none() {
                    gated = gated.or(Some(place));
                }
                continue;
            }
            if !is_due(current) {
                continue;
            }
            let rank = rank_of(current);
            let before = if current.import.is_filed() {
                filing
            } else {
                in_session
            };
            if rank == IN_SESSION && before.is_some_and(|other| other != place) {
                continue;
            }
            choose(&mut best, rank, place);
        }
        best.map(|(_, place)| Next::GoOn(place)).or(gated.map(Next::Wait))
    }
}

/// Rank of what needs Sage's session, or is to be handed over: one at a time of each.
const IN_SESSION: u8 = 3;

fn choose(best: &mut Option<(u8, usize)>, rank: u8, place: usize) {
    if best.is_none_or(|(before, _)| rank < before) {
        *best = Some((rank, place));
    }
}

fn rank_of(current: &Current) -> u8 {
    if !current.is_acknowledged {
        return 1;
    }
    match current.import.stage() {
        Stage::Fencing { .. } | Stage::Reading { .. } => 0,
        Stage::Journaled | Stage::Filing { .. } => 1,
        Stage::Writing => 2,
        Stage::Opening | Stage::Numbering | Stage::Keeping { .. } | Stage::Announcing | Stage::Starting => {
            IN_SESSION
        }
        Stage::Ending { .. }
        | Stage::Passing { .. }
        | Stage::Concluding { .. }
        | Stage::Reporting { .. }
        | Stage::Settled { .. } => 4,
    }
}
