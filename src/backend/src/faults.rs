//! Faults that can be planted, to show that the tests would find them. Nothing else in the crate asks for features.
//!
//! A build has a fault when its feature is named (`cargo test --features fault-…`). The feature `mutants` makes one module of
//! them all, which has the fault whose feature is named in its data behind `planted: `, padded with spaces; so
//! `scripts/build-backend --mutants` compiles once and not as often as there are faults. Without these features every function
//! here is constantly false, and the compiler leaves out what hangs on it. `docs/mutants.md` has the table of faults against
//! guarantees.

/// Where the module of all mutants says which fault it has.
#[cfg(feature = "mutants")]
static PLANTED: [u8; 57] = *b"planted: none                                            ";

/// The feature of the planted fault, which the compiler must not foresee.
#[cfg(feature = "mutants")]
fn is_planted(feature: &str) -> bool {
    std::hint::black_box(&PLANTED)[9..].trim_ascii_end() == feature.as_bytes()
}

#[cfg(not(feature = "mutants"))]
const fn is_planted(_: &str) -> bool {
    false
}

macro_rules! faults {
    ($($(#[$text:meta])* $name:ident = $feature:literal,)*) => {
        $(
            $(#[$text])*
            #[inline(always)]
            pub fn $name() -> bool {
                cfg!(feature = $feature) || is_planted($feature)
            }
        )*
    };
}

faults! {
    // Sessions and chunks.
    /// An upload may be begun with any number of chunks.
    any_number_of_chunks = "fault-any-number-of-chunks",
    /// To begin again under the same idem drops the open session and what it has received.
    begin_starts_over = "fault-begin-starts-over",
    /// To begin again with another number of chunks gives the session with the old one.
    chunk_count_ignored = "fault-chunk-count-ignored",
    /// An idem names one session for all callers and capsules.
    idem_not_bound_to_caller = "fault-idem-not-bound-to-caller",
    /// An idem names one session of a caller, whatever the capsule.
    idem_not_bound_to_capsule = "fault-idem-not-bound-to-capsule",
    /// A finished upload is not found again by its idem.
    receipt_forgotten = "fault-receipt-forgotten",
    /// An aborted session still counts as one of its caller's open ones.
    slot_kept_at_abort = "fault-slot-kept-at-abort",
    /// The time that sessions live is multiplied by a thousand, as if it were in microseconds.
    expiry_in_wrong_unit = "fault-expiry-in-wrong-unit",
    /// A session ends two hours after it began, although chunks still arrive.
    expiry_not_renewed = "fault-expiry-not-renewed",
    /// Chunks may have any size.
    chunk_size_unchecked = "fault-chunk-size-unchecked",
    /// An empty chunk is taken.
    empty_chunk_accepted = "fault-empty-chunk-accepted",
    /// Other bytes for an index that was received replace the first ones.
    chunk_overwritten = "fault-chunk-overwritten",
    /// Chunks are hashed in the order in which they come, not in that of their indexes.
    hash_in_order_of_arrival = "fault-hash-in-order-of-arrival",
    /// A stranger's chunk goes into the hash before it is found that they may not send.
    hash_before_owner_check = "fault-hash-before-owner-check",
    /// A chunk goes into the hash of the newest session too.
    hash_shared_with_newest = "fault-hash-shared-with-newest",
    /// All chunks but the last must have one size.
    chunks_must_be_even = "fault-chunks-must-be-even",
    /// Open sessions do not survive an upgrade.
    sessions_lost_at_upgrade = "fault-sessions-lost-at-upgrade",
    /// The index of chunks does not survive an upgrade.
    chunks_lost_at_upgrade = "fault-chunks-lost-at-upgrade",
    /// Finish tells its time in milliseconds.
    finish_time_in_milliseconds = "fault-finish-time-in-milliseconds",
    /// Finish takes any hash.
    hash_unverified = "fault-hash-unverified",
    /// A finish with a wrong hash drops the session.
    session_dropped_on_wrong_hash = "fault-session-dropped-on-wrong-hash",
    /// Finish takes any length.
    length_unchecked = "fault-length-unchecked",
    /// A hash that is too short makes finish trap.
    hash_length_unchecked = "fault-hash-length-unchecked",
    /// Finish says that chunks are missing, but not which.
    missing_chunks_not_named = "fault-missing-chunks-not-named",
    /// A finished session is unknown to a second finish.
    second_finish_refused = "fault-second-finish-refused",
    /// Hash and length are compared before the owner.
    content_told_to_strangers = "fault-content-told-to-strangers",
    /// Abort says Ok and leaves the session open.
    abort_does_nothing = "fault-abort-does-nothing",
    /// A finished session still counts as an open one in the statistics.
    finished_session_listed = "fault-finished-session-listed",

    // Blobs.
    /// Whatever ends in a number is a locator.
    locator_parsed_laxly = "fault-locator-parsed-laxly",
    /// A chunk past the end of a blob is one from its start.
    read_wraps_around = "fault-read-wraps-around",
    /// Blob ids are the time.
    blob_id_from_clock = "fault-blob-id-from-clock",
    /// Who knows a locator reads the blob.
    blobs_read_by_anyone = "fault-blobs-read-by-anyone",
    /// Who knows a locator deletes the blob.
    blobs_deleted_by_anyone = "fault-blobs-deleted-by-anyone",
    /// A whole read of a large blob is tried, and traps.
    whole_read_unlimited = "fault-whole-read-unlimited",
    /// Equal content gives the blob that is there already.
    equal_content_shared = "fault-equal-content-shared",

    // Capsules.
    /// Each create with no subject makes another capsule.
    own_capsule_made_anew = "fault-own-capsule-made-anew",
    /// Capsule ids are the time.
    capsule_id_from_clock = "fault-capsule-id-from-clock",
    /// A capsule about somebody becomes their own, whoever made it.
    capsule_bound_for_others = "fault-capsule-bound-for-others",
    /// Capsules can be read, changed and deleted by everybody.
    foreign_capsule_shown = "fault-foreign-capsule-shown",
    /// Everybody may put things into a capsule.
    foreign_capsule_writable = "fault-foreign-capsule-writable",
    /// What a deleted capsule holds is not freed.
    deleted_capsule_not_freed = "fault-deleted-capsule-not-freed",
    /// Memories do not survive an upgrade.
    memories_lost_at_upgrade = "fault-memories-lost-at-upgrade",

    // Memories.
    /// A memory may be made with bytes and a blob at once.
    asset_kinds_unchecked = "fault-asset-kinds-unchecked",
    /// Inline bytes of a capsule have no limit.
    inline_budget_unchecked = "fault-inline-budget-unchecked",
    /// A memory may refer to another caller's blob.
    foreign_blob_remembered = "fault-foreign-blob-remembered",
    /// An idem names one memory for all callers and capsules.
    memory_idem_not_bound = "fault-memory-idem-not-bound",
    /// The same idem with other content gives the memory of the first.
    other_content_ignored = "fault-other-content-ignored",
    /// The size of a memory is that of its first asset.
    sizes_not_summed = "fault-sizes-not-summed",
    /// An asset is added each time that a request comes.
    asset_idem_forgotten = "fault-asset-idem-forgotten",
    /// Everybody may change and delete a memory.
    foreign_memory_writable = "fault-foreign-memory-writable",
    /// A memory made of blobs and inline assets has only the blobs.
    inline_assets_dropped = "fault-inline-assets-dropped",
    /// The date of a memory is not stored.
    date_dropped = "fault-date-dropped",
    /// Lists begin with the newest, and the cursor is a position in them.
    list_cursor_is_a_position = "fault-list-cursor-is-a-position",
    /// A memory without title makes the list trap.
    list_needs_titles = "fault-list-needs-titles",
    /// Delete with assets keeps the blobs.
    assets_kept_at_delete = "fault-assets-kept-at-delete",
    /// Delete without assets deletes the blobs.
    assets_always_deleted = "fault-assets-always-deleted",
    /// A memory's references to blobs are not counted.
    reference_not_counted = "fault-reference-not-counted",
    /// A bulk delete deletes memories of other capsules too.
    bulk_delete_ignores_capsule = "fault-bulk-delete-ignores-capsule",
    /// Asset removal says that the asset is gone, and keeps it.
    removal_only_claimed = "fault-removal-only-claimed",
    /// Cleanup tells one asset fewer than it took away.
    cleanup_miscounts = "fault-cleanup-miscounts",

    // Operations and HTTP.
    /// Maintenance calls answer everybody.
    maintenance_open = "fault-maintenance-open",
    /// The configuration tells half of the chunk size.
    config_tells_other_limit = "fault-config-tells-other-limit",
    /// To make a memory looks at all memories of all capsules.
    every_memory_searched = "fault-every-memory-searched",
    /// Addresses of any length are taken apart.
    long_address_parsed = "fault-long-address-parsed",
    /// A large asset is served without its later parts.
    assets_cut_off = "fault-assets-cut-off",
    /// Who knows the id of a memory gets a token for it.
    token_minted_for_anyone = "fault-token-minted-for-anyone",
    /// A token opens every asset of every memory.
    token_scope_unchecked = "fault-token-scope-unchecked",
    /// A token works for ever.
    token_expiry_unchecked = "fault-token-expiry-unchecked",
    /// The signature of a token is not looked at.
    token_signature_unchecked = "fault-token-signature-unchecked",
}
