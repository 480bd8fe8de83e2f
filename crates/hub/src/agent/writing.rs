//! Documents going out to the company's one writer, and what became of them.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use tokio::time::{Instant, sleep_until};
use values::ImportId;
use wire::agent::{
    Accept, Decide, Done, Lease, LeaseRequest, OpenPage, OpenRequest, PreviewAnswer, Report, Reserve, Work,
    WorkRequest,
};

use super::check_company;
use crate::auth::Driver;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::request::Body;

/// Shorter than what proxies allow an answer to take.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// A document may be posted at another process of the hub, which cannot wake this one.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

pub(crate) async fn lease(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    Body(request): Body<LeaseRequest>,
) -> Result<Json<Lease>, ApiError> {
    check_company(&request.company)?;
    let now = hub.now();
    hub.call(move |store| store.grant_lease(&scope, &request, now))
        .await
        .map(Json)
}

pub(crate) async fn open(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    Body(request): Body<OpenRequest>,
) -> Result<Json<OpenPage>, ApiError> {
    hub.call(move |store| store.open_imports(&scope, &request))
        .await
        .map(Json)
}

pub(crate) async fn work(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    Body(request): Body<WorkRequest>,
) -> Result<Json<Work>, ApiError> {
    let deadline = Instant::now() + Duration::from_millis(request.wait_ms).min(MAX_WAIT);
    let (mut posted, mut stopping) = (hub.posted(scope.tenant()), hub.stopping());
    loop {
        // Marked before looking: what is posted from here on wakes the wait below.
        posted.mark_unchanged();
        let (scope, request) = (scope.clone(), request.clone());
        let now = hub.now();
        let work = hub
            .call(move |store| {
                let imports = store.work(&scope, &request.companies, request.limit)?;
                let previews = store.take_previews(&scope, &request.companies, now)?;
                let discarded = store.discarded(&scope, &request.companies)?;
                Ok(Work {
                    imports,
                    previews,
                    discarded,
                })
            })
            .await?;
        if work != Work::default() || Instant::now() >= deadline || *stopping.borrow() {
            return Ok(Json(work));
        }
        tokio::select! {
            _ = posted.changed() => {}
            _ = stopping.changed() => {}
            () = sleep_until(deadline.min(Instant::now() + LOOK_AGAIN)) => {}
        }
    }
}

pub(crate) async fn accept(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    id: Result<Path<ImportId>, PathRejection>,
    Body(accept): Body<Accept>,
) -> Result<Json<Done>, ApiError> {
    let (Path(id), now) = (id?, hub.now());
    hub.call(move |store| store.accept(&scope, &id, &accept, now))
        .await
        .map(|()| Json(Done {}))
}

pub(crate) async fn reserve(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    id: Result<Path<ImportId>, PathRejection>,
    Body(reserve): Body<Reserve>,
) -> Result<Json<Done>, ApiError> {
    let (Path(id), now) = (id?, hub.now());
    hub.call(move |store| {
        host::fault::point("hub.before_reserve");
        let done = store.reserve(&scope, &id, &reserve, now);
        host::fault::point("hub.after_reserve");
        done
    })
    .await
    .map(|()| Json(Done {}))
}

pub(crate) async fn report(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    id: Result<Path<ImportId>, PathRejection>,
    Body(report): Body<Report>,
) -> Result<Json<Done>, ApiError> {
    let (Path(id), now) = (id?, hub.now());
    hub.call(move |store| store.report(&scope, &id, &report, now))
        .await
        .map(|()| Json(Done {}))
}

pub(crate) async fn decide(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    id: Result<Path<ImportId>, PathRejection>,
    Body(decide): Body<Decide>,
) -> Result<Json<Done>, ApiError> {
    let (Path(id), now) = (id?, hub.now());
    hub.call(move |store| store.decide(&scope, &id, &decide, now))
        .await?;
    Ok(Json(Done {}))
}

pub(crate) async fn answer_preview(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    id: Result<Path<ImportId>, PathRejection>,
    Body(answer): Body<PreviewAnswer>,
) -> Result<Json<Done>, ApiError> {
    let Path(id) = id?;
    hub.call(move |store| store.answer_preview(&scope, &id, &answer))
        .await?;
    Ok(Json(Done {}))
}
