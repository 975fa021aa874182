//! How numbers, texts, lists and pairs are stored.

use candid::Principal;
use serde_bytes::ByteBuf;

use super::reader::put_length;
use super::{Reader, Stored};

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Stored for $number {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(from: &mut Reader<'_>) -> Option<Self> {
                from.array().map(Self::from_le_bytes)
            }
        })*
    };
}

numbers!(u8, u32, u64, f32);

impl Stored for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl<const N: usize> Stored for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.array()
    }
}

impl Stored for [u32; 8] {
    fn put(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|word| word.put(out));
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        let mut words = [0; 8];
        for word in &mut words {
            *word = u32::take(from)?;
        }
        Some(words)
    }
}

impl Stored for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_bytes(), out);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Self::from_utf8(take_bytes(from)?.to_vec()).ok()
    }
}

impl Stored for ByteBuf {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self, out);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        take_bytes(from).map(Self::from)
    }
}

impl Stored for Principal {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_slice(), out);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Self::try_from_slice(take_bytes(from)?).ok()
    }
}

impl Stored for () {
    fn put(&self, _: &mut Vec<u8>) {}

    fn take(_: &mut Reader<'_>) -> Option<Self> {
        Some(())
    }
}

impl<T: Stored> Stored for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        if bool::take(from)? { T::take(from).map(Some) } else { Some(None) }
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.len(), out);
        self.iter().for_each(|item| item.put(out));
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        let length = from.length()?;
        // No item takes less than a byte, so a length that lies reserves no more than the record has.
        let mut items = Self::with_capacity(length.min(from.left()));
        for _ in 0..length {
            items.push(T::take(from)?);
        }
        Some(items)
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Some((A::take(from)?, B::take(from)?))
    }
}

/// Appends bytes with their length.
pub fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn take_bytes<'a>(from: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = from.length()?;
    from.bytes(length)
}
