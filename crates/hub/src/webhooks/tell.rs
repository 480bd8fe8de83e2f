//! One webhook is told what it has to be told, by this process alone, until there is nothing
//! left or somebody else shall have a turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_store::{
    Claim, Delivery, DisabledReason, PendingEvent, Settled, Settlement, Store, StoreError, WebhookWork,
};
use jiff::SignedDuration;
use tokio::task::JoinSet;

use super::sender::{Sender, Sent};
use super::standing::{self, Round};
use super::{Outcome, WebhookOptions};
use crate::hub::Hub;

/// Another process takes a webhook over so long after its holder was last heard of: longer
/// than any message is on its way.
const LEASE: SignedDuration = SignedDuration::from_secs(20);
const KEEP_EVERY: Duration = Duration::from_secs(6);
/// Before a webhook is taken up again whose store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Events of one round.
const EVENTS: u32 = 100;
/// Messages to one receiver on their way at a time, each of another subject.
const AT_A_TIME: usize = 8;
/// Failures in a row after which a round ends: the receiver is out of order.
const FAILURES_IN_A_ROW: u32 = 5;
/// After so long no more is sent in this turn: others wait, too.
const TURN: Duration = Duration::from_secs(10);

/// Tells the webhook, if nobody else does.
pub(super) async fn tell(hub: Hub, sender: Arc<Sender>, claim: Claim) {
    let until = standing::later(hub.now(), LEASE);
    match call(&hub, &claim, move |store, claim, now| {
        store.claim_webhook(claim, until, now)
    })
    .await
    {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => return tracing::warn!(%error, "a webhook could not be taken up"),
    }
    tokio::select! {
        ended = rounds(&hub, &sender, &claim) => if let Err(error) = ended {
            tracing::warn!(webhook = %claim.webhook, %error, "a webhook waits: the store failed");
            tokio::time::sleep(AFTER_FAILURE).await;
        },
        // What is on its way is cut: whoever has it now sends it again.
        () = lost(&hub, &claim) => {
            tracing::warn!(webhook = %claim.webhook, "another process tells the webhook");
            return;
        }
    }
    let released = call(&hub, &claim, |store, claim, now| {
        store.release_webhook(claim, now)
    })
    .await;
    if let Err(error) = released {
        tracing::debug!(webhook = %claim.webhook, %error, "a webhook was not given back");
    }
}

/// Keeps the webhook; returns when it is no longer this process's.
async fn lost(hub: &Hub, claim: &Claim) {
    let lease = LEASE.unsigned_abs();
    let mut until = Instant::now() + lease;
    loop {
        tokio::time::sleep(KEEP_EVERY).await;
        let asked = Instant::now();
        let lease_until = standing::later(hub.now(), LEASE);
        let kept = call(hub, claim, move |store, claim, _| {
            store.keep_webhook(claim, lease_until)
        });
        let left = until.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, kept).await {
            Ok(Ok(true)) => until = asked + lease,
            Ok(Ok(false)) | Err(_) => return,
            Ok(Err(error)) => {
                tracing::debug!(webhook = %claim.webhook, %error, "a webhook could not be kept");
                if Instant::now() >= until {
                    return;
                }
            }
        }
    }
}

async fn rounds(hub: &Hub, sender: &Arc<Sender>, claim: &Claim) -> Result<(), StoreError> {
    // Its time begins when there is something to tell: however long a look takes, each turn
    // comes further.
    let mut until = None;
    while until.is_none_or(|until| Instant::now() < until) && !hub.is_stopping() {
        let work = call(hub, claim, |store, claim, now| {
            store.webhook_work(claim, EVENTS, now)
        })
        .await;
        let work = match work {
            Ok(Some(work)) => work,
            Ok(None) => return Ok(()),
            Err(StoreError::FeedExpired) => {
                return switch_off(hub, claim, DisabledReason::CursorExpired).await;
            }
            Err(error) => return Err(error),
        };
        let is_idle = work.again.is_empty()
            && work.overtaken.is_empty()
            && work.fresh.is_empty()
            && work.position == work.webhook.position;
        if is_idle {
            return Ok(());
        }
        let until = *until.get_or_insert_with(|| Instant::now() + TURN);
        let done = round(hub, sender, work, until).await;
        let (rests, switch) = (
            done.settlement
                .standing
                .resume_at
                .is_some_and(|at| at > hub.now()),
            done.switch_off,
        );
        let settlement = done.settlement;
        let kept = call(hub, claim, move |store, claim, now| {
            store.settle_webhook(claim, &settlement, now)
        })
        .await?;
        match switch {
            // Not when somebody has changed it meanwhile.
            Some(reason) if kept => return switch_off(hub, claim, reason).await,
            Some(_) | None if rests => return Ok(()),
            Some(_) | None => {}
        }
    }
    Ok(())
}

