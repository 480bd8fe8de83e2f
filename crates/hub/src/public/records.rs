//! Records of the ERP.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use catalog::Dataset;
use hub_store::{Lookup, Page, Record, RecordQuery, Selection, TenantScope};
use model::ImportKind;
use serde::Serialize;
use values::{CompanyId, Key};

use super::imports;
use crate::api::{Description, Endpoint};
use crate::auth::Reader;
use crate::cursor::Listing;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::openapi;
use crate::request::Parameters;

const DEFAULT_LIMIT: u32 = 100;
/// A page of the widest records stays below a few MiB.
const MAX_LIMIT: u32 = 1000;
/// In a path for the key that is blank, which a path cannot hold: no key is written so.
const BLANK_KEY: &str = "~";

/// Described in [`openapi::records`], from the catalog.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![
        Endpoint::get("/v1/{dataset}", list, Description::each(openapi::records::lists)),
        Endpoint::get(
            "/v1/{dataset}/{key}",
            one,
            Description::each(openapi::records::singles),
        ),
    ];
    // What may be posted has a path of its own, which hides the one with a name in it.
    all.extend(ImportKind::ALL.map(|kind| {
        let list = move |reader: Reader, hub: State<Hub>, parameters: Parameters| {
            list_of(kind.collection().to_owned(), reader, hub, parameters)
        };
        Endpoint::get(imports::path(kind), list, Description::elsewhere())
    }));
    all
}

/// A page as it is answered.
#[derive(Serialize)]
struct Listed {
    data: Vec<Record>,
    next_cursor: Option<String>,
    /// Only where records come by position.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_updated_since: Option<String>,
}

async fn list(
    reader: Reader,
    hub: State<Hub>,
    dataset: Result<Path<String>, PathRejection>,
    parameters: Parameters,
) -> Result<Json<Listed>, ApiError> {
    let Path(name) = dataset?;
    list_of(name, reader, hub, parameters).await
}

async fn list_of(
    name: String,
    Reader(scope): Reader,
    State(hub): State<Hub>,
    mut parameters: Parameters,
) -> Result<Json<Listed>, ApiError> {
    let now = hub.now();
    let of_request = hub.clone();
    hub.call_api(move |store| {
        let dataset = store.dataset(&scope, &name)?;
        let limit = parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
        let company = parameters.take("company")?;
        let cursor = parameters.take("cursor")?;
        let updated_since = parameters.take("updated_since")?;
        let mut filters = Vec::new();
        for (place, field) in dataset.fields.iter().enumerate() {
            if field.indexed
                && !field.is_udf()
                && scope.reads(field.class)
                && let Some(value) = parameters.take(&field.name)?
            {
                filters.push((place, value));
            }
        }
        let fields = selection(&mut parameters, &dataset, &scope)?;
        parameters.finish()?;
        let by_position = updated_since.is_some();
        let Some(company) = chosen_company(&of_request, &scope, company)? else {
            // Nothing has ever been synced for this tenant.
            return Ok(Json(Listed {
                data: Vec::new(),
                next_cursor: None,
                next_updated_since: updated_since,
            }));
        };
        let listing = Listing {
            store: store.id(),
            dataset: &dataset.name,
            company: &company,
        };
        let start = start(&listing, cursor.as_deref(), updated_since.as_deref())?;
        let query = RecordQuery {
            dataset: &dataset,
            company: company.clone(),
            page: start,
            limit,
            filters,
            fields,
        };
        let page = store.records(&scope, &query, now)?;

        let next = page.last.as_ref().filter(|_| !page.end);
        let reached = || listing.after_position(page.position, page.begun);
        let next_cursor = next.map(|(key, _)| {
            if by_position {
                reached()
            } else {
                listing.after_key(key)
            }
        });
        let next_updated_since = by_position.then(reached);
        Ok(Json(Listed {
            data: page.data,
            next_cursor,
            next_updated_since,
        }))
    })
    .await
}

