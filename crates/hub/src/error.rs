//! Refusals: one table of codes, one form (RFC 9457).

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use catalog::RemovalReason;
use hub_store::{StoreError, Tombstone};
use jiff::Timestamp;
use model::Problem;
use serde::Serialize;
use wire::agent::Refusal;

/// One code that the hub answers with.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Stable, snake_case.
    pub code: &'static str,
    /// Short words.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What to do, when the case has nothing more exact to say.
    pub remedy: &'static str,
}

macro_rules! codes {
    ($($status:literal $code:literal $title:literal, $remedy:literal;)*) => {
        &[$(Code { code: $code, title: $title, status: $status, remedy: $remedy }),*]
    };
}

/// All codes, by status.
pub const CODES: &[Code] = codes![
    400 "accept_unknown" "The document has no such problem", "accept codes of the problems that the document shows";
    400 "body_invalid" "The body cannot be read", "send JSON of the documented form";
    400 "company_required" "Several companies", "name one with ?company=";
    400 "cursor_invalid" "Not a cursor", "use next_cursor as it was returned, with the same dataset and company";
    400 "field_unknown" "No such field", "name fields of the dataset that the token reads, separated by commas";
    400 "idempotency_key_required" "No idempotency key", "send an Idempotency-Key header that is unique for this document";
    400 "idempotency_key_invalid" "Not an idempotency key", "send 1 to 255 visible ASCII characters";
    400 "key_invalid" "Not a key", "join the parts with ':' and write bytes other than A-Z a-z 0-9 . _ - as ~XX";
    400 "parameter_invalid" "A parameter has a wrong value", "see the API reference for its form";
    400 "parameter_unknown" "Unknown parameter", "remove it, or correct its name";
    400 "replay_invalid" "Not a place to send again from", "send one of since (a cursor of the feed), time or skip";
    400 "path_invalid" "The path cannot be read", "percent-encode the path as UTF-8";
    400 "protocol_unsupported" "Unsupported protocol version", "bring driver and hub to versions that fit";
    401 "agent_unknown" "Unknown agent", "see `erp-hub agent list`; enrol the driver again if it is gone";
    401 "clock_off" "The clock is off", "set the server's clock by NTP";
    401 "nonce_used" "The request was used before", "sign a new request with a fresh nonce";
    401 "signature_invalid" "The signature does not hold", "enrol the driver again if its key is lost";
    401 "token_invalid" "The token does not hold", "ask for a new token";
    401 "token_expired" "The token's time is over", "make a new token with `erp-hub token add` or `POST /v1/tokens`";
    401 "token_missing" "No token", "send Authorization: Bearer TOKEN";
    403 "address_refused" "The token is not taken from this address", "ask from a network that the token was made for, or make another token";
    403 "agent_revoked" "The agent was revoked", "make a new code and enrol the driver again, if that was a mistake";
    403 "code_expired" "The enrolment code has expired", "make a new code with `erp-hub enroll-code`";
    403 "code_unknown" "No such enrolment code", "copy the code exactly as `erp-hub enroll-code` printed it";
    403 "code_used" "The enrolment code was used before", "make a new code with `erp-hub enroll-code`";
    403 "grant_exceeded" "The new token would reach further than the one that makes it", "name companies and classes that this token has, networks within its own and an end that is not later than its own";
    403 "webhook_beyond_token" "The webhook would read more than the token", "name fewer companies or classes, or use a token that reads them";
    403 "permission_missing" "The token may not do this", "use a token with the scope that is needed";
    404 "company_unknown" "No such company", "use a company of GET /v1/sites";
    404 "dataset_unknown" "No such dataset", "see the API reference for the datasets of this hub";
    404 "error_unknown" "No such error code", "see /errors for all codes";
    404 "import_unknown" "No such import", "use an id as POST returned it";
    404 "path_unknown" "Nothing is here", "see the API reference for the paths of this hub";
    404 "preview_unknown" "No such preview, or no more", "ask for the preview again: an answer is kept for an hour, a question for five minutes";
    404 "record_unknown" "No such record", "list the dataset to see its keys";
    404 "webhook_unknown" "No such webhook", "see GET /v1/webhooks; a webhook is seen by tokens that read all its companies and classes";
    404 "tenant_unknown" "No such tenant", "create it with `erp-hub tenant add NAME`";
    404 "token_unknown" "No such token", "see `erp-hub token list` or `GET /v1/tokens` for the tokens of the tenant";
    405 "method_not_allowed" "Not with this method", "see the API reference for the methods of this path";
    408 "body_late" "The body did not come in time", "send it again over a better line";
    409 "brake_engaged" "Too many records would leave", "look at them with `erp-driver reconcile` and confirm there if they shall leave";
    409 "company_claimed" "Another driver has the company", "stop the other driver and run `erp-hub company move`";
    409 "datasets_too_many" "Too many datasets of the site's own", "sync fewer user-defined tables";
    409 "decision_incomplete" "The decision lacks something", "say why; for a document in doubt, look in Sage first and accept in_doubt only when it is not there";
    409 "epoch_stale" "The stream moved on", "open the stream again and continue from where the hub stands";
    409 "fingerprint_mismatch" "The dataset has another shape here", "bring hub and driver to the same version";
    409 "idempotency_conflict" "The key was used for another document", "use a new key for a new document";
    409 "identity_taken" "Reserved for another document", "take the next number";
    409 "gateway_transaction_used" "The gateway's transaction was sent before", "if it is the same payment, do not send it again; if not, send the gateway's id of this one";
    409 "import_not_editable" "The document cannot be changed in its state", "what the driver has taken up ends first (problems says what it waits for), what is written or discarded stays; see its state";
    409 "lease_lost" "Another process is the company's writer", "stop writing and ask for a new lease";
    409 "order_entered" "The order is in Sage", "edit payment alone, and change the order in Sage; or discard the document and say why";
    409 "out_of_order" "Not the next batch", "open the stream again and continue from where the hub stands";
    409 "revision_stale" "The document was edited or decided about", "look at it as it is now, then decide with its revision";
    409 "stream_diverged" "The batch does not continue the stream", "open the stream again";
    409 "webhook_disabled" "The webhook is switched off", "switch it on again once its receiver answers: PATCH with active true";
    409 "webhooks_too_many" "Too many webhooks", "remove one, or let one webhook be told of more datasets";
    409 "tenant_exists" "The tenant exists", "choose another name";
    410 "cursor_expired" "The cursor is too old, or from another store", "start again without it";
    410 "record_deleted" "The record is no longer in the ERP", "take it out of what you keep; deleted_at and reason tell when and why it left";
    413 "body_too_large" "The body is too large", "send less at a time";
    422 "batch_malformed" "The batch is not of its dataset's shape", "report this with the driver's version";
    422 "document_refused" "The document cannot be taken", "correct the fields named in problems and post it again";
    422 "webhook_address_private" "Not a public address", "use a public address; the hub's operator can allow others with --allow-private-webhooks";
    422 "webhook_event_unknown" "No such kind of event", "use record.changed, record.deleted or import.state_changed";
    422 "webhook_url_invalid" "Not an address that messages can go to", "use an https:// address without user, password and fragment";
    422 "time_zone_unknown" "Not a time zone", "set erp.time_zone to an IANA name such as America/New_York";
    429 "previews_waiting" "Too many previews wait", "wait as long as Retry-After says, and preview when the buyer checks out, not with each change of the cart";
    429 "rate_limited" "Too many requests", "wait as long as Retry-After says; ask for more records at a time, or follow GET /v1/changes";
    429 "too_many_at_once" "Too many requests at the same time", "send fewer requests of the token side by side; ask for more records at a time";
    431 "headers_too_large" "Headers and address are too large", "send shorter headers, or follow the feed instead of a long address";
    500 "internal" "The hub failed", "try again; if it stays, look at the hub's log";
    500 "store_corrupt" "The store cannot be read", "restore it from a backup and report this";
    500 "store_too_new" "The store is of a later version", "run the version of the hub that wrote it";
    503 "hub_busy" "The hub has too much to do", "try again as Retry-After says; a document is taken once under its idempotency key";
    503 "request_late" "The request took too long", "try again; a document is taken once under its idempotency key";
    503 "store_unavailable" "The store does not answer", "try again; if it stays, look at the hub's disk and log";
];

