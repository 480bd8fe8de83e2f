//! A batch on its way to the hub: a JSON header, then one compressed Arrow IPC stream for
//! the parents and one for each kind of child.
//!
//! ```text
//! "ERPD" 1 | u32 header length | header (JSON) | { u32 length | Arrow IPC stream } …
//! ```
//! Lengths are little-endian.

use std::io::Cursor;

use arrow_array::RecordBatch;
use arrow_ipc::{
    CompressionType,
    reader::StreamReader,
    writer::{IpcWriteOptions, StreamWriter},
};
use arrow_schema::ArrowError;
use catalog::{DocumentBatch, Removal};
use serde::{Deserialize, Serialize};
use values::{CompanyId, DatasetName, Epoch, Hash, Sequence};

/// A batch's largest size on the wire: the driver cuts pages well below it, the hub
/// refuses what is above, so that one agent cannot fill a hub's memory.
pub const MAX_BATCH_BYTES: usize = 64 * 1024 * 1024;

const MAGIC: &[u8; 5] = b"ERPD\x01";

/// What a batch is and where it belongs in its stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchHeader {
    /// Whose rows.
    pub company: CompanyId,
    /// Which dataset.
    pub dataset: DatasetName,
    /// The stream's epoch.
    pub epoch: Epoch,
    /// Place in the epoch, from 1 without gaps.
    pub sequence: Sequence,
    /// Digest of the batch before it in the epoch; 0 for the first. So a stream is a chain:
    /// two sides that agree on the last digest agree on everything before it.
    pub previous: Hash,
    /// The dataset's shape, as the driver knows it.
    pub fingerprint: Hash,
    /// Records that leave. None of them is among the rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removals: Vec<Removal>,
    /// Unexplained removals of the last day that a person has approved beyond what the brake
    /// allows.
    #[serde(default)]
    pub approved: u64,
}

/// A batch cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Larger than [`MAX_BATCH_BYTES`].
    #[error("batch of {bytes} bytes is over the limit of {MAX_BATCH_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The bytes are no batch, or of a later version.
    #[error("not a batch: {0}")]
    Malformed(&'static str),
    /// The header is no JSON of the right form.
    #[error("batch header: {0}")]
    Header(#[from] serde_json::Error),
    /// An Arrow stream does not hold.
    #[error("batch rows: {0}")]
    Rows(#[from] ArrowError),
}

/// Writes a batch.
///
/// # Errors
/// [`BatchError::TooLarge`], and what Arrow refuses.
pub fn encode_batch(header: &BatchHeader, batch: &DocumentBatch) -> Result<Vec<u8>, BatchError> {
    let mut bytes = MAGIC.to_vec();
    push_part(&mut bytes, &serde_json::to_vec(header)?)?;
    for rows in std::iter::once(&batch.parents).chain(&batch.children) {
        push_part(&mut bytes, &encode_rows(rows)?)?;
    }
    if bytes.len() > MAX_BATCH_BYTES {
        return Err(BatchError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

/// Reads a batch and its [`digest`]. The caller checks the shape against its catalog.
///
/// # Errors
/// [`BatchError`] says which part does not hold.
pub fn decode_batch(bytes: &[u8]) -> Result<(BatchHeader, DocumentBatch, Hash), BatchError> {
    if bytes.len() > MAX_BATCH_BYTES {
        return Err(BatchError::TooLarge { bytes: bytes.len() });
    }
    let body = bytes
        .strip_prefix(MAGIC)
        .ok_or(BatchError::Malformed("it does not begin as one of this version"))?;
    let digest = digest(bytes);
    let mut rest = body;
    let header = serde_json::from_slice(take_part(&mut rest)?)?;
    let parents = decode_rows(take_part(&mut rest)?)?;
    let mut children = Vec::new();
    while !rest.is_empty() {
        children.push(decode_rows(take_part(&mut rest)?)?);
    }
    Ok((header, DocumentBatch { parents, children }, digest))
}

/// The digest of an encoded batch: header and rows. The same sequence with another digest
/// is another batch.
#[must_use]
pub fn digest(bytes: &[u8]) -> Hash {
    Hash::of_bytes(bytes)
}

/// One Arrow IPC stream with one record batch, LZ4-compressed.
pub(crate) fn encode_rows(rows: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &rows.schema(), options)?;
    writer.write(rows)?;
    writer.into_inner()
}

pub(crate) fn decode_rows(bytes: &[u8]) -> Result<RecordBatch, ArrowError> {
    let mut reader = StreamReader::try_new(Cursor::new(bytes), None)?;
    match reader.next() {
        Some(rows) => rows,
        None => Ok(RecordBatch::new_empty(reader.schema())),
    }
}

fn push_part(bytes: &mut Vec<u8>, part: &[u8]) -> Result<(), BatchError> {
    let length = u32::try_from(part.len()).map_err(|_| BatchError::TooLarge { bytes: part.len() })?;
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(part);
    Ok(())
}

fn take_part<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], BatchError> {
    let (length, body) = rest
        .split_first_chunk::<4>()
        .ok_or(BatchError::Malformed("it ends early"))?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| BatchError::Malformed("length"))?;
    if body.len() < length {
        return Err(BatchError::Malformed("it ends early"));
    }
    let (part, after) = body.split_at(length);
    *rest = after;
    Ok(part)
}

#[cfg(test)]
mod tests {
    use catalog::Catalog;

    use super::*;

    #[test]
    fn comes_back_and_refuses_what_is_cut() {
        let catalog = Catalog::standard().unwrap();
        let orders = catalog.get("sales_orders").unwrap();
        let header = BatchHeader {
            company: CompanyId::new("ABC"),
            dataset: orders.name.clone(),
            epoch: Epoch(3),
            sequence: Sequence(7),
            previous: Hash(5),
            fingerprint: orders.fingerprint(),
            removals: Vec::new(),
            approved: 0,
        };
        let batch = orders.empty_batch();
        let bytes = encode_batch(&header, &batch).unwrap();
        let (read_header, read_batch, digest) = decode_batch(&bytes).unwrap();
        assert_eq!((read_header, &read_batch), (header, &batch));
        orders.check(&read_batch).unwrap();
        assert_eq!(digest, decode_batch(&bytes).unwrap().2);
        for cut in [0, 4, 9, bytes.len() - 1] {
            assert!(decode_batch(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
