//! Connections: how they are taken, served and ended.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tower_service::Service as _;

use crate::address::Peer;

/// How long a caller may take for the head of a request, the wait for it on an open
/// connection included. Whoever sends it byte by byte holds no connection for ever.
pub(crate) const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// Until connections are taken again after the process has run out of something.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes connections and serves them.
pub(crate) struct Connections {
    router: Router,
    head_within: Duration,
    graceful: GracefulShutdown,
}

impl Connections {
    pub(crate) fn new(router: Router, head_within: Duration) -> Self {
        Self {
            router,
            head_within,
            graceful: GracefulShutdown::new(),
        }
    }

    /// Takes connections for as long as it is waited for.
    pub(crate) async fn take(&self, listener: &TcpListener) {
        loop {
            let (stream, from) = match listener.accept().await {
                Ok(taken) => taken,
                Err(error) if is_of_caller(&error) => continue,
                Err(error) => {
                    // Too many files are open, as a rule: some will be closed.
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            // Answers are small and a writer waits for each: they are not held back to be joined.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY was not set");
            }
            let serving = serve(
                stream,
                from.ip().to_canonical(),
                self.router.clone(),
                self.head_within,
                self.graceful.watcher(),
            );
            drop(tokio::spawn(serving));
        }
    }

    /// Lets requests under way end, and closes connections on which there is none.
    pub(crate) async fn drain(self) {
        self.graceful.shutdown().await;
    }
}

async fn serve<S>(stream: S, from: IpAddr, router: Router, head_within: Duration, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(from));
        // A router is always ready.
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_within)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended before its time");
    }
}

/// Did the other side change its mind?
fn is_of_caller(error: &io::Error) -> bool {
    let kinds = [
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::ConnectionRefused,
        io::ErrorKind::ConnectionReset,
    ];
    kinds.contains(&error.kind())
}
