//! Base64 (RFC 4648), with and without padding, and percent-encoding.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    let mut text = encode(bytes, STANDARD);
    text.extend(std::iter::repeat_n('=', (4 - text.len() % 4) % 4));
    text
}

/// Base64 for addresses, without padding.
pub fn base64_url(bytes: &[u8]) -> String {
    encode(bytes, URL)
}

/// Reads base64 for addresses; `None` when it is none. Only the form that `base64_url` writes is one.
pub fn from_base64_url(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().map(|byte| URL.iter().position(|&digit| digit == byte));
    let digits: Vec<u32> = digits.map(|digit| digit.map(|digit| digit as u32)).collect::<Option<_>>()?;
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let word = group.iter().fold(0, |word, digit| word << 6 | digit) << (6 * (4 - group.len()));
        bytes.extend_from_slice(&word.to_be_bytes()[1..group.len()]);
    }
    (base64_url(&bytes) == text).then_some(bytes)
}

/// Undoes percent-encoding; what is no encoding stays as it is.
pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, more)) = rest.split_first() {
        let code =
            more.get(..2).and_then(|pair| std::str::from_utf8(pair).ok()).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match code.filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn encode(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0u32, |word, &byte| word << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        (0..=group.len()).for_each(|at| text.push(char::from(alphabet[(word >> (18 - 6 * at) & 63) as usize])));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The test vectors of RFC 4648.
    #[test]
    fn follows_the_rfc() {
        let vectors = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        vectors.iter().for_each(|(plain, coded)| assert_eq!(base64(plain.as_bytes()), *coded));
        assert_eq!(percent_decoded("a%20b%zz%4"), "a b%zz%4");
    }

    proptest! {
        /// What was written reads back, and no other text reads as the same bytes.
        #[test]
        fn round_trip(bytes in prop::collection::vec(any::<u8>(), 0..50), noise in "[A-Za-z0-9_-]{0,9}") {
            prop_assert_eq!(from_base64_url(&base64_url(&bytes)), Some(bytes));
            if let Some(bytes) = from_base64_url(&noise) {
                prop_assert_eq!(base64_url(&bytes), noise);
            }
        }
    }
}
