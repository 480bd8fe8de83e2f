//! The server.

use std::io;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::connections::{Connections, HEAD_WITHIN};
use crate::hub::Hub;
use crate::webhooks;

/// Between two rounds of forgetting.
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// Between two writings of when tokens were last used: it is for people.
const USES_EVERY: Duration = Duration::from_secs(60);
/// What is under way at a stop gets so long to end; a batch is committed well within it.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves until `stop` is ready, then lets requests under way end.
///
/// # Errors
/// The listener fails.
pub async fn serve(hub: Hub, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
    let connections = Connections::new(crate::router(hub.clone()), HEAD_WITHIN);
    let webhooks = tokio::spawn(webhooks::run(hub.clone()));
    tokio::select! {
        () = connections.take(&listener) => {}
        () = stop => {}
        () = keep_tidy(hub.clone()) => {}
        () = keep_uses(hub.clone()) => {}
    }
    drop(listener);
    tracing::info!("stopping");
    hub.stop();
    let drained = async { tokio::join!(connections.drain(), webhooks) };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("some requests or messages did not end in time and were cut");
    }
    write_uses(hub).await;
    Ok(())
}

/// Writes down which tokens were used, again and again.
async fn keep_uses(hub: Hub) {
    let mut rounds = tokio::time::interval(USES_EVERY);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        write_uses(hub.clone()).await;
    }
}

async fn write_uses(hub: Hub) {
    match tokio::task::spawn_blocking(move || hub.write_token_uses()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "it was not written down when tokens were last used"),
        Err(error) => tracing::error!(%error, "writing down when tokens were last used broke off"),
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
