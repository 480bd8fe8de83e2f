//! The feed: every record of a tenant at its latest position, tombstones between.

use axum::Json;
use axum::extract::State;
use hub_store::{Change, ChangeQuery, Record};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use values::{CompanyId, DatasetName, Key};

use super::records::chosen_company;
use crate::api::{Description, Endpoint};
use crate::auth::Reader;
use crate::cursor;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::openapi::schema::{reference, text};
use crate::openapi::{self, Operation};
use crate::request::Parameters;

const DEFAULT_LIMIT: u32 = 100;
/// A page of the widest records stays below a few MiB.
const MAX_LIMIT: u32 = 1000;

pub(crate) fn endpoints() -> [Endpoint; 1] {
    [Endpoint::get("/v1/changes", changes, Description::each(describe))]
}

fn describe(catalog: &catalog::Catalog) -> Vec<(String, Operation)> {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT });
    let removed = json!({
        "dataset": "items", "key": "OLD", "company": "ABC", "updated_at": "2026-05-06T10:00:01Z",
        "deleted_at": "2026-05-06T10:00:01Z",
    });
    let page = json!({
        "data": [openapi::records::example_change(catalog), removed], "next_cursor": "ZgpzMQp0XzEKNw", "has_more": false,
    });
    let operation = Operation::new("list_changes", "Changes", "What has changed, in all datasets")
        .described(
            "Every record of all companies that the token sees, at its latest position and in order; states between two \
             looks may be passed over, final ones never. Keep `next_cursor`, also of an empty page, and ask again from there.",
        )
        .takes("since", text(), "`next_cursor` of the page before. Left out or blank: from the very start.")
        .takes("limit", limit, "Changes of a page.")
        .takes("company", text(), "Only those of this company.")
        .takes("datasets", text(), "Only those of these datasets, separated by commas.")
        .answers(200, "The page.", reference("ChangePage"), page)
        .and(200, "links", json!({
            "on": {
                "operationId": "list_changes", "description": "What comes next, now or later.",
                "parameters": { "query.since": "$response.body#/next_cursor" },
            },
        }))
        .conditional()
        .refuses(&["company_unknown", "cursor_expired", "cursor_invalid"]);
    vec![("/v1/changes".to_owned(), operation)]
}

async fn changes(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    mut parameters: Parameters,
) -> Result<Json<Page>, ApiError> {
    let since = parameters.take("since")?.filter(|since| !since.is_empty());
    let limit = parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
    let company = parameters.take("company")?;
    let datasets = parameters.take("datasets")?;
    parameters.finish()?;
    let (now, of_request) = (hub.now(), hub.clone());
    hub.call_api(move |store| {
        let feed = cursor::Feed {
            store: store.id(),
            tenant: scope.tenant(),
        };
        let (after, begun) = since.map_or(Ok((0, 0)), |since| feed.read(&since))?;
        let company: Option<CompanyId> = match company {
            Some(name) => chosen_company(&of_request, &scope, Some(name))?,
            None => None,
        };
        let named = |list: String| -> Result<Vec<DatasetName>, ApiError> {
            let names = list.split(',').map(str::trim);
            let known = |name| store.dataset(&scope, name).map(|dataset| dataset.name.clone());
            Ok(names.map(known).collect::<Result<_, _>>()?)
        };
        let query = ChangeQuery {
            after,
            begun,
            company,
            datasets: datasets.map(named).transpose()?,
            limit,
        };
        let page = store.changes(&scope, &query, now)?;
        Ok(Json(Page {
            data: page.data.into_iter().map(Shown::from).collect(),
            next_cursor: feed.after(page.position, page.begun),
            has_more: page.more,
        }))
    })
    .await
}

/// A page as it is answered.
#[derive(Serialize)]
struct Page {
    data: Vec<Shown>,
    next_cursor: String,
    has_more: bool,
}

/// A change as it is answered: with the record, or with the time at which it left.
#[derive(Serialize)]
struct Shown {
    dataset: DatasetName,
    company: CompanyId,
    key: Key,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Record>,
}

impl From<Change> for Shown {
    fn from(change: Change) -> Self {
        let Change {
            dataset,
            company,
            key,
            at,
            record,
            ..
        } = change;
        Self {
            dataset,
            company,
            key,
            updated_at: at,
            deleted_at: record.is_none().then_some(at),
            record,
        }
    }
}
