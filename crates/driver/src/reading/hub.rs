//! The hub as the read side sees it.

use link::{Link, LinkError};
use values::{CompanyId, DatasetName};
use wire::agent::{BatchAck, HashPage, HashRequest, StreamRequest, StreamReset, StreamState};

/// A request to the hub failed for good: what may pass was tried again before.
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
        let request = StreamRequest {
            company: company.clone(),
            dataset: dataset.clone(),
        };
        self.runtime.block_on(self.link.stream_state(&request))
    }

    /// Opens an epoch.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn reset(&self, request: &StreamReset) -> Result<StreamState, HubError> {
        self.runtime.block_on(self.link.reset_stream(request))
    }

    /// Keys and hashes.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn hashes(&self, request: &HashRequest) -> Result<HashPage, HubError> {
        self.runtime.block_on(self.link.hashes(request))
    }

    /// Delivers a batch, always the same bytes, until the hub has it.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn send(&self, bytes: Vec<u8>) -> Result<BatchAck, HubError> {
        self.runtime.block_on(self.link.send_batch(bytes))
    }
}
