//! A batch on its way to the hub: a JSON header, then one compressed Arrow IPC stream for
//! the parents and one for each kind of child.
//!
//! ```text
//! "ERPD" 1 | u32 header length | header (JSON) | { u32 length | Arrow IPC stream } …
//! ```
//! Lengths are little-endian.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::{
    CompressionType, Message,
    convert::try_fb_to_schema,
    reader::{StreamReader, read_record_batch},
    root_as_message_with_opts,
    writer::{IpcWriteOptions, StreamWriter},
};
use arrow_schema::ArrowError;
use catalog::{DocumentBatch, Removal};
use flatbuffers::VerifierOptions;
use serde::{Deserialize, Serialize};
use values::{CompanyId, DatasetName, Epoch, Hash, Sequence};

/// A batch's largest size on the wire: the driver cuts pages well below it, the hub
/// refuses what is above, so that one agent cannot fill a hub's memory.
pub const MAX_BATCH_BYTES: usize = 64 * 1024 * 1024;
/// What its rows may come to once they are decoded: well above what pages hold. Said by the
/// rows themselves, and looked at before anything is decoded: a few bytes may claim anything.
pub const MAX_ROWS_BYTES: usize = 512 * 1024 * 1024;
/// Parents, and kinds of children: no dataset has as many.
const MAX_PARTS: usize = 16;
/// Of a schema, or of the places of a batch's buffers, with what is pointed to from several
/// places counted at each.
const MAX_HEAD_BYTES: usize = 4 * 1024 * 1024;
const MAX_HEAD_TABLES: usize = 50_000;

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
    /// The rows are larger than [`MAX_ROWS_BYTES`] once they are decoded, or claim to be.
    #[error("the rows of the batch are over {MAX_ROWS_BYTES} bytes when they are decoded")]
    RowsTooLarge,
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
/// [`BatchError::TooLarge`], [`BatchError::RowsTooLarge`], and what Arrow refuses.
pub fn encode_batch(header: &BatchHeader, batch: &DocumentBatch) -> Result<Vec<u8>, BatchError> {
    let mut bytes = MAGIC.to_vec();
    push_part(&mut bytes, &serde_json::to_vec(header)?)?;
    let mut room = MAX_ROWS_BYTES;
    for rows in std::iter::once(&batch.parents).chain(&batch.children) {
        let part = encode_rows(rows)?;
        Part::read(&part)?.claim(&mut room)?;
        push_part(&mut bytes, &part)?;
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
    let mut parts = vec![Part::read(take_part(&mut rest)?)?];
    while !rest.is_empty() {
        if parts.len() == MAX_PARTS {
            return Err(BatchError::Malformed("it has too many kinds of children"));
        }
        parts.push(Part::read(take_part(&mut rest)?)?);
    }
    // All of them, before the first is decoded.
    let mut room = MAX_ROWS_BYTES;
    for part in &parts {
        part.claim(&mut room)?;
    }
    let mut rows = parts.into_iter().map(Part::decode);
    let parents = rows.next().ok_or(BatchError::Malformed("it ends early"))??;
    let children = rows.collect::<Result<_, _>>()?;
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

/// The same of whoever is trusted: what the stream claims to need is taken.
pub(crate) fn decode_rows(bytes: &[u8]) -> Result<RecordBatch, ArrowError> {
    let mut reader = StreamReader::try_new(Cursor::new(bytes), None)?;
    match reader.next() {
        Some(rows) => rows,
        None => Ok(RecordBatch::new_empty(reader.schema())),
    }
}

/// An Arrow IPC stream as [`encode_rows`] writes it, taken apart and not yet decoded: a schema,
/// and a record batch if there are rows.
struct Part<'a> {
    schema: Message<'a>,
    rows: Option<(Message<'a>, &'a [u8])>,
}

impl<'a> Part<'a> {
    fn read(mut stream: &'a [u8]) -> Result<Self, BatchError> {
        let (schema, _) = take_message(&mut stream)?.ok_or(BatchError::Malformed("rows without a schema"))?;
        let rows = take_message(&mut stream)?;
        Ok(Self { schema, rows })
    }

    /// Takes what the rows say they need out of what is left.
    fn claim(&self, room: &mut usize) -> Result<(), BatchError> {
        const OUTSIDE: BatchError = BatchError::Malformed("a buffer of the rows lies outside of them");
        let Some((message, body)) = &self.rows else {
            return Ok(());
        };
        let rows = message.header_as_record_batch();
        let rows = rows.ok_or(BatchError::Malformed("rows of another kind"))?;
        let is_compressed = rows.compression().is_some();
        for buffer in rows.buffers().into_iter().flatten() {
            let (from, length) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length()));
            let (Ok(from), Ok(length)) = (from, length) else {
                return Err(OUTSIDE);
            };
            let bytes = body.get(from..).and_then(|rest| rest.get(..length));
            let bytes = bytes.ok_or(OUTSIDE)?;
            // Before what is compressed stands what it becomes; -1 where it is as it is.
            let claimed = match bytes.first_chunk::<8>() {
                _ if !is_compressed || bytes.is_empty() => length,
                None => return Err(OUTSIDE),
                Some(claimed) => match i64::from_le_bytes(*claimed) {
                    -1 => length,
                    claimed => usize::try_from(claimed)
                        .map_err(|_| BatchError::Malformed("a buffer of the rows has no length"))?,
                },
            };
            *room = room.checked_sub(claimed).ok_or(BatchError::RowsTooLarge)?;
        }
        Ok(())
    }

    fn decode(self) -> Result<RecordBatch, BatchError> {
        let schema = self.schema.header_as_schema();
        let schema = schema.ok_or(BatchError::Malformed("rows without a schema"))?;
        let schema = Arc::new(try_fb_to_schema(schema)?);
        let Some((message, body)) = self.rows else {
            return Ok(RecordBatch::new_empty(schema));
        };
        let rows = message.header_as_record_batch();
        let rows = rows.ok_or(BatchError::Malformed("rows of another kind"))?;
        let (body, version) = (Buffer::from(body), message.version());
        Ok(read_record_batch(
            &body,
            rows,
            schema,
            &HashMap::new(),
            None,
            &version,
        )?)
    }
}

