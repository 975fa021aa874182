//! Who calls, and when: everything that the domain may know of the message it works for.

use candid::Principal;

use crate::error::{Error, Result};
use crate::session::Clock;

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Who calls.
    pub caller: Principal,
    /// Time of the round, nanoseconds since 1970-01-01 UTC.
    pub now: u64,
    /// The canister itself.
    pub canister: Principal,
    /// Whether the caller is a controller of the canister.
    pub by_controller: bool,
}

impl Clock for Call {
    fn now(&self) -> u64 {
        self.now
    }
}

impl Call {
    /// Refuses the anonymous caller, who is everybody and can own nothing.
    pub fn require_someone(&self) -> Result<()> {
        if self.caller == Principal::anonymous() { Err(Error::Unauthorized) } else { Ok(()) }
    }

    /// Refuses everybody but controllers.
    pub fn require_controller(&self) -> Result<()> {
        if self.by_controller { Ok(()) } else { Err(Error::Unauthorized) }
    }
}
