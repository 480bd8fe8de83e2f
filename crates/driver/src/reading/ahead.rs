//! The company's bridge, and the page that it reads while the last one is compared, sent and
//! recorded.

use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sage::{ReadError, ReadErrorCode};
use sync::{DocumentPage, JoinCache, PageRequest, Shape, read_documents};

use crate::bridge::{ProcessSlot, ReadBridge, ReadSource};

/// What a page came to.
type Read = Result<DocumentPage, ReadError>;

/// Reads pages through the bridge, at most one before it is asked for. Nothing is decided
/// here: what was read ahead goes to whoever asks for the very same page, or is dropped.
#[derive(Debug)]
pub(super) struct PageReader {
    program: PathBuf,
    source: ReadSource,
    slot: ProcessSlot,
    /// None while a thread has them.
    tools: Option<Tools>,
    under_way: Option<(PageRequest, JoinHandle<(Tools, Read)>)>,
    ready: Option<(PageRequest, Read)>,
}

/// What reading takes.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) bridge: ReadBridge,
    /// Joined tables may change during a long pass: each turn reads them anew.
    pub(super) joins: JoinCache,
}

impl PageReader {
    /// Without a process yet: the first request starts it.
    pub(super) const fn new(program: PathBuf, source: ReadSource, slot: ProcessSlot) -> Self {
        Self {
            program,
            source,
            slot,
            tools: None,
            under_way: None,
            ready: None,
        }
    }

    /// The bridge and the joined tables. A page that is being read is waited for, and kept.
    pub(super) fn tools(&mut self) -> &mut Tools {
        if let Some((request, thread)) = self.under_way.take() {
            let read = match thread.join() {
                Ok((tools, read)) => {
                    self.tools = Some(tools);
                    read
                }
                // The bridge went with it; another is started.
                Err(_) => Err(ReadError::new(
                    ReadErrorCode::BridgeLost,
                    "the thread that read ahead broke down",
                )),
            };
            self.ready = Some((request, read));
        }
        self.tools.get_or_insert_with(|| Tools {
            bridge: ReadBridge::closed(&self.program, &self.source, self.slot.clone()),
            joins: JoinCache::default(),
        })
    }

    /// The page: the one that was read ahead, if it is this one.
    pub(super) fn page(&mut self, shape: &Shape, request: &PageRequest, limit: Duration) -> Read {
        self.tools();
        if let Some((ahead, read)) = self.ready.take()
            && ahead == *request
        {
            return read;
        }
        let Tools { bridge, joins } = self.tools();
        read_documents(bridge, shape, request, joins, limit)
    }

    /// Begins to read a page. Where no thread can be had it is read when it is asked for.
    pub(super) fn read_ahead(&mut self, shape: &Shape, request: PageRequest, limit: Duration) {
        self.forget();
        let Some(mut tools) = self.tools.take() else {
            return;
        };
        let (shape, wanted) = (shape.clone(), request.clone());
        let reads = move || {
            let Tools { bridge, joins } = &mut tools;
            let read = read_documents(bridge, &shape, &wanted, joins, limit);
            (tools, read)
        };
        let thread = thread::Builder::new().name("read-ahead".to_owned()).spawn(reads);
        self.under_way = thread.ok().map(|thread| (request, thread));
    }

    /// Waits for a page that is being read, and drops it: after this nobody reads.
    pub(super) fn forget(&mut self) {
        self.tools();
        self.ready = None;
    }

    /// A turn begins.
    pub(super) fn begin(&mut self) {
        self.forget();
        self.tools().joins = JoinCache::default();
    }
}

#[cfg(test)]
mod tests {
    use catalog::Catalog;
    use sage::Reader as _;
    use sandbox::{Plan, Profile};
    use sync::Adaptation;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[test]
    fn a_page_read_ahead_goes_to_whoever_asks_for_it_and_to_nobody_after_the_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("company.db");
        sandbox::create(&path, &Plan::new(Profile::Stock { rows: 12 })).unwrap();
        let company = rusqlite::Connection::open(&path).unwrap();
        let set = |bin: &str| {
            let sql = "UPDATE IM_ItemWarehouse SET BinLocation = ?";
            assert_eq!(company.execute(sql, [bin]).unwrap(), 12);
        };
        let program = test_tier::program("erp-bridge");
        let mut pages = PageReader::new(program, ReadSource::Sandbox { path }, ProcessSlot::default());
        let catalog = Catalog::standard().unwrap();
        let dataset = catalog.get("inventory").unwrap();
        let bridge = &mut pages.tools().bridge;
        let columns = |table: &str| bridge.columns(table);
        let shape = Shape::fit(
            dataset,
            &Adaptation::default(),
            "ABC",
            &Default::default(),
            columns,
        );
        let (shape, _) = shape.unwrap().unwrap();
        let place = dataset.fields.iter().position(|f| f.column == "BinLocation");
        let bins = |page: Read| -> Vec<String> {
            let batch = page.unwrap().batch;
            let rows = 0..batch.parents.num_rows();
            rows.map(|row| format!("{:?}", batch.parent_value(place.unwrap(), row)))
                .collect()
        };
        let bin = |text: &str, rows: usize| vec![format!("{:?}", catalog::Value::Text(text)); rows];

        let first = PageRequest {
            since: None,
            after: None,
            limit: 5,
        };
        set("A");
        let page = pages.page(&shape, &first, LIMIT).unwrap();
        let second = PageRequest {
            after: page.last,
            limit: 4,
            ..first.clone()
        };
        pages.read_ahead(&shape, second.clone(), LIMIT);
        pages.tools();
        set("B");
        assert_eq!(
            bins(pages.page(&shape, &second, LIMIT)),
            bin("A", 4),
            "read before"
        );
        assert_eq!(
            bins(pages.page(&shape, &second, LIMIT)),
            bin("B", 4),
            "handed out once"
        );

        pages.read_ahead(&shape, second.clone(), LIMIT);
        assert_eq!(
            bins(pages.page(&shape, &first, LIMIT)),
            bin("B", 5),
            "another page"
        );
        pages.read_ahead(&shape, second.clone(), LIMIT);
        pages.begin();
        set("C");
        assert_eq!(
            bins(pages.page(&shape, &second, LIMIT)),
            bin("C", 4),
            "of an earlier turn"
        );
    }
}
