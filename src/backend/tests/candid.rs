//! The written interface and the code are the same interface.

use candid_parser::utils::{CandidSource, service_compatible, service_equal};

fn written() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../candid/backend.did")
}

/// Whoever holds the file can call the code, and whoever holds the code can call the file; and the two are equal.
#[test]
fn file_and_code_agree() {
    let (code, file) = (backend::candid_interface(), written());
    service_compatible(CandidSource::Text(&code), CandidSource::File(&file)).expect("the code serves the file's clients");
    service_compatible(CandidSource::File(&file), CandidSource::Text(&code)).expect("the file serves the code's clients");
    service_equal(CandidSource::Text(&code), CandidSource::File(&file)).expect("equal");
}
