//! Where randomness enters the programs.

/// A random number.
#[must_use]
pub fn number() -> u64 {
    rand::random()
}

/// Random bytes.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    std::array::from_fn(|_| rand::random())
}

/// Random bytes as hex digits, two for each byte.
#[must_use]
pub fn hex<const BYTES: usize>() -> String {
    hex::encode(bytes::<BYTES>())
}
