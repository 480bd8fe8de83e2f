//! The whole effect of filters, steps and own columns, before it applies.

use std::path::Path;
use std::time::{Duration, Instant};

use agent_store::{Index, Stream};
use catalog::{DocumentBatch, Temperament, Value, removal_allowance};
use indicatif::{ProgressBar, ProgressStyle};
use sage::{ReadError, Reader};
use sync::{
    Adaptation, DocumentPage, JoinCache, PageRequest, Remembered, RowCode, Shape, page_documents,
    read_documents, read_keys,
};
use values::Key;

use super::report::{Change, Effect, Example, FieldChange};
use crate::commands::Failed;
use crate::config::{Company, SiteDataset};

/// Records shown before and after, and keys shown of those that enter and leave.
const SAMPLE: usize = 3;
/// Records among which those are looked for that steps change.
const CANDIDATES: usize = 30;

/// Does the site change what is read, so that its effect is to be shown?
pub(super) fn has_effect(adaptation: &Adaptation) -> bool {
    let Adaptation {
        udf,
        child_udf,
        keep,
        steps,
        table,
        not_before,
    } = adaptation;
    !(udf.is_empty() && child_udf.is_empty() && keep.is_empty() && steps.is_empty())
        || table.is_some()
        || not_before.is_some()
}

/// Reads the whole table. `index` is the driver's file; without it nothing was synced yet.
pub(super) fn measure(
    reader: &mut dyn Reader,
    company: &Company,
    site: &SiteDataset,
    shape: &Shape,
    index: Option<&Path>,
    page_limit: Duration,
) -> Result<Effect, Failed> {
    let dataset = &site.dataset;
    let mut known = index
        .map(|path| Known::open(path, company.id.as_str(), dataset.name.as_str()))
        .transpose()?
        .flatten();
    let table = site
        .adaptation
        .table
        .as_ref()
        .map_or(&dataset.table, |t| &t.table);
    let failed = |error: ReadError| {
        Failed::new(
            error.code.as_str(),
            format!("{}: {}: reading {table}: {error}", company.id, dataset.name),
            error.remedy(),
        )
    };
    let bar = bar(dataset.name.as_str());
    let started = Instant::now();
    let mut effect = Effect::default();
    let mut joins = JoinCache::default();
    let mut request = PageRequest {
        limit: page_documents(dataset),
        ..PageRequest::default()
    };
    loop {
        let page = read_documents(reader, shape, &request, &mut joins, page_limit).map_err(failed)?;
        let keys = shape.dataset.keys(&page.batch);
        count(&mut effect, &page, &keys, known.as_mut())?;
        if effect.examples.is_empty() && !dataset.user_defined && !is_filter_alone(&site.adaptation) {
            effect.examples = examples(reader, company, site, &page, &keys, page_limit).map_err(failed)?;
        }
        let rate = effect.rows as f64 / started.elapsed().as_secs_f64().max(0.001);
        bar.set_message(format!(
            "{} read, {} pass, {rate:.0} a second",
            effect.rows, effect.pass
        ));
        bar.tick();
        if page.end || page.last.is_none() {
            break;
        }
        request.after = page.last;
    }
    bar.finish_and_clear();
    effect.change = known.map(|known| known.change);
    if let Some(change) = &mut effect.change
        && dataset.temperament == Temperament::History
    {
        // The hub keeps history for good.
        change.leave = 0;
        change.leaving.clear();
    }
    Ok(effect)
}

/// Do the leavers go beyond what a day may lose without a person?
fn exceeds_brake(change: &Change, documents: u64) -> bool {
    change.leave > removal_allowance(documents) || (documents > 0 && change.leave == documents)
}

/// What the hub has of a dataset.
struct Known {
    index: Index,
    stream: Stream,
    change: Change,
    documents: u64,
}

impl Known {
    /// None when the dataset was never synced.
    fn open(path: &Path, company: &str, dataset: &str) -> Result<Option<Self>, Failed> {
        let index = Index::open_to_look(path)?;
        let Some((stream, _)) = index.look(company, dataset)? else {
            return Ok(None);
        };
        let documents = index.count(stream)?;
        Ok((documents > 0).then(|| Self {
            index,
            stream,
            change: Change::default(),
            documents,
        }))
    }

    fn page(&mut self, keys: &[Key], kept: &[bool]) -> Result<(), Failed> {
        let there = self.index.look_up(self.stream, keys)?;
        for ((key, kept), there) in keys.iter().zip(kept).zip(&there) {
            let (count, sample) = match (*kept, there.is_some()) {
                (true, false) => (&mut self.change.enter, &mut self.change.entering),
                (false, true) => (&mut self.change.leave, &mut self.change.leaving),
                (true, true) | (false, false) => continue,
            };
            *count += 1;
            if sample.len() < SAMPLE {
                sample.push(key.to_string());
            }
        }
        self.change.needs_approval = exceeds_brake(&self.change, self.documents);
        Ok(())
    }
}

