//! The driver of the model: what each command does.

use super::*;

impl World {
    /// Does what the command says, all of it.
    pub(super) fn carry_out(&mut self, command: &Command) -> Event {
        match command {
            Command::AskStream => {
                self.random = self
                    .random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                Event::StreamState {
                    store: StoreId::new("hub"),
                    epoch: self.hub.epoch,
                    sequence: self.hub.sequence,
                    digest: self.hub.digest,
                    previous: self.hub.previous,
                    fingerprint: self.hub.fingerprint,
                    hub_fingerprint: SHAPE,
                    random: self.random >> 17,
                }
            }
            Command::ResetStream {
                epoch,
                from_epoch,
                from_sequence,
                from_digest,
            } => {
                let from = (*from_epoch, *from_sequence, *from_digest);
                if *epoch <= self.hub.epoch || from != (self.hub.epoch, self.hub.sequence, self.hub.digest) {
                    return refused("epoch_stale");
                }
                self.hub.epoch = *epoch;
                self.hub.sequence = Sequence(0);
                self.hub.digest = Hash(0);
                self.hub.previous = Hash(0);
                self.hub.fingerprint = SHAPE;
                Event::StreamReset
            }
            Command::RebuildIndex { progress } => {
                self.driver.rebuild(&self.hub.rows, usize::MAX);
                self.driver.progress = progress.clone();
                self.bits = None;
                Event::IndexRebuilt
            }
            Command::BeginSweep => {
                self.driver.leavers.clear();
                self.bits = Some(Bits {
                    start: self.driver.next_slot,
                    seen: BTreeSet::new(),
                    asked: BTreeSet::new(),
                });
                Event::SweepBegun {
                    documents: self.driver.index.len() as u64,
                }
            }
            Command::ForgetLeavers => {
                self.driver.leavers.clear();
                if let Some(bits) = &mut self.bits {
                    bits.asked.clear();
                }
                Event::LeaversForgotten
            }
            Command::ReadPage(request) => match self.ahead.take() {
                Some(ahead) => {
                    assert_eq!(ahead.request, *request, "another page was read than is asked for");
                    self.page = ahead.page;
                    ahead.event
                }
                None => self.read_page(request),
            },
            Command::Compare {
                since,
                mark,
                filter_leaves,
            } => self.compare(*since, *mark, *filter_leaves),
            Command::Send {
                epoch,
                sequence,
                previous,
                approved,
            } => {
                let batch = Batch {
                    epoch: *epoch,
                    sequence: *sequence,
                    previous: *previous,
                    rows: self.in_hand.rows.clone(),
                    removals: self.in_hand.removals.clone(),
                    approved: *approved,
                };
                assert!(
                    batch.rows.len() <= self.limit && batch.removals.len() <= TAKE,
                    "more in hand than fits"
                );
                self.sent.push(batch.clone());
                match self.hub.take(&batch, self.history, self.hub_brakes, self.now) {
                    Ok(()) => {
                        self.removals_are_right(&batch);
                        Event::Acknowledged {
                            digest: batch.digest(),
                        }
                    }
                    Err(code) => refused(code),
                }
            }
            Command::Confirm { allowed } => self.confirm(*allowed),
            Command::CountDocuments => Event::DocumentsCounted {
                documents: self.driver.index.len() as u64,
            },
            Command::TakeRemovals { with_unexplained } => {
                let leavers = self.driver.leavers.iter();
                let wanted = leavers.filter(|(_, leaver)| *with_unexplained || leaver.explained);
                self.in_hand = InHand {
                    rows: Vec::new(),
                    removals: wanted.map(|(k, l)| (k.clone(), l.explained)).take(TAKE).collect(),
                };
                let removals = &self.in_hand.removals;
                Event::RemovalsTaken {
                    count: removals.len() as u64,
                    unexplained: removals.iter().filter(|(_, explained)| !explained).count() as u64,
                }
            }
            Command::Commit {
                progress,
                acknowledged,
            } => {
                let in_hand = std::mem::take(&mut self.in_hand);
                if *acknowledged {
                    for (key, value) in in_hand.rows {
                        self.driver.put(&key, value);
                    }
                    for (key, _) in in_hand.removals {
                        self.driver.index.remove(&key);
                        self.driver.leavers.remove(&key);
                    }
                }
                self.driver.progress = progress.clone();
                Event::Committed
            }
            Command::Finish(_) => unreachable!("nothing to carry out"),
        }
    }

