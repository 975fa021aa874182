//! Any interleaving of begin, put, finish, abort, expiry, upgrade, remembering and forgetting, by several callers, against a model that
//! keeps everything in ordinary maps.
//!
//! `PROPTEST_CASES=10000 cargo test --release --test interleavings` runs it at length; `README.md` lists the faults that it must find.

use std::collections::{BTreeMap, BTreeSet};

use backend::context::Call;
use backend::error::Error;
use backend::housekeeping;
use backend::state::State;
use backend::types::{
    AssetMetadata, AssetMetadataBase, AssetType, InternalBlobAssetInput, MemoryMetadata, MemoryType, NoteAssetMetadata,
    SharingStatus,
};
use backend::{capsules, memories, uploads};
use candid::Principal;
use ic_stable_structures::DefaultMemoryImpl;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const CALLERS: usize = 3;
const TTL_NS: u64 = 2 * 3_600_000_000_000;

/// One step. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Begin { caller: usize, idem: u8, chunks: u32 },
    Put { caller: usize, session: usize, index: u32, seed: u8 },
    Finish { caller: usize, session: usize, right: bool },
    Abort { caller: usize, session: usize },
    Remember { caller: usize, blob: usize },
    Forget { caller: usize, memory: usize, with_assets: bool },
    Wait { hours: u64 },
    Upgrade,
}

/// An upload as the model knows it.
#[derive(Clone, Debug)]
struct Upload {
    id: u64,
    caller: usize,
    idem: u8,
    expected: u32,
    chunks: BTreeMap<u32, Vec<u8>>,
    ends: u64,
    blob: Option<String>,
}

/// The canister, and what the model knows of it.
struct World {
    stable: DefaultMemoryImpl,
    state: State,
    now: u64,
    capsules: Vec<String>,
    uploads: Vec<Upload>,
    blobs: BTreeMap<String, (usize, Vec<u8>)>,
    gone: BTreeSet<String>,
    memories: BTreeMap<String, (usize, String)>,
    requests: usize,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..CALLERS, 0u8..3, 1u32..4).prop_map(|(caller, idem, chunks)| Step::Begin { caller, idem, chunks }),
        // The same caller nearly always: strangers are the exception.
        10 => (0..CALLERS * 3, any::<prop::sample::Index>(), 0u32..5, 0u8..40)
            .prop_map(|(caller, session, index, seed)| Step::Put { caller, session: session.index(8), index, seed: if seed < 36 { 0 } else { seed } }),
        5 => (0..CALLERS * 3, 0usize..8, prop::bool::weighted(0.8)).prop_map(|(caller, session, right)| Step::Finish { caller, session, right }),
        1 => (0..CALLERS * 3, 0usize..8).prop_map(|(caller, session)| Step::Abort { caller, session }),
        4 => (0..CALLERS * 3, 0usize..8).prop_map(|(caller, blob)| Step::Remember { caller, blob }),
        2 => (0..CALLERS * 3, 0usize..8, any::<bool>()).prop_map(|(caller, memory, with_assets)| Step::Forget { caller, memory, with_assets }),
        1 => (0u64..3).prop_map(|hours| Step::Wait { hours }),
        1 => Just(Step::Upgrade),
    ];
    prop::collection::vec(step, 1..60)
}

/// The bytes that belong at an index, unless a seed makes them others.
fn chunk(index: u32, seed: u8) -> Vec<u8> {
    (0..=index as u8 * 30).map(|at| at.wrapping_mul(7).wrapping_add(index as u8).wrapping_add(seed)).collect()
}

fn principal(caller: usize) -> Principal {
    Principal::from_slice(&[caller as u8 + 1, 9, 9])
}

fn metadata() -> MemoryMetadata {
    MemoryMetadata {
        memory_type: MemoryType::Note,
        title: None,
        description: None,
        content_type: "x/y".into(),
        created_at: 0,
        updated_at: 0,
        uploaded_at: 0,
        date_of_memory: None,
        file_created_at: None,
        parent_folder_id: None,
        tags: vec![],
        deleted_at: None,
        people_in_memory: None,
        location: None,
        memory_notes: None,
        created_by: None,
        database_storage_edges: vec![],
        shared_count: 0,
        sharing_status: SharingStatus::Private,
        total_size: 0,
        asset_count: 0,
    }
}

