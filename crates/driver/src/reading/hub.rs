//! The hub as the read side sees it.

use std::future::Future;
use std::time::{Duration, Instant};

use link::{Backoff, Link, LinkError};
use values::{CompanyId, DatasetName};
use wire::agent::{
    BatchAck, ChecksumPage, ChecksumRequest, HashPage, HashRequest, StreamRequest, StreamReset, StreamState,
};

/// Requests in all, the first included.
const TRIES: u32 = 3;
/// No further try begins later than this: a pass that fails is repeated by the schedule anyway.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request to the hub failed. A short disturbance was waited for; the error may still be one
/// that passes later.
pub type HubError = LinkError;

/// Blocking calls to the hub, from a company's own thread.
#[derive(Clone, Debug)]
pub struct StreamHub {
    link: Link,
    runtime: tokio::runtime::Handle,
}

impl StreamHub {
    /// Calls through this link, on this runtime.
    #[must_use]
    pub const fn new(link: Link, runtime: tokio::runtime::Handle) -> Self {
        Self { link, runtime }
    }

    /// Where a stream stands.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn state(&self, company: &CompanyId, dataset: &DatasetName) -> Result<StreamState, HubError> {
        self.ask(company, dataset, false)
    }

    /// How many live records the hub has.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn count(&self, company: &CompanyId, dataset: &DatasetName) -> Result<Option<u64>, HubError> {
        self.ask(company, dataset, true).map(|state| state.records)
    }

    fn ask(&self, company: &CompanyId, dataset: &DatasetName, count: bool) -> Result<StreamState, HubError> {
        let request = StreamRequest {
            company: company.clone(),
            dataset: dataset.clone(),
            count,
        };
        self.repeat(may_pass_soon, || self.link.stream_state(&request))
    }

    /// Opens an epoch. It is asked again only where the hub has certainly not done it: a second
    /// reset from the same place is refused, and the next pass asks where the stream stands.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn reset(&self, request: &StreamReset) -> Result<StreamState, HubError> {
        self.repeat(|error| error.wait().is_some(), || self.link.reset_stream(request))
    }

    /// Keys and hashes.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn hashes(&self, request: &HashRequest) -> Result<HashPage, HubError> {
        self.repeat(may_pass_soon, || self.link.hashes(request))
    }

    /// Checksums of ranges of records.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn checksums(&self, request: &ChecksumRequest) -> Result<ChecksumPage, HubError> {
        self.repeat(may_pass_soon, || self.link.checksums(request))
    }

    /// Delivers a batch; every try has the same bytes, so that the hub knows a repeated one.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn send(&self, bytes: Vec<u8>) -> Result<BatchAck, HubError> {
        self.repeat(may_pass_soon, || self.link.send_batch(bytes.clone()))
    }

    fn repeat<T, F>(&self, again: fn(&HubError) -> bool, request: impl Fn() -> F) -> Result<T, HubError>
    where
        F: Future<Output = Result<T, HubError>>,
    {
        self.runtime.block_on(async {
            let started = Instant::now();
            let mut backoff = Backoff::default();
            let mut tries = 1;
            loop {
                let error = match request().await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => error,
                };
                let pause = backoff
                    .failed(host::random::number())
                    .max(error.wait().unwrap_or_default());
                if tries >= TRIES || !again(&error) || started.elapsed() + pause > PATIENCE {
                    return Err(error);
                }
                tracing::debug!(code = error.code(), ?pause, "the hub is asked again");
                tokio::time::sleep(pause).await;
                tries += 1;
            }
        })
    }
}

/// Whether waiting for seconds may help. A hub that is down, a certificate and a proxy's
/// password take longer; wrong passwords in a row could lock an account.
fn may_pass_soon(error: &HubError) -> bool {
    error.is_retryable()
        && !matches!(
            error,
            LinkError::ConnectionRefused { .. }
                | LinkError::CertificateUntrusted { .. }
                | LinkError::ProxyAuthentication { .. }
        )
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::{Arc, Mutex};

    use link::{LinkConfig, Proxy};
    use values::AgentId;

    use super::*;

    /// The bodies of the requests other than those for a token.
    type Bodies = Arc<Mutex<Vec<Vec<u8>>>>;

    /// A hub that gives these answers in turn, and the last one for ever.
    fn hub(answers: &'static [&'static str]) -> (String, Bodies) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bodies = Bodies::default();
        let seen = Arc::clone(&bodies);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (path, body) = request(&mut stream);
                let token = r#"{"token": "t", "expires_in_s": 600, "hub_time": 0}"#;
                let (head, answer) = if path.ends_with("/token") {
                    ("200 OK", token)
                } else {
                    let mut seen = seen.lock().unwrap();
                    seen.push(body);
                    let ack = r#"{"epoch": 1, "sequence": 1, "repeated": true}"#;
                    (answers[(seen.len() - 1).min(answers.len() - 1)], ack)
                };
                let length = answer.len();
                write!(
                    stream,
                    "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{answer}"
                )
                .unwrap();
            }
        });
        (url, bodies)
    }

    fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        (head.split(' ').nth(1).unwrap().to_owned(), body)
    }

    fn send(hub_url: String) -> Result<BatchAck, HubError> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let config = LinkConfig {
            hub_url,
            proxy: Proxy::None,
            ..LinkConfig::default()
        };
        let link = Link::new(&config, AgentId::new("a_1"), |_: &[u8]| "00".to_owned()).unwrap();
        StreamHub::new(link, runtime.handle().clone()).send(b"batch".to_vec())
    }

    #[test]
    fn a_short_fault_is_waited_for_with_the_same_bytes() {
        let (url, bodies) = hub(&["503 Busy", "429 Slower\r\nretry-after: 1", "200 OK"]);
        let started = Instant::now();
        assert!(send(url).unwrap().repeated);
        assert!(
            started.elapsed() >= Duration::from_secs(1),
            "the hub's wait is kept"
        );
        assert_eq!(*bodies.lock().unwrap(), vec![b"batch".to_vec(); 3]);
    }

    #[test]
    fn a_long_fault_is_given_up() {
        let (url, bodies) = hub(&["502 Bad"]);
        assert_eq!(send(url).unwrap_err().code(), "hub_failed");
        assert_eq!(bodies.lock().unwrap().len(), 3);
        let (url, bodies) = hub(&["429 Slower\r\nretry-after: 60"]);
        assert_eq!(send(url).unwrap_err().code(), "too_many_requests");
        assert_eq!(bodies.lock().unwrap().len(), 1);

        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = send(format!("http://{gone}")).unwrap_err();
        assert_eq!(error.code(), "hub_connection_refused");
        assert!(!may_pass_soon(&error), "a hub that is down is not waited for");
    }
}
