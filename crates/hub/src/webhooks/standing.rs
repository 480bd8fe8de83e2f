//! When something is sent again, when a receiver is left alone, and when it is given up.

use std::str::FromStr;

use hub_store::Standing;
use jiff::{SignedDuration, Timestamp};

/// A receiver fails as a whole, not for single records, when so many fail for the first time
/// and none comes through between. Those that failed before say nothing: it may refuse them for
/// good.
const FAILING_SUBJECTS: u64 = 5;
/// A receiver that fails is tried at least so often: others of its records may come through.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// No receiver may ask for a longer wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);
/// Of a wait, so much more by chance: what failed together does not come back together.
const JITTER_PERCENT: u64 = 20;

/// How long to wait before each repetition; the last one goes on for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retries(Vec<SignedDuration>);

impl Default for Retries {
    /// About three days and a half.
    fn default() -> Self {
        let hours = [2, 5, 10, 14, 20, 24].map(SignedDuration::from_hours);
        let mut waits = vec![
            SignedDuration::from_secs(5),
            SignedDuration::from_mins(5),
            SignedDuration::from_mins(30),
        ];
        waits.extend(hours);
        Self(waits)
    }
}

/// Not a list of waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write waits above zero, separated by commas, like 5s,5m,2h")]
pub struct RetriesError;

impl FromStr for Retries {
    type Err = RetriesError;

    fn from_str(text: &str) -> Result<Self, RetriesError> {
        let one = |text: &str| {
            let wait: SignedDuration = text.trim().parse().map_err(|_| RetriesError)?;
            wait.is_positive().then_some(wait).ok_or(RetriesError)
        };
        text.split(',').map(one).collect::<Result<_, _>>().map(Self)
    }
}

impl std::fmt::Display for Retries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, wait) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{wait:#}")?;
        }
        Ok(())
    }
}

impl Retries {
    /// How long to wait after so many failures (from 1). `random` is evenly distributed.
    pub(crate) fn wait(&self, failures: u32, random: u64) -> SignedDuration {
        let place = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = self.0.get(place).or(self.0.last()).copied();
        let wait = wait.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        let more = wait.as_millis() * i128::from(random % (JITTER_PERCENT + 1)) / 100;
        wait + SignedDuration::from_millis(i64::try_from(more).unwrap_or(0))
    }
}

/// What came of a round.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Round {
    /// Messages that the receiver has.
    pub(crate) delivered: u64,
    /// Messages that it has not.
    pub(crate) failed: u64,
    /// Subjects that failed for the first time since the failures began, in it and before.
    pub(crate) failed_anew: u64,
    /// The longest wait that the receiver asked for.
    pub(crate) retry_after: Option<SignedDuration>,
}

/// What follows from a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) standing: Standing,
    /// It was paused and is back.
    pub(crate) recovered: bool,
    /// It failed for too long.
    pub(crate) give_up: bool,
}

/// Judges a receiver after a round.
pub(crate) fn judge(
    before: &Standing,
    round: Round,
    (retries, give_up_after): (&Retries, SignedDuration),
    random: u64,
    now: Timestamp,
) -> Judged {
    let asked = round.retry_after.map(|wait| later(now, wait.min(LONGEST_WAIT)));
    if round.delivered > 0 {
        return Judged {
            standing: Standing {
                resume_at: asked,
                ..Standing::default()
            },
            recovered: before.pauses > 0,
            give_up: false,
        };
    }
    if round.failed == 0 {
        return Judged {
            standing: before.clone(),
            recovered: false,
            give_up: false,
        };
    }
    let failing_since = before.failing_since.unwrap_or(now).min(now);
    let fails_as_a_whole = round.failed_anew >= FAILING_SUBJECTS || asked.is_some() || before.pauses > 0;
    let (pauses, resume_at) = if fails_as_a_whole {
        let pauses = before.pauses.saturating_add(1);
        let wait = retries.wait(pauses, random).min(LONGEST_PAUSE);
        let paused = later(now, wait);
        (pauses, Some(asked.map_or(paused, |asked| asked.max(paused))))
    } else {
        (0, None)
    };
    Judged {
        standing: Standing {
            failing_since: Some(failing_since),
            pauses,
            resume_at,
        },
        recovered: false,
        give_up: now.duration_since(failing_since) >= give_up_after,
    }
}

