//! The books that prices are answered from, kept as fresh as the store.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hub_store::{ChangeQuery, Page, RecordQuery, Selection, Store, StoreError, TenantScope};
use jiff::Timestamp;
use pricing::{Dataset, Options, PriceBook, RecordError};
use serde_json::Value;
use values::{CompanyId, Key, TenantId};

use crate::error::ApiError;

/// Books in memory at a time. A record takes some 250 bytes, so that the book of a distributor
/// with 80,000 items, prices and customers takes 20 MiB and all of them some more than one GiB.
const BOOKS: usize = 64;
/// Records read at a time; they have few fields.
const PAGE: u32 = 1_000;
/// Not among the fields of prices: a price is asked for what can be sold.
const INACTIVE: &str = "inactive_item";
/// The child whose fields are the company's options.
const OPTIONS: &str = "sales_order_options";

/// One book for each company that was asked about, those asked last.
#[derive(Debug, Default)]
pub(crate) struct Books(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    /// Grows with every question.
    asked: u64,
    /// With the question that was the last about it.
    places: HashMap<(TenantId, CompanyId), (u64, Arc<Place>)>,
}

/// None until it is built, and while it is brought up to date: whatever breaks off then
/// leaves nothing half done.
type Place = RwLock<Option<Kept>>;

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

impl Books {
    /// Asks the company's book, which then has everything that was acknowledged before. `scope`
    /// reads the whole company.
    pub(super) fn with<T>(
        &self,
        store: &dyn Store,
        scope: &TenantScope,
        company: &CompanyId,
        now: Timestamp,
        ask: impl FnOnce(&Kept) -> T,
    ) -> Result<T, ApiError> {
        let from = Source {
            store,
            scope,
            company,
            now,
        };
        let place = self.place(scope.tenant(), company);
        {
            let kept = place.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(kept) = kept.as_ref()
                && from.head(kept.position).is_ok_and(|head| head == kept.position)
            {
                return Ok(ask(kept));
            }
        }
        let mut place = place.write().unwrap_or_else(PoisonError::into_inner);
        let mut kept = match place.take() {
            Some(kept) => kept,
            None => from.build()?,
        };
        match from.refresh(&mut kept) {
            Ok(()) => {}
            // What left meanwhile is forgotten, or the store is another one.
            Err(StoreError::FeedExpired) => kept = from.build()?,
            Err(error) => {
                *place = Some(kept);
                return Err(error.into());
            }
        }
        let answer = ask(&kept);
        *place = Some(kept);
        Ok(answer)
    }

    fn place(&self, tenant: &TenantId, company: &CompanyId) -> Arc<Place> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.asked += 1;
        let asked = shelf.asked;
        let key = (tenant.clone(), company.clone());
        let (last, place) = shelf.places.entry(key).or_default();
        *last = asked;
        let place = Arc::clone(place);
        if shelf.places.len() > BOOKS {
            let oldest = shelf.places.iter().min_by_key(|(_, (last, _))| *last);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                shelf.places.remove(&key);
            }
        }
        place
    }
}

/// Where a book's records come from.
struct Source<'a> {
    store: &'a dyn Store,
    scope: &'a TenantScope,
    company: &'a CompanyId,
    now: Timestamp,
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

    /// A book of all records.
    fn build(&self) -> Result<Kept, StoreError> {
        let mut kept = Kept {
            book: PriceBook::new(Options::default()),
            inactive: HashSet::new(),
            unreadable: BTreeSet::new(),
            position: self.head(0)?,
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
    use super::*;

    #[test]
    fn the_company_that_was_asked_about_longest_ago_goes() {
        let books = Books::default();
        let tenant = TenantId::new("t");
        let company = |n: usize| CompanyId::new(format!("C{n}"));
        let first = books.place(&tenant, &company(0));
        for n in 1..BOOKS {
            books.place(&tenant, &company(n));
        }
        assert!(Arc::ptr_eq(&first, &books.place(&tenant, &company(0))));
        // One more: company 1 is the one that nobody has asked about since.
        books.place(&tenant, &company(BOOKS));
        let shelf = books.0.lock().unwrap();
        assert_eq!(shelf.places.len(), BOOKS);
        assert!(!shelf.places.contains_key(&(tenant.clone(), company(1))));
        assert!(shelf.places.contains_key(&(tenant, company(0))));
    }
}
