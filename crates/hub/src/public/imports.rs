//! Documents for the ERP.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use catalog::Class;
use hub_store::{Import, ImportQuery, NewImport, OrderThread, Store, StoreError, TenantScope, hash_body};
use model::{ImportKind, ImportReport, ImportState, Problem};
use serde_json::{Map, Value, json};
use values::{CompanyId, ImportId, Key};

use super::previews;
use super::withheld::Told;
use crate::api::Endpoint;
use crate::auth::{Reader, Writer};
use crate::cursor::Numbered;
use crate::error::ApiError;
use crate::hub::{Counters, Hub};
use crate::openapi::answers::{example_import, kinds, states};
use crate::openapi::requests;
use crate::openapi::schema::{count, flag, one_of, reference, text, whole};
use crate::openapi::{JSON, Operation};
use crate::request::{Body, Parameters, Unique};

const DEFAULT_LIMIT: u32 = 100;
/// Imports carry their attempts: a page stays below a few MiB.
const MAX_LIMIT: u32 = 1000;
/// Bodies may have a mebibyte each.
const MAX_LIMIT_WITH_REQUEST: u32 = 20;
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Room for any scheme of a shop; it is stored for ever.
const MAX_KEY_BYTES: usize = 255;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let include = one_of(&["request"]);
    let one_of_them = Operation::new("get_import", "Documents", "What became of a document")
        .in_path("id", text(), "As POST returned it.", "9f2c4e1a7b3d5f60")
        .takes(
            "include",
            include.clone(),
            "The body, for tokens of class `personal`.",
        )
        .answers(200, "The document.", reference("Import"), example_import())
        .conditional()
        .refuses(&["import_unknown", "permission_missing"]);
    let mut limit = count();
    limit["minimum"] = 1.into();
    limit["maximum"] = MAX_LIMIT.into();
    let page = json!({ "data": [example_import()], "next_cursor": null });
    let all = Operation::new("list_imports", "Documents", "Documents, the newest first")
        .takes("state", one_of(&states()), "Only those in this state.")
        .takes("kind", one_of(&kinds()), "Only those of this kind.")
        .takes("company", text(), "Only those for this company.")
        .takes("customer", text(), "Only those of the customer with this key.")
        .takes("limit", limit, "Documents of a page; at most 20 with their bodies.")
        .takes("cursor", text(), "`next_cursor` of the page before; repeat the other parameters.")
        .takes("include", include, "The bodies, for tokens of class `personal`.")
        .answers(200, "The page.", reference("ImportPage"), page)
        .and(200, "links", json!({
            "one": { "operationId": "get_import", "parameters": { "path.id": "$response.body#/data/0/id" } },
        }))
        .conditional()
        .refuses(&["cursor_expired", "cursor_invalid", "permission_missing"]);
    let mut all_of_them = vec![
        Endpoint::get("/v1/imports", list, all),
        Endpoint::get("/v1/imports/{id}", one, one_of_them),
    ];
    all_of_them.extend(ImportKind::ALL.map(|kind| {
        let create =
            move |writer: Writer, hub: State<Hub>, headers: HeaderMap, parameters: Parameters, body: Sent| {
                create(kind, writer, hub, headers, parameters, body)
            };
        Endpoint::post(path(kind), create, creation(kind))
    }));
    all_of_them
}

/// Where documents of a kind are posted.
pub(super) const fn path(kind: ImportKind) -> &'static str {
    match kind {
        ImportKind::SalesOrder => "/v1/sales_orders",
        ImportKind::Payment => "/v1/payments",
        ImportKind::Customer => "/v1/customers",
    }
}

/// A document, as far as it could be read.
type Sent = Result<Body<Unique>, ApiError>;

fn creation(kind: ImportKind) -> Operation {
    let name = kind.as_str();
    let key = json!({ "type": "string", "minLength": 1, "maxLength": MAX_KEY_BYTES, "pattern": "^[!-~]([ -~]*[!-~])?$" });
    let words = format!("Posts a {}", name.replace('_', " "));
    let may_preview = matches!(kind, ImportKind::SalesOrder);
    let mut operation = Operation::new(format!("post_{name}"), "Documents", words)
        .described(
            "Stored durably and written into Sage once, however often it is sent under its key. All problems come at once.",
        )
        .header("Idempotency-Key", !may_preview, key, "Unique for this document; the same key with the same body is the same document.")
        .body(JSON, requests::body(kind), requests::examples(name))
        .refuses(&[
            "document_refused",
            "gateway_transaction_used",
            "idempotency_conflict",
            "idempotency_key_invalid",
            "idempotency_key_required",
            "permission_missing",
        ]);
    let (mut schema, example) = (
        reference("ImportAccepted"),
        json!({ "id": "9f2c4e1a7b3d5f60", "state": "received" }),
    );
    if may_preview {
        schema = json!({ "anyOf": [schema, whole([("id", text())])] });
        operation = operation
            .takes(
                "preview",
                flag(),
                "Only ask what Sage would say; no key is needed, nothing is written.",
            )
            .answers(
                200,
                "What Sage would say to it.",
                reference("Preview"),
                previews::example(),
            )
            .refuses(&["previews_waiting"]);
    }
    let id = |operation: &str| json!({ "operationId": operation, "parameters": { "path.id": "$response.body#/id" } });
    operation
        .answers(202, "Stored; it will be written once. Of a preview: still asked.", schema, example)
        .and(202, "headers", json!({ "Location": { "$ref": "#/components/headers/Location" } }))
        .and(202, "links", json!({
            "import": id("get_import"), "edit": id("edit_import"), "retry": id("retry_import"), "discard": id("discard_import"),
        }))
}

