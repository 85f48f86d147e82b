//! Packets of Git's protocol: four digits of length, then bytes (gitprotocol-common, "pkt-line").

/// A packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Packet {
    /// `0000`, the end of a section.
    Flush,
    /// Bytes.
    Data(Vec<u8>),
}

/// Adds a line as a packet.
pub(super) fn write_line(into: &mut Vec<u8>, line: &str) {
    into.extend(format!("{:04x}{line}", line.len() + 4).bytes());
}

/// Adds the end of a section.
pub(super) fn write_flush(into: &mut Vec<u8>) {
    into.extend(*b"0000");
}

/// Packets from bytes that arrive in pieces.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
    /// Where the next packet begins.
    start: usize,
}

impl Decoder {
    /// Adds bytes that arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend(bytes);
    }

    /// The next packet; `None` until more bytes arrive.
    ///
    /// # Errors
    /// If what stands there is no length.
    pub(super) fn next(&mut self) -> Result<Option<Packet>, String> {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        let Some(digits) = rest.get(..4) else {
            return Ok(None);
        };
        let wrong = || {
            format!(
                "`{}` is no length of a packet",
                String::from_utf8_lossy(digits).escape_default()
            )
        };
        let digits = std::str::from_utf8(digits)
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let length = digits
            .and_then(|text| usize::from_str_radix(text, 16).ok())
            .ok_or_else(wrong)?;
        match length {
            0 => {
                self.start += 4;
                Ok(Some(Packet::Flush))
            }
            1..4 => Err(wrong()),
            _ => {
                let data = rest.get(4..length).map(<[u8]>::to_vec);
                self.start += if data.is_some() { length } else { 0 };
                Ok(data.map(Packet::Data))
            }
        }
    }

    /// Whether bytes are left that are no whole packet.
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn packets_arrive_in_pieces() {
        let mut wire = Vec::new();
        write_line(&mut wire, "want x\n");
        write_flush(&mut wire);
        write_line(&mut wire, "");
        for size in 1..=wire.len() {
            let (mut decoder, mut found) = (Decoder::default(), Vec::new());
            for piece in wire.chunks(size) {
                decoder.push(piece);
                while let Some(packet) = decoder.next().unwrap() {
                    found.push(packet);
                }
            }
            assert_eq!(
                found,
                [Packet::Data(b"want x\n".to_vec()), Packet::Flush, Packet::Data(vec![])],
                "{size}"
            );
            assert!(decoder.is_empty());
        }
    }

    #[test]
    fn what_is_no_length_is_an_error() {
        for wire in [&b"<htm"[..], b"0001", b"0003", b"+00a", b"\xff\xff\xff\xff"] {
            let mut decoder = Decoder::default();
            decoder.push(wire);
            assert!(decoder.next().is_err(), "{wire:?}");
        }
    }
}
