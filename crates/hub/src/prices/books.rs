//! The books that prices are answered from, kept as fresh as the store.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hub_store::{ChangeQuery, Page, RecordQuery, Selection, Store, StoreError, TenantScope};
use jiff::Timestamp;
use pricing::{Dataset, PriceBook, RecordError};
use serde_json::Value;
use tokio::sync::Mutex as Turn;
use values::{CompanyId, Key, TenantId};

use super::options;
use crate::error::ApiError;
use crate::hub::Hub;

/// What a record takes in memory, so that the book of a distributor with 80,000 items, prices
/// and customers takes 20 MiB.
const RECORD_BYTES: u64 = 250;
/// What a book takes without any.
const EMPTY_BYTES: u64 = 16 * 1024;
/// Records read at a time; they have few fields.
const PAGE: u32 = 1_000;
/// Not among the fields of prices: a price is asked for what can be sold.
const INACTIVE: &str = "inactive_item";
/// The child whose fields are the company's options.
const OPTIONS: &str = "sales_order_options";

/// One book for each company that was asked about, those asked last, as far as there is room.
#[derive(Debug, Default)]
pub(crate) struct Books(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    /// Grows with every question.
    asked: u64,
    places: HashMap<(TenantId, CompanyId), Filed>,
}

#[derive(Debug, Default)]
struct Filed {
    /// The question that was the last about it.
    asked: u64,
    /// As far as that is known.
    bytes: u64,
    place: Arc<Place>,
}

/// Where a company's book stands.
#[derive(Debug, Default)]
struct Place {
    /// None until it is built, and while it is brought up to date: whatever breaks off then
    /// leaves nothing half done.
    kept: RwLock<Option<Kept>>,
    /// Whose turn it is to build it or to bring it up to date. Those who wait hold no thread.
    turn: Arc<Turn<()>>,
}

/// A company's book as of a position of its tenant's feed.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) book: PriceBook,
    /// Items that may not be sold any more.
    pub(super) inactive: HashSet<String>,
    /// Records that no price can be made of.
    pub(super) unreadable: BTreeSet<(&'static str, Key)>,
    position: u64,
}

/// Asks the company's book, which then has everything that was acknowledged before. `scope`
/// reads the whole company.
pub(super) async fn ask<T: Send + 'static>(
    hub: &Hub,
    scope: TenantScope,
    company: CompanyId,
    ask: impl Fn(&Kept) -> T + Send + Sync + 'static,
) -> Result<T, ApiError> {
    let place = hub.books().place(scope.tenant(), &company);
    let asked = Arc::new((scope, company, ask));
    let now = hub.now();
    let (first, of_first) = (Arc::clone(&asked), Arc::clone(&place));
    let answer = hub
        .call_api(move |store| {
            let (scope, company, ask) = first.as_ref();
            let from = Source::new(store, scope, company, now);
            // Whoever has it to himself brings it up to date.
            let Ok(kept) = of_first.kept.try_read() else {
                return Ok(None);
            };
            let fresh = kept.as_ref().filter(|kept| from.is_fresh(kept));
            Ok(fresh.map(ask))
        })
        .await?;
    if let Some(answer) = answer {
        return Ok(answer);
    }
    let turn = Arc::clone(&place.turn).lock_owned().await;
    let of_request = hub.clone();
    hub.call_api(move |store| {
        let (scope, company, ask) = asked.as_ref();
        let from = Source::new(store, scope, company, now);
        if let Some(bytes) = place.bring_up_to_date(&from)? {
            let most = of_request.price_memory();
            of_request.books().make_room(scope.tenant(), company, bytes, most);
        }
        let kept = place.kept.read().unwrap_or_else(PoisonError::into_inner);
        // The turn went with the work, whoever waits for it still; the next one leaves the book
        // where it is until it was asked.
        drop(turn);
        let kept = kept.as_ref();
        kept.map(ask)
            .ok_or_else(|| ApiError::new("internal", "a price book is not where it was put"))
    })
    .await
}

impl Place {
    /// Builds the book, or takes in what has moved. Returns the size of one that was built.
    fn bring_up_to_date(&self, from: &Source<'_>) -> Result<Option<u64>, StoreError> {
        let take = || self.kept.write().unwrap_or_else(PoisonError::into_inner).take();
        let put = |kept: Kept| {
            *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        };
        {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            if kept.as_ref().is_some_and(|kept| from.is_fresh(kept)) {
                return Ok(None);
            }
        }
        let (mut kept, mut built) = match take() {
            Some(kept) => (kept, false),
            None => (from.build()?, true),
        };
        match from.refresh(&mut kept) {
            Ok(()) => {}
            // What left meanwhile is forgotten, or the store is another one.
            Err(StoreError::FeedExpired) => {
                kept = from.build()?;
                built = true;
            }
            Err(error) => {
                put(kept);
                return Err(error);
            }
        }
        let bytes = built.then(|| kept.bytes());
        put(kept);
        Ok(bytes)
    }
}