pub(crate) async fn one(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    path: Result<Path<(String, String)>, PathRejection>,
    mut parameters: Parameters,
) -> Result<Json<Record>, ApiError> {
    let Path((name, key)) = path?;
    let now = hub.now();
    let of_request = hub.clone();
    hub.call_api(move |store| {
        let dataset = store.dataset(&scope, &name)?;
        let company = parameters.take("company")?;
        let fields = selection(&mut parameters, &dataset, &scope)?;
        parameters.finish()?;
        let unknown = || ApiError::new("record_unknown", format!("{name} has no record {key}"));
        let text = if key == BLANK_KEY { "" } else { &key };
        let parsed = Key::parse(text).map_err(|e| ApiError::new("key_invalid", format!("{key:?} is {e}")))?;
        let company = chosen_company(&of_request, &scope, company)?.ok_or_else(unknown)?;
        match store.record(&scope, &dataset, &company, &parsed, fields.as_ref(), now)? {
            Lookup::Found(record) => Ok(Json(record)),
            Lookup::Deleted(tombstone) => Err(ApiError::deleted(&name, &tombstone)),
            Lookup::Unknown => Err(unknown()),
        }
    })
    .await
}

/// Which fields are asked for; none means all.
fn selection(
    parameters: &mut Parameters,
    dataset: &Dataset,
    scope: &TenantScope,
) -> Result<Option<Selection>, ApiError> {
    let Some(list) = parameters.take("fields")? else {
        return Ok(None);
    };
    let selection = Selection::read(&list, dataset, scope).map_err(|name| {
        let detail = format!("{} has no field {name:?} that the token reads", dataset.name);
        ApiError::new("field_unknown", detail)
    })?;
    Ok(Some(selection))
}

/// The company that is meant; none when the token sees none at all.
pub(crate) fn chosen_company(
    hub: &Hub,
    scope: &TenantScope,
    named: Option<String>,
) -> Result<Option<CompanyId>, ApiError> {
    let named = named.map(CompanyId::new);
    // What is known may be a second old: only what it answers well is taken from it.
    let known = hub.companies(scope.tenant(), false)?;
    if let Ok(Some(company)) = choose(&known, scope, named.as_ref()) {
        return Ok(Some(company));
    }
    choose(&hub.companies(scope.tenant(), true)?, scope, named.as_ref())
}

fn choose(
    all: &[CompanyId],
    scope: &TenantScope,
    named: Option<&CompanyId>,
) -> Result<Option<CompanyId>, ApiError> {
    let mut seen = all.iter().filter(|c| scope.sees(c));
    if let Some(named) = named {
        if seen.any(|c| c == named) {
            return Ok(Some(named.clone()));
        }
        return Err(hub_store::StoreError::CompanyUnknown(named.clone()).into());
    }
    let seen: Vec<_> = seen.collect();
    match seen.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).clone())),
        several => {
            let names: Vec<_> = several.iter().map(|c| c.as_str()).collect();
            let detail = format!("the token sees companies {}", names.join(", "));
            Err(ApiError::new("company_required", detail))
        }
    }
}

/// A cursor goes on where its page ended; `updated_since` alone begins, blank from the very start.
fn start(listing: &Listing<'_>, cursor: Option<&str>, updated_since: Option<&str>) -> Result<Page, ApiError> {
    let start = match (cursor, updated_since) {
        (None, None) => return Ok(Page::Key(None)),
        (None, Some("")) => return Ok(Page::Position(0)),
        (Some(text), _) | (None, Some(text)) => listing.read(text)?,
    };
    match (&start, updated_since) {
        (Page::Key(_), None) | (Page::Position(_) | Page::Walk { .. }, Some(_)) => Ok(start),
        (Page::Key(_), Some(_)) | (Page::Position(_) | Page::Walk { .. }, None) => Err(ApiError::new(
            "cursor_invalid",
            "the cursor belongs to a listing in another order",
        )
        .with_remedy("repeat the parameters of the first page with each cursor")),
    }
}
