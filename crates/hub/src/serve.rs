//! The server.

use std::future::IntoFuture as _;
use std::io;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::hub::Hub;

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
    let server = axum::serve(listener, crate::router(hub.clone()))
        .with_graceful_shutdown(drained)
        .into_future();
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => return ended,
        () = stop => {}
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
