//! Bits as deflate has them: the lowest of each byte first.

/// Takes bits from the front.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
    held: u64,
    held_bits: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader {
            bytes,
            position: 0,
            held: 0,
            held_bits: 0,
        }
    }

    /// The next `count` bits, 16 at most, as a number.
    pub(super) fn take(&mut self, count: u32) -> Option<u16> {
        while self.held_bits < count {
            self.held |= u64::from(*self.bytes.get(self.position)?) << self.held_bits;
            self.position += 1;
            self.held_bits += 8;
        }
        let value = self.held & ((1 << count) - 1);
        self.held >>= count;
        self.held_bits -= count;
        Some(value as u16)
    }

    /// Goes on at the next byte; the bits left out must be 0.
    pub(super) fn align(&mut self) -> Option<()> {
        let left_out = self.take(self.held_bits % 8)?;
        (left_out == 0).then_some(())
    }

    /// Passes over whole bytes.
    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        for _ in 0..count {
            self.take(8)?;
        }
        Some(())
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.position == self.bytes.len() && self.held_bits == 0
    }
}

/// Appends bits.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    held: u64,
    held_bits: u32,
}

impl BitWriter {
    /// Appends the lowest `count` bits, 16 at most.
    pub(super) fn put(&mut self, value: u16, count: u32) {
        self.held |= u64::from(value) << self.held_bits;
        self.held_bits += count;
        while self.held_bits >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.held_bits -= 8;
        }
    }

    /// Fills the last byte up with 0.
    pub(super) fn align(&mut self) {
        if self.held_bits > 0 {
            self.put(0, 8 - self.held_bits);
        }
    }

    /// Appends whole bytes to whole bytes.
    pub(super) fn put_bytes(&mut self, bytes: &[u8]) {
        self.align();
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.align();
        self.bytes
    }
}
