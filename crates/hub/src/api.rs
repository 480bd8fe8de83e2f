//! The public API: every endpoint's route and description, in one table.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, delete, get, patch, post};
use catalog::Catalog;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

use crate::hub::Hub;
use crate::openapi::Operation;
use crate::{conditional, guard, prices, public, status};

/// Smaller answers go in one packet as they are.
const COMPRESSED_ABOVE_BYTES: u16 = 1024;

/// A route with what is said of it.
pub(crate) struct Endpoint {
    method: &'static str,
    path: &'static str,
    route: MethodRouter<Hub>,
    about: About,
    guarded: bool,
}

enum About {
    One(Box<Operation>),
    /// A path with a name in it, and what stands there for each name.
    Each(fn(&Catalog) -> Vec<(String, Operation)>),
    /// Another endpoint says it.
    Elsewhere,
}

macro_rules! method {
    ($name:ident, $handler:path, $method:literal) => {
        /// An endpoint of this method that asks for a token.
        pub(crate) fn $name<H, T>(path: &'static str, handler: H, about: impl Into<Description>) -> Self
        where
            H: axum::handler::Handler<T, Hub>,
            T: 'static,
        {
            let Description { about, open } = about.into();
            Self {
                method: $method,
                path,
                route: $handler(handler),
                about,
                guarded: !open,
            }
        }
    };
}

impl Endpoint {
    method!(get, get, "get");
    method!(post, post, "post");
    method!(patch, patch, "patch");
    method!(delete, delete, "delete");

    /// In small letters.
    pub(crate) const fn method(&self) -> &'static str {
        self.method
    }

    /// As the router has it.
    #[cfg(test)]
    pub(crate) const fn path(&self) -> &'static str {
        self.path
    }

    /// Paths of the document and what stands there.
    pub(crate) fn operations(&self, catalog: &Catalog) -> Vec<(String, Operation)> {
        match &self.about {
            About::One(operation) => vec![(self.path.to_owned(), Operation::clone(operation))],
            About::Each(each) => each(catalog),
            About::Elsewhere => Vec::new(),
        }
    }
}

/// What is said of an endpoint.
pub(crate) struct Description {
    about: About,
    open: bool,
}

impl From<Operation> for Description {
    fn from(operation: Operation) -> Self {
        Self {
            open: operation.is_open(),
            about: About::One(Box::new(operation)),
        }
    }
}

impl Description {
    /// Of a path with a name in it: what stands in the document for each name.
    pub(crate) fn each(each: fn(&Catalog) -> Vec<(String, Operation)>) -> Self {
        Self {
            about: About::Each(each),
            open: false,
        }
    }

    /// Of a path that stands in the document already, under a name of another's.
    pub(crate) const fn elsewhere() -> Self {
        Self {
            about: About::Elsewhere,
            open: false,
        }
    }
}

/// All endpoints that are for callers outside; those of agents are in [`wire::agent`].
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut all = Vec::new();
    all.extend(public::records::endpoints());
    all.extend(public::changes::endpoints());
    all.extend(public::imports::endpoints());
    all.extend(public::decisions::endpoints());
    all.extend(public::previews::endpoints());
    all.extend(prices::endpoints());
    all.extend(public::tie_out::endpoints());
    all.extend(public::sites::endpoints());
    all.extend(public::tokens::endpoints());
    all.extend(public::audit::endpoints());
    all.extend(public::webhooks::endpoints());
    all.extend(public::document::endpoints());
    all.extend(status::endpoints());
    all
}

/// The routes of all endpoints. What needs a token is guarded.
pub(crate) fn routes(hub: &Hub) -> Router<Hub> {
    // The answer waits for it: what is larger by a few per cent is sent sooner.
    let compression = CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(COMPRESSED_ABOVE_BYTES));
    endpoints().into_iter().fold(Router::new(), |router, endpoint| {
        let route = if endpoint.guarded {
            endpoint
                .route
                .route_layer(from_fn(conditional::conditional))
                .route_layer(compression.clone())
                .route_layer(from_fn(conditional::weaken))
                .route_layer(from_fn_with_state(hub.clone(), guard::guard))
        } else {
            endpoint.route
        };
        router.route(endpoint.path, route)
    })
}