    pub(super) fn read_page(&mut self, PageRequest { since, after, limit }: &PageRequest) -> Event {
        let after = after.as_ref().map(|parts| parts[0].clone()).unwrap_or_default();
        let behind = self
            .erp
            .range::<String, _>((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded));
        let wanted = behind.filter(|(_, row)| since.is_none_or(|day| row.stamp.date() >= day));
        let mut found: Vec<_> = wanted.map(|(k, row)| (k.clone(), row.clone())).collect();
        let mut end = found.len() <= *limit;
        found.truncate(*limit);
        if let Some(rows) = self.early.take() {
            found.truncate(rows);
            end = true;
        }
        let last = found.last().map(|(key, _)| vec![key.clone()]);
        self.page = found;
        Event::PageRead {
            documents: self.page.len() as u64,
            last,
            end,
        }
    }

    /// Reads a page while another is in hand.
    pub(super) fn read_ahead(&mut self, request: Option<PageRequest>) {
        self.ahead = request.map(|request| {
            let in_hand = std::mem::take(&mut self.page);
            let event = self.read_page(&request);
            Ahead {
                request,
                event,
                page: std::mem::replace(&mut self.page, in_hand),
            }
        });
    }

    pub(super) fn compare(&mut self, since: Option<Stamp>, mark: bool, filter_leaves: bool) -> Event {
        if self.column_lost && !self.columns_approved {
            return Event::Implausible {
                columns: vec!["Price".to_owned()],
            };
        }
        let mut rows = Vec::new();
        let (mut kept, mut filtered) = (0, 0);
        for (key, row) in std::mem::take(&mut self.page) {
            let known = self.driver.index.get(&key).copied();
            if self.lets_through(&row) {
                kept += 1;
                self.driver.leavers.remove(&key);
                if let (true, Some(bits), Some((_, slot))) = (mark, &mut self.bits, known) {
                    bits.seen.insert(slot);
                }
                let recent = since.is_none_or(|s| row.stamp >= s);
                if recent && known.map(|(value, _)| value) != Some(row.value) {
                    rows.push((key, row.value));
                }
            } else if filter_leaves && known.is_some() {
                filtered += 1;
                let leaver = Leaver {
                    explained: false,
                    filtered: true,
                    found: self.step,
                };
                self.driver.leavers.insert(key, leaver);
            }
        }
        let changed = rows.len() as u64;
        self.in_hand = InHand {
            rows,
            removals: Vec::new(),
        };
        Event::Compared {
            changed,
            filtered,
            kept,
        }
    }

    pub(super) fn confirm(&mut self, allowed: u64) -> Event {
        let bits = self.bits.as_mut().expect("bits are at hand");
        let suspects: Vec<(String, u64)> = self
            .driver
            .index
            .iter()
            .filter(|(_, (_, slot))| {
                *slot < bits.start && !bits.seen.contains(slot) && !bits.asked.contains(slot)
            })
            .map(|(key, (_, slot))| (key.clone(), *slot))
            .collect();
        let (mut explained, mut unexplained, mut looked) = (0, 0, 0);
        for (key, slot) in suspects.iter().take(CONFIRM) {
            if unexplained > allowed {
                break;
            }
            looked += 1;
            bits.asked.insert(*slot);
            let shown = self.erp.get(key).map(|row| !self.filter || row.shown);
            let leaver = match shown {
                Some(true) => continue,
                Some(false) if self.history => continue,
                Some(false) => Leaver {
                    explained: false,
                    filtered: true,
                    found: self.step,
                },
                None => Leaver {
                    explained: !self.history && self.successor.contains(key),
                    filtered: false,
                    found: self.step,
                },
            };
            if leaver.explained {
                explained += 1;
            } else {
                unexplained += 1;
            }
            self.driver.leavers.insert(key.clone(), leaver);
        }
        let left = (suspects.len() - looked) as u64;
        Event::Confirmed {
            explained,
            unexplained,
            left,
            end: left == 0,
        }
    }
}
