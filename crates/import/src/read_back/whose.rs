//! Whose is an order that stands under a number of ours?
//!
//! "Somebody else's" makes the import be written again under another number, so it needs
//! evidence that no wrong clock, no edit and no column left blank can produce: another
//! mark, another user where both are known, or another customer.

use super::{Expected, Finding, Place, SightedOrder, judge_lines};
use crate::marker::MARKER_COLUMN;

/// What a place says about our mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It carries ours.
    Ours,
    /// It carries another.
    Another,
    /// It carries the beginning of ours: the column is too narrow.
    Cut,
    /// The column is blank.
    Blank,
    /// There is no such column.
    NoColumn,
}

impl Mark {
    pub(super) fn of(found: Option<&str>, ours: &str) -> Self {
        match found {
            None => Self::NoColumn,
            Some("") => Self::Blank,
            // Sage may keep a column in capitals.
            Some(found) if found.eq_ignore_ascii_case(ours) => Self::Ours,
            Some(found)
                if ours
                    .get(..found.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(found)) =>
            {
                Self::Cut
            }
            Some(_) => Self::Another,
        }
    }
}

/// Judges an order that is open or in history.
pub(super) fn judge(expected: &Expected<'_>, found: &SightedOrder, place: Place) -> Finding {
    let order = expected.order;
    let what = if place == Place::Open {
        "an open sales order"
    } else {
        "a sales order in history"
    };
    let whose = format!(
        "{what} of customer {}-{}",
        found.ar_division_no, found.customer_no
    );
    let mark = Mark::of(found.marker.as_deref(), expected.marker);
    match mark {
        Mark::Ours => return judge_lines(expected, found, false),
        Mark::Another => return Finding::Foreign { whose },
        Mark::Cut | Mark::Blank | Mark::NoColumn => {}
    }
    let is_by_us = expected
        .user_key
        .filter(|_| !found.created_by.is_empty())
        .map(|key| key == found.created_by);
    let is_customer = (!found.customer_no.is_empty()).then(|| {
        found.ar_division_no == expected.customer.ar_division_no
            && found.customer_no == expected.customer.customer_no
    });
    let is_po = found.customer_po_no == order.customer_po_no.trim_end();
    let is_since = found.created.map(|created| created >= expected.since);
    let is_elses = is_by_us == Some(false) || (is_by_us.is_none() && is_customer == Some(false));
    if is_elses && mark != Mark::Cut {
        return Finding::Foreign { whose };
    }
    // Our write sets the mark wherever there is the column; history has it only where the
    // site maps it.
    let doubt = if mark == Mark::Blank && place == Place::Open {
        format!("{whose} is without our mark in {MARKER_COLUMN}, and nothing says who else entered it")
    } else if is_by_us != Some(true) {
        format!("whether our Sage user entered {whose} cannot be told")
    } else if is_customer != Some(true) || !is_po {
        format!("{whose} was entered by our Sage user, but customer or purchase order differ")
    } else {
        match is_since {
            Some(true) => return judge_lines(expected, found, true),
            Some(false) => format!(
                "{whose} looks like ours, but was created before its number was reserved: are the clocks and the site's time zone right?"
            ),
            None => format!("when {whose} was created cannot be told"),
        }
    };
    Finding::Unclear { why: doubt }
}