/// The code's entry.
pub(crate) fn find(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|c| c.code == code)
}

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct ApiError {
    code: &'static Code,
    detail: String,
    remedy: Option<String>,
    problems: Vec<Problem>,
    deleted: Option<Deleted>,
}

/// When and why a record left.
#[derive(Debug, Serialize)]
struct Deleted {
    deleted_at: Timestamp,
    reason: RemovalReason,
}

const INTERNAL: &Code = &Code {
    code: "internal",
    title: "The hub failed",
    status: 500,
    remedy: "try again; look at the hub's log",
};

impl ApiError {
    /// A refusal with a code of the table.
    pub(crate) fn new(code: &str, detail: impl Into<String>) -> Self {
        let code = find(code).unwrap_or(INTERNAL);
        Self {
            code,
            detail: detail.into(),
            remedy: None,
            problems: Vec::new(),
            deleted: None,
        }
    }

    /// With a remedy that fits better than the table's.
    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// A record that is no longer there.
    pub(crate) fn deleted(dataset: &str, tombstone: &Tombstone) -> Self {
        let Tombstone {
            key,
            reason,
            deleted_at,
            ..
        } = tombstone;
        let detail = format!("{dataset} {key} left at {deleted_at}: {}", reason.as_str());
        Self {
            deleted: Some(Deleted {
                deleted_at: *deleted_at,
                reason: *reason,
            }),
            ..Self::new("record_deleted", detail)
        }
    }

