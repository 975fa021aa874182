//! The one record that is not about a thing: version, quotas, secret seeds, counters.

use candid::{CandidType, Deserialize};
use ic_stable_structures::Cell;

use crate::blobs::{IdSource, Seed};
use crate::capsules::quota;
use crate::codec::CandidRecord;
use crate::http::Keys;
use crate::layout;
use crate::memory::Memory;
use crate::migration::Migration;
use crate::types::Quotas;

/// See the module.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Settings {
    /// Version of the stable layout.
    pub layout: u32,
    /// What capsules and callers are held to.
    pub quotas: Quotas,
    /// Where unguessable ids come from.
    pub seed: Seed,
    /// Numbers of sessions.
    pub sessions: IdSource,
    /// Numbers of blobs.
    pub blobs: IdSource,
    /// Numbers of capsules.
    pub capsules: IdSource,
    /// Keys of the HTTP tokens.
    pub keys: Keys,
    /// How far bringing records to the present layout has come; absent when all are in it, and in what layout 2 wrote.
    pub migration: Option<Migration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            layout: layout::VERSION,
            quotas: quota::defaults(),
            seed: Seed::default(),
            sessions: IdSource::default(),
            blobs: IdSource::default(),
            capsules: IdSource::default(),
            keys: Keys::default(),
            migration: None,
        }
    }
}

/// The record in stable memory.
pub struct SettingsCell(Cell<CandidRecord<Settings>, Memory>);

impl SettingsCell {
    /// Opens the record, or makes it.
    pub fn open(memory: Memory) -> Self {
        Self(Cell::init(memory, CandidRecord(Settings::default())))
    }

    /// The record.
    pub fn get(&self) -> &Settings {
        &self.0.get().0
    }

    /// Changes the record.
    pub fn change<T>(&mut self, change: impl FnOnce(&mut Settings) -> T) -> T {
        let mut settings = self.get().clone();
        let result = change(&mut settings);
        self.0.set(CandidRecord(settings));
        result
    }
}
