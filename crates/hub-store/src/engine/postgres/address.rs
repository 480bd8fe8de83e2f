//! Where the database is and how it is spoken to: `postgres://user:password@host/database`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::tls::Tls;
use crate::StoreError;

/// Connections that a process keeps at most.
const POOL_SIZE: usize = 16;
const POOL_MAX: usize = 1_000;
/// A host that is gone is noticed in about this time.
const SILENCE: Duration = Duration::from_secs(30);

/// A parsed address.
#[derive(Clone)]
pub(crate) struct Address {
    pub(super) config: Config,
    pub(super) tls: Tls,
    pub(super) pool_size: usize,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The configuration hides the password.
        f.debug_struct("Address")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Address {
    /// Reads an address; `password` is used where it names none.
    pub(crate) fn parse(address: &str, password: Option<&str>) -> Result<Self, StoreError> {
        let refused = |problem: &str| StoreError::AddressInvalid(problem.to_owned());
        let (base, query) = address.split_once('?').unwrap_or((address, ""));
        let (mut passed_on, mut mode, mut root, mut file) = (Vec::new(), None, None, None);
        let mut pool_size = POOL_SIZE;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "sslmode" => mode = Some(value),
                "sslrootcert" => root = Some(path(value)?),
                "password_file" => file = Some(path(value)?),
                "pool_size" => {
                    pool_size = value
                        .parse()
                        .ok()
                        .filter(|size| (2..=POOL_MAX).contains(size))
                        .ok_or_else(|| refused("pool_size has to be a number from 2 to 1000"))?;
                }
                _ => passed_on.push(pair),
            }
        }
        let plain = if passed_on.is_empty() {
            base.to_owned()
        } else {
            format!("{base}?{}", passed_on.join("&"))
        };
        // The parser's own words may quote what was given, a password among it.
        let mut config: Config = plain.parse().map_err(|_| {
            refused("it is no address of the form postgres://USER@HOST:PORT/DATABASE?OPTION=VALUE")
        })?;
        if config.get_password().is_none() {
            let of_file = file.as_deref().map(first_line).transpose()?;
            if let Some(password) = of_file.as_deref().or(password) {
                config.password(password);
            }
        }
        if config.get_application_name().is_none() {
            config.application_name("erp-hub");
        }
        config
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .keepalives_idle(SILENCE)
            .tcp_user_timeout(SILENCE);
        let encrypts = match mode {
            Some("disable") => false,
            Some("require" | "verify-full") => true,
            Some(_) => {
                return Err(refused(
                    "sslmode has to be disable, or require (the same as verify-full): the server's certificate is always verified",
                ));
            }
            None => !config.get_hosts().iter().all(is_local),
        };
        let tls = if encrypts {
            config.ssl_mode(SslMode::Require);
            Tls::verifying(root.as_deref())?
        } else {
            config.ssl_mode(SslMode::Disable);
            Tls::none()
        };
        Ok(Self {
            config,
            tls,
            pool_size,
        })
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// `%2F` is how a slash may come in a parameter.
fn path(value: &str) -> Result<PathBuf, StoreError> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|d| char::from(d).to_digit(16));
        let decoded = digit()
            .zip(digit())
            .and_then(|(high, low)| u8::try_from(16 * high + low).ok());
        bytes.push(
            decoded.ok_or_else(|| {
                StoreError::AddressInvalid("a % has to be followed by two digits".to_owned())
            })?,
        );
    }
    String::from_utf8(bytes)
        .map(PathBuf::from)
        .map_err(|_| StoreError::AddressInvalid("a path in it is not UTF-8".to_owned()))
}

fn first_line(path: &Path) -> Result<String, StoreError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| StoreError::AddressInvalid(format!("password_file {}: {e}", path.display())))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_says_and_never_shows_its_password() {
        let address = Address::parse("postgres://hub:hunter2@db.example.com/hub?pool_size=4", None).unwrap();
        assert_eq!(address.pool_size, 4);
        assert_eq!(address.config.get_password(), Some(&b"hunter2"[..]));
        assert_eq!(
            address.config.get_ssl_mode(),
            SslMode::Require,
            "elsewhere is encrypted"
        );
        assert!(!format!("{address:?}").contains("hunter2"));
        let local = Address::parse(
            "postgres://hub@%2Frun%2Fpostgresql/hub",
            Some("of the environment"),
        )
        .unwrap();
        assert_eq!(local.config.get_ssl_mode(), SslMode::Disable);
        assert_eq!(local.config.get_password(), Some(&b"of the environment"[..]));
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told_without_its_password() {
        for wrong in [
            "postgres://hub:hunter2@h/d?sslmode=prefer",
            "postgres://hub:hunter2@h/d?pool_size=0",
            "postgres://hub:hunter2@h/d?hunter2=1",
            "postgres://hub:hunter2@h:hunter2/d",
            "postgres://hub@h/d?password_file=/no/such/file",
            "postgres://hub@h/d?sslrootcert=/no/such/file",
        ] {
            let error = Address::parse(wrong, None).unwrap_err();
            assert_eq!(error.code(), "store_address_invalid", "{wrong}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_password_may_stand_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "a secret\nanything\n").unwrap();
        let text = format!("postgres://hub@localhost/hub?password_file={}", file.display());
        let address = Address::parse(&text, Some("another")).unwrap();
        assert_eq!(address.config.get_password(), Some(&b"a secret"[..]));
    }
}
