//! HTTPS by certificate and key in files.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests may stop where they stand"
)]

mod world;

use std::path::Path;
use std::time::Duration;

use hub::{Certificates, Server};
use jiff::{SignedDuration, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use world::World;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes certificate and key for 127.0.0.1, good from 2020 to this year's beginning.
fn issue(folder: &Path, authority: &Authority, until: i32) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let certificate = params.signed_by(&key, authority).unwrap();
    std::fs::write(folder.join("hub.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.join("hub.key"), key.serialize_pem()).unwrap();
}

fn open(folder: &Path, now: Timestamp) -> Result<std::sync::Arc<Certificates>, hub::TlsError> {
    Certificates::open(&folder.join("hub.pem"), &folder.join("hub.key"), now)
}

async fn status(address: &str, trusted: &Authority) -> Result<u16, reqwest::Error> {
    let trusted = reqwest::Certificate::from_pem(trusted.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([trusted])
        .build()
        .unwrap();
    let answer = client.get(format!("{address}/healthz")).send().await?;
    Ok(answer.status().as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_trust_its_authority_are_served_and_a_renewed_certificate_is_taken() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (authority(), authority());
    issue(folder.path(), &first, 2040);
    // Clients go by the machine's clock, whatever the world's says.
    let certificates = open(folder.path(), world.now()).unwrap();
    assert!(!certificates.expires_soon(world.now()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let server = Server::new(world.hub.clone()).with_tls(Some(certificates.clone()));
    let serving = tokio::spawn(server.serve(listener, std::future::pending()));
    assert_eq!(status(&address, &first).await.unwrap(), 200);
    assert!(status(&address, &second).await.unwrap_err().is_connect());
    let plain = address.replace("https", "http");
    assert!(world.client.get(format!("{plain}/healthz")).send().await.is_err());

    assert!(!certificates.look(world.now()).unwrap(), "nothing has changed");
    issue(folder.path(), &second, 2041);
    let _served = certificates.look(world.now());
    assert_eq!(status(&address, &second).await.unwrap(), 200);
    assert!(status(&address, &first).await.is_err());

    // What cannot be used changes nothing, and is told once.
    std::fs::write(folder.path().join("hub.key"), "no key").unwrap();
    assert_eq!(certificates.look(world.now()).unwrap_err().code(), "tls_invalid");
    assert!(!certificates.look(world.now()).unwrap());
    assert_eq!(status(&address, &second).await.unwrap(), 200);
    serving.abort();
}

#[test]
fn what_is_wrong_with_certificate_and_key_is_named() {
    let now: Timestamp = "2026-05-06T10:00:00Z".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let refused = |now: Timestamp, code: &str, words: &str| {
        let error = open(folder.path(), now).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(
            error.to_string().contains(words) && !error.remedy().is_empty(),
            "{error}"
        );
    };
    refused(now, "tls_unreadable", "hub.pem");
    let issuer = authority();
    issue(folder.path(), &issuer, 2027);
    assert!(!open(folder.path(), now).unwrap().expires_soon(now));
    let late: Timestamp = "2026-12-20T00:00:00Z".parse().unwrap();
    assert!(open(folder.path(), late).unwrap().expires_soon(late));
    refused(
        now + SignedDuration::from_hours(24 * 365),
        "tls_expired",
        "2027-05-06",
    );
    refused(
        "2019-12-31T00:00:00Z".parse().unwrap(),
        "tls_not_yet_valid",
        "hub.pem",
    );
    std::fs::write(
        folder.path().join("hub.key"),
        KeyPair::generate().unwrap().serialize_pem(),
    )
    .unwrap();
    refused(now, "tls_key_mismatch", "hub.key");
    std::fs::remove_file(folder.path().join("hub.key")).unwrap();
    refused(now, "tls_unreadable", "hub.key");
    std::fs::write(folder.path().join("hub.key"), "nothing").unwrap();
    refused(now, "tls_invalid", "hub.key");
    std::fs::write(folder.path().join("hub.pem"), "nothing").unwrap();
    refused(now, "tls_invalid", "hub.pem");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_a_head_byte_by_byte_is_cut_off() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(world.hub.clone()).with_head_within(Duration::from_millis(500));
    let serving = tokio::spawn(server.serve(listener, std::future::pending()));
    let mut slow = TcpStream::connect(address).await.unwrap();
    let cut = tokio::time::timeout(Duration::from_secs(20), async {
        for byte in b"GET /healthz HTTP/1.1\r\nHost: hub\r\nX-Slow: "
            .iter()
            .chain([&b'x'; 10_000])
        {
            if slow.write_all(&[*byte]).await.is_err() {
                return;
            }
            // The other side's end shows in reading, not in writing.
            let mut end = [0; 64];
            let read = tokio::time::timeout(Duration::from_millis(20), slow.read(&mut end)).await;
            if let Ok(Ok(0) | Err(_)) = read {
                return;
            }
        }
        panic!("it could send its head for ever");
    });
    cut.await.unwrap();
    serving.abort();
}
