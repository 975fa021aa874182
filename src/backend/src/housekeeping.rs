//! What happens by itself: randomness is taken, keys are rotated, what is over is freed.

use crate::blobs::Seed;
use crate::capsules::{self, quota};
use crate::context::Call;
use crate::error::{Error, Result};
use crate::layout;
use crate::migration::{self, Migration};
use crate::state::State;
use crate::types::{InitArgs, Quotas, QuotasUpdate};
use crate::uploads;

/// Chunks that one message frees: the blobs of a few hundred memories, or 3.6 GB.
const CHUNKS_A_MESSAGE: usize = 2_000;

/// Takes over what an installation or upgrade says. What is stored stays as it is.
pub fn install(state: &mut State, call: &Call, arguments: Option<InitArgs>) -> Result<()> {
    let found = state.settings.get().layout;
    if !layout::can_open(found) {
        return Err(Error::Internal(format!("stable layout {found} is newer than this build, which knows {}", layout::VERSION)));
    }
    if state.settings.get().seed == Seed::default() {
        state.settings.change(|settings| settings.seed = Seed::provisional(call.canister.as_slice(), call.now));
    }
    if found < layout::VERSION {
        state.settings.change(|settings| (settings.layout, settings.migration) = (layout::VERSION, Some(Migration::START)));
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

/// Drops uploads whose time is over.
pub fn sweep(state: &mut State, call: &Call) {
    uploads::sweep(state, call);
}

/// Whether something that was dropped is not freed yet, or something stored is not in the present layout.
pub fn is_untidy(state: &State) -> bool {
    state.capsules.next_doomed().is_some() || state.blobs.chunks.is_untidy() || state.settings.get().migration.is_some()
}

/// Frees what was dropped and rewrites what an earlier layout stored, as much as fits into one message; true when there is more.
pub fn tidy_up(state: &mut State) -> bool {
    capsules::purge(state);
    state.blobs.chunks.purge(CHUNKS_A_MESSAGE);
    migration::step(state);
    is_untidy(state)
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