fn count(
    effect: &mut Effect,
    page: &DocumentPage,
    keys: &[Key],
    known: Option<&mut Known>,
) -> Result<(), Failed> {
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    effect.rows += number(page.kept.len());
    effect.pass += number(page.kept.iter().filter(|kept| **kept).count());
    let steps = page.findings.iter();
    effect.failed_values += number(steps.filter(|f| matches!(f.code, RowCode::StepFailed(_))).count());
    known.map_or(Ok(()), |known| known.page(keys, &page.kept))
}

fn is_filter_alone(adaptation: &Adaptation) -> bool {
    adaptation.udf.is_empty() && adaptation.child_udf.is_empty() && adaptation.steps.is_empty()
}

/// The first records that pass, as they are without and with what the site changes.
fn examples(
    reader: &mut dyn Reader,
    company: &Company,
    site: &SiteDataset,
    page: &DocumentPage,
    keys: &[Key],
    page_limit: Duration,
) -> Result<Vec<Example>, ReadError> {
    let dataset = &site.dataset;
    let passing = keys.iter().enumerate().zip(&page.kept);
    let passing = passing.filter(|(_, kept)| **kept).map(|(key, _)| key);
    let chosen: Vec<(usize, &Key)> = passing.take(CANDIDATES).collect();
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let fitted = Shape::fit(
        dataset,
        &Adaptation::default(),
        &company.code,
        &Remembered::default(),
        |table| reader.columns(table),
    )?;
    let Ok((plain, _)) = fitted else {
        return Ok(Vec::new());
    };
    let wanted: Vec<Key> = chosen.iter().map(|(_, key)| (*key).clone()).collect();
    let before = read_keys(reader, &plain, &wanted, &mut JoinCache::default(), page_limit)?;
    let before_keys = dataset.keys(&before.batch);
    Ok(chosen
        .into_iter()
        .filter_map(|(row, key)| {
            let old = before_keys.iter().position(|k| k == key)?;
            let fields = changes(site, &before.batch, old, &page.batch, row);
            (!fields.is_empty()).then(|| Example {
                key: key.to_string(),
                fields,
            })
        })
        .take(SAMPLE)
        .collect())
}

fn changes(
    site: &SiteDataset,
    before: &DocumentBatch,
    old: usize,
    after: &DocumentBatch,
    new: usize,
) -> Vec<FieldChange> {
    let dataset = &site.dataset;
    let mut changes = Vec::new();
    for (place, field) in dataset.fields.iter().enumerate() {
        let (before, after) = (
            shown(before.parent_value(place, old)),
            shown(after.parent_value(place, new)),
        );
        if before != after {
            changes.push(FieldChange {
                field: field.name.clone(),
                before,
                after,
            });
        }
    }
    for (kind, child) in dataset.children.iter().enumerate() {
        let first = |batch: &DocumentBatch, parent: usize| {
            let of = batch.parents_of(kind).values();
            of.iter().position(|p| usize::try_from(*p) == Ok(parent))
        };
        let Some((old, new)) = first(before, old).zip(first(after, new)) else {
            continue;
        };
        for (place, field) in child.fields.iter().enumerate() {
            let (before, after) = (
                shown(before.child_value(kind, place, old)),
                shown(after.child_value(kind, place, new)),
            );
            if before != after {
                changes.push(FieldChange {
                    field: format!("{}[0].{}", child.name, field.name),
                    before,
                    after,
                });
            }
        }
    }
    changes
}

fn shown(value: Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_owned(),
        Value::Decimal(decimal) => decimal.to_string(),
        Value::Date(date) => date.map(|d| d.to_string()).unwrap_or_default(),
    }
}

/// On stderr, and only where that is a terminal.
fn bar(dataset: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<18} {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(dataset.to_owned());
    bar
}

#[cfg(test)]
mod tests {
    use agent_store::Entry;
    use sync::Progress;
    use values::Hash;

    use super::*;

    fn key(number: usize) -> Key {
        Key::from_stored(format!("K{number:03}"))
    }

    #[test]
    fn what_enters_and_leaves_is_counted_against_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.db");
        let mut index = Index::open(&path).unwrap();
        assert!(Known::open(&path, "ABC", "items").unwrap().is_none());
        let (stream, _) = index.stream("ABC", "items").unwrap();
        let entries: Vec<Entry> = (0..100)
            .map(|n| Entry {
                key: key(n),
                hash: Hash(1),
                may_leave: false,
            })
            .collect();
        index.commit(stream, &Progress::default(), &entries, &[]).unwrap();
        drop(index);

        let mut known = Known::open(&path, "ABC", "items").unwrap().unwrap();
        // K098 to K103: the last two of the index, four new ones; two of each do not pass.
        let keys: Vec<Key> = (98..104).map(key).collect();
        known
            .page(&keys, &[true, false, false, true, true, true])
            .unwrap();
        let change = &known.change;
        assert_eq!((change.enter, change.leave), (3, 1));
        assert_eq!(change.leaving, ["K099"]);
        assert_eq!(change.entering, ["K101", "K102", "K103"]);
        assert!(!change.needs_approval);
        let keys: Vec<Key> = (0..5).map(key).collect();
        known.page(&keys, &[false; 5]).unwrap();
        assert_eq!(known.change.leave, 6);
        assert_eq!(known.change.leaving.len(), SAMPLE);
        assert!(
            known.change.needs_approval,
            "five of a hundred is all that may leave"
        );
    }
}
