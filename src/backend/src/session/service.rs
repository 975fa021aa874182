//! The life of sessions in stable memory.

use candid::Principal;
use ic_stable_structures::{BTreeMap, Memory};

use super::limits::{check_chunk, check_chunk_count};
use super::record::{idem_key, owner_key};
use super::{ByteSink, Clock, Limits, Session, SessionId, SessionSpec};
use crate::codec::Digest;
use crate::error::{Error, Result, require};
use crate::stored::{Kept, Record};

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is new.
    Stored,
    /// The same bytes were there.
    Repeated,
}

/// All sessions. `M` is stable memory, `P` what the user of this layer keeps with a session.
pub struct SessionService<P: Kept, M: Memory> {
    sessions: BTreeMap<SessionId, Record<Session<P>>, M>,
    by_idem: BTreeMap<Digest, SessionId, M>,
    by_owner: BTreeMap<(Digest, SessionId), u64, M>,
    by_end: BTreeMap<(u64, SessionId), (), M>,
}

impl<P: Kept + Clone, M: Memory> SessionService<P, M> {
    /// Opens the sessions that these memories hold: sessions, by idem, by owner, by end.
    pub fn open([sessions, by_idem, by_owner, by_end]: [M; 4]) -> Self {
        Self {
            sessions: BTreeMap::init(sessions),
            by_idem: BTreeMap::init(by_idem),
            by_owner: BTreeMap::init(by_owner),
            by_end: BTreeMap::init(by_end),
        }
    }

    /// The session of (place, caller, idem): an open one, or the receipt of a completed one.
    pub fn find_pending(&self, place: u64, caller: &Principal, idem: &str, clock: &impl Clock) -> Option<Session<P>> {
        let id = self.by_idem.get(&idem_key(place, caller, idem))?;
        self.get(id, clock)
    }

    /// The session, unless its time is over.
    pub fn get(&self, id: SessionId, clock: &impl Clock) -> Option<Session<P>> {
        let session = self.sessions.get(&id)?.0;
        (session.completed || session.is_open(clock.now())).then_some(session)
    }

    /// The session if it is the caller's: `NotFound` for none, `Unauthorized` for another's.
    pub fn get_own(&self, id: SessionId, caller: &Principal, clock: &impl Clock) -> Result<Session<P>> {
        let session = self.get(id, clock).ok_or(Error::NotFound)?;
        if session.caller == *caller { Ok(session) } else { Err(Error::Unauthorized) }
    }

    /// Makes a session under a number that was never used. Sessions whose time is over must have been cleaned up for this caller.
    pub fn create(&mut self, id: SessionId, spec: SessionSpec<P>, limits: &Limits, clock: &impl Clock) -> Result<Session<P>> {
        check_chunk_count(spec.expected_chunks, limits)?;
        if self.count_active_for(spec.place, &spec.caller, clock) >= limits.open_per_owner {
            return Err(Error::ResourceExhausted);
        }
        let end = limits.end(clock.now());
        let session = Session {
            id,
            caller: spec.caller,
            place: spec.place,
            idem_key: spec.idem_key(),
            expected_chunks: spec.expected_chunks,
            received: Default::default(),
            received_bytes: 0,
            created_at: clock.now(),
            expires_at: end,
            listed_end: end,
            completed: false,
            payload: spec.payload,
        };
        self.by_idem.insert(session.idem_key, id);
        self.by_owner.insert((owner_key(session.place, &session.caller), id), end);
        self.by_end.insert((end, id), ());
        self.update(&session);
        Ok(session)
    }

    /// Takes a chunk: owner, limits, repeat, then the bytes go to the sink. The changed session is returned and *not yet stored*, so that
    /// the user can change its payload in the same write (`update`).
    pub fn put_chunk(
        &self,
        (id, caller): (SessionId, &Principal),
        (index, bytes): (u32, &[u8]),
        sink: &mut impl ByteSink,
        limits: &Limits,
        clock: &impl Clock,
    ) -> Result<(Session<P>, Arrival)> {
        let mut session = self.get_own(id, caller, clock)?;
        check_chunk(&session, index, bytes.len(), limits)?;
        if session.received.contains(index) {
            let same = sink.holds(index, bytes);
            return require(same, || "Chunk already received".into()).map(|()| (session, Arrival::Repeated));
        }
        sink.write_chunk(index, bytes)?;
        session.received.insert(index);
        session.received_bytes += bytes.len() as u64;
        session.expires_at = limits.end(clock.now());
        Ok((session, Arrival::Stored))
    }

