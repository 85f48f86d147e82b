//! Standard base64 with padding.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine as _};

/// Bytes as text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A text as bytes; line ends in it do not count.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, String> {
    let letters: Vec<u8> = text.bytes().filter(|it| !matches!(it, b'\r' | b'\n')).collect();
    STANDARD.decode(&letters).map_err(|error| {
        let at = match error {
            DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => at,
            DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => letters.len() / 4 * 4,
        };
        format!("illegal base64 data at input byte {at}")
    })
}
