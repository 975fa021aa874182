//! Capsules in stable memory, and the indexes that lead to them.

use candid::Principal;
use ic_stable_structures::BTreeMap;

use super::quota::Usage;
use super::record::{CapsuleRecord, capsule_number};
use crate::codec::{Digest, digest};
use crate::error::{Error, Result};
use crate::memory::{self, Memories, Memory};
use crate::stored::Record;

/// The capsules.
pub struct CapsuleStore {
    capsules: BTreeMap<u64, Record<CapsuleRecord>, Memory>,
    people: BTreeMap<(Digest, u64), (), Memory>,
    own: BTreeMap<Digest, u64, Memory>,
    usage: BTreeMap<u64, (u64, u64, u64), Memory>,
    doomed: BTreeMap<u64, (), Memory>,
}

impl CapsuleStore {
    /// Opens what stable memory holds.
    pub fn open(memories: &Memories) -> Self {
        Self {
            capsules: BTreeMap::init(memories.get(memory::CAPSULES)),
            people: BTreeMap::init(memories.get(memory::CAPSULE_PEOPLE)),
            own: BTreeMap::init(memories.get(memory::OWN_CAPSULES)),
            usage: BTreeMap::init(memories.get(memory::USAGE)),
            doomed: BTreeMap::init(memories.get(memory::DOOMED)),
        }
    }

    /// Adds a capsule of this owner; their own one if they are its subject and had none.
    pub fn insert(&mut self, capsule: &CapsuleRecord, owner: &Principal) {
        let key = person_key(owner);
        self.people.insert((key, capsule.number), ());
        if capsule.is_about(owner) && self.own.get(&key).is_none() {
            self.own.insert(key, capsule.number);
        }
        self.update(capsule);
    }

    /// Stores a changed capsule.
    pub fn update(&mut self, capsule: &CapsuleRecord) {
        self.capsules.insert(capsule.number, Record(capsule.clone()));
    }

    /// Removes a capsule for its owner; what it holds is freed by `capsules::purge`.
    pub fn remove(&mut self, capsule: &CapsuleRecord, owner: &Principal) {
        let key = person_key(owner);
        self.capsules.remove(&capsule.number);
        self.people.remove(&(key, capsule.number));
        if self.own.get(&key) == Some(capsule.number) {
            self.own.remove(&key);
            let next = self.of_person(owner).into_iter().find(|other| other.is_about(owner));
            next.map(|other| self.own.insert(key, other.number));
        }
        self.doomed.insert(capsule.number, ());
    }

    /// The capsule with this number.
    pub fn get(&self, number: u64) -> Option<CapsuleRecord> {
        self.capsules.get(&number).map(|record| record.0)
    }

    /// Whether there is a capsule with this number.
    pub fn exists(&self, number: u64) -> bool {
        self.capsules.contains_key(&number)
    }

    /// The caller's own capsule.
    pub fn own(&self, caller: &Principal) -> Option<CapsuleRecord> {
        self.get(self.own.get(&person_key(caller))?)
    }

    /// The capsules that this principal owns or controls, oldest first.
    pub fn of_person(&self, who: &Principal) -> Vec<CapsuleRecord> {
        let key = person_key(who);
        let numbers: Vec<u64> = self.people.range((key, 0)..=(key, u64::MAX)).map(|entry| entry.key().1).collect();
        let mut capsules: Vec<_> = numbers.into_iter().filter_map(|number| self.get(number)).collect();
        capsules.sort_by_key(|capsule| (capsule.created_at, capsule.number));
        capsules
    }

    /// How many capsules this principal owns or controls.
    pub fn count_of_person(&self, who: &Principal) -> usize {
        let key = person_key(who);
        self.people.keys_range((key, 0)..=(key, u64::MAX)).count()
    }

    /// The capsule, for who owns or controls it: `NotFound` for everybody else.
    pub fn visible(&self, id: &str, caller: &Principal) -> Result<CapsuleRecord> {
        let capsule = capsule_number(id).and_then(|number| self.get(number)).ok_or(Error::NotFound)?;
        if may_write(&capsule, caller) { Ok(capsule) } else { Err(Error::NotFound) }
    }

    /// The capsule, for who may put things into it: `NotFound` for none, `Unauthorized` for another's.
    pub fn writable(&self, id: &str, caller: &Principal) -> Result<CapsuleRecord> {
        let capsule = capsule_number(id).and_then(|number| self.get(number)).ok_or(Error::NotFound)?;
        if may_write(&capsule, caller) { Ok(capsule) } else { Err(Error::Unauthorized) }
    }

    /// Whether this principal owns or controls the capsule with this number.
    pub fn is_writer(&self, number: u64, who: &Principal) -> bool {
        self.get(number).is_some_and(|capsule| may_write(&capsule, who))
    }

    /// What a capsule uses.
    pub fn usage(&self, number: u64) -> Usage {
        let (blob_bytes, inline_bytes, memories) = self.usage.get(&number).unwrap_or_default();
        Usage { blob_bytes, inline_bytes, memories }
    }

    /// Changes what a capsule uses.
    pub fn change_usage(&mut self, number: u64, change: impl FnOnce(&mut Usage)) {
        let mut usage = self.usage(number);
        change(&mut usage);
        if usage == Usage::default() {
            self.usage.remove(&number);
        } else {
            self.usage.insert(number, (usage.blob_bytes, usage.inline_bytes, usage.memories));
        }
    }

    /// A deleted capsule whose things are not freed yet.
    pub fn next_doomed(&self) -> Option<u64> {
        self.doomed.first_key_value().map(|(number, ())| number)
    }

    /// Everything of a deleted capsule is freed.
    pub fn forget_doomed(&mut self, number: u64) {
        self.doomed.remove(&number);
    }
}

fn may_write(capsule: &CapsuleRecord, who: &Principal) -> bool {
    capsule.is_owner(who) || capsule.is_controller(who)
}

fn person_key(who: &Principal) -> Digest {
    digest(&[b"person", who.as_slice()])
}
