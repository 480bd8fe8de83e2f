//! The link over TLS with a private authority, with and without a proxy.

#![expect(clippy::unwrap_used, reason = "a server that does not start fails the test")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use link::{Link, LinkConfig, LinkError, Proxy};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use values::{AgentId, Secret};
use wire::agent::{Work, WorkRequest};

struct Hub {
    address: SocketAddr,
    ca_file: PathBuf,
    _folder: tempfile::TempDir,
}

/// A hub for `hub.test` and 127.0.0.1 with a certificate of its own authority.
async fn hub() -> Hub {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["hub.test".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("authority.pem");
    std::fs::write(&ca_file, authority.pem()).unwrap();

    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust us hangs up.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                while let Some(head) = head(&mut stream).await {
                    let length = head
                        .to_lowercase()
                        .lines()
                        .find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
                    stream.read_exact(&mut vec![0; length.unwrap()]).await.unwrap();
                    let body = if head.contains("/token ") {
                        r#"{"token": "t", "expires_in_s": 600, "hub_time": 0}"#
                    } else {
                        r#"{"imports": []}"#
                    };
                    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    Hub {
        address,
        ca_file,
        _folder: folder,
    }
}

/// A proxy that leads every tunnel to `target`, or asks for a password when there is none; and
/// the first lines of the requests to it.
async fn proxy(target: Option<SocketAddr>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = head(&mut stream).await.unwrap();
            lines
                .lock()
                .unwrap()
                .push(head.lines().next().unwrap().to_owned());
            let Some(target) = target else {
                let answer = b"HTTP/1.1 407 Who\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(answer).await.unwrap();
                continue;
            };
            let mut onward = TcpStream::connect(target).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut stream, &mut onward).await });
        }
    });
    (format!("http://{address}"), seen)
}

/// A request's head; none at the end of the connection.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

async fn work(hub_url: String, ca_file: Option<PathBuf>, proxy: Proxy) -> Result<Work, LinkError> {
    let config = LinkConfig {
        hub_url,
        ca_file,
        proxy,
        ..LinkConfig::default()
    };
    let link = Link::new(&config, AgentId::new("a_1"), |_: &[u8]| "00".to_owned())?;
    let request = WorkRequest {
        companies: Vec::new(),
        wait_ms: 0,
        limit: 1,
    };
    link.work(&request).await
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named() {
    let hub = hub().await;
    let url = format!("https://{}", hub.address);
    work(url.clone(), Some(hub.ca_file.clone()), Proxy::None)
        .await
        .unwrap();
    let error = work(url.clone(), None, Proxy::None).await.unwrap_err();
    assert_eq!(error.code(), "hub_certificate_untrusted", "{error}");
    assert!(error.remedy().contains("ca_file"));

    let no_pem = hub.ca_file.with_file_name("no.pem");
    std::fs::write(&no_pem, "no certificate").unwrap();
    let error = work(url, Some(no_pem.clone()), Proxy::None).await.unwrap_err();
    assert_eq!(error.code(), "ca_file_invalid");
    assert!(error.to_string().contains(no_pem.to_str().unwrap()), "{error}");
}

#[tokio::test]
async fn a_named_proxy_is_the_way_out() {
    let hub = hub().await;
    let (address, seen) = proxy(Some(hub.address)).await;
    let way = Proxy::Address(Secret::new(address.replace("http://", "http://me:hunter2@")));
    assert!(!format!("{way:?}").contains("hunter2"));
    work("https://hub.test".into(), Some(hub.ca_file), way)
        .await
        .unwrap();
    assert_eq!(*seen.lock().unwrap(), ["CONNECT hub.test:443 HTTP/1.1"]);
}

/// The variable is set for a child: this test alone, in a process of its own.
#[tokio::test]
async fn the_systems_proxy_is_the_way_out() {
    if let Some(ca_file) = std::env::var_os("LINK_TEST_CA_FILE") {
        work("https://hub.test".into(), Some(ca_file.into()), Proxy::System)
            .await
            .unwrap();
        return;
    }
    let hub = hub().await;
    let (address, seen) = proxy(Some(hub.address)).await;
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "the_systems_proxy_is_the_way_out"]);
    for name in ["https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        child.env_remove(name);
    }
    child
        .env("HTTPS_PROXY", address)
        .env("LINK_TEST_CA_FILE", hub.ca_file);
    let output = child.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(*seen.lock().unwrap(), ["CONNECT hub.test:443 HTTP/1.1"]);
}

#[tokio::test]
async fn a_proxy_that_asks_for_a_password_is_named() {
    let (address, _) = proxy(None).await;
    let way = Proxy::Address(Secret::new(address));
    let error = work("https://hub.test".into(), None, way).await.unwrap_err();
    assert_eq!(error.code(), "proxy_authentication_required", "{error}");
}

#[tokio::test]
async fn an_unknown_name_is_told() {
    let url = "https://hub.invalid".to_owned();
    let error = work(url, None, Proxy::None).await.unwrap_err();
    assert_eq!(error.code(), "hub_name_unknown", "{error}");
}