async fn create(
    kind: ImportKind,
    Writer(scope): Writer,
    State(hub): State<Hub>,
    headers: HeaderMap,
    mut parameters: Parameters,
    body: Sent,
) -> Result<Response, ApiError> {
    let preview = match kind {
        ImportKind::SalesOrder => parameters.flag("preview")?,
        ImportKind::Payment | ImportKind::Customer => false,
    };
    parameters.finish()?;
    if preview {
        // None is needed, but one that is sent is read.
        if headers.contains_key(IDEMPOTENCY_KEY) {
            idempotency_key(&headers)?;
        }
        let Body(Unique(body)) = body?;
        let company = check(kind, &body)?;
        return previews::ask(scope, hub, (kind, company, body)).await;
    }
    let idempotency_key = idempotency_key(&headers)?;
    let Body(Unique(body)) = body?;
    let company = check(kind, &body)?;
    let canonical =
        serde_json_canonicalizer::to_vec(&body).map_err(|e| ApiError::new("body_invalid", e.to_string()))?;
    let new = NewImport {
        kind,
        idempotency_key,
        company,
        body,
        body_hash: hash_body(&canonical),
    };
    let now = hub.now();
    let stored = hub
        .call_api(move |store| match store.add_import(&scope, &new, now) {
            Err(StoreError::CompanyUnknown(company)) => Err(unknown_company(&company)),
            other => Ok(other?),
        })
        .await?;
    if stored.created_at.as_microsecond() == now.as_microsecond() {
        Counters::add(&hub.counters().documents, 1);
    }
    let location = [(header::LOCATION, format!("/v1/imports/{}", stored.id))];
    Ok((
        StatusCode::ACCEPTED,
        location,
        Json(json!({ "id": stored.id, "state": stored.state })),
    )
        .into_response())
}

pub(crate) async fn one(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    id: Result<Path<ImportId>, PathRejection>,
    mut parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let Path(id) = id?;
    let with_request = with_request(&scope, &mut parameters)?;
    parameters.finish()?;
    hub.call_api(move |store| {
        let import = store.import(&scope, &id)?;
        let order = store.order_thread(&scope, &import)?;
        let import = readable(&scope, store, import);
        Ok(Json(show(import, order, with_request)))
    })
    .await
}

pub(crate) async fn list(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    mut parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let with_request = with_request(&scope, &mut parameters)?;
    let (usual, most) = if with_request {
        (MAX_LIMIT_WITH_REQUEST, MAX_LIMIT_WITH_REQUEST)
    } else {
        (DEFAULT_LIMIT, MAX_LIMIT)
    };
    let limit = parameters.limit(usual, most)?;
    let state = named(&mut parameters, "state", &ImportState::ALL, ImportState::as_str)?;
    let kind = named(&mut parameters, "kind", &ImportKind::ALL, ImportKind::as_str)?;
    let company = parameters.take("company")?.map(CompanyId::new);
    let customer = parameters.take("customer")?.map(|text| {
        Key::parse(&text).map_err(|e| {
            ApiError::new("parameter_invalid", format!("customer is {text:?}, which is {e}"))
                .with_remedy("send the customer's key as GET /v1/customers shows it")
        })
    });
    let cursor = parameters.take("cursor")?;
    parameters.finish()?;
    let mut query = ImportQuery {
        state,
        kind,
        company,
        customer: customer.transpose()?,
        before: None,
        limit,
        with_body: with_request,
    };
    hub.call_api(move |store| {
        query.before = cursor
            .map(|cursor| Numbered::Imports.read(store.id(), &cursor))
            .transpose()?;
        let page = store.imports(&scope, &query)?;
        let next = page.next.map(|place| Numbered::Imports.after(store.id(), place));
        let data: Vec<_> = page
            .data
            .into_iter()
            .map(|import| show(readable(&scope, store, import), None, with_request))
            .collect();
        Ok(Json(json!({ "data": data, "next_cursor": next })))
    })
    .await
}

fn named<T: Copy>(
    parameters: &mut Parameters,
    name: &str,
    all: &[T],
    as_str: impl Fn(T) -> &'static str,
) -> Result<Option<T>, ApiError> {
    let Some(text) = parameters.take(name)? else {
        return Ok(None);
    };
    let known = all.iter().copied().find(|known| as_str(*known) == text);
    known.map(Some).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|known| as_str(*known)).collect();
        ApiError::new("parameter_invalid", format!("no {name} is called {text:?}"))
            .with_remedy(format!("use one of {}", names.join(", ")))
    })
}

