//! What mappings and rules made of a document.

use model::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::path::{NoObject, Path};

/// One field that a mapping or a rule changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field: `ship_via`, `lines[2].udf.GIFT`.
    pub path: String,
    /// What was there; `None` when the field was missing.
    pub before: Option<Value>,
    /// What is there now; `None` when the field was taken out.
    pub after: Option<Value>,
    /// Which mapping or rule: `mapping 1 (udf.gift)`, `rule "heavy ground"`.
    pub by: String,
}

/// What mappings and rules made of a document. The same document and the same facts always come
/// to the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The body to go on with.
    pub body: Value,
    /// What was changed, in order; replayed over the body that came in it gives `body`.
    pub changes: Vec<Change>,
    /// Why the document is held: `rule_hold`, or `rule_failed` for a rule or a mapping that could
    /// not be worked out.
    pub holds: Vec<Problem>,
    /// Why the document is refused: `rule_refused`.
    pub refusals: Vec<Problem>,
    /// For the people who look at the document, facts that were wanted and not known among them.
    pub warnings: Vec<String>,
}

/// Makes the changes over a body, in order. A change whose place is not there leaves it as it is.
#[must_use]
pub fn replay(mut body: Value, changes: &[Change]) -> Value {
    for change in changes {
        // A place that is no object was never changed.
        let _: Result<_, NoObject> = replay_one(&mut body, change);
    }
    body
}

fn replay_one(body: &mut Value, change: &Change) -> Result<(), NoObject> {
    let element = change.path.split_once('[').and_then(|(list, rest)| {
        let (index, below) = rest.split_once("].")?;
        Some((list, index.parse::<usize>().ok()?, below))
    });
    let (within, path) = match element {
        Some((list, index, below)) => (body.get_mut(list).and_then(|list| list.get_mut(index)), below),
        None => (Some(body), change.path.as_str()),
    };
    if let Some(within) = within {
        Path::exact(path).set(within, change.after.clone())?;
    }
    Ok(())
}
