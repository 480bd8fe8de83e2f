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
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

use crate::address::Peer;

/// How long a caller may take for the head of a request, the wait for it on an open
/// connection included. Whoever sends it byte by byte holds no connection for ever.
pub(crate) const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// A hand-shake is a few messages.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Until connections are taken again after the process has run out of something.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes connections and serves them.
pub(crate) struct Connections {
    router: Router,
    head_within: Duration,
    tls: Option<TlsAcceptor>,
    graceful: GracefulShutdown,
}

impl Connections {
    pub(crate) fn new(router: Router, head_within: Duration, tls: Option<TlsAcceptor>) -> Self {
        Self {
            router,
            head_within,
            tls,
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
            let way = Way {
                from: from.ip().to_canonical(),
                router: self.router.clone(),
                head_within: self.head_within,
                watcher: self.graceful.watcher(),
            };
            match self.tls.clone() {
                None => drop(tokio::spawn(way.serve(stream))),
                Some(tls) => drop(tokio::spawn(way.serve_encrypted(tls, stream))),
            }
        }
    }

    /// Lets requests under way end, and closes connections on which there is none.
    pub(crate) async fn drain(self) {
        self.graceful.shutdown().await;
    }
}

/// One connection.
struct Way {
    from: IpAddr,
    router: Router,
    head_within: Duration,
    watcher: Watcher,
}

impl Way {
    async fn serve_encrypted(self, tls: TlsAcceptor, stream: TcpStream) {
        match tokio::time::timeout(HANDSHAKE_WITHIN, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.serve(stream).await,
            // Whoever does not trust the certificate, or speaks no TLS.
            Ok(Err(error)) => tracing::debug!(%error, "a hand-shake failed"),
            Err(_) => tracing::debug!("a hand-shake did not end in time"),
        }
    }

    async fn serve<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self {
            from,
            router,
            head_within,
            watcher,
        } = self;
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