async fn switch_off(hub: &Hub, claim: &Claim, reason: DisabledReason) -> Result<(), StoreError> {
    tracing::warn!(
        tenant = %claim.tenant, webhook = %claim.webhook, reason = reason.as_str(),
        "a webhook was switched off; see to its receiver and switch it on again"
    );
    call(hub, claim, move |store, claim, now| {
        store.disable_webhook(claim, reason, now)
    })
    .await
}

/// What a round has done.
struct Done {
    settlement: Settlement,
    switch_off: Option<DisabledReason>,
}

/// Sends events side by side, those of the feed in its order, until all are sent, the turn is
/// over or there is no use in going on.
async fn round(hub: &Hub, sender: &Arc<Sender>, work: WebhookWork, until: Instant) -> Done {
    let WebhookWork {
        webhook,
        secrets,
        epoch,
        mut again,
        overtaken,
        failed,
        mut fresh,
        mut position,
        begun,
        more: _,
    } = work;
    // A receiver that was paused is tried with one that failed and one that it does not know.
    let is_trial = webhook.standing.pauses > 0;
    if is_trial {
        again.truncate(1);
        let mut tried = 0;
        let first_left = fresh.iter().position(|event| {
            tried += u32::from(event.waits_until.is_none());
            tried > 1
        });
        if let Some(first_left) = first_left {
            position = before(fresh.get(first_left), position);
            fresh.truncate(first_left);
        }
    }
    let options = hub.webhooks();
    let events = in_turns(fresh, again);
    let shared = Arc::new((webhook, secrets));
    let mut sending: JoinSet<(Arc<PendingEvent>, Sent)> = JoinSet::new();
    let mut tally = Tally::new(options, (epoch, begun), failed);
    tally.settled.extend(
        overtaken
            .into_iter()
            .map(|subject| Settled { subject, again: None }),
    );
    for (place, (_, event)) in events.iter().enumerate() {
        if let Some(until) = event.waits_until {
            let again = Some((until, PendingEvent::clone(event)));
            tally.settled.push(Settled {
                subject: event.subject.clone(),
                again,
            });
            continue;
        }
        while sending.len() >= AT_A_TIME
            && let Some(sent) = sending.join_next().await
        {
            tally.note(hub, sent);
        }
        if tally.ends || hub.is_stopping() || Instant::now() >= until {
            // Those that failed once wait on; those of the feed are read again.
            let mut left = events.iter().skip(place);
            let first_left = left.find(|(is_fresh, _)| *is_fresh);
            position = before(first_left.map(|(_, event)| event.as_ref()), position);
            break;
        }
        let (sender, shared, event) = (Arc::clone(sender), Arc::clone(&shared), Arc::clone(event));
        let now = hub.now();
        sending.spawn(async move {
            let (webhook, secrets) = shared.as_ref();
            let sent = sender.send(webhook, secrets, &event, now).await;
            (event, sent)
        });
    }
    while let Some(sent) = sending.join_next().await {
        tally.note(hub, sent);
    }
    tally.done(hub, &shared.0, position)
}

/// One of the feed and one that failed before, as long as there are both: neither kind holds up
/// the other. The first of each pair says whether the event is of the feed.
fn in_turns(fresh: Vec<PendingEvent>, again: Vec<PendingEvent>) -> Vec<(bool, Arc<PendingEvent>)> {
    let mut all = Vec::with_capacity(fresh.len() + again.len());
    let (mut fresh, mut again) = (fresh.into_iter(), again.into_iter());
    loop {
        let pair = [(true, fresh.next()), (false, again.next())];
        let before = all.len();
        for (is_fresh, event) in pair {
            all.extend(event.map(|event| (is_fresh, Arc::new(event))));
        }
        if all.len() == before {
            return all;
        }
    }
}

/// The position before an event of the feed; the given one without an event.
fn before(event: Option<&PendingEvent>, position: u64) -> u64 {
    event.map_or(position, |event| event.position.saturating_sub(1))
}