/// Bodies hold names, addresses and mail addresses.
fn with_request(scope: &TenantScope, parameters: &mut Parameters) -> Result<bool, ApiError> {
    match parameters.take("include")?.as_deref() {
        None => Ok(false),
        Some("request") if scope.reads(Class::Personal) => Ok(true),
        Some("request") => Err(ApiError::new(
            "permission_missing",
            "the token does not read what is said of persons",
        )
        .with_remedy("use a token that was made with the class personal")),
        Some(other) => Err(
            ApiError::new("parameter_invalid", format!("{other:?} cannot be included"))
                .with_remedy("send include=request, or leave it out"),
        ),
    }
}

/// The import as far as the token may read what the driver says of it.
pub(super) fn readable(scope: &TenantScope, store: &dyn Store, import: Import) -> Import {
    let told = Told {
        scope,
        catalog: store.catalog(),
        kind: import.kind,
    };
    let report = import.report.map(|report| ImportReport {
        warnings: told.warnings(report.warnings),
        problems: told.problems(report.problems),
        totals: told.totals(report.totals),
        ..report
    });
    let attempts = import.attempts.into_iter();
    let attempts = attempts.map(|(revision, attempt)| (revision, told.attempt(attempt)));
    Import {
        report,
        attempts: attempts.collect(),
        ..import
    }
}

/// An import as the API shows it.
pub(super) fn show(import: Import, order: Option<OrderThread>, with_request: bool) -> Value {
    let report = import.report;
    // Numbers first: no number takes the place of a field below.
    let mut shown: Map<String, Value> = report
        .iter()
        .flat_map(|r| &r.numbers)
        .map(|(name, number)| (name.clone(), number.as_str().into()))
        .collect();
    if import.kind == ImportKind::SalesOrder {
        shown.entry("sales_order_no").or_insert(Value::Null);
    }
    let attempts: Vec<_> = import
        .attempts
        .iter()
        .map(|(revision, attempt)| {
            json!({ "at": attempt.at, "step": attempt.step, "detail": attempt.detail, "revision": revision })
        })
        .collect();
    let mut set = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    set("id", json!(import.id));
    set("kind", json!(import.kind));
    set("company", json!(import.company));
    set("revision", import.revision.into());
    set("state", json!(import.state));
    set("customer", json!(import.customer));
    set("decision", json!(import.decision));
    set(
        "totals",
        json!(report.as_ref().map(|r| r.totals.clone()).unwrap_or_default()),
    );
    set(
        "warnings",
        json!(report.as_ref().map(|r| r.warnings.clone()).unwrap_or_default()),
    );
    set("problems", json!(report.map(|r| r.problems).unwrap_or_default()));
    set("attempts", attempts.into());
    set("created_at", json!(import.created_at));
    set("updated_at", json!(import.updated_at));
    if let Some(at) = import.redacted_at {
        set("redacted_at", json!(at));
    }
    if let Some(order) = order {
        set("order", json!(order));
    }
    if with_request {
        set("request", import.body.unwrap_or_default());
    }
    shown.into()
}

/// A document for a company that nobody knows.
pub(super) fn unknown_company(company: &CompanyId) -> ApiError {
    ApiError::document(vec![Problem::new(
        "company_unknown",
        "company",
        format!("no company {company} is known"),
        "send a company of GET /v1/sites",
    )])
}

/// All problems that can be seen here, at once; then the company.
pub(super) fn check(kind: ImportKind, body: &Value) -> Result<CompanyId, ApiError> {
    checked(kind, body).map_err(ApiError::document)
}

/// The same, with the problems as they are.
pub(super) fn checked(kind: ImportKind, body: &Value) -> Result<CompanyId, Vec<Problem>> {
    let company = body
        .get("company")
        .and_then(Value::as_str)
        .filter(|c| !c.is_empty());
    let mut problems = Vec::new();
    if company.is_none() && body.is_object() {
        problems.push(Problem::new(
            "required",
            "company",
            "company is missing or not a text",
            "send a company of GET /v1/sites",
        ));
    }
    problems.extend(kind.problems_of(body));
    match company {
        Some(company) if problems.is_empty() => Ok(CompanyId::new(company)),
        Some(_) | None => Err(problems),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Err(ApiError::new(
            "idempotency_key_required",
            "the request has no Idempotency-Key header",
        ));
    };
    let text = value
        .to_str()
        .ok()
        .map(str::trim)
        .filter(|t| (1..=MAX_KEY_BYTES).contains(&t.len()));
    text.map(str::to_owned).ok_or_else(|| {
        ApiError::new(
            "idempotency_key_invalid",
            format!("the key is empty, over {MAX_KEY_BYTES} bytes or not ASCII"),
        )
    })
}