/// The next message of an Arrow IPC stream with its body; none at its end.
fn take_message<'a>(stream: &mut &'a [u8]) -> Result<Option<(Message<'a>, &'a [u8])>, BatchError> {
    /// Before the length, since version 0.15 of Arrow.
    const MARK: [u8; 4] = [0xFF; 4];
    if let Some(rest) = stream.strip_prefix(&MARK) {
        *stream = rest;
    }
    if stream.is_empty() {
        return Ok(None);
    }
    let head = take_part(stream)?;
    if head.is_empty() {
        return Ok(None);
    }
    let options = VerifierOptions {
        max_tables: MAX_HEAD_TABLES,
        max_apparent_size: MAX_HEAD_BYTES,
        ..VerifierOptions::default()
    };
    let message = root_as_message_with_opts(&options, head);
    let message = message.map_err(|_| BatchError::Malformed("a message of the rows cannot be read"))?;
    let length = usize::try_from(message.bodyLength());
    let body = length.ok().and_then(|length| stream.split_at_checked(length));
    let (body, rest) = body.ok_or(BatchError::Malformed("it ends early"))?;
    *stream = rest;
    Ok(Some((message, body)))
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
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BinaryArray};
    use arrow_ipc::root_as_message;
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
    const FOUR_MILLION: usize = 4 * 1024 * 1024;

    fn of_parts(parts: &[Vec<u8>]) -> Vec<u8> {
        let catalog = Catalog::standard().unwrap();
        let items = catalog.get("items").unwrap();
        let header = BatchHeader {
            company: CompanyId::new("ABC"),
            dataset: items.name.clone(),
            epoch: Epoch(1),
            sequence: Sequence(1),
            previous: Hash(0),
            fingerprint: items.fingerprint(),
            removals: Vec::new(),
            approved: 0,
        };
        let mut bytes = MAGIC.to_vec();
        push_part(&mut bytes, &serde_json::to_vec(&header).unwrap()).unwrap();
        for part in parts {
            push_part(&mut bytes, part).unwrap();
        }
        bytes
    }

    /// A column of so many zeros, and others of one.
    fn zeros(bytes: usize, others: usize) -> Vec<u8> {
        let long = vec![0; bytes];
        let columns = std::iter::once(long.as_slice()).chain(std::iter::repeat_n(&[0_u8] as &[u8], others));
        let columns = columns.enumerate().map(|(n, value)| {
            let column: ArrayRef = Arc::new(BinaryArray::from_vec(vec![value]));
            (format!("c{n}"), column)
        });
        encode_rows(&RecordBatch::try_from_iter(columns).unwrap()).unwrap()
    }

    /// Where the head of the stream's second message begins, its rows.
    fn head_of_rows(part: &[u8]) -> usize {
        let length = |at: usize| u32::from_le_bytes(part[at..at + 4].try_into().unwrap()) as usize;
        // A mark, a length and the schema, which has no body; a mark and a length.
        8 + length(4) + 8
    }

    #[test]
    fn what_is_claimed_is_not_believed() {
        let part = zeros(100_000, 0);
        let frame = [0x04, 0x22, 0x4D, 0x18];
        let frame = part.windows(4).rposition(|bytes| bytes == frame).unwrap();
        assert!(decode_batch(&of_parts(std::slice::from_ref(&part))).is_ok());
        for claimed in [
            1_i64 << 46,
            i64::MAX,
            i64::try_from(MAX_ROWS_BYTES).unwrap() + 1,
            -2,
        ] {
            let mut part = part.clone();
            part[frame - 8..frame].copy_from_slice(&claimed.to_le_bytes());
            let error = decode_batch(&of_parts(&[part])).map(drop).unwrap_err();
            assert!(
                matches!(error, BatchError::RowsTooLarge | BatchError::Malformed(_)),
                "{claimed}: {error}"
            );
        }
    }

    /// Rows of a few bytes with so many columns of four million each: all of them the same ones.
    fn bomb(columns: usize) -> Vec<u8> {
        let mut part = zeros(FOUR_MILLION, columns - 1);
        let head = head_of_rows(&part);
        let message = root_as_message(&part[head..]).unwrap();
        let buffers = message.header_as_record_batch().unwrap().buffers().unwrap();
        let places: Vec<_> = buffers
            .iter()
            .map(|buffer| std::ptr::from_ref(buffer).addr() - part.as_ptr().addr())
            .collect();
        let long: Vec<_> = places[1..3]
            .iter()
            .map(|at| part[*at..at + 16].to_vec())
            .collect();
        for column in places.chunks(3).skip(1) {
            for (at, wanted) in column[1..].iter().zip(&long) {
                part[*at..at + 16].copy_from_slice(wanted);
            }
        }
        assert!(part.len() < 100_000, "{}", part.len());
        part
    }

    #[test]
    fn a_few_bytes_do_not_become_many() {
        let most = MAX_ROWS_BYTES / FOUR_MILLION;
        let half = bomb(most / 2 + 1);
        for parts in [vec![bomb(most + 1)], vec![half.clone(), half]] {
            let error = decode_batch(&of_parts(&parts)).map(drop).unwrap_err();
            assert!(matches!(error, BatchError::RowsTooLarge), "{error}");
        }
        assert!(decode_batch(&of_parts(&[bomb(10)])).is_ok());
    }

    #[test]
    fn what_lies_outside_is_no_buffer() {
        let part = zeros(100, 0);
        let head = head_of_rows(&part);
        let message = root_as_message(&part[head..]).unwrap();
        let buffers = message.header_as_record_batch().unwrap().buffers().unwrap();
        let last = std::ptr::from_ref(buffers.get(2)).addr() - part.as_ptr().addr();
        for (place, value) in [(0, -8_i64), (0, 1 << 40), (8, 1 << 40), (8, i64::MAX), (8, 4)] {
            let mut part = part.clone();
            part[last + place..last + place + 8].copy_from_slice(&value.to_le_bytes());
            let error = decode_batch(&of_parts(&[part])).map(drop).unwrap_err();
            assert!(matches!(error, BatchError::Malformed(_)), "{value}: {error}");
        }
    }

    #[test]
    fn there_are_only_so_many_kinds_of_children() {
        let part = zeros(1, 0);
        assert!(decode_batch(&of_parts(&vec![part.clone(); MAX_PARTS])).is_ok());
        let error = decode_batch(&of_parts(&vec![part; MAX_PARTS + 1]))
            .map(drop)
            .unwrap_err();
        assert!(matches!(error, BatchError::Malformed(_)), "{error}");
    }
}
