//! Proof: every row of the ERP beside every row of the hub.

use std::collections::HashSet;
use std::time::Duration;

use agent_store::Pairs;
use catalog::Dataset;
use sync::{Difference, Failure, PageRequest, Shape, compare, read_documents};
use values::{CompanyId, Hash, Key};
use wire::agent::HashRequest;

use super::pass::{hub, store};
use crate::reading::{CompanyReader, Silent, StreamHub};

/// Pairs taken from either side at once.
const PAGE: u32 = 20_000;
/// Documents read from the ERP at once.
const PAGE_DOCUMENTS: usize = 2_000;
/// Longest time for one page of the ERP.
const PAGE_LIMIT: Duration = Duration::from_secs(300);

/// What a comparison showed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DatasetVerdict {
    /// The company.
    pub company: CompanyId,
    /// The dataset.
    pub dataset: String,
    /// Documents that are the same on both sides.
    pub equal: u64,
    /// Documents that are not.
    pub different: u64,
    /// The first [`MAX_DIFFERENCES`] of them: key and what differs.
    pub differences: Vec<(Key, &'static str)>,
}

/// Keys that are kept of one comparison.
pub const MAX_DIFFERENCES: usize = 100_000;

impl DatasetVerdict {
    /// Takes out what a second look no longer finds: it was on its way.
    pub fn keep_what_stayed(&mut self, second: &Self) {
        let stayed: HashSet<&Key> = second.differences.iter().map(|(key, _)| key).collect();
        let before = self.differences.len();
        self.differences.retain(|(key, _)| stayed.contains(key));
        let arrived = (before - self.differences.len()) as u64;
        self.different -= arrived;
        self.equal += arrived;
    }
}

/// Compares a dataset. The hub computes its hashes anew from what it has stored.
///
/// # Errors
/// [`Failure`] when a side could not be read to its end; then nothing is concluded.
pub fn verify_dataset(
    reader: &mut CompanyReader,
    stream_hub: &StreamHub,
    company: &CompanyId,
    dataset: &Dataset,
    mut progress: impl FnMut(u64),
) -> Result<DatasetVerdict, Failure> {
    let shape = reader.shape(dataset, &mut Silent)?;
    let pairs = read_pairs(reader, &shape, &mut progress)?;
    let erp = ErpSide {
        pairs: &pairs,
        page: Vec::new().into_iter(),
        after: None,
        done: false,
    };
    let hub_side = HubSide {
        hub: stream_hub,
        company,
        dataset,
        page: Vec::new().into_iter(),
        after: None,
        done: false,
    };
    let mut different = 0;
    let mut differences = Vec::new();
    let equal = compare(erp, hub_side, |difference: Difference| {
        different += 1;
        if differences.len() < MAX_DIFFERENCES {
            differences.push((difference.key().clone(), difference.as_str()));
        }
    })?;
    Ok(DatasetVerdict {
        company: company.clone(),
        dataset: dataset.name.to_string(),
        equal,
        different,
        differences,
    })
}

fn read_pairs(
    reader: &mut CompanyReader,
    shape: &Shape,
    progress: &mut impl FnMut(u64),
) -> Result<Pairs, Failure> {
    let mut pairs = Pairs::new().map_err(store)?;
    let mut after = None;
    let mut count = 0;
    loop {
        let request = PageRequest {
            since: None,
            after,
            limit: PAGE_DOCUMENTS,
        };
        let page = read_documents(reader.reader(), shape, &request, PAGE_LIMIT).map_err(Failure::Read)?;
        let keys = shape.dataset.keys(&page.batch);
        count += keys.len() as u64;
        pairs
            .add(keys.into_iter().zip(shape.dataset.hashes(&page.batch)))
            .map_err(store)?;
        progress(count);
        if page.end {
            return Ok(pairs);
        }
        after = page.last;
    }
}

type Page = std::vec::IntoIter<(Key, Hash)>;

struct ErpSide<'a> {
    pairs: &'a Pairs,
    page: Page,
    after: Option<Key>,
    done: bool,
}

impl Iterator for ErpSide<'_> {
    type Item = Result<(Key, Hash), Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0 && !self.done {
            match self.pairs.page(self.after.as_ref(), PAGE) {
                Ok(page) => {
                    self.done = page.is_empty();
                    self.after = page
                        .last()
                        .map(|(key, _)| key.clone())
                        .or_else(|| self.after.take());
                    self.page = page.into_iter();
                }
                Err(error) => return Some(Err(store(error))),
            }
        }
        self.page.next().map(Ok)
    }
}

struct HubSide<'a> {
    hub: &'a StreamHub,
    company: &'a CompanyId,
    dataset: &'a Dataset,
    page: Page,
    after: Option<Key>,
    done: bool,
}

impl Iterator for HubSide<'_> {
    type Item = Result<(Key, Hash), Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.page.len() == 0 && !self.done {
            let request = HashRequest {
                company: self.company.clone(),
                dataset: self.dataset.name.clone(),
                after: self.after.clone(),
                limit: PAGE,
                recompute: true,
            };
            match self.hub.hashes(&request) {
                Ok(page) => {
                    self.done = page.end;
                    self.after = page
                        .entries
                        .last()
                        .map(|(key, _)| key.clone())
                        .or_else(|| self.after.take());
                    self.page = page.entries.into_iter();
                }
                Err(error) => return Some(Err(hub(&error))),
            }
        }
        self.page.next().map(Ok)
    }
}
