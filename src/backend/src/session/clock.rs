//! Time as a value that is passed in.

/// Tells the time.
pub trait Clock {
    /// Nanoseconds since 1970-01-01 UTC.
    fn now(&self) -> u64;
}
