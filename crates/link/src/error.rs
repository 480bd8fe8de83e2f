use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use wire::agent::{Refusal, code};

/// A request to the hub failed.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// `http://` to another machine.
    #[error("{url} is not encrypted")]
    PlainHttp {
        /// The hub's address.
        url: String,
    },
    /// The address, proxy or client settings do not hold.
    #[error("{what} cannot be used: {reason}")]
    Settings {
        /// Which setting.
        what: String,
        /// Why.
        reason: String,
    },
    /// The file of private authorities does not hold.
    #[error("ca_file {} cannot be used: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The hub's name has no address.
    #[error("the name in {url} cannot be resolved")]
    NameUnknown {
        /// The hub's address.
        url: String,
    },
    /// Nothing listens there.
    #[error("{url} refuses the connection")]
    ConnectionRefused {
        /// The hub's address.
        url: String,
    },
    /// The certificate does not hold.
    #[error("the certificate of {url} is not trusted: {reason}")]
    CertificateUntrusted {
        /// The hub's address.
        url: String,
        /// Why.
        reason: String,
    },
    /// The proxy asks who we are.
    #[error("the proxy on the way to {url} asks for a user and password (407)")]
    ProxyAuthentication {
        /// The hub's address.
        url: String,
    },
    /// The connection failed in another way.
    #[error("{url} cannot be reached: {reason}")]
    Unreachable {
        /// The hub's address.
        url: String,
        /// Why.
        reason: String,
    },
    /// No answer in time. Whether the hub did it is not known.
    #[error("{url} gave no answer in time")]
    TimedOut {
        /// The request's address.
        url: String,
    },
    /// The hub asks for slower requests.
    #[error("the hub asks to wait {} s", wait.as_secs())]
    TooManyRequests {
        /// How long.
        wait: Duration,
    },
    /// The hub, or something before it, is out of order.
    #[error("{url} answers {status}")]
    HubFailed {
        /// The request's address.
        url: String,
        /// HTTP status, 500 to 599.
        status: u16,
    },
    /// The hub says no, and why.
    #[error("the hub refuses: {}", .0.detail)]
    Refused(Box<Refusal>),
    /// The answer is none of ours.
    #[error("{url} gives an answer that is not the hub's: {reason}")]
    Protocol {
        /// The request's address.
        url: String,
        /// What is wrong.
        reason: String,
    },
}

impl LinkError {
    /// Stable code; a refusal's is the hub's.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::PlainHttp { .. } => "plain_http_refused",
            Self::Settings { .. } => "link_settings_invalid",
            Self::CaFile { .. } => "ca_file_invalid",
            Self::NameUnknown { .. } => "hub_name_unknown",
            Self::ConnectionRefused { .. } => "hub_connection_refused",
            Self::CertificateUntrusted { .. } => "hub_certificate_untrusted",
            Self::ProxyAuthentication { .. } => "proxy_authentication_required",
            Self::Unreachable { .. } => "hub_unreachable",
            Self::TimedOut { .. } => "hub_timed_out",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::HubFailed { .. } => "hub_failed",
            Self::Refused(refusal) => &refusal.code,
            Self::Protocol { .. } => "hub_protocol",
        }
    }

    /// Whether the same request may succeed later without anybody's doing.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::PlainHttp { .. } | Self::Settings { .. } | Self::CaFile { .. } => false,
            Self::NameUnknown { .. }
            | Self::ConnectionRefused { .. }
            | Self::CertificateUntrusted { .. }
            | Self::ProxyAuthentication { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::TooManyRequests { .. }
            | Self::HubFailed { .. }
            | Self::Protocol { .. } => true,
            Self::Refused(refusal) => refusal.code == code::TOKEN_INVALID,
        }
    }

    /// What a person should do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::PlainHttp { .. } => "use https://; plain http is for this machine only (127.0.0.1, ::1, localhost)",
            Self::Settings { .. } => "correct the hub's address or the proxy in the configuration",
            Self::CaFile { .. } => "name a PEM file with the certificate of the authority as ca_file",
            Self::NameUnknown { .. } => "check the hub's address and this machine's DNS",
            Self::ConnectionRefused { .. } => "check that the hub (or the proxy before it) runs, its port, and the firewall",
            Self::CertificateUntrusted { .. } => "if the hub's authority is a private one, name its PEM file as ca_file; else check this machine's clock and the hub's certificate",
            Self::ProxyAuthentication { .. } => "name the proxy with user and password, or let the proxy pass the hub's address",
            Self::Unreachable { .. } => "check the network, the proxy and the firewall",
            Self::TimedOut { .. } | Self::TooManyRequests { .. } => "nothing: it is tried again",
            Self::HubFailed { .. } => "look at the hub's log; it is tried again",
            Self::Refused(refusal) => return refusal.remedy.clone(),
            Self::Protocol { .. } => "check that the address is a hub's, and that no proxy changes its answers",
        }
        .to_owned()
    }

    /// How long the hub asks to wait, if it does.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        if let Self::TooManyRequests { wait } = self {
            Some(*wait)
        } else {
            None
        }
    }

    /// From a request that got no answer.
    pub(crate) fn from_transport(url: &str, error: &reqwest::Error) -> Self {
        let url = url.to_owned();
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        let mut reason = String::new();
        while let Some(cause) = next {
            reason = cause.to_string();
            if let Some(tls) = cause.downcast_ref::<rustls::Error>()
                && matches!(tls, rustls::Error::InvalidCertificate(_))
            {
                return Self::CertificateUntrusted { url, reason };
            }
            if reason.contains("proxy auth") {
                return Self::ProxyAuthentication { url };
            }
            next = match cause.downcast_ref::<io::Error>() {
                Some(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
                    return Self::ConnectionRefused { url };
                }
                // `source` of a wrapped error skips the error itself.
                Some(e) => e.get_ref().map(|inner| inner as &(dyn Error + 'static)),
                None => cause.source(),
            };
        }
        if error.is_dns() {
            Self::NameUnknown { url }
        } else if error.is_timeout() {
            Self::TimedOut { url }
        } else {
            Self::Unreachable { url, reason }
        }
    }
}