impl Books {
    fn place(&self, tenant: &TenantId, company: &CompanyId) -> Arc<Place> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.asked += 1;
        let asked = shelf.asked;
        let key = (tenant.clone(), company.clone());
        let filed = shelf.places.entry(key).or_default();
        filed.asked = asked;
        Arc::clone(&filed.place)
    }

    /// Notes the size of a book, and lets those go that were asked longest ago until all have
    /// room. The one that was built stays.
    fn make_room(&self, tenant: &TenantId, company: &CompanyId, bytes: u64, most: u64) {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant.clone(), company.clone());
        if let Some(filed) = shelf.places.get_mut(&key) {
            filed.bytes = bytes;
        }
        loop {
            let all: u64 = shelf.places.values().map(|filed| filed.bytes).sum();
            let others = shelf
                .places
                .iter()
                .filter(|(place, filed)| **place != key && filed.bytes > 0);
            let oldest = others.min_by_key(|(_, filed)| filed.asked);
            match oldest.map(|(place, _)| place.clone()) {
                Some(oldest) if all > most => {
                    tracing::debug!(tenant = %oldest.0, company = %oldest.1, "a price book made room for another");
                    shelf.places.remove(&oldest);
                }
                Some(_) | None => return,
            }
        }
    }
}

/// Where a book's records come from.
struct Source<'a> {
    store: &'a dyn Store,
    scope: &'a TenantScope,
    company: &'a CompanyId,
    now: Timestamp,
}

impl<'a> Source<'a> {
    const fn new(
        store: &'a dyn Store,
        scope: &'a TenantScope,
        company: &'a CompanyId,
        now: Timestamp,
    ) -> Self {
        Self {
            store,
            scope,
            company,
            now,
        }
    }
}

impl Source<'_> {
    /// Where the tenant's feed stands: one row is read when that is `after`.
    fn head(&self, after: u64) -> Result<u64, StoreError> {
        let query = ChangeQuery {
            after,
            datasets: Some(Vec::new()),
            limit: 1,
            ..ChangeQuery::default()
        };
        Ok(self.store.changes(self.scope, &query, self.now)?.position)
    }

    /// Has nothing moved since, neither records nor what the company has chosen?
    fn is_fresh(&self, kept: &Kept) -> bool {
        self.head(kept.position).is_ok_and(|head| head == kept.position)
    }

    fn options(&self) -> Result<pricing::Options, StoreError> {
        options::of_choices(&self.store.price_options(self.scope.tenant(), self.company)?)
    }

    /// A book of all records.
    fn build(&self) -> Result<Kept, StoreError> {
        let position = self.head(0)?;
        let mut kept = Kept {
            book: PriceBook::new(self.options()?),
            inactive: HashSet::new(),
            unreadable: BTreeSet::new(),
            position,
        };
        for dataset in Dataset::ALL {
            self.read(dataset, Page::Key(None), &mut kept)?;
        }
        // What came meanwhile may have been passed over.
        self.refresh(&mut kept)?;
        Ok(kept)
    }

    /// Takes in what has moved since. Told twice, a change does no harm.
    fn refresh(&self, kept: &mut Kept) -> Result<(), StoreError> {
        let head = self.head(kept.position)?;
        if head == kept.position {
            return Ok(());
        }
        kept.book.set_options(self.options()?);
        for dataset in Dataset::ALL {
            self.read(dataset, Page::Position(kept.position), kept)?;
        }
        kept.position = head;
        Ok(())
    }

    fn read(&self, of: Dataset, from: Page, kept: &mut Kept) -> Result<(), StoreError> {
        let dataset = self.store.dataset(self.scope, of.name())?;
        let fields = Selection::read(&fields(of), &dataset, self.scope);
        let fields = fields.map_err(|field| StoreError::Corrupt(format!("{of} without {field}")))?;
        let mut query = RecordQuery {
            dataset: &dataset,
            company: self.company.clone(),
            page: from,
            limit: PAGE,
            filters: Vec::new(),
            fields: Some(fields),
        };
        loop {
            let page = self.store.records(self.scope, &query, self.now)?;
            for record in &page.data {
                kept.take(of, &record.json());
            }
            let Some((key, position)) = page.last.filter(|_| !page.end) else {
                return Ok(());
            };
            query.page = match query.page {
                Page::Key(_) => Page::Key(Some(key)),
                Page::Position(_) | Page::Walk { .. } => Page::of_walk(position, page.begun),
            };
        }
    }
}

/// What is read of a dataset's records.
fn fields(of: Dataset) -> String {
    let names = of.fields().iter();
    let mut names: Vec<String> = match of {
        Dataset::CompanyOptions => names.map(|name| format!("{OPTIONS}.{name}")).collect(),
        Dataset::Customers
        | Dataset::Items
        | Dataset::PriceCodes
        | Dataset::PriceLevelsByCustomer
        | Dataset::Promotions => names.map(|name| (*name).to_owned()).collect(),
    };
    if of == Dataset::Items {
        names.push(INACTIVE.to_owned());
    }
    names.join(",")
}

