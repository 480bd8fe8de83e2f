//! The server.

use std::future::IntoFuture as _;
use std::io;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use crate::hub::Hub;

/// Between two rounds of forgetting.
const TIDY_EVERY: Duration = Duration::from_secs(600);

/// What is under way at a stop gets so long to end; a batch is committed well within it.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves until `stop` is ready, then lets requests under way end.
///
/// # Errors
/// The listener fails.
pub async fn serve(hub: Hub, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
    let mut stopping = hub.stopping();
    let drained = async move {
        // An error means that the hub is gone, which ends the server as well.
        let told = stopping.wait_for(|stopping| *stopping).await;
        drop(told);
    };
    // Answers are small and a writer waits for each: they are not held back to be joined.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was not set");
        }
    });
    let server = axum::serve(listener, crate::router(hub.clone()))
        .with_graceful_shutdown(drained)
        .into_future();
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => return ended,
        () = stop => {}
        () = keep_tidy(hub.clone()) => {}
    }
    tracing::info!("stopping");
    hub.stop();
    match tokio::time::timeout(DRAIN, server).await {
        Ok(ended) => ended,
        Err(_) => {
            tracing::warn!("some requests did not end in time and were cut");
            Ok(())
        }
    }
}

/// Forgets what is due, again and again.
async fn keep_tidy(hub: Hub) {
    let mut rounds = tokio::time::interval(TIDY_EVERY);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let of_round = hub.clone();
        match tokio::task::spawn_blocking(move || of_round.tidy()).await {
            Ok(Ok(0)) => {}
            Ok(Ok(forgotten)) => tracing::info!(forgotten, "bodies of old documents were forgotten"),
            Ok(Err(error)) => {
                tracing::warn!(%error, "old documents could not be forgotten; trying again later")
            }
            Err(error) => tracing::error!(%error, "forgetting old documents broke off"),
        }
    }
}