fn asset(blob_id: String) -> InternalBlobAssetInput {
    let base = AssetMetadataBase {
        name: "n".into(),
        description: None,
        tags: vec![],
        asset_type: AssetType::Original,
        bytes: 0,
        mime_type: "x/y".into(),
        sha256: None,
        width: None,
        height: None,
        url: None,
        storage_key: None,
        bucket: None,
        asset_location: None,
        processing_status: None,
        processing_error: None,
        created_at: 0,
        updated_at: 0,
        deleted_at: None,
    };
    InternalBlobAssetInput {
        blob_id,
        metadata: AssetMetadata::Note(NoteAssetMetadata { base, word_count: None, language: None, format: None }),
    }
}

impl World {
    fn new() -> Self {
        let stable = DefaultMemoryImpl::default();
        let mut world = Self {
            state: State::open(stable.clone()),
            stable,
            now: 1_000,
            capsules: vec![],
            uploads: vec![],
            blobs: BTreeMap::new(),
            gone: BTreeSet::new(),
            memories: BTreeMap::new(),
            requests: 0,
        };
        let call = world.call(0);
        housekeeping::install(&mut world.state, &call, None).expect("installs");
        world.capsules = (0..CALLERS).map(|caller| world.create_capsule(caller)).collect();
        world
    }

    fn create_capsule(&mut self, caller: usize) -> String {
        let call = self.call(caller);
        capsules::create(&mut self.state, &call, None).expect("a capsule").id
    }

    fn call(&self, caller: usize) -> Call {
        let canister = Principal::from_slice(b"canister");
        Call { caller: principal(caller), now: self.now, canister, by_controller: false }
    }

    fn step(&mut self, step: Step) {
        // Time stands still between waits: many messages are of one round.
        match step {
            Step::Begin { caller, idem, chunks } => self.begin(caller, idem, chunks),
            Step::Put { caller, session, index, seed } => self.put(caller, session, index, seed),
            Step::Finish { caller, session, right } => self.finish(caller, session, right),
            Step::Abort { caller, session } => self.abort(caller, session),
            Step::Remember { caller, blob } => self.remember(caller, blob),
            Step::Forget { caller, memory, with_assets } => self.forget(caller, memory, with_assets),
            Step::Wait { hours } => self.now += 1 + hours * TTL_NS / 2,
            Step::Upgrade => self.state = State::open(self.stable.clone()),
        }
    }

    /// The upload that a number stands for, and who calls: mostly its owner, else another.
    fn pick(&self, caller: usize, number: usize) -> Option<(usize, usize)> {
        // Of the newest ones: what is long over says little.
        let at = self.uploads.len().checked_sub(1 + number % self.uploads.len().clamp(1, 4))?;
        let upload = &self.uploads[at];
        Some((at, if caller < CALLERS { caller } else { upload.caller }))
    }

    fn is_open(&self, at: usize) -> bool {
        self.uploads[at].blob.is_none() && self.now < self.uploads[at].ends
    }

    /// Whether the canister knows the upload: open, or finished with its blob still there.
    fn is_known(&self, at: usize) -> bool {
        let finished = self.uploads[at].blob.as_ref().is_some_and(|blob| self.blobs.contains_key(blob));
        finished || self.is_open(at)
    }

    fn begin(&mut self, caller: usize, idem: u8, chunks: u32) {
        let call = self.call(caller);
        let answer = uploads::begin(&mut self.state, &call, &self.capsules[caller].clone(), chunks, idem.to_string());
        let known = (0..self.uploads.len())
            .rev()
            .find(|&at| self.uploads[at].caller == caller && self.uploads[at].idem == idem && self.is_known(at));
        match known {
            Some(at) if self.uploads[at].expected == chunks => assert_eq!(answer, Ok(self.uploads[at].id)),
            Some(_) => assert!(matches!(answer, Err(Error::Conflict(_))), "{answer:?}"),
            None => {
                let id = answer.expect("a new session");
                assert!(self.uploads.iter().all(|upload| upload.id != id), "session number {id} is new");
                let ends = self.now + TTL_NS;
                self.uploads.push(Upload { id, caller, idem, expected: chunks, chunks: BTreeMap::new(), ends, blob: None });
            }
        }
    }