/// What was sent so far.
struct Tally<'a> {
    options: &'a WebhookOptions,
    epoch: i64,
    begun: u64,
    settled: Vec<Settled>,
    deliveries: Vec<Delivery>,
    round: Round,
    failures_in_a_row: u32,
    gone: bool,
    /// Of an event nobody knows what became of it.
    broken: bool,
    /// No more is sent in this round.
    ends: bool,
}

impl<'a> Tally<'a> {
    const fn new(options: &'a WebhookOptions, (epoch, begun): (i64, u64), failed: u64) -> Self {
        Self {
            options,
            epoch,
            begun,
            settled: Vec::new(),
            deliveries: Vec::new(),
            round: Round {
                delivered: 0,
                failed: 0,
                failed_anew: failed,
                retry_after: None,
            },
            failures_in_a_row: 0,
            gone: false,
            broken: false,
            ends: false,
        }
    }

    fn note(&mut self, hub: &Hub, sent: Result<(Arc<PendingEvent>, Sent), tokio::task::JoinError>) {
        let (event, sent) = match sent {
            Ok(sent) => sent,
            Err(error) => {
                tracing::error!(%error, "sending a message broke off");
                (self.broken, self.ends) = (true, true);
                return;
            }
        };
        hub.deliveries().add(sent.outcome);
        let attempt = event.attempts.saturating_add(1);
        let waited = event.attempts > 0 || event.position == 0;
        let again = if sent.outcome == Outcome::Delivered {
            self.round.delivered += 1;
            self.failures_in_a_row = 0;
            None
        } else {
            self.round.failed += 1;
            self.failures_in_a_row += 1;
            self.round.failed_anew += u64::from(event.attempts == 0);
            let wait = self.options.retries.wait(attempt, host::random::number());
            let wait = sent.retry_after.map_or(wait, |asked| asked.max(wait));
            let event = PendingEvent {
                attempts: attempt,
                ..PendingEvent::clone(&event)
            };
            Some((standing::later(hub.now(), wait), event))
        };
        // What is told and has never waited is not in the table of those that wait.
        if again.is_some() || waited {
            self.settled.push(Settled {
                subject: event.subject.clone(),
                again,
            });
        }
        self.gone |= sent.outcome == Outcome::Gone;
        self.round.retry_after = self.round.retry_after.max(sent.retry_after);
        self.ends |= self.gone
            || sent.retry_after.is_some()
            || self.failures_in_a_row >= FAILURES_IN_A_ROW
            || sent.outcome == Outcome::AddressPrivate;
        tracing::debug!(
            message = sent.message,
            key = event.subject.key,
            attempt,
            outcome = sent.outcome.as_str(),
            status = sent.status,
            ms = sent.took_ms,
            "a message was sent"
        );
        self.deliveries.push(Delivery {
            message: sent.message,
            event: event.event,
            subject: event.subject.clone(),
            attempt,
            at: sent.at,
            took_ms: sent.took_ms,
            status: sent.status,
            outcome: sent.outcome.as_str().to_owned(),
        });
    }

    fn done(self, hub: &Hub, webhook: &hub_store::Webhook, position: u64) -> Done {
        // Its event is told again, and with it those beside it.
        let position = if self.broken { webhook.position } else { position };
        let policy = (&self.options.retries, self.options.give_up_after);
        let now = hub.now();
        let judged = standing::judge(&webhook.standing, self.round, policy, host::random::number(), now);
        if judged.standing.failing_since.is_some() && webhook.standing.failing_since.is_none() {
            let last = self.deliveries.last().map_or("", |last| last.outcome.as_str());
            tracing::warn!(webhook = %webhook.id, outcome = last, "a webhook does not get through");
        } else if judged.standing.failing_since.is_none() && webhook.standing.failing_since.is_some() {
            tracing::info!(webhook = %webhook.id, "a webhook gets through again");
        }
        let switch_off = if self.gone {
            Some(DisabledReason::Gone)
        } else {
            judged.give_up.then_some(DisabledReason::Failing)
        };
        Done {
            settlement: Settlement {
                epoch: self.epoch,
                begun: self.begun,
                settled: self.settled,
                deliveries: self.deliveries,
                position,
                standing: judged.standing,
                recovered: judged.recovered,
            },
            switch_off,
        }
    }
}

/// A call of the store off the runtime.
async fn call<T: Send + 'static>(
    hub: &Hub,
    claim: &Claim,
    work: impl FnOnce(&dyn Store, &Claim, jiff::Timestamp) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (claim, now) = (claim.clone(), hub.now());
    hub.background(move |store| work(store, &claim, now)).await
}
