//! Reading stored bytes from front to back.

/// Bytes that are still to be read, and the layout that they are in.
pub struct Reader<'a> {
    bytes: &'a [u8],
    /// The layout of the record.
    pub layout: u8,
}

impl<'a> Reader<'a> {
    /// A reader of a record's fields.
    pub fn new(bytes: &'a [u8], layout: u8) -> Self {
        Self { bytes, layout }
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    /// The next bytes.
    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(head)
    }

    /// The next bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    /// The next byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// A length: unsigned LEB128 of at most 32 bits.
    pub fn length(&mut self) -> Option<usize> {
        let mut length = 0;
        for shift in (0..32).step_by(7) {
            let byte = self.byte()?;
            length |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(length).ok().map(|length| length as usize);
            }
        }
        None
    }
}

/// Appends a length.
pub fn put_length(length: usize, out: &mut Vec<u8>) {
    let mut rest = length;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}
