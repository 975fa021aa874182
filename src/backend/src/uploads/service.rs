//! Begin, put, finish, abort, status.
//!
//! Every byte is hashed once. A chunk that comes in order is hashed as it arrives; one that comes ahead of a gap waits in stable memory
//! and is hashed when the gap closes. How much of that a call does is bounded, so the work of a call does not grow with the blob:
//! a put does its own chunk and a little more, and a finish that has more to do than fits asks to be called again.

use candid::{CandidType, Deserialize};

use super::hashing::RollingHash;
use super::maintenance;
use crate::blobs::{Blob, BlobId, Chunks, locator};
use crate::codec::{Digest, hex};
use crate::context::Call;
use crate::error::{Error, Result, require};
use crate::memory::Memory;
use crate::session::{Arrival, Session, SessionId, SessionService, SessionSpec};
use crate::state::State;
use crate::stored::layout;
use crate::types::{ChunkRange, StorageBackend, UploadFinishResult, UploadStatus};

/// Largest chunk: what fits into a message of 2 MiB with room for the envelope.
pub const CHUNK_SIZE: usize = 1_800_000;
/// Most chunks of an upload (interface facts, section 3.2).
pub const MAX_CHUNKS: u32 = 16_384;
const MAX_IDEM_BYTES: usize = 1_024;
/// Bytes that a put hashes beyond its own chunk.
const CATCH_UP_PUT: u64 = 8 << 20;
/// Bytes that a finish hashes: at 64 instructions a byte less than half of the 40 billion that a message may take.
const CATCH_UP_FINISH: u64 = 256 << 20;

/// What an upload keeps with its session.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Upload {
    /// What its chunks stand under.
    #[serde(with = "serde_bytes")]
    pub stem: Digest,
    hash: RollingHash,
    hashed_chunks: u32,
    /// The blob, once there is one.
    pub blob: Option<BlobId>,
    /// The length of the chunks so far, the last one aside: 0 before the first, absent once they differ (and in what layout 1 wrote).
    lengths: Option<u32>,
}

layout!(Upload { stem, hash, hashed_chunks, blob, lengths });

type UploadSession = Session<Upload>;

/// Opens an upload, or finds it again.
pub fn begin(state: &mut State, call: &Call, capsule_id: &str, expected_chunks: u32, idem: String) -> Result<SessionId> {
    let limits = state.session_limits();
    crate::session::check_chunk_count(expected_chunks, &limits)?;
    require(idem.len() <= MAX_IDEM_BYTES, || format!("idem: {} bytes, expected at most {MAX_IDEM_BYTES}", idem.len()))?;
    let capsule = state.capsules.writable(capsule_id, &call.caller)?.number;
    maintenance::sweep_caller(state, call, capsule);
    let found = state.sessions.find_pending(capsule, &call.caller, &idem, call);
    if let Some(session) = found {
        let same = session.expected_chunks == expected_chunks;
        let expected = session.expected_chunks;
        return if same {
            Ok(session.id)
        } else {
            Err(Error::conflict(format!("expected_chunks: this idem began with {expected}")))
        };
    }
    let settings = state.settings.get();
    let id = settings.sessions.clone().next("session", &settings.seed);
    let mut spec = SessionSpec { caller: call.caller, place: capsule, idem, expected_chunks, payload: Upload::new() };
    spec.payload.stem = stem(&hex(&spec.idem_key()), id);
    state.sessions.create(id, spec, &limits, call)?;
    Ok(state.settings.change(|settings| settings.sessions.next("session", &settings.seed)))
}

/// Stores one chunk.
pub fn put_chunk(state: &mut State, call: &Call, id: SessionId, index: u32, bytes: &[u8]) -> Result<()> {
    let session = own_session(state, call, id)?;
    let limits = state.session_limits();
    let room = state.capsules.usage(session.place).blob_room(&state.settings.get().quotas);
    let mut sink = state.blobs.chunks.sink(session.payload.stem, room);
    let (mut session, arrival) = state.sessions.put_chunk((id, &call.caller), (index, bytes), &mut sink, &limits, call)?;
    if arrival == Arrival::Stored {
        catch_up(&state.blobs.chunks, &mut session, Some((index, bytes)), CATCH_UP_PUT);
        session.note_length(index, bytes.len() as u32);
        state.sessions.update(&session);
        state.capsules.change_usage(session.place, |usage| usage.blob_bytes += bytes.len() as u64);
    }
    Ok(())
}

/// Checks hash and length and makes the blob.
pub fn finish(state: &mut State, call: &Call, id: SessionId, sha256: &[u8], total_len: u64) -> Result<UploadFinishResult> {
    let mut session = own_session(state, call, id)?;
    let expected = check_claim(&session, sha256, total_len)?;
    if let Some(blob) = session.payload.blob.and_then(|blob| state.blobs.get(blob)) {
        check_hash(&blob.sha256, &expected)?;
        return Ok(finished(&blob));
    }
    catch_up(&state.blobs.chunks, &mut session, None, CATCH_UP_FINISH);
    state.sessions.update(&session);
    check_hashed(&session)?;
    check_hash(&session.payload.hash.digest(), &expected)?;
    Ok(finished(&commit(state, call, session, expected)))
}

/// Drops an open upload. What is unknown or finished is left as it is, so that a repeated or late abort does no harm.
pub fn abort(state: &mut State, call: &Call, id: SessionId) -> Result<()> {
    match state.sessions.get_own(id, &call.caller, call) {
        Err(Error::NotFound) => Ok(()),
        Err(error) => Err(error),
        Ok(session) if session.completed => Ok(()),
        Ok(session) => {
            maintenance::drop_session(state, session.id);
            Ok(())
        }
    }
}

