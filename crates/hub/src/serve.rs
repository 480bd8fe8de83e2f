//! The server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::connections::{Connections, HEAD_WITHIN};
use crate::hub::Hub;
use crate::tls::Certificates;
use crate::webhooks;

/// Between two rounds of forgetting.
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// Between two writings of when tokens were last used: it is for people.
const USES_EVERY: Duration = Duration::from_secs(60);
/// Between two looks at the files of certificate and key.
const CERTIFICATES_EVERY: Duration = Duration::from_secs(10);
/// What is under way at a stop gets so long to end; a batch is committed well within it.
const DRAIN: Duration = Duration::from_secs(20);

/// A hub that listens.
pub struct Server {
    hub: Hub,
    tls: Option<Arc<Certificates>>,
    head_within: Duration,
}

impl Server {
    /// Over plain HTTP.
    #[must_use]
    pub const fn new(hub: Hub) -> Self {
        Self {
            hub,
            tls: None,
            head_within: HEAD_WITHIN,
        }
    }

    /// The same over TLS with a certificate.
    #[must_use]
    pub fn with_tls(self, certificates: Option<Arc<Certificates>>) -> Self {
        Self {
            tls: certificates,
            ..self
        }
    }

    /// The same, waiting so long for the head of a request.
    #[must_use]
    pub fn with_head_within(self, head_within: Duration) -> Self {
        Self { head_within, ..self }
    }

    /// Serves until `stop` is ready, then lets requests under way end.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
        let Self {
            hub,
            tls,
            head_within,
        } = self;
        let acceptor = tls.as_ref().map(Certificates::acceptor).transpose();
        let acceptor = acceptor.map_err(io::Error::other)?;
        let connections = Connections::new(crate::router(hub.clone()), head_within, acceptor);
        let webhooks = tokio::spawn(webhooks::run(hub.clone()));
        tokio::select! {
            () = connections.take(&listener) => {}
            () = stop => {}
            () = keep_tidy(hub.clone()) => {}
            () = keep_uses(hub.clone()) => {}
            () = keep_certificates(hub.clone(), tls) => {}
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
}

/// Serves over plain HTTP until `stop` is ready, then lets requests under way end.
///
/// # Errors
/// The listener fails.
pub async fn serve(hub: Hub, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
    Server::new(hub).serve(listener, stop).await
}

/// Takes a renewed certificate, again and again.
async fn keep_certificates(hub: Hub, tls: Option<Arc<Certificates>>) {
    let Some(certificates) = tls else {
        return std::future::pending().await;
    };
    let mut rounds = tokio::time::interval(CERTIFICATES_EVERY);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        // Two small files: reading them holds nobody up.
        match certificates.look(hub.now()) {
            Ok(false) => {}
            Ok(true) => tracing::info!("the certificate was read anew"),
            Err(error) => tracing::error!(
                %error,
                code = error.code(),
                hint = error.remedy(),
                "the new certificate is not used, the one before stays"
            ),
        }
    }
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