    fn put(&mut self, caller: usize, session: usize, index: u32, seed: u8) {
        let Some((at, caller)) = self.pick(caller, session) else { return };
        // One index past the end among those that are asked for.
        let index = index % (self.uploads[at].expected + 1);
        let bytes = chunk(index, seed);
        let call = self.call(caller);
        let answer = uploads::put_chunk(&mut self.state, &call, self.uploads[at].id, index, &bytes);
        let (known, open, ends) = (self.is_known(at), self.is_open(at), self.now + TTL_NS);
        let upload = &mut self.uploads[at];
        match upload.chunks.get(&index) {
            _ if !known => assert_eq!(answer, Err(Error::NotFound)),
            _ if caller != upload.caller => assert_eq!(answer, Err(Error::Unauthorized)),
            Some(stored) if *stored == bytes => assert_eq!(answer, Ok(())),
            None if open && index < upload.expected => {
                assert_eq!(answer, Ok(()));
                upload.chunks.insert(index, bytes);
                upload.ends = ends;
            }
            _ => assert!(matches!(answer, Err(Error::InvalidArgument(_))), "{answer:?}"),
        }
    }

    fn finish(&mut self, caller: usize, session: usize, right: bool) {
        let Some((at, caller)) = self.pick(caller, session) else { return };
        let upload = self.uploads[at].clone();
        let bytes: Vec<u8> = upload.chunks.values().flatten().copied().collect();
        let mut hash = Sha256::digest(&bytes).to_vec();
        hash[0] ^= u8::from(!right);
        let call = self.call(caller);
        let answer = uploads::finish(&mut self.state, &call, upload.id, &hash, bytes.len().max(1) as u64);
        let complete = upload.chunks.len() == upload.expected as usize;
        match answer {
            Err(error) if !self.is_known(at) => assert_eq!(error, Error::NotFound),
            Err(error) if caller != upload.caller => assert_eq!(error, Error::Unauthorized),
            Err(error) => assert!(!(complete && right) && matches!(error, Error::InvalidArgument(_)), "{error:?}"),
            Ok(result) => {
                assert!(self.is_known(at) && caller == upload.caller && complete && right);
                assert_eq!(result.size, bytes.len() as u64);
                self.made(at, result.blob_id, bytes);
            }
        }
    }

    fn made(&mut self, at: usize, blob: String, bytes: Vec<u8>) {
        match &self.uploads[at].blob {
            Some(known) => assert_eq!(*known, blob, "finish twice gives the same blob"),
            None => {
                assert!(!self.blobs.contains_key(&blob) && !self.gone.contains(&blob), "{blob} is new");
                self.blobs.insert(blob.clone(), (self.uploads[at].caller, bytes));
                self.uploads[at].blob = Some(blob);
            }
        }
    }

    fn abort(&mut self, caller: usize, session: usize) {
        let Some((at, caller)) = self.pick(caller, session) else { return };
        let call = self.call(caller);
        let answer = uploads::abort(&mut self.state, &call, self.uploads[at].id);
        if self.is_known(at) && caller != self.uploads[at].caller {
            assert_eq!(answer, Err(Error::Unauthorized));
        } else {
            assert_eq!(answer, Ok(()));
            if self.is_open(at) {
                self.uploads[at].ends = 0;
            }
        }
    }

    fn remember(&mut self, caller: usize, blob: usize) {
        let Some((locator, (owner, _))) = self.blobs.iter().nth(blob % self.blobs.len().max(1)) else { return };
        let (locator, owner) = (locator.clone(), *owner);
        let caller = if caller < CALLERS { caller } else { owner };
        self.requests += 1;
        let (call, capsule, idem) = (self.call(caller), self.capsules[caller].clone(), self.requests.to_string());
        let answer = memories::create_with_assets(
            &mut self.state,
            &call,
            (&capsule, &idem),
            metadata(),
            vec![asset(locator.clone())],
            vec![],
        );
        if caller == owner {
            let id = answer.expect("a memory");
            assert!(self.memories.insert(id, (caller, locator)).is_none(), "memory ids are new");
        } else {
            assert_eq!(answer, Err(Error::NotFound));
        }
    }