    /// Refuses while chunks are missing, and names them.
    pub fn verify_chunks_complete(session: &Session<P>) -> Result<()> {
        let missing = session.received.missing(session.expected_chunks);
        require(missing.is_empty(), || {
            let first: Vec<String> =
                missing.iter().flat_map(|&(start, end)| start..end).take(10).map(|n| n.to_string()).collect();
            let total: u32 = missing.iter().map(|(start, end)| end - start).sum();
            format!("Incomplete chunks: {total} of {} missing, first {}", session.expected_chunks, first.join(", "))
        })
    }

    /// Stores a changed session.
    pub fn update(&mut self, session: &Session<P>) {
        self.sessions.insert(session.id, Record(session.clone()));
    }

    /// Turns an open session into a receipt, which stays until `cleanup`.
    pub fn complete(&mut self, mut session: Session<P>) {
        self.forget_times(&session);
        session.completed = true;
        self.update(&session);
    }

    /// Drops a session, whatever its state. What it stored is the user's to drop.
    pub fn cleanup(&mut self, id: SessionId) -> Option<Session<P>> {
        let session = self.sessions.remove(&id)?.0;
        if self.by_idem.get(&session.idem_key) == Some(id) {
            self.by_idem.remove(&session.idem_key);
        }
        self.forget_times(&session);
        Some(session)
    }

    /// Indexes of the chunks of a session that have arrived, ascending.
    pub fn iter_chunks(session: &Session<P>) -> impl Iterator<Item = u32> + '_ {
        session.received.iter().flat_map(|(start, end)| start..end)
    }

    /// Open sessions of a caller in a place.
    pub fn count_active_for(&self, place: u64, caller: &Principal, clock: &impl Clock) -> u32 {
        let active = |&(id, listed): &(SessionId, u64)| clock.now() < listed || self.get(id, clock).is_some();
        self.owned(place, caller).iter().filter(|entry| active(entry)).count() as u32
    }

    /// Drops a caller's sessions in a place whose time is over; returns them so that the user can drop what they stored.
    pub fn cleanup_expired_sessions_for_caller(&mut self, place: u64, caller: &Principal, clock: &impl Clock) -> Vec<Session<P>> {
        let over = |&(id, listed): &(SessionId, u64)| clock.now() >= listed && self.get(id, clock).is_none();
        let expired: Vec<SessionId> = self.owned(place, caller).into_iter().filter(over).map(|entry| entry.0).collect();
        expired.into_iter().filter_map(|id| self.cleanup(id)).collect()
    }

    /// Drops at most `most` sessions of anybody whose time is over; returns them.
    ///
    /// The index of ends is not touched by every chunk: a session that lives longer than listed is listed anew when it is met here.
    pub fn cleanup_expired(&mut self, most: usize, clock: &impl Clock) -> Vec<Session<P>> {
        let due: Vec<_> =
            self.by_end.iter().map(|entry| *entry.key()).take_while(|(end, _)| *end <= clock.now()).take(most).collect();
        let mut dropped = Vec::new();
        for (_, id) in due {
            match self.get(id, clock) {
                Some(session) => self.list_again(session),
                None => dropped.extend(self.cleanup(id)),
            }
        }
        dropped
    }

    /// Numbers of the open sessions, at most `most`.
    pub fn open_ids(&self, most: usize, clock: &impl Clock) -> Vec<SessionId> {
        let ids = self.by_end.iter().map(|entry| entry.key().1);
        ids.filter(|&id| self.get(id, clock).is_some()).take(most).collect()
    }

    /// How many sessions are open. Only those are looked at whose time may be over.
    pub fn count_open(&self, clock: &impl Clock) -> u64 {
        let due = self.by_end.iter().map(|entry| *entry.key()).take_while(|(end, _)| *end <= clock.now());
        let over = due.filter(|&(_, id)| self.get(id, clock).is_none()).count();
        self.by_end.len() - over as u64
    }

    /// Numbers of a caller's sessions in a place that are not completed, at most `most`.
    pub fn open_ids_of(&self, place: u64, caller: &Principal, most: usize) -> Vec<SessionId> {
        self.owned(place, caller).into_iter().map(|(id, _)| id).take(most).collect()
    }

    fn owned(&self, place: u64, caller: &Principal) -> Vec<(SessionId, u64)> {
        let key = owner_key(place, caller);
        self.by_owner.range((key, 0)..=(key, u64::MAX)).map(|entry| (entry.key().1, entry.value())).collect()
    }

    fn list_again(&mut self, mut session: Session<P>) {
        self.by_end.remove(&(session.listed_end, session.id));
        session.listed_end = session.expires_at;
        self.by_end.insert((session.listed_end, session.id), ());
        self.by_owner.insert((owner_key(session.place, &session.caller), session.id), session.listed_end);
        self.update(&session);
    }

    fn forget_times(&mut self, session: &Session<P>) {
        self.by_owner.remove(&(owner_key(session.place, &session.caller), session.id));
        self.by_end.remove(&(session.listed_end, session.id));
    }
}
