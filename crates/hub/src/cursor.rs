//! Opaque cursors: where a listing goes on.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub_store::Page;
use values::{CompanyId, DatasetName, Key, StoreId, TenantId};

use crate::error::ApiError;

/// What a cursor belongs to. One from elsewhere is refused instead of giving odd pages.
pub(crate) struct Listing<'a> {
    /// Positions are counted anew in another store.
    pub(crate) store: &'a StoreId,
    /// Which dataset.
    pub(crate) dataset: &'a DatasetName,
    /// Whose rows.
    pub(crate) company: &'a CompanyId,
}

impl Listing<'_> {
    /// Behind this key.
    pub(crate) fn after_key(&self, key: &Key) -> String {
        self.write("k", key.as_str())
    }

    /// Behind this position of the feed, on a walk that began at the very start when the feed
    /// stood at `begun` (zero for others).
    pub(crate) fn after_position(&self, position: u64, begun: u64) -> String {
        self.write("p", &place(position, begun))
    }

    /// Reads either.
    pub(crate) fn read(&self, cursor: &str) -> Result<Page, ApiError> {
        let invalid = || ApiError::new("cursor_invalid", "the cursor is not one of this listing");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let text = String::from_utf8(bytes).map_err(|_| invalid())?;
        let parts: Vec<_> = text.splitn(5, '\n').collect();
        let [kind, store, dataset, company, place] = parts.as_slice() else {
            return Err(invalid());
        };
        if (*dataset, *company) != (self.dataset.as_str(), self.company.as_str()) {
            return Err(invalid());
        }
        match *kind {
            "k" => Key::parse(place)
                .map(|key| Page::Key(Some(key)))
                .map_err(|_| invalid()),
            "p" if *store != self.store.as_str() => Err(ApiError::new(
                "cursor_expired",
                "the cursor is from another store, or from before a restore",
            )),
            "p" => read_place(place)
                .map(|(after, begun)| Page::of_walk(after, begun))
                .ok_or_else(invalid),
            _ => Err(invalid()),
        }
    }

    fn write(&self, kind: &str, place: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!(
            "{kind}\n{}\n{}\n{}\n{place}",
            self.store, self.dataset, self.company
        ))
    }
}

/// The feed of one tenant. Its positions mean nothing in another's.
pub(crate) struct Feed<'a> {
    /// Positions are counted anew in another store.
    pub(crate) store: &'a StoreId,
    /// Whose.
    pub(crate) tenant: &'a TenantId,
}

impl Feed<'_> {
    /// Behind this position, on a walk that began at the very start when the feed stood at
    /// `begun` (zero for others).
    pub(crate) fn after(&self, position: u64, begun: u64) -> String {
        let place = place(position, begun);
        URL_SAFE_NO_PAD.encode(format!("f\n{}\n{}\n{place}", self.store, self.tenant))
    }

    /// Reads [`Self::after`].
    pub(crate) fn read(&self, cursor: &str) -> Result<(u64, u64), ApiError> {
        let invalid = || ApiError::new("cursor_invalid", "the cursor is not one of this feed");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let text = String::from_utf8(bytes).map_err(|_| invalid())?;
        match text.split('\n').collect::<Vec<_>>().as_slice() {
            ["f", _, tenant, _] if *tenant != self.tenant.as_str() => Err(invalid()),
            ["f", store, ..] if *store != self.store.as_str() => Err(ApiError::new(
                "cursor_expired",
                "the cursor is from another store, or from before a restore",
            )),
            ["f", _, _, place] => read_place(place).ok_or_else(invalid),
            _ => Err(invalid()),
        }
    }
}

fn place(position: u64, begun: u64) -> String {
    match begun {
        0 => position.to_string(),
        begun => format!("{position}:{begun}"),
    }
}

/// Position and beginning.
fn read_place(text: &str) -> Option<(u64, u64)> {
    match text.split_once(':') {
        None => Some((text.parse().ok()?, 0)),
        Some((position, begun)) => Some((position.parse().ok()?, begun.parse().ok()?)),
    }
}

/// Listings by number, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbered {
    Imports,
    Audit,
}

