//! Around every request: an id, a line in the log, counters, a limit of time and size.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::Instrument as _;

use crate::error::ApiError;
use crate::hub::Hub;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Room for any tracing scheme; it stands in every line of the log.
const MAX_REQUEST_ID_BYTES: usize = 128;
/// All headers and the address together: a token, a key and a cursor are far below it.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Longer than any answer takes that does not wait for something; previews wait 20 s.
const TIME: Duration = Duration::from_secs(60);
/// Agents wait for work and send large batches: they have limits of their own.
const AGENT_PREFIX: &str = "/agent/";

/// Upper bounds of the histogram, in microseconds, and as Prometheus writes them.
const BOUNDS: [(u64, &str); 13] = [
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (10_000_000, "10"),
    (30_000_000, "30"),
];

/// Which requests are counted together. Paths are those of the routes: names of callers'
/// things would never end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Series {
    route: Arc<str>,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Default)]
struct Histogram {
    /// How many fell under each bound and not under the one before.
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

/// Counters of all routes since the start.
#[derive(Debug, Default)]
pub(crate) struct Requests(RwLock<HashMap<Series, Arc<Histogram>>>);

impl Requests {
    fn add(&self, series: Series, took: Duration) {
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&series)
            .cloned();
        let histogram = known.unwrap_or_else(|| {
            let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(series).or_default())
        });
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(place) = BOUNDS.iter().position(|(bound, _)| micros <= *bound)
            && let Some(bucket) = histogram.buckets.get(place)
        {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        histogram.count.fetch_add(1, Ordering::Relaxed);
        histogram.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// In the text format of Prometheus.
    pub(crate) fn write(&self, text: &mut String) -> std::fmt::Result {
        let name = "erp_hub_http_request_duration_seconds";
        writeln!(
            text,
            "# HELP {name} Requests by route, method and status, and how long they took."
        )?;
        writeln!(text, "# TYPE {name} histogram")?;
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = all.iter().collect();
        all.sort_by_key(|(series, _)| *series);
        for (
            Series {
                route,
                method,
                status,
            },
            histogram,
        ) in all
        {
            let labels = format!("route=\"{route}\",method=\"{method}\",status=\"{status}\"");
            let mut below = 0;
            for ((_, bound), bucket) in BOUNDS.iter().zip(&histogram.buckets) {
                below += bucket.load(Ordering::Relaxed);
                writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {below}")?;
            }
            // What is counted meanwhile may be in a bucket and not yet in the sum.
            let count = histogram.count.load(Ordering::Relaxed).max(below);
            let micros = histogram.micros.load(Ordering::Relaxed);
            writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}")?;
            writeln!(
                text,
                "{name}_sum{{{labels}}} {}.{:06}",
                micros / 1_000_000,
                micros % 1_000_000
            )?;
            writeln!(text, "{name}_count{{{labels}}} {count}")?;
        }
        Ok(())
    }
}

/// The outermost layer.
pub(crate) async fn observe(State(hub): State<Hub>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers());
    let method = name_of(request.method());
    let matched = request.extensions().get::<MatchedPath>();
    let route: Arc<str> = matched.map_or("none", MatchedPath::as_str).into();
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
    let too_large = header_bytes(&request) > MAX_HEADER_BYTES;
    let limit = (!route.starts_with(AGENT_PREFIX)).then_some(TIME);
    let answer = async {
        if too_large {
            let detail = format!("headers and address are over {MAX_HEADER_BYTES} bytes");
            return ApiError::new("headers_too_large", detail).into_response();
        }
        let Some(limit) = limit else {
            return next.run(request).await;
        };
        match tokio::time::timeout(limit, next.run(request)).await {
            Ok(response) => response,
            Err(_) => {
                let detail = format!("the request was not done within {} s", limit.as_secs());
                ApiError::new("request_late", detail).into_response()
            }
        }
    };
    let mut response = answer.instrument(span.clone()).await;
    response.headers_mut().insert(REQUEST_ID, id);
    let (status, took) = (response.status(), began.elapsed());
    let _entered = span.enter();
    tell(method, &route, status, took);
    let series = Series {
        route,
        method,
        status: status.as_u16(),
    };
    hub.requests().add(series, took);
    response
}

fn tell(method: &str, route: &str, status: StatusCode, took: Duration) {
    let (status, ms) = (status.as_u16(), took.as_millis());
    if status >= 500 {
        tracing::warn!(method, route, status, ms, "a request failed");
    } else {
        tracing::debug!(method, route, status, ms, "answered");
    }
}

/// The caller's, if it may stand in a log; else one of our own.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let theirs = headers.get(REQUEST_ID).filter(|id| {
        let bytes = id.as_bytes();
        (1..=MAX_REQUEST_ID_BYTES).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
    });
    theirs.cloned().unwrap_or_else(|| {
        let own = host::random::hex::<8>();
        HeaderValue::from_str(&own).unwrap_or(HeaderValue::from_static("none"))
    })
}

/// Methods that a series is made for; any word may come as one.
fn name_of(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

fn header_bytes(request: &Request) -> usize {
    let headers = request.headers().iter();
    let sizes = headers.map(|(name, value)| name.as_str().len() + value.len());
    let address = request.uri().path_and_query().map_or(0, |p| p.as_str().len());
    sizes.sum::<usize>() + address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_under_their_bounds() {
        let requests = Requests::default();
        let series = |status| Series {
            route: "/v1/{dataset}".into(),
            method: "GET",
            status,
        };
        for micros in [400, 1_000, 1_001, 99_000_000] {
            requests.add(series(200), Duration::from_micros(micros));
        }
        requests.add(series(404), Duration::from_micros(7));
        let mut text = String::new();
        requests.write(&mut text).unwrap();
        for line in [
            "erp_hub_http_request_duration_seconds_bucket{route=\"/v1/{dataset}\",method=\"GET\",status=\"200\",le=\"0.001\"} 2",
            "erp_hub_http_request_duration_seconds_bucket{route=\"/v1/{dataset}\",method=\"GET\",status=\"200\",le=\"0.0025\"} 3",
            "erp_hub_http_request_duration_seconds_bucket{route=\"/v1/{dataset}\",method=\"GET\",status=\"200\",le=\"30\"} 3",
            "erp_hub_http_request_duration_seconds_bucket{route=\"/v1/{dataset}\",method=\"GET\",status=\"200\",le=\"+Inf\"} 4",
            "erp_hub_http_request_duration_seconds_sum{route=\"/v1/{dataset}\",method=\"GET\",status=\"200\"} 99.002401",
            "erp_hub_http_request_duration_seconds_count{route=\"/v1/{dataset}\",method=\"GET\",status=\"404\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn an_id_that_may_stand_in_a_log_is_kept() {
        let id = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(text).unwrap());
            request_id(&headers)
        };
        assert_eq!(id("shop-42"), "shop-42");
        for other in ["", "two words", &"x".repeat(129)] {
            let made = id(other);
            assert_ne!(made, other);
            assert_eq!(made.len(), 16, "{made:?}");
        }
    }

    #[test]
    fn bounds_are_written_as_they_are() {
        for (micros, text) in BOUNDS {
            let seconds: f64 = text.parse().unwrap();
            assert!((seconds * 1e6 - micros as f64).abs() < 0.5, "{text}");
        }
    }
}
