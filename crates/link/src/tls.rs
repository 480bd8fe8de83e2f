//! The one place where cryptography for TLS is chosen and certificates are read.

use std::path::Path;

use reqwest::Certificate;

use crate::LinkError;

/// Makes ring the provider of TLS. Once for the process; later calls change nothing.
pub(crate) fn install_provider() {
    // An error says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The private authorities in a PEM file.
pub(crate) fn authorities(path: &Path) -> Result<Vec<Certificate>, LinkError> {
    let unusable = |reason: String| LinkError::CaFile {
        path: path.to_owned(),
        reason,
    };
    let bytes = std::fs::read(path).map_err(|e| unusable(e.to_string()))?;
    let found = Certificate::from_pem_bundle(&bytes).map_err(|e| unusable(e.to_string()))?;
    if found.is_empty() {
        return Err(unusable("it has no PEM certificate".to_owned()));
    }
    Ok(found)
}
