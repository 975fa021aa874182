//! Versions of the stable layout: what a build opens, and what it leaves alone.

use backend::context::Call;
use backend::error::Error;
use backend::state::State;
use backend::{housekeeping, layout};
use candid::Principal;
use ic_stable_structures::DefaultMemoryImpl;

fn call() -> Call {
    Call { caller: Principal::anonymous(), now: 1, canister: Principal::from_slice(b"canister"), by_controller: true }
}

/// Opens a canister whose settings say that a build of this layout wrote them, and installs the present build over it.
fn install_over(found: u32) -> (Result<(), Error>, u32) {
    let stable = DefaultMemoryImpl::default();
    let mut before = State::open(stable.clone());
    before.settings.change(|settings| settings.layout = found);
    drop(before);
    let mut state = State::open(stable);
    let answer = housekeeping::install(&mut state, &call(), None);
    (answer, state.settings.get().layout)
}

/// A layout up to our own is opened, and from then on ours.
#[test]
fn earlier_layouts_are_opened() {
    for found in 1..=layout::VERSION {
        assert_eq!(install_over(found), (Ok(()), layout::VERSION));
    }
}

/// A newer layout, or none, is refused and stays as it is: a downgrade spoils nothing.
#[test]
fn newer_layouts_are_left_alone() {
    for found in [0, layout::VERSION + 1, u32::MAX] {
        let (answer, left) = install_over(found);
        assert!(matches!(answer, Err(Error::Internal(_))), "{answer:?}");
        assert_eq!(left, found);
    }
}