/// How far an upload has come.
pub fn status(state: &State, call: &Call, id: SessionId) -> Result<UploadStatus> {
    let session = state.sessions.get_own(id, &call.caller, call)?;
    let range = |(start, end)| ChunkRange { start, end };
    Ok(UploadStatus {
        session_id: session.id,
        capsule_id: crate::capsules::capsule_id(session.place),
        expected_chunks: session.expected_chunks,
        received_chunks: session.received.count(),
        received_bytes: session.received_bytes,
        received: session.received.iter().map(range).collect(),
        missing: session.received.missing(session.expected_chunks).into_iter().map(range).collect(),
        created_at: session.created_at,
        expires_at: session.expires_at,
        blob_id: session.payload.blob.map(locator),
    })
}

impl Upload {
    fn new() -> Self {
        Self { stem: [0; 32], hash: RollingHash::default(), hashed_chunks: 0, blob: None, lengths: Some(0) }
    }
}

impl UploadSession {
    /// Keeps the books about the lengths of chunks; the last one may have any.
    fn note_length(&mut self, index: u32, len: u32) {
        if index + 1 < self.expected_chunks {
            self.payload.lengths = self.payload.lengths.filter(|&known| known == 0 || known == len).map(|_| len);
        }
    }
}

/// The session, if it is the caller's and its capsule is still there.
fn own_session(state: &State, call: &Call, id: SessionId) -> Result<UploadSession> {
    let session = state.sessions.get_own(id, &call.caller, call)?;
    if session.completed || state.capsules.exists(session.place) { Ok(session) } else { Err(Error::NotFound) }
}

/// What the chunks of a session stand under: SHA-256 of provisional memory id, "#" and session number.
fn stem(provisional_memory_id: &str, session: SessionId) -> Digest {
    let parts = [provisional_memory_id.as_bytes(), b"#", &session.to_le_bytes()];
    crate::codec::sha256(&parts.concat())
}

/// Hashes what can be hashed in order: the chunk at hand for free, stored ones as long as the budget lasts.
fn catch_up(chunks: &Chunks, session: &mut UploadSession, at_hand: Option<(u32, &[u8])>, mut budget: u64) {
    while session.received.contains(session.payload.hashed_chunks) {
        let upload = &mut session.payload;
        match at_hand {
            Some((index, bytes)) if index == upload.hashed_chunks => upload.hash.update(bytes),
            _ => {
                let bytes = chunks.read(&upload.stem, upload.hashed_chunks).expect("bug: a received chunk is stored");
                let Some(left) = budget.checked_sub(bytes.len() as u64) else {
                    return;
                };
                budget = left;
                upload.hash.update(&bytes);
            }
        }
        upload.hashed_chunks += 1;
    }
}

/// Everything about a finish that needs no hashing; gives the hash as a digest.
fn check_claim(session: &UploadSession, sha256: &[u8], total_len: u64) -> Result<Digest> {
    let digest = Digest::try_from(sha256);
    let digest = digest.map_err(|_| Error::invalid(format!("invalid_hash_length: expected 32 bytes, got {}", sha256.len())))?;
    let max = u64::from(session.expected_chunks) * CHUNK_SIZE as u64;
    let in_bounds = 0 < total_len && total_len <= max;
    require(in_bounds, || format!("total_len {total_len} out of bounds (expected 0 < len <= {max})"))?;
    SessionService::<Upload, Memory>::verify_chunks_complete(session)?;
    let received = session.received_bytes;
    require(total_len == received, || {
        format!("size_mismatch: expected={total_len}, actual={received} (total_len against bytes received)")
    })?;
    Ok(digest)
}

fn check_hash(computed: &Digest, expected: &Digest) -> Result<()> {
    require(computed == expected, || format!("checksum_mismatch: computed={}, expected={}", hex(computed), hex(expected)))
}

fn check_hashed(session: &UploadSession) -> Result<()> {
    let (done, all) = (session.payload.hashed_chunks, session.expected_chunks);
    let text = || format!("hash_in_progress: {done} of {all} chunks hashed, call uploads_finish again");
    if done == all { Ok(()) } else { Err(Error::Conflict(text())) }
}

fn commit(state: &mut State, call: &Call, mut session: UploadSession, sha256: Digest) -> Blob {
    let id = state.settings.change(|settings| settings.blobs.next("blob", &settings.seed));
    let blob = Blob {
        id,
        owner: call.caller,
        capsule: session.place,
        session: session.id,
        stem: session.payload.stem,
        chunks: session.expected_chunks,
        size: session.received_bytes,
        sha256,
        created_at: call.now,
        chunk_length: session.payload.lengths.filter(|&length| length > 0),
    };
    state.blobs.insert(blob.clone());
    session.payload.blob = Some(id);
    state.sessions.complete(session);
    blob
}

fn finished(blob: &Blob) -> UploadFinishResult {
    let locator = locator(blob.id);
    UploadFinishResult {
        memory_id: String::new(),
        remote_id: None,
        size: blob.size,
        checksum_sha256: Some(blob.sha256.to_vec().into()),
        storage_backend: StorageBackend::Icp,
        storage_location: format!("icp://blob/{locator}"),
        blob_id: locator,
        uploaded_at: blob.created_at,
        expires_at: None,
    }
}
