//! Rows coming in, and hashes going back.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use wire::agent::{
    BatchAck, ChecksumPage, ChecksumRequest, HashPage, HashRequest, StreamRequest, StreamReset, StreamState,
};
use wire::{BatchError, MAX_BATCH_BYTES, decode_batch};

use super::check_company;
use crate::auth::Driver;
use crate::error::ApiError;
use crate::hub::{Counters, Hub};
use crate::request::Body;

/// A full batch over a line of 5 Mbit/s.
const BODY_TIME: Duration = Duration::from_secs(120);

pub(crate) async fn open(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    Body(request): Body<StreamRequest>,
) -> Result<Json<StreamState>, ApiError> {
    hub.call(move |store| store.stream(&scope, &request))
        .await
        .map(Json)
}

pub(crate) async fn reset(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    Body(request): Body<StreamReset>,
) -> Result<Json<StreamState>, ApiError> {
    check_company(&request.company)?;
    let now = hub.now();
    hub.call(move |store| store.reset_stream(&scope, &request, now))
        .await
        .map(Json)
}

pub(crate) async fn hashes(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    Body(request): Body<HashRequest>,
) -> Result<Json<HashPage>, ApiError> {
    hub.call(move |store| store.hashes(&scope, &request))
        .await
        .map(Json)
}

pub(crate) async fn checksums(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    Body(request): Body<ChecksumRequest>,
) -> Result<Json<ChecksumPage>, ApiError> {
    hub.call(move |store| store.checksums(&scope, &request))
        .await
        .map(Json)
}

pub(crate) async fn batch(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    request: Request,
) -> Result<Json<BatchAck>, ApiError> {
    let stopped = |_| ApiError::new("store_unavailable", "the hub is stopping");
    // Taken before the body is read: what waits outside costs no memory.
    let _room = hub.batches().acquire().await.map_err(stopped)?;
    let body = tokio::time::timeout(
        BODY_TIME,
        axum::body::to_bytes(request.into_body(), MAX_BATCH_BYTES),
    )
    .await;
    let bytes = match body {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => {
            let detail = format!("the batch is over {MAX_BATCH_BYTES} bytes or broke off: {error}");
            return Err(ApiError::new("body_too_large", detail));
        }
        Err(_) => {
            return Err(ApiError::new(
                "body_late",
                format!("no batch within {} s", BODY_TIME.as_secs()),
            ));
        }
    };
    let now = hub.now();
    let done = hub
        .call_api(move |store| {
            let (header, batch, digest) = decode_batch(&bytes).map_err(refuse)?;
            drop(bytes);
            let records = u64::try_from(batch.parents.num_rows()).unwrap_or(0);
            host::fault::point("hub.before_ingest");
            let ack = store.ingest(&scope, &header, &batch, digest, now)?;
            host::fault::point("hub.after_ingest");
            Ok((ack, records))
        })
        .await;
    let counters = hub.counters();
    match done {
        Ok((ack, records)) => {
            if !ack.repeated {
                Counters::add(&counters.batches, 1);
                Counters::add(&counters.records, records);
            }
            Ok(Json(ack))
        }
        Err(error) => {
            Counters::add(&counters.refusals, 1);
            Err(error)
        }
    }
}

fn refuse(error: BatchError) -> ApiError {
    match error {
        BatchError::TooLarge { .. } | BatchError::RowsTooLarge => {
            ApiError::new("body_too_large", error.to_string())
        }
        BatchError::Malformed(_) | BatchError::Header(_) | BatchError::Rows(_) => {
            ApiError::new("batch_malformed", error.to_string())
        }
    }
}
