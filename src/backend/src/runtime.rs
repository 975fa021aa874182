//! The only door to the Internet Computer: time, caller, randomness, timers.

use std::cell::RefCell;
use std::time::Duration;

use candid::Principal;
use ic_cdk::call::Call as OutgoingCall;
use ic_stable_structures::DefaultMemoryImpl;

use crate::codec::Digest;
use crate::context::Call;
use crate::housekeeping;
use crate::state::State;

/// How often what is over is cleaned up.
const HOUSEKEEPING: Duration = Duration::from_secs(3_600);

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::open(DefaultMemoryImpl::default()));
}

/// The message that is being worked for.
pub fn call() -> Call {
    let caller = ic_cdk::api::msg_caller();
    Call {
        caller,
        now: ic_cdk::api::time(),
        canister: ic_cdk::api::canister_self(),
        by_controller: ic_cdk::api::is_controller(&caller),
    }
}

/// Reads the state.
pub fn read<T>(body: impl FnOnce(&State, &Call) -> T) -> T {
    STATE.with_borrow(|state| body(state, &call()))
}

/// Changes the state. What the change drops is freed by the same message, or by messages of our own when it is too much for one;
/// calls that come in between pay nothing for it.
pub fn change<T>(body: impl FnOnce(&mut State, &Call) -> T) -> T {
    STATE.with_borrow_mut(|state| {
        let was_untidy = housekeeping::is_untidy(state);
        let result = body(state, &call());
        if !was_untidy && housekeeping::tidy_up(state) {
            tidy_later();
        }
        result
    })
}

/// Certifies what never changes.
pub fn certify(root: Digest) {
    ic_cdk::api::certified_data_set(root);
}

/// The certificate of it, which only queries have.
pub fn certificate() -> Option<Vec<u8>> {
    ic_cdk::api::data_certificate()
}

/// Refuses an installation; the only other trap is a token mint, whose type has no room for an error.
pub fn trap(text: &str) -> ! {
    ic_cdk::api::trap(text)
}

/// Starts what happens by itself: secret randomness as soon as the network gives it, and housekeeping.
///
/// Nothing waits for it. Until randomness has come, ids come from a provisional seed and HTTP tokens cannot be minted.
pub fn start_timers() {
    ic_cdk_timers::set_timer(Duration::ZERO, refresh_secrets());
    ic_cdk_timers::set_timer_interval(HOUSEKEEPING, async || {
        change(housekeeping::sweep);
        tidy();
        refresh_secrets().await;
    });
    tidy();
}

fn tidy() {
    if STATE.with_borrow_mut(housekeeping::tidy_up) {
        tidy_later();
    }
}

fn tidy_later() {
    ic_cdk_timers::set_timer(Duration::ZERO, async { tidy() });
}

async fn refresh_secrets() {
    if !read(housekeeping::needs_secrets) {
        return;
    }
    let reply = OutgoingCall::unbounded_wait(Principal::management_canister(), "raw_rand").await;
    if let Some(entropy) = reply.ok().and_then(|reply| reply.candid::<Vec<u8>>().ok()) {
        change(|state, call| housekeeping::take_secrets(state, call, &entropy));
    }
}