impl Kept {
    /// What it takes in memory, as far as can be told from how much it has.
    fn bytes(&self) -> u64 {
        let records: usize = Dataset::ALL.iter().map(|of| self.book.count(*of)).sum();
        u64::try_from(records)
            .unwrap_or(u64::MAX)
            .saturating_mul(RECORD_BYTES)
            .saturating_add(EMPTY_BYTES)
    }

    /// Takes in a record as the API shows it, or its tombstone.
    fn take(&mut self, of: Dataset, record: &Value) {
        let Some(key) = record["key"].as_str() else {
            return;
        };
        let key = Key::from_stored(key.to_owned());
        let is_gone = record.get("deleted_at").is_some();
        let from = match of {
            Dataset::CompanyOptions => &record[OPTIONS][0],
            Dataset::Customers
            | Dataset::Items
            | Dataset::PriceCodes
            | Dataset::PriceLevelsByCustomer
            | Dataset::Promotions => record,
        };
        let field = |name: &str| from.get(name).and_then(Value::as_str);
        if of == Dataset::Items
            && let Some([code]) = key.parts().as_deref()
        {
            if field(INACTIVE) == Some("Y") {
                self.inactive.insert(code.clone());
            } else {
                self.inactive.remove(code);
            }
        }
        let taken = if is_gone {
            self.book.remove(of, &key)
        } else {
            self.book.apply(of, &key, Some(&field))
        };
        self.mark(of, key, taken);
    }

    fn mark(&mut self, of: Dataset, key: Key, taken: Result<(), RecordError>) {
        let place = (of.name(), key);
        match taken {
            Ok(()) => {
                self.unreadable.remove(&place);
            }
            Err(error) => {
                tracing::warn!(dataset = place.0, %error, "no price can be made of a record");
                self.unreadable.insert(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use catalog::Catalog;
    use hub_store::{Actor, SqlStore, TokenGrant};
    use values::{Secret, StoreId};

    use super::*;

    #[test]
    fn companies_that_were_asked_about_longest_ago_make_room() {
        let books = Books::default();
        let tenant = TenantId::new("t");
        let company = |n: usize| CompanyId::new(format!("C{n}"));
        let build = |n: usize, bytes: u64| {
            let place = books.place(&tenant, &company(n));
            books.make_room(&tenant, &company(n), bytes, 100);
            place
        };
        let has = |n: usize| {
            let shelf = books.0.lock().unwrap();
            shelf.places.contains_key(&(tenant.clone(), company(n)))
        };
        let first = build(0, 40);
        for n in 1..200 {
            build(n, 0);
        }
        build(200, 40);
        assert!(Arc::ptr_eq(&first, &books.place(&tenant, &company(0))));
        build(201, 30);
        assert!(has(0) && !has(200) && has(201), "200 was asked longest ago");
        build(202, 1_000);
        assert!(
            !has(0) && !has(201) && has(202),
            "the one that is asked about stays"
        );
    }

    /// A hub with one thread for what blocks.
    fn narrow(test: impl AsyncFnOnce(Hub, TenantScope)) {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_second(1_777_777_777).unwrap();
        let (catalog, id) = (Catalog::standard().unwrap(), StoreId::new("s"));
        let store = SqlStore::sqlite(&folder.path().join("hub.db"), catalog, &id, now).unwrap();
        let (tenant, token) = (TenantId::new("t_a"), Secret::new("erp_0123456789"));
        let by = Actor::command_line();
        store.add_tenant(&tenant, "a", &by, now).unwrap();
        store
            .add_api_token(&tenant, &token, &TokenGrant::default(), &by, now)
            .unwrap();
        let scope = store.authenticate(&token, now).unwrap();
        let hub = Hub::new(Arc::new(store), Arc::new(move || now));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(test(hub, scope));
    }

    #[test]
    fn those_who_wait_for_a_book_hold_no_thread() {
        narrow(async |hub, scope| {
            let company = CompanyId::new("ABC");
            let place = hub.books().place(scope.tenant(), &company);
            let building = Arc::clone(&place.turn).lock_owned().await;
            let waiting: Vec<_> = (0..10)
                .map(|_| {
                    let (hub, scope, company) = (hub.clone(), scope.clone(), company.clone());
                    tokio::spawn(async move { ask(&hub, scope, company, |_| ()).await })
                })
                .collect();
            let other = tokio::time::timeout(Duration::from_secs(20), async {
                for _ in 0..20 {
                    hub.call(|store| store.ping()).await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
            other.await.unwrap();
            assert!(waiting.iter().all(|asker| !asker.is_finished()));
            drop(building);
            for asker in waiting {
                // There is no such company.
                assert_eq!(asker.await.unwrap().unwrap_err().code(), "company_unknown");
            }
        });
    }
}
