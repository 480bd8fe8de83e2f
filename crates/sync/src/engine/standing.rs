//! Where both sides stand, and what follows from it.

use values::{Epoch, Hash, Sequence, StoreId};

use super::{Command, Engine, Outcome, Pass, Step};

/// Bits of an epoch that are random: two epochs that were opened after independent
/// restores of both sides must not be taken for one.
const EPOCH_RANDOM_BITS: u32 = 20;

/// The hub's side of the stream as it answered.
pub(super) struct HubSide {
    pub(super) store: StoreId,
    pub(super) epoch: Epoch,
    pub(super) sequence: Sequence,
    pub(super) digest: Hash,
    pub(super) previous: Hash,
    pub(super) fingerprint: Hash,
}

impl Engine {
    pub(super) fn on_state(
        &self,
        pass: &mut Pass,
        hub: HubSide,
        hub_fingerprint: Hash,
        random: u64,
    ) -> Command {
        let fingerprint = self.settings.fingerprint;
        if hub_fingerprint != fingerprint {
            return Command::Finish(Outcome::ShapesDiffer {
                hub: hub_fingerprint,
                driver: fingerprint,
            });
        }
        let mine = &self.progress;
        let same_stream = mine.store.as_ref() == Some(&hub.store)
            && mine.epoch == hub.epoch
            && mine.fingerprint == Some(fingerprint)
            && hub.fingerprint == fingerprint;
        if same_stream && mine.sequence == hub.sequence && mine.digest == hub.digest {
            return self.start(pass);
        }
        // One batch ahead is the reply that was lost, or the commit that did not follow: the
        // hub has all that was recorded here, and more. Anything else means that one side
        // went back in time, and then only a pass over everything proves that nothing is
        // missing.
        let keep = same_stream && hub.sequence == mine.sequence.next() && hub.previous == mine.digest;
        let epoch = next_epoch(mine.epoch.max(hub.epoch), random);
        pass.step = Step::Resetting(mine.in_new_epoch(hub.store, epoch, fingerprint, keep));
        Command::ResetStream {
            epoch,
            from_epoch: hub.epoch,
            from_sequence: hub.sequence,
            from_digest: hub.digest,
        }
    }
}

fn next_epoch(last: Epoch, random: u64) -> Epoch {
    let counter = (last.0 >> EPOCH_RANDOM_BITS) + 1;
    Epoch((counter << EPOCH_RANDOM_BITS) | (random & ((1 << EPOCH_RANDOM_BITS) - 1)))
}