    /// A document with problems.
    pub(crate) fn document(problems: Vec<Problem>) -> Self {
        let detail = match problems.as_slice() {
            [one] => format!("{}: {}", one.field, one.message),
            more => format!("{} problems", more.len()),
        };
        Self {
            problems,
            ..Self::new("document_refused", detail)
        }
    }

    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        self.code.code
    }

    /// What is wrong.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let refusal = Self::new(error.code(), error.to_string()).with_remedy(error.remedy());
        if refusal.code.status < 500 {
            return refusal;
        }
        // The database's own words are for the log, not for callers.
        tracing::error!(%error, "the store failed");
        Self {
            detail: refusal.code.title.to_owned(),
            ..refusal
        }
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new("parameter_invalid", rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::new("path_invalid", rejection.body_text())
    }
}

#[derive(Serialize)]
struct Body {
    #[serde(flatten)]
    refusal: Refusal,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    deleted: Option<Deleted>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let refusal = Refusal {
            kind: format!("/errors/{}", self.code.code),
            title: self.code.title.to_owned(),
            status: self.code.status,
            code: self.code.code.to_owned(),
            detail: self.detail,
            remedy: self.remedy.unwrap_or_else(|| self.code.remedy.to_owned()),
        };
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (
            status,
            Json(Body {
                refusal,
                problems: self.problems,
                deleted: self.deleted,
            }),
        )
            .into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let later = match status {
            StatusCode::SERVICE_UNAVAILABLE => Some("5"),
            StatusCode::TOO_MANY_REQUESTS => Some("1"),
            _ => None,
        };
        if let Some(seconds) = later {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use catalog::ShapeError;
    use hub_store::WebhookId;
    use values::{AgentId, CompanyId, DatasetName, ImportId};

    use super::*;

    #[test]
    fn every_code_can_be_acted_on() {
        let mut seen = HashSet::new();
        for code in CODES {
            assert!(seen.insert(code.code), "{} stands twice", code.code);
            assert!(
                code.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{}",
                code.code
            );
            assert!(
                (400..600).contains(&code.status) && StatusCode::from_u16(code.status).is_ok(),
                "{}",
                code.code
            );
            assert!(!code.title.is_empty() && !code.remedy.is_empty(), "{}", code.code);
            assert_eq!(ApiError::new(code.code, "").code(), code.code);
        }
        assert!(seen.contains(INTERNAL.code));
    }

    #[test]
    fn agents_and_the_store_use_codes_of_the_table() {
        use wire::agent::code;
        for code in [
            code::CODE_USED,
            code::CODE_EXPIRED,
            code::CODE_UNKNOWN,
            code::AGENT_REVOKED,
            code::TOKEN_INVALID,
            code::CLOCK_OFF,
            code::COMPANY_CLAIMED,
            code::LEASE_LOST,
            code::STREAM_DIVERGED,
            code::EPOCH_STALE,
            code::OUT_OF_ORDER,
            code::FINGERPRINT_MISMATCH,
            code::DATASET_UNKNOWN,
            code::IDENTITY_TAKEN,
            code::BRAKE_ENGAGED,
            code::IMPORT_UNKNOWN,
            code::IMPORT_NOT_EDITABLE,
            code::REVISION_STALE,
            code::ACCEPT_UNKNOWN,
            code::PREVIEW_UNKNOWN,
            code::PROTOCOL_UNSUPPORTED,
        ] {
            assert!(find(code).is_some(), "{code}");
        }
        for error in [
            StoreError::TenantUnknown("x".into()),
            StoreError::TenantExists("x".into()),
            StoreError::AgentUnknown(AgentId::new("x")),
            StoreError::NonceUsed,
            StoreError::TokenExpired(Timestamp::UNIX_EPOCH),
            StoreError::TokenUnknown("x".into()),
            StoreError::CompanyUnknown(CompanyId::new("x")),
            StoreError::TimeZoneUnknown("x".into()),
            StoreError::Shape(ShapeError {
                dataset: "x".into(),
                problem: "x".into(),
            }),
            StoreError::IdempotencyConflict(ImportId::new("x")),
            StoreError::DatasetsTooMany {
                dataset: DatasetName::new("x"),
                most: 1,
            },
            StoreError::FeedExpired,
            StoreError::FilterInvalid {
                field: "x".into(),
                value: "x".into(),
                wanted: "a date",
            },
            StoreError::RevisionStale {
                id: ImportId::new("x"),
                found: 2,
                given: 1,
            },
            StoreError::ImportNotEditable {
                id: ImportId::new("x"),
                state: "written".into(),
                action: "edited",
            },
            StoreError::OrderEntered {
                id: ImportId::new("x"),
                sales_order_no: "0000001".into(),
            },
            StoreError::TransactionUsed {
                transaction: "x".into(),
                by: ImportId::new("x"),
            },
            StoreError::DecisionIncomplete {
                id: ImportId::new("x"),
                state: "held".into(),
                missing: "why",
            },
            StoreError::AcceptUnknown {
                id: ImportId::new("x"),
                code: "x".into(),
                has: Vec::new(),
            },
            StoreError::PreviewsWaiting {
                company: CompanyId::new("x"),
                waiting: 1,
            },
            StoreError::WebhookUnknown(WebhookId::new("x")),
            StoreError::WebhookBeyondToken,
            StoreError::WebhooksTooMany(1),
            StoreError::WebhookDisabled(WebhookId::new("x")),
            StoreError::TooNew { found: 2, known: 1 },
            StoreError::Corrupt("x".into()),
            StoreError::Unavailable("x".into()),
        ] {
            let code = error.code();
            assert_eq!(ApiError::from(error).code(), code);
        }
        for code in [
            "store_unavailable",
            "key_invalid",
            "cursor_invalid",
            "path_unknown",
        ] {
            assert!(find(code).is_some(), "{code}");
        }
    }
}