    fn forget(&mut self, caller: usize, memory: usize, with_assets: bool) {
        let Some((id, (owner, blob))) = self.memories.iter().nth(memory % self.memories.len().max(1)) else { return };
        let (id, owner, blob) = (id.clone(), *owner, blob.clone());
        let caller = if caller < CALLERS { caller } else { owner };
        let call = self.call(caller);
        let answer = memories::delete(&mut self.state, &call, &id, with_assets);
        if caller != owner {
            return assert_eq!(answer, Err(Error::NotFound));
        }
        assert_eq!(answer, Ok(()));
        self.memories.remove(&id);
        if with_assets && self.memories.values().all(|(_, other)| *other != blob) {
            self.blobs.remove(&blob);
            self.gone.insert(blob);
        }
    }

    /// Everything that should be there reads back, for its owner only; what should be gone is gone; the books agree.
    fn check(&self) {
        for (locator, (owner, bytes)) in &self.blobs {
            for caller in 0..CALLERS {
                let read = uploads::read(&self.state, &self.call(caller), locator);
                assert_eq!(read, if caller == *owner { Ok(bytes.clone()) } else { Err(Error::NotFound) }, "{locator}");
            }
        }
        for locator in &self.gone {
            assert_eq!(uploads::get_meta(&self.state, &self.call(0), locator), Err(Error::NotFound));
        }
        for (id, (owner, blob)) in &self.memories {
            let memory = memories::read(&self.state, &self.call(*owner), id).expect("a memory");
            assert_eq!(memory.blob_internal_assets[0].blob_ref.locator, *blob);
        }
        let open = (0..self.uploads.len()).filter(|&at| self.is_open(at)).count();
        let stats = uploads::stats_text(&self.state, &self.call(0));
        assert_eq!(stats, format!("Total sessions: {open}, Pending: {open}, Committed: 0"));
    }

    /// When everything is deleted and over, nothing is left that takes room.
    fn check_nothing_leaks(&mut self) {
        self.now += 2 * TTL_NS;
        let call = self.call(0);
        housekeeping::sweep(&mut self.state, &call);
        let locators: Vec<_> = self.blobs.iter().map(|(locator, (owner, _))| (locator.clone(), *owner)).collect();
        for (locator, owner) in locators {
            let call = self.call(owner);
            uploads::delete_blob(&mut self.state, &call, &locator).expect("deleted");
        }
        while housekeeping::tidy_up(&mut self.state) {}
        for (caller, capsule) in self.capsules.iter().enumerate() {
            let number = capsules::capsule_number(capsule).expect("a number");
            assert_eq!(self.state.capsules.usage(number).blob_bytes, 0, "of caller {caller}");
        }
        assert!(self.state.blobs.holds_nothing(), "chunks are left");
    }
}

/// A few cases unless `PROPTEST_CASES` says more.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { 48 };
    ProptestConfig { failure_persistence: None, cases, ..default }
}

proptest! {
    #![proptest_config(config())]

    /// The canister and the model agree after every step.
    #[test]
    fn agrees_with_the_model(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
            world.check();
        }
        world.check_nothing_leaks();
    }
}

/// An order that random steps do not meet every time: three chunks in reverse.
#[test]
fn an_upload_in_reverse() {
    let (mut world, owner) = (World::new(), CALLERS);
    world.step(Step::Begin { caller: 0, idem: 0, chunks: 3 });
    for index in [2, 1, 0] {
        world.step(Step::Put { caller: owner, session: 0, index, seed: 0 });
        world.check();
    }
    world.step(Step::Finish { caller: owner, session: 0, right: true });
    world.check();
    assert_eq!(world.blobs.len(), 1, "the upload was finished");
}
