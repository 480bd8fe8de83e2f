//! Proof: every row of the ERP beside every row of the hub.

use std::collections::HashSet;
use std::time::Duration;

use agent_store::Pairs;
use catalog::{Dataset, Temperament};
use sync::{Difference, Failure, JoinCache, PageRequest, Shape, compare, page_documents, read_documents};
use values::{CompanyId, Hash, Key};
use wire::agent::{ChecksumRequest, HashRequest};

use super::pass::{hub, store};
use crate::config::SiteDataset;
use crate::reading::{CompanyReader, Silent, StreamHub};

/// Pairs taken from either side at once.
const PAGE: u32 = 20_000;
/// Records of one range, and ranges asked of the hub at once.
const RANGE: u32 = 1_000;
const RANGES: u32 = 20;
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

/// Compares a dataset, as the site syncs it: range by range by checksums, and key by key where
/// these differ. The hub computes its hashes anew from what it has stored. None when the site
/// does not have the table.
///
/// # Errors
/// [`Failure`] when a side could not be read to its end; then nothing is concluded.
pub fn verify_dataset(
    reader: &mut CompanyReader,
    stream_hub: &StreamHub,
    company: &CompanyId,
    site: &SiteDataset,
    mut progress: impl FnMut(u64),
) -> Result<Option<DatasetVerdict>, Failure> {
    let Ok(shape) = reader.shape(site, &mut Silent)? else {
        return Ok(None);
    };
    let pairs = read_pairs(reader, &shape, &mut progress)?;
    let mut comparison = Comparison {
        hub: stream_hub,
        company,
        dataset: &site.dataset,
        pairs: &pairs,
        // Everything else that the hub has of history stays there on purpose.
        keeps_more: site.dataset.temperament == Temperament::History,
        verdict: DatasetVerdict {
            company: company.clone(),
            dataset: site.dataset.name.to_string(),
            equal: 0,
            different: 0,
            differences: Vec::new(),
        },
    };
    comparison.run()?;
    Ok(Some(comparison.verdict))
}

struct Comparison<'a> {
    hub: &'a StreamHub,
    company: &'a CompanyId,
    dataset: &'a Dataset,
    pairs: &'a Pairs,
    keeps_more: bool,
    verdict: DatasetVerdict,
}

impl Comparison<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        let mut erp = ErpSide {
            pairs: self.pairs,
            page: Vec::new().into_iter().peekable(),
            after: None,
            done: false,
        };
        let mut after: Option<Key> = None;
        loop {
            let request = ChecksumRequest {
                company: self.company.clone(),
                dataset: self.dataset.name.clone(),
                after: after.clone(),
                range: RANGE,
                limit: RANGES,
            };
            let page = self.hub.checksums(&request).map_err(|e| hub(&e))?;
            for range in &page.ranges {
                let here = erp.take_to(&range.last)?;
                let sum = here.iter().fold(0_u64, |sum, (key, hash)| {
                    sum.wrapping_add(Hash::of_bytes(format!("{key}\0{hash}").as_bytes()).0)
                });
                let is_equal = here.len() as u64 == u64::from(range.records) && Hash(sum) == range.checksum;
                if is_equal {
                    self.verdict.equal += here.len() as u64;
                } else {
                    let there = self.hub_range(after.as_ref(), &range.last)?;
                    self.compare_keys(here, there)?;
                }
                after = Some(range.last.clone());
            }
            if page.end || page.ranges.is_empty() {
                break;
            }
        }
        loop {
            let here = erp.take_some()?;
            if here.is_empty() {
                return Ok(());
            }
            self.compare_keys(here, Vec::new())?;
        }
    }

    /// The hub's keys and hashes behind one key, up to and with another.
    fn hub_range(&self, after: Option<&Key>, last: &Key) -> Result<Vec<(Key, Hash)>, Failure> {
        let mut found: Vec<(Key, Hash)> = Vec::new();
        let mut after = after.cloned();
        loop {
            let request = HashRequest {
                company: self.company.clone(),
                dataset: self.dataset.name.clone(),
                after: after.clone(),
                limit: RANGE + 1,
                recompute: true,
            };
            let page = self.hub.hashes(&request).map_err(|e| hub(&e))?;
            let is_over = page.end || page.entries.last().is_none_or(|(key, _)| key >= last);
            after = page.entries.last().map(|(key, _)| key.clone());
            found.extend(page.entries.into_iter().filter(|(key, _)| key <= last));
            if is_over {
                return Ok(found);
            }
        }
    }

    fn compare_keys(&mut self, here: Vec<(Key, Hash)>, there: Vec<(Key, Hash)>) -> Result<(), Failure> {
        let (keeps_more, verdict) = (self.keeps_more, &mut self.verdict);
        let (here, there) = (here.into_iter().map(Ok), there.into_iter().map(Ok));
        let equal = compare(here, there, |difference: Difference| {
            if keeps_more && matches!(difference, Difference::Extra(_)) {
                return;
            }
            verdict.different += 1;
            if verdict.differences.len() < MAX_DIFFERENCES {
                verdict
                    .differences
                    .push((difference.key().clone(), difference.as_str()));
            }
        })?;
        self.verdict.equal += equal;
        Ok(())
    }
}

fn read_pairs(
    reader: &mut CompanyReader,
    shape: &Shape,
    progress: &mut impl FnMut(u64),
) -> Result<Pairs, Failure> {
    let mut pairs = Pairs::new().map_err(store)?;
    let mut joins = JoinCache::default();
    let mut after = None;
    let mut count = 0;
    loop {
        let request = PageRequest {
            since: None,
            after,
            limit: page_documents(&shape.dataset).min(PAGE_DOCUMENTS),
        };
        let page = read_documents(reader.reader(), shape, &request, &mut joins, PAGE_LIMIT)
            .map_err(Failure::Read)?;
        count += page.keys.len() as u64;
        let read = page.keys.into_iter().zip(page.hashes);
        let kept = read.zip(&page.kept).filter(|(_, kept)| **kept);
        pairs.add(kept.map(|(pair, _)| pair)).map_err(store)?;
        progress(count);
        if page.end {
            return Ok(pairs);
        }
        after = page.last;
    }
}

struct ErpSide<'a> {
    pairs: &'a Pairs,
    page: std::iter::Peekable<std::vec::IntoIter<(Key, Hash)>>,
    after: Option<Key>,
    done: bool,
}

impl ErpSide<'_> {
    fn fill(&mut self) -> Result<bool, Failure> {
        if self.page.peek().is_none() && !self.done {
            let page = self.pairs.page(self.after.as_ref(), PAGE).map_err(store)?;
            self.done = page.is_empty();
            if let Some((key, _)) = page.last() {
                self.after = Some(key.clone());
            }
            self.page = page.into_iter().peekable();
        }
        Ok(self.page.peek().is_some())
    }

    /// What comes up to and with this key.
    fn take_to(&mut self, last: &Key) -> Result<Vec<(Key, Hash)>, Failure> {
        let mut taken = Vec::new();
        while self.fill()? {
            match self.page.next_if(|(key, _)| key <= last) {
                Some(pair) => taken.push(pair),
                None => break,
            }
        }
        Ok(taken)
    }

    /// What comes next; nothing at the end.
    fn take_some(&mut self) -> Result<Vec<(Key, Hash)>, Failure> {
        self.fill()?;
        Ok(self.page.by_ref().collect())
    }
}