impl Numbered {
    const fn mark(self) -> &'static str {
        match self {
            Self::Imports => "i",
            Self::Audit => "a",
        }
    }

    /// Behind the entry with this number.
    pub(crate) fn after(self, store: &StoreId, number: u64) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{store}\n{number}", self.mark()))
    }

    /// Reads [`Self::after`].
    pub(crate) fn read(self, store: &StoreId, cursor: &str) -> Result<u64, ApiError> {
        let invalid = || ApiError::new("cursor_invalid", "the cursor is not one of this listing");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let text = String::from_utf8(bytes).map_err(|_| invalid())?;
        match text.split('\n').collect::<Vec<_>>().as_slice() {
            [mark, ..] if *mark != self.mark() => Err(invalid()),
            [_, of, _] if *of != store.as_str() => Err(ApiError::new(
                "cursor_expired",
                "the cursor is from another store, or from before a restore",
            )),
            [_, _, number] => number.parse().map_err(|_| invalid()),
            _ => Err(invalid()),
        }
    }
}

/// Listings by name, of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Sites,
    Tokens,
}

impl Named {
    const fn mark(self) -> &'static str {
        match self {
            Self::Sites => "s",
            Self::Tokens => "t",
        }
    }

    /// Behind this one.
    pub(crate) fn after(self, tenant: &TenantId, name: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{tenant}\n{name}", self.mark()))
    }

    /// Reads [`Self::after`].
    pub(crate) fn read(self, tenant: &TenantId, cursor: &str) -> Result<String, ApiError> {
        let invalid = || ApiError::new("cursor_invalid", "the cursor is not one of this listing");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let text = String::from_utf8(bytes).map_err(|_| invalid())?;
        match text.splitn(3, '\n').collect::<Vec<_>>().as_slice() {
            [mark, of, name] if *mark == self.mark() && *of == tenant.as_str() => Ok((*name).to_owned()),
            _ => Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feeds_cursor_is_its_tenants_and_its_stores() {
        let (store, other_store) = (StoreId::new("s1"), StoreId::new("s2"));
        let (tenant, other_tenant) = (TenantId::new("t_1"), TenantId::new("t_2"));
        let feed = Feed {
            store: &store,
            tenant: &tenant,
        };
        assert_eq!(feed.read(&feed.after(7, 9)).unwrap(), (7, 9));
        let cursor = feed.after(7, 0);
        assert_eq!(feed.read(&cursor).unwrap(), (7, 0));
        let code = |store, tenant| Feed { store, tenant }.read(&cursor).unwrap_err().code();
        assert_eq!(code(&other_store, &tenant), "cursor_expired");
        assert_eq!(code(&store, &other_tenant), "cursor_invalid");
        for odd in ["", "%", "Zg", "eyJhIjoxfQ"] {
            assert_eq!(feed.read(odd).unwrap_err().code(), "cursor_invalid", "{odd}");
        }
    }

    #[test]
    fn comes_back_only_where_it_belongs() {
        let (store, dataset, company) = (
            StoreId::new("s1"),
            DatasetName::new("items"),
            CompanyId::new("ABC"),
        );
        let here = Listing {
            store: &store,
            dataset: &dataset,
            company: &company,
        };
        let key = Key::from_parts(["/WRITE OFF", ""]);
        assert_eq!(
            here.read(&here.after_key(&key)).unwrap(),
            Page::Key(Some(key.clone()))
        );
        assert_eq!(here.read(&here.after_position(7, 0)).unwrap(), Page::Position(7));
        let walk = Page::Walk { after: 7, begun: 9 };
        assert_eq!(here.read(&here.after_position(7, 9)).unwrap(), walk);
        let customers = DatasetName::new("customers");
        let other = Listing {
            dataset: &customers,
            ..here
        };
        let here = Listing {
            store: &store,
            dataset: &dataset,
            company: &company,
        };
        assert_eq!(
            other.read(&here.after_key(&key)).unwrap_err().code(),
            "cursor_invalid"
        );
        let restored = StoreId::new("s2");
        let later = Listing {
            store: &restored,
            ..here
        };
        let here = Listing {
            store: &store,
            dataset: &dataset,
            company: &company,
        };
        assert_eq!(
            later.read(&here.after_position(7, 0)).unwrap_err().code(),
            "cursor_expired"
        );
        assert_eq!(here.read("%%%").unwrap_err().code(), "cursor_invalid");
    }
}
