//! Rows coming in, and hashes going back.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use hyper::body::Body as _;
use tokio::sync::OwnedSemaphorePermit;
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
/// How long a batch that has come in part waits for room for more of it.
const ROOM_TIME: Duration = Duration::from_secs(2);

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
    let lane = hub.batch_lanes().of(scope.agent().clone());
    let _lane = lane.acquire_owned().await.map_err(stopped)?;
    let (bytes, held) = match tokio::time::timeout(BODY_TIME, receive(&hub, request)).await {
        Ok(received) => received?,
        Err(_) => {
            return Err(ApiError::new(
                "body_late",
                format!("no batch within {} s", BODY_TIME.as_secs()),
            ));
        }
    };
    let room = hub.room_for_batch(scope.tenant()).await.map_err(stopped)?;
    let now = hub.now();
    let done = hub
        .call_now(move |store| {
            let (header, batch, digest) = decode_batch(&bytes).map_err(refuse)?;
            drop((bytes, held));
            let records = u64::try_from(batch.parents.num_rows()).unwrap_or(0);
            host::fault::point("hub.before_ingest");
            let ack = store.ingest(&scope, &header, &batch, digest, now)?;
            host::fault::point("hub.after_ingest");
            // Held here: who asked may have left.
            drop(room);
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

/// The body, and the room that it takes among those of all drivers: it asks for that when it
/// has come so far, so that whoever sends slowly holds no more than has come. Who finds none
/// gives back what he has, or all might wait for one another.
async fn receive(hub: &Hub, request: Request) -> Result<(Vec<u8>, OwnedSemaphorePermit), ApiError> {
    let room = |bytes: usize| async move {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = Arc::clone(hub.batch_bytes()).acquire_many_owned(bytes).await;
        room.map_err(|_| ApiError::new("store_unavailable", "the hub is stopping"))
    };
    let too_large = |what: &str| {
        let detail = format!("the batch is over {MAX_BATCH_BYTES} bytes or broke off: {what}");
        ApiError::new("body_too_large", detail)
    };
    let mut body = request.into_body();
    let (mut bytes, mut held) = (Vec::new(), room(0).await?);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|error| too_large(&error.to_string()))?;
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        if bytes.len() + chunk.len() > MAX_BATCH_BYTES {
            return Err(too_large("it goes on"));
        }
        let more = tokio::time::timeout(ROOM_TIME, room(chunk.len())).await;
        held.merge(more.unwrap_or_else(|_| {
            let detail = "the batches of other drivers take all the room";
            Err(ApiError::new("hub_busy", detail))
        })?);
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes, held))
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
