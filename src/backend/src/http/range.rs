//! Byte ranges: RFC 9110, section 14. One range a request; of several, or of what is no range, the whole is sent.

/// What a `Range` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Everything.
    Whole,
    /// Bytes from (included) to (not included).
    Part(u64, u64),
    /// Something that is not there.
    Unsatisfiable,
}

/// What this header asks for, of so many bytes.
pub fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some((first, last)) = header.and_then(|text| text.trim().strip_prefix("bytes=")).and_then(|range| range.split_once('-'))
    else {
        return Wanted::Whole;
    };
    match (number(first), number(last)) {
        (Some(Some(first)), Some(last)) => part(first, last.map_or(size, |last| last.saturating_add(1).min(size)), size),
        (Some(None), Some(Some(suffix))) => part(size.saturating_sub(suffix), size, size),
        _ => Wanted::Whole,
    }
}

fn part(from: u64, to: u64, size: u64) -> Wanted {
    match (from < size, from < to) {
        (true, true) => Wanted::Part(from, to),
        (true, false) => Wanted::Whole,
        (false, _) => Wanted::Unsatisfiable,
    }
}

/// `Some(None)` for no digits, `None` for anything else that is no number.
fn number(text: &str) -> Option<Option<u64>> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match (text.is_empty(), digits) {
        (true, _) => Some(None),
        (false, true) => Some(Some(text.parse().unwrap_or(u64::MAX))),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 9110, section 14.1.2, and what is no range.
    #[test]
    fn follows_the_rfc() {
        let size = 10_000;
        let cases = [
            (None, Wanted::Whole),
            (Some("bytes=0-499"), Wanted::Part(0, 500)),
            (Some("bytes=500-999"), Wanted::Part(500, 1_000)),
            (Some("bytes=-500"), Wanted::Part(9_500, 10_000)),
            (Some("bytes=9500-"), Wanted::Part(9_500, 10_000)),
            (Some("bytes=0-99999999999999999999999"), Wanted::Part(0, 10_000)),
            (Some("bytes=10000-"), Wanted::Unsatisfiable),
            (Some("bytes=-0"), Wanted::Unsatisfiable),
            (Some("bytes=5-4"), Wanted::Whole),
            (Some("bytes=0-0,-1"), Wanted::Whole),
            (Some("lines=1-2"), Wanted::Whole),
            (Some("bytes=+1-2"), Wanted::Whole),
        ];
        cases.iter().for_each(|(header, expected)| assert_eq!(wanted(*header, size), *expected, "{header:?}"));
    }
}
