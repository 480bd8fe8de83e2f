//! Kits: whether Sage explodes them without its screen.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Verdict;
use super::bench::{Bench, Seen, Trouble, write};
use super::orders::{Draft, LINES, PROGRAM, draft, order_number};

/// A dialog that waits for an answer never gives one; Sage needs a second or two for a kit.
const PROMPT_WAIT: Duration = Duration::from_secs(15);

pub(super) fn always(bench: &mut Bench) -> Result<Seen, Trouble> {
    let kit = bench.samples.kit(&mut bench.tables, "A")?;
    let kit = kit.ok_or_else(|| Trouble::Nothing("no kit that is always exploded".to_owned()))?;
    explode(bench, &kit)
}

pub(super) fn prompting(bench: &mut Bench) -> Result<Seen, Trouble> {
    let kit = bench.samples.kit(&mut bench.tables, "P")?;
    let kit = kit.ok_or_else(|| Trouble::Nothing("no kit that asks on the screen".to_owned()))?;
    let wait = PROMPT_WAIT.min(bench.setup.call_limit);
    bench.at(PROGRAM)?.set_deadline(wait);
    let outcome = explode(bench, &kit);
    match outcome {
        // The screen that nobody sees: an answer, and none about the bridge.
        Err(trouble @ Trouble::Fault(_)) => {
            let words = format!("kit {}: {trouble}; Sage seems to wait on its screen", kit.0);
            bench.recover(&trouble);
            Ok(Seen::new(Verdict::NotShown, words))
        }
        Ok(seen) => {
            let limit = bench.setup.call_limit;
            bench.at(PROGRAM)?.set_deadline(limit);
            Ok(seen)
        }
        // The session is given back after a refusal, and the deadline with it.
        Err(trouble) => Err(trouble),
    }
}

/// Enters the kit, and looks for its components.
fn explode(bench: &mut Bench, (kit, parts): &(String, BTreeSet<String>)) -> Result<Seen, Trouble> {
    let customer = bench.samples.customer(&mut bench.tables)?;
    let po = bench.next_po();
    let items = [kit.clone()];
    let bridge = bench.at(PROGRAM)?;
    let number = order_number(bridge)?;
    let order = Draft {
        number: &number,
        customer: &customer,
        po: &po,
        items: &items,
    };
    let record = draft(bridge, &order)?;
    write(bridge, record, "the order's nWrite")?;
    bench.made(format!("sales order {number}"));
    let key = [("SalesOrderNo", number.as_str())];
    let rows = bench.tables.texts(LINES, &["ItemCode"], &key, 1_000)?;
    let found: BTreeSet<&str> = rows.iter().map(|row| row.text("ItemCode")).collect();
    let missing: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !found.contains(part))
        .collect();
    Ok(if missing.is_empty() {
        Seen::new(
            Verdict::Shown,
            format!("kit {kit} on order {number} has its {} components", parts.len()),
        )
    } else {
        Seen::new(
            Verdict::Differs,
            format!(
                "kit {kit} on order {number} was taken without its components {}",
                missing.join(", ")
            ),
        )
    })
}
