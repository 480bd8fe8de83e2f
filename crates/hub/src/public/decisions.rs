//! What people do with documents that wait for them: edit, try again, give up.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use hub_store::{Import, TenantScope};
use model::{Decision, Problem};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use values::ImportId;
use wire::agent::DecideAction;

use super::imports::{checked, readable, show};
use super::withheld::Told;
use crate::api::Endpoint;
use crate::auth::Writer;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::openapi::answers::example_import;
use crate::openapi::requests::examples;
use crate::openapi::schema::{count, reference, text};
use crate::openapi::{JSON, Operation};
use crate::request::{Body, Optional, Parameters, Unique};

pub(crate) fn endpoints() -> [Endpoint; 3] {
    let patch = vec![(
        "new_address".to_owned(),
        json!({ "ship_to": { "ship_to_name": "Gate 2" }, "comment": null }),
    )];
    let edit_it = of_import("edit_import", "Edits a document")
        .described("A JSON merge patch (RFC 7396), checked like a POST, while the document is not taken up by the driver, held or refused.")
        .body(JSON, reference("MergePatch"), patch)
        .refuses(&["document_refused", "gateway_transaction_used"]);
    let retry_it = of_import("retry_import", "Tries a document again")
        .described("Held, refused or in doubt. In doubt needs `in_doubt` accepted and a `why`.")
        .optional_body(JSON, reference("Decision"), examples("decision"))
        .refuses(&[
            "accept_unknown",
            "decision_incomplete",
            "gateway_transaction_used",
        ]);
    let why = vec![("why".to_owned(), json!({ "why": "ordered twice" }))];
    let discard_it = of_import("discard_import", "Gives a document up, for good")
        .optional_body(JSON, reference("Decision"), why)
        .refuses(&["accept_unknown", "decision_incomplete"]);
    [
        Endpoint::patch("/v1/imports/{id}", edit, edit_it),
        Endpoint::post("/v1/imports/{id}/retry", retry, retry_it),
        Endpoint::post("/v1/imports/{id}/discard", discard, discard_it),
    ]
}

fn of_import(id: &'static str, words: &'static str) -> Operation {
    Operation::new(id, "Documents", words)
        .in_path("id", text(), "As POST returned it.", "9f2c4e1a7b3d5f60")
        .takes(
            "revision",
            count(),
            "The revision that the caller saw; refused when it is not the latest.",
        )
        .answers(200, "As it is now.", reference("Import"), example_import())
        .refuses(&[
            "import_unknown",
            "import_not_editable",
            "order_entered",
            "permission_missing",
            "revision_stale",
        ])
}

/// A JSON merge patch (RFC 7396) of the document.
pub(crate) async fn edit(
    Writer(scope): Writer,
    State(hub): State<Hub>,
    id: Result<Path<ImportId>, PathRejection>,
    mut parameters: Parameters,
    body: Result<Body<Unique>, ApiError>,
) -> Result<Json<Value>, ApiError> {
    let Path(id) = id?;
    let revision = revision(&mut parameters)?;
    parameters.finish()?;
    let Body(Unique(patch)) = body?;
    if !patch.is_object() {
        return Err(ApiError::new("body_invalid", "a merge patch is a JSON object"));
    }
    let now = hub.now();
    let edited = hub
        .call_api(move |store| {
            let import = store.import(&scope, &id)?;
            let from = revision.unwrap_or(import.revision);
            let body = match import.body {
                Some(body) => patched(body, patch),
                // The store says why not.
                None => return Ok(store.edit_import(&scope, &id, from, &Value::Null, now)?),
            };
            // What stood there already is not this token's to read in each case.
            let told = Told {
                scope: &scope,
                catalog: store.catalog(),
                kind: import.kind,
            };
            let company = checked(import.kind, &body)
                .map_err(|problems| ApiError::document(told.problems(problems)))?;
            if company != import.company {
                return Err(ApiError::document(vec![
                    Problem::new(
                        "company_fixed",
                        "company",
                        format!("the document was posted for company {}", import.company),
                        "discard it and post a new one for the other company",
                    )
                    .with_value(company.as_str()),
                ]));
            }
            let edited = store.edit_import(&scope, &id, from, &body, now)?;
            Ok(readable(&scope, store, edited))
        })
        .await?;
    Ok(Json(show(edited, None, false)))
}

/// What `POST /v1/imports/{id}/retry` and `/discard` say.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    #[serde(default)]
    accept: Vec<String>,
    #[serde(default)]
    why: String,
}

pub(crate) async fn retry(
    Writer(scope): Writer,
    State(hub): State<Hub>,
    id: Result<Path<ImportId>, PathRejection>,
    parameters: Parameters,
    body: Result<Optional<Words>, ApiError>,
) -> Result<Json<Value>, ApiError> {
    decide(scope, hub, id, parameters, body, DecideAction::Retry).await
}

pub(crate) async fn discard(
    Writer(scope): Writer,
    State(hub): State<Hub>,
    id: Result<Path<ImportId>, PathRejection>,
    parameters: Parameters,
    body: Result<Optional<Words>, ApiError>,
) -> Result<Json<Value>, ApiError> {
    decide(scope, hub, id, parameters, body, DecideAction::Discard).await
}

async fn decide(
    scope: Arc<TenantScope>,
    hub: Hub,
    id: Result<Path<ImportId>, PathRejection>,
    mut parameters: Parameters,
    body: Result<Optional<Words>, ApiError>,
    action: DecideAction,
) -> Result<Json<Value>, ApiError> {
    let Path(id) = id?;
    let revision = revision(&mut parameters)?;
    parameters.finish()?;
    let Optional(Words { accept, why }) = body.map_err(|refusal| match refusal.code() {
        "body_invalid" => refusal.with_remedy(
            r#"send {"accept": ["CODE"], "why": "TEXT"}, each where it is needed, or nothing at all"#,
        ),
        _ => refusal,
    })?;
    let (decision, now) = (Decision { accept, why }, hub.now());
    let decided: Import = hub
        .call(move |store| {
            let decided = store.decide_import(&scope, &id, revision, action, &decision, now)?;
            Ok(readable(&scope, store, decided))
        })
        .await?;
    Ok(Json(show(decided, None, false)))
}

/// The revision that the caller saw.
fn revision(parameters: &mut Parameters) -> Result<Option<u32>, ApiError> {
    let Some(text) = parameters.take("revision")? else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        ApiError::new("parameter_invalid", format!("revision is {text:?}"))
            .with_remedy("send the revision that GET /v1/imports/{id} shows, or leave it out")
    })
}

/// RFC 7396: members of the patch replace those of the document, null takes one out.
fn patched(document: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch;
    };
    let mut object = match document {
        Value::Object(object) => object,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    for (name, value) in patch {
        if value.is_null() {
            object.remove(&name);
        } else {
            let before = object.remove(&name).unwrap_or(Value::Null);
            object.insert(name, patched(before, value));
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn patches_as_the_standard_says() {
        for (document, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            assert_eq!(patched(document, patch.clone()), result, "{patch}");
        }
    }
}
