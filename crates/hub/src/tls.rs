//! TLS by certificate and key in files, which are read again when they change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error, InconsistentKeys, RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

/// Soon enough to do something about it.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read: {error}", .file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file holds something else.
    #[error("{} is not usable: {problem}", .file.display())]
    Invalid {
        /// Which.
        file: PathBuf,
        /// Why.
        problem: String,
    },
    /// The key is another certificate's.
    #[error("the key in {} does not belong to the certificate in {}", .key.display(), .certificate.display())]
    KeyMismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
    },
    /// The certificate's time is over.
    #[error("the certificate in {} has expired: it is {now}", .file.display())]
    Expired {
        /// Its file.
        file: PathBuf,
        /// The hub's clock.
        now: Timestamp,
    },
    /// The certificate's time has not come.
    #[error("the certificate in {} is not valid yet: it is {now}", .file.display())]
    NotYetValid {
        /// Its file.
        file: PathBuf,
        /// The hub's clock.
        now: Timestamp,
    },
}

impl TlsError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "tls_unreadable",
            Self::Invalid { .. } => "tls_invalid",
            Self::KeyMismatch { .. } => "tls_key_mismatch",
            Self::Expired { .. } => "tls_expired",
            Self::NotYetValid { .. } => "tls_not_yet_valid",
        }
    }

    /// What a person should do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "correct the path, and let the hub's user read the file",
            Self::Invalid { .. } => {
                "give PEM files: the certificate with its intermediates, the server's own first, and its private key"
            }
            Self::KeyMismatch { .. } => "give the key for which this certificate was issued",
            Self::Expired { .. } => "renew the certificate, or set the clock if that is wrong",
            Self::NotYetValid { .. } => "set the clock, or use the certificate once its time has come",
        }
    }
}

/// Length and time of change of both files.
type Marks = [Option<(u64, SystemTime)>; 2];

/// A certificate and its key in two files.
#[derive(Debug)]
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
    seen: Mutex<Marks>,
}

impl Certificates {
    /// Reads and checks them.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(certificate: &Path, key: &Path, now: Timestamp) -> Result<Arc<Self>, TlsError> {
        let seen = marks(certificate, key);
        let current = read(certificate, key, now)?;
        Ok(Arc::new(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: RwLock::new(Arc::new(current)),
            seen: Mutex::new(seen),
        }))
    }

    /// Takes what the files hold now, if they have changed since the last look; connections
    /// that are open stay as they are. Says whether it did.
    ///
    /// # Errors
    /// [`TlsError`], once for each change: what was taken before stays in use.
    pub fn look(&self, now: Timestamp) -> Result<bool, TlsError> {
        let found = marks(&self.certificate, &self.key);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == found {
            return Ok(false);
        }
        // Whoever replaces one file after the other is told of once, and of the second again.
        *seen = found;
        drop(seen);
        let current = Arc::new(read(&self.certificate, &self.key, now)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
        Ok(true)
    }

    /// Does the certificate expire within two weeks?
    #[must_use]
    pub fn expires_soon(&self, now: Timestamp) -> bool {
        let current = self.current();
        let certificate = current.cert.first();
        certificate
            .is_some_and(|certificate| matches!(validity(certificate, now + SOON), Err(Validity::Over)))
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What answers hand-shakes with them.
    ///
    /// # Errors
    /// [`TlsError::Invalid`]: not with ring as it is.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsError> {
        let config = ServerConfig::builder_with_provider(hub_store::tls_provider())
            .with_safe_default_protocol_versions()
            .map_err(|e| invalid(&self.certificate, &e))?;
        let mut config = config
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as _);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

fn marks(certificate: &Path, key: &Path) -> Marks {
    [certificate, key].map(|file| {
        let about = fs::metadata(file).ok()?;
        Some((about.len(), about.modified().ok()?))
    })
}

fn read(certificate: &Path, key: &Path, now: Timestamp) -> Result<CertifiedKey, TlsError> {
    let pem = |file: &Path| {
        fs::read(file).map_err(|error| TlsError::Unreadable {
            file: file.to_owned(),
            error,
        })
    };
    let chain = CertificateDer::pem_slice_iter(&pem(certificate)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|e| invalid(certificate, &e))?;
    let Some(own) = chain.first() else {
        return Err(invalid(certificate, &"it has no PEM certificate"));
    };
    match validity(own, now) {
        Ok(()) => {}
        Err(Validity::Over) => {
            return Err(TlsError::Expired {
                file: certificate.to_owned(),
                now,
            });
        }
        Err(Validity::ToCome) => {
            return Err(TlsError::NotYetValid {
                file: certificate.to_owned(),
                now,
            });
        }
        Err(Validity::Malformed(error)) => return Err(invalid(certificate, &error)),
    }
    let secret = PrivateKeyDer::from_pem_slice(&pem(key)?).map_err(|e| invalid(key, &e))?;
    CertifiedKey::from_der(chain, secret, &hub_store::tls_provider()).map_err(|error| {
        if error == Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
            TlsError::KeyMismatch {
                certificate: certificate.to_owned(),
                key: key.to_owned(),
            }
        } else {
            invalid(key, &error)
        }
    })
}

enum Validity {
    Over,
    ToCome,
    Malformed(Error),
}

/// Is the certificate good at this time? Who issued it is for clients to judge: nobody is
/// trusted here, so that all that is left to be wrong is its issuer.
fn validity(certificate: &CertificateDer<'_>, at: Timestamp) -> Result<(), Validity> {
    let parsed = ParsedCertificate::try_from(certificate).map_err(Validity::Malformed)?;
    let since_1970 = Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0));
    let verified = verify_server_cert_signed_by_trust_anchor(
        &parsed,
        &RootCertStore::empty(),
        &[],
        UnixTime::since_unix_epoch(since_1970),
        hub_store::tls_provider().signature_verification_algorithms.all,
    );
    match verified {
        Err(Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Err(Validity::Over),
        Err(Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => Err(Validity::ToCome),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn invalid(file: &Path, problem: &impl ToString) -> TlsError {
    TlsError::Invalid {
        file: file.to_owned(),
        problem: problem.to_string(),
    }
}
