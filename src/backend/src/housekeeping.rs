//! What happens by itself: randomness is taken, keys are rotated, what is over is freed.

use crate::blobs::Seed;
use crate::capsules::{self, quota};
use crate::context::Call;
use crate::error::{Error, Result};
use crate::layout;
use crate::state::State;
use crate::types::{InitArgs, Quotas, QuotasUpdate};
use crate::uploads;

/// Takes over what an installation or upgrade says. What is stored stays as it is.
pub fn install(state: &mut State, call: &Call, arguments: Option<InitArgs>) -> Result<()> {
    let found = state.settings.get().layout;
    if !layout::can_open(found) {
        return Err(Error::Internal(format!("stable layout {found} is newer than this build, which knows {}", layout::VERSION)));
    }
    if state.settings.get().seed == Seed::default() {
        state.settings.change(|settings| settings.seed = Seed::provisional(call.canister.as_slice(), call.now));
    }
    let update = arguments.and_then(|arguments| arguments.quotas).unwrap_or_default();
    state.settings.change(|settings| quota::change(&mut settings.quotas, &update))
}

/// Changes quotas, for controllers.
pub fn change_quotas(state: &mut State, call: &Call, update: &QuotasUpdate) -> Result<Quotas> {
    call.require_controller()?;
    state.settings.change(|settings| quota::change(&mut settings.quotas, update))?;
    Ok(state.settings.get().quotas.clone())
}

/// Frees what is over, as much as fits into one message.
pub fn tidy(state: &mut State, call: &Call) {
    uploads::sweep(state, call);
    capsules::purge(state);
}

/// Whether randomness should be fetched: there is none yet, or the newest HTTP key is old.
pub fn needs_secrets(state: &State, call: &Call) -> bool {
    let settings = state.settings.get();
    !settings.seed.random || settings.keys.is_due(call.now)
}

/// Takes randomness: the seed once and for ever, an HTTP key each time one is due.
pub fn take_secrets(state: &mut State, call: &Call, entropy: &[u8]) {
    state.settings.change(|settings| {
        let fresh = Seed::random(entropy);
        if settings.keys.is_due(call.now) {
            settings.keys.rotate(fresh.key("http"), call.now);
        }
        if !settings.seed.random {
            settings.seed = fresh;
        }
    });
}