/// As far as the calendar goes.
pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// How long a receiver asks to wait: seconds, or an instant in the form of HTTP.
pub(crate) fn retry_after(text: &str, now: Timestamp) -> Option<SignedDuration> {
    if let Ok(seconds) = text.trim().parse::<u32>() {
        return Some(SignedDuration::from_secs(seconds.into()));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()?;
    Some(at.duration_since(now).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: SignedDuration = SignedDuration::from_hours(5 * 24);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_777_777_777 + seconds).unwrap()
    }

    #[test]
    fn waits_grow_over_days_and_never_fall_short() {
        let retries = Retries::default();
        let mut sum = SignedDuration::ZERO;
        let mut before = SignedDuration::ZERO;
        for failures in 1..=12 {
            let least = retries.wait(failures, 0);
            let most = retries.wait(failures, JITTER_PERCENT);
            assert!(least >= before);
            assert_eq!(most.as_millis(), least.as_millis() * 6 / 5);
            for random in [1, 999, u64::MAX, 0x9e37_79b9_7f4a_7c15] {
                assert!((least..=most).contains(&retries.wait(failures, random)));
            }
            (before, sum) = (least, sum + least);
        }
        assert_eq!(retries.wait(1, 0), SignedDuration::from_secs(5));
        assert_eq!(retries.wait(u32::MAX, 0), SignedDuration::from_hours(24));
        assert!(sum > SignedDuration::from_hours(72), "{sum}");
    }

    #[test]
    fn waits_are_read_as_they_are_written() {
        let retries = Retries::default();
        assert_eq!(retries.to_string(), "5s,5m,30m,2h,5h,10h,14h,20h,24h");
        assert_eq!(retries.to_string().parse(), Ok(retries));
        assert_eq!(
            "200ms, 1s".parse(),
            Ok(Retries(vec![
                SignedDuration::from_millis(200),
                SignedDuration::from_secs(1)
            ]))
        );
        for wrong in ["", "5", "5s,", "0s", "-5s", "often"] {
            assert_eq!(wrong.parse::<Retries>(), Err(RetriesError), "{wrong}");
        }
    }

    fn failed(failed_anew: u64) -> Round {
        Round {
            failed: 1,
            failed_anew,
            ..Round::default()
        }
    }

    #[test]
    fn one_record_that_fails_holds_up_nobody_and_many_pause_the_receiver() {
        let policy = (&Retries::default(), DAYS);
        let one = judge(&Standing::default(), failed(4), policy, 0, at(0));
        assert_eq!(one.standing.failing_since, Some(at(0)));
        assert_eq!((one.standing.pauses, one.standing.resume_at), (0, None));
        let mut standing = one.standing;
        for (round, wait) in [(1, 5), (2, 300), (3, 300), (4, 300)] {
            let judged = judge(&standing, failed(5), policy, 0, at(10 * round));
            assert_eq!(judged.standing.pauses, u32::try_from(round).unwrap());
            assert_eq!(judged.standing.resume_at, Some(at(10 * round + wait)));
            assert_eq!(judged.standing.failing_since, Some(at(0)));
            standing = judged.standing;
        }
        let success = Round {
            delivered: 1,
            failed: 7,
            failed_anew: 12,
            ..Round::default()
        };
        let back = judge(&standing, success, policy, 0, at(100));
        assert_eq!((back.standing, back.recovered), (Standing::default(), true));
        let still = judge(&Standing::default(), success, policy, 0, at(100));
        assert!(!still.recovered, "it was never away");
    }

    #[test]
    fn nothing_but_failures_for_long_enough_gives_up() {
        let policy = (&Retries::default(), DAYS);
        let standing = Standing {
            failing_since: Some(at(0)),
            ..Standing::default()
        };
        let day = 24 * 3600;
        assert!(!judge(&standing, failed(1), policy, 0, at(5 * day - 1)).give_up);
        assert!(judge(&standing, failed(1), policy, 0, at(5 * day)).give_up);
        let quiet = judge(&standing, Round::default(), policy, 0, at(9 * day));
        assert!(!quiet.give_up, "nothing was sent, so nothing failed");
        assert_eq!(quiet.standing, standing);
        let success = Round {
            delivered: 1,
            ..Round::default()
        };
        let good = judge(&standing, success, policy, 0, at(9 * day));
        assert_eq!((good.give_up, good.standing.failing_since), (false, None));
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_within_reason() {
        let policy = (&Retries::default(), DAYS);
        let asks = |seconds: i64| Round {
            retry_after: Some(SignedDuration::from_secs(seconds)),
            ..failed(1)
        };
        let resume = |seconds| {
            judge(&Standing::default(), asks(seconds), policy, 0, at(0))
                .standing
                .resume_at
        };
        assert_eq!(resume(600), Some(at(600)));
        assert_eq!(resume(1), Some(at(5)), "no sooner than it would be anyway");
        assert_eq!(resume(1_000_000), Some(at(24 * 3600)));
        assert_eq!(retry_after(" 120 ", at(0)), Some(SignedDuration::from_secs(120)));
        let date = retry_after("Sun, 03 May 2026 03:10:37 GMT", at(0));
        assert_eq!(date, Some(SignedDuration::from_secs(60)));
        assert_eq!(
            retry_after("Sun, 03 May 2020 03:10:37 GMT", at(0)),
            Some(SignedDuration::ZERO)
        );
        for wrong in ["", "soon", "-1"] {
            assert_eq!(retry_after(wrong, at(0)), None, "{wrong}");
        }
    }
}
