//! A receiver of webhooks on loopback that answers as a test says.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use ring::hmac;
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;

/// What the receiver does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Takes it.
    Take,
    /// Answers with this status.
    Answer(u16),
    /// Takes it, and the connection breaks before the answer.
    Drop,
    /// Says nothing for so many milliseconds, then breaks off.
    Hang(u64),
}

/// A message that came.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
    pub(crate) text: String,
    pub(crate) body: Value,
    /// The hub was told that it was taken.
    pub(crate) taken: bool,
}

impl Message {
    /// Of which record: dataset, company and key.
    pub(crate) fn of(&self) -> String {
        let data = &self.body["data"];
        format!("{}/{}/{}", data["dataset"], data["company"], data["key"])
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.body["data"]["sequence"].as_u64().unwrap_or(0)
    }

    /// Is one of the signatures this secret's?
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let signed = format!("{}.{}.{}", self.id, self.timestamp, self.text);
        self.signature.split(' ').any(|signature| {
            let signature = signature.strip_prefix("v1,").unwrap();
            let signature = STANDARD.decode(signature).unwrap();
            hmac::verify(&key, signed.as_bytes(), &signature).is_ok()
        })
    }
}

type React = Box<dyn FnMut(&Message) -> Reaction + Send>;
/// What it shows to those who connect.
type Tls = Arc<rustls::ServerConfig>;

/// The receiver. It listens as long as the test runs.
pub(crate) struct Receiver {
    port: u16,
    tls: Option<Arc<Mutex<Tls>>>,
    messages: Arc<Mutex<Vec<Message>>>,
    react: Arc<Mutex<React>>,
    closed: Arc<AtomicBool>,
}

impl Receiver {
    pub(crate) fn new(react: impl FnMut(&Message) -> Reaction + Send + 'static) -> Self {
        Self::over(None, react)
    }

    /// One that is spoken to by TLS alone, and takes everything.
    pub(crate) fn secure(certificate: &Certificate) -> Self {
        Self::over(Some(certificate.tls()), |_| Reaction::Take)
    }

    /// Who connects from now on is shown this certificate.
    pub(crate) fn shows(&self, certificate: &Certificate) {
        *self.tls.as_ref().unwrap().lock().unwrap() = certificate.tls();
    }

    fn over(tls: Option<Tls>, react: impl FnMut(&Message) -> Reaction + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            port: listener.local_addr().unwrap().port(),
            tls: tls.map(|tls| Arc::new(Mutex::new(tls))),
            messages: Arc::default(),
            react: Arc::new(Mutex::new(Box::new(react))),
            closed: Arc::default(),
        };
        let (messages, react, closed) = (
            Arc::clone(&receiver.messages),
            Arc::clone(&receiver.react),
            Arc::clone(&receiver.closed),
        );
        let tls = receiver.tls.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if closed.load(Ordering::SeqCst) {
                    break;
                }
                let (messages, react) = (Arc::clone(&messages), Arc::clone(&react));
                let tls = tls.as_ref().map(|tls| Arc::clone(&tls.lock().unwrap()));
                std::thread::spawn(move || match tls {
                    None => while serve(&mut &stream, &messages, &react) {},
                    Some(tls) => {
                        let connection = rustls::ServerConnection::new(tls).unwrap();
                        let mut stream = rustls::StreamOwned::new(connection, stream);
                        while serve(&mut stream, &messages, &react) {}
                    }
                });
            }
        });
        receiver
    }

    /// One that takes everything.
    pub(crate) fn taking() -> Self {
        Self::new(|_| Reaction::Take)
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}/hook", self.port)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// From now on it does this.
    pub(crate) fn will(&self, react: impl FnMut(&Message) -> Reaction + Send + 'static) {
        *self.react.lock().unwrap() = Box::new(react);
    }

    /// All that came, in the order in which it came.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap().clone()
    }

    /// Waits for a message that suits, and returns the first one.
    #[track_caller]
    pub(crate) fn wait_for(&self, limit: Duration, suits: impl Fn(&Message) -> bool) -> Message {
        let start = Instant::now();
        loop {
            if let Some(found) = self.messages().into_iter().find(&suits) {
                return found;
            }
            assert!(
                start.elapsed() < limit,
                "no such message among {:?}",
                self.messages()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// One request of a connection; false when the connection is over.
fn serve(stream: &mut (impl Read + Write), messages: &Mutex<Vec<Message>>, react: &Mutex<React>) -> bool {
    let Some(message) = read(stream) else {
        return false;
    };
    let reaction = (react.lock().unwrap())(&message);
    let taken = reaction == Reaction::Take;
    messages.lock().unwrap().push(Message { taken, ..message });
    let status = match reaction {
        Reaction::Take => 204,
        Reaction::Answer(status) => status,
        Reaction::Drop => return false,
        Reaction::Hang(ms) => {
            std::thread::sleep(Duration::from_millis(ms));
            return false;
        }
    };
    // Whoever follows it would come back here.
    let answer = format!("HTTP/1.1 {status} Word\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).is_ok()
}

fn read(stream: &mut impl Read) -> Option<Message> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    assert_eq!(line.trim_end(), "POST /hook HTTP/1.1");
    let mut headers = std::collections::HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut bytes = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut bytes).ok()?;
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(headers["content-type"], "application/json");
    Some(Message {
        id: headers["webhook-id"].clone(),
        timestamp: headers["webhook-timestamp"].clone(),
        signature: headers["webhook-signature"].clone(),
        body: serde_json::from_str(&text).unwrap(),
        text,
        taken: false,
    })
}

/// An authority that hubs are told to trust, or not.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a name or address, from 2020 to the beginning of a year.
    pub(crate) fn issue(&self, name: &str, until: i32) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Certificate { certificate, key }
    }
}

/// A certificate with its key.
pub(crate) struct Certificate {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Certificate {
    fn tls(&self) -> Tls {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key);
        Arc::new(tls.unwrap())
    }
}
