//! The rules of sessions, with a clock that is a number and a sink that is a map.

use std::collections::BTreeMap;

use candid::Principal;
use ic_stable_structures::VectorMemory;

use super::{Arrival, ByteSink, Clock, Limits, Session, SessionId, SessionService, SessionSpec};
use crate::error::{Error, Result};

const LIMITS: Limits = Limits { max_chunks: 8, chunk_size: 10, open_per_owner: 2, ttl_ns: 100 };
const PLACE: u64 = 5;

struct At(u64);

impl Clock for At {
    fn now(&self) -> u64 {
        self.0
    }
}

#[derive(Default)]
struct Sink {
    chunks: BTreeMap<u32, Vec<u8>>,
    full: bool,
}

impl ByteSink for Sink {
    fn write_chunk(&mut self, index: u32, bytes: &[u8]) -> Result<()> {
        if self.full {
            return Err(Error::ResourceExhausted);
        }
        assert!(self.chunks.insert(index, bytes.to_vec()).is_none(), "a chunk is written once");
        Ok(())
    }

    fn holds(&self, index: u32, bytes: &[u8]) -> bool {
        self.chunks.get(&index).is_some_and(|known| known == bytes)
    }
}

type Service = SessionService<(), VectorMemory>;

fn service() -> Service {
    Service::open(std::array::from_fn(|_| VectorMemory::default()))
}

fn who(number: u8) -> Principal {
    Principal::from_slice(&[number])
}

fn create(service: &mut Service, id: SessionId, caller: Principal, idem: &str, now: u64) -> Result<Session<()>> {
    let spec = SessionSpec { caller, place: PLACE, idem: idem.into(), expected_chunks: 4, payload: () };
    service.create(id, spec, &LIMITS, &At(now))
}

/// Puts a chunk and stores the session, as users of the layer do.
fn put(service: &mut Service, sink: &mut Sink, id: SessionId, index: u32, bytes: &[u8], now: u64) -> Result<Arrival> {
    let (session, arrival) = service.put_chunk((id, &who(1)), (index, bytes), sink, &LIMITS, &At(now))?;
    service.update(&session);
    Ok(arrival)
}

/// A session is found by its number and by place, caller and idem, and by nothing else.
#[test]
fn a_session_is_found_again() {
    let mut service = service();
    let session = create(&mut service, 1, who(1), "a", 0).expect("created");
    assert_eq!(service.get(1, &At(0)), Some(session.clone()));
    assert_eq!(service.find_pending(PLACE, &who(1), "a", &At(0)), Some(session));
    for (place, caller, idem) in [(PLACE + 1, who(1), "a"), (PLACE, who(2), "a"), (PLACE, who(1), "b")] {
        assert_eq!(service.find_pending(place, &caller, idem, &At(0)), None);
    }
}

/// None is `NotFound`, another's `Unauthorized`, and a refused chunk reaches no sink.
#[test]
fn only_the_caller_sends() {
    let (mut service, mut sink) = (service(), Sink::default());
    create(&mut service, 1, who(1), "a", 0).expect("created");
    let refused = service.put_chunk((1, &who(2)), (0, b"x"), &mut sink, &LIMITS, &At(0));
    assert_eq!(refused.map(|_| ()), Err(Error::Unauthorized));
    assert_eq!(put(&mut service, &mut sink, 2, 0, b"x", 0), Err(Error::NotFound));
    assert!(sink.chunks.is_empty());
}

/// The same chunk again is harmless, other bytes are refused, and the first stay.
#[test]
fn a_chunk_is_written_once() {
    let (mut service, mut sink) = (service(), Sink::default());
    create(&mut service, 1, who(1), "a", 0).expect("created");
    assert_eq!(put(&mut service, &mut sink, 1, 2, b"first", 0), Ok(Arrival::Stored));
    assert_eq!(put(&mut service, &mut sink, 1, 2, b"first", 0), Ok(Arrival::Repeated));
    assert!(matches!(put(&mut service, &mut sink, 1, 2, b"other", 0), Err(Error::InvalidArgument(_))));
    assert_eq!(sink.chunks[&2], b"first");
    assert_eq!(service.get(1, &At(0)).map(|session| session.received_bytes), Some(5));
}

/// Index and length are held to their limits.
#[test]
fn chunks_have_limits() {
    let (mut service, mut sink) = (service(), Sink::default());
    create(&mut service, 1, who(1), "a", 0).expect("created");
    for (index, bytes) in [(4, &b"x"[..]), (u32::MAX, b"x"), (0, b""), (0, b"12345678901")] {
        assert!(matches!(put(&mut service, &mut sink, 1, index, bytes, 0), Err(Error::InvalidArgument(_))), "{index}");
    }
    assert_eq!(put(&mut service, &mut sink, 1, 3, b"1234567890", 0), Ok(Arrival::Stored));
}

/// A chunk that the sink does not take has not arrived.
#[test]
fn a_full_sink_changes_nothing() {
    let (mut service, mut sink) = (service(), Sink { full: true, ..Sink::default() });
    let before = create(&mut service, 1, who(1), "a", 0).expect("created");
    assert_eq!(put(&mut service, &mut sink, 1, 0, b"x", 50), Err(Error::ResourceExhausted));
    assert_eq!(service.get(1, &At(50)), Some(before));
}

/// A session ends its time after the last chunk, to the nanosecond.
#[test]
fn chunks_prolong_a_session() {
    let (mut service, mut sink) = (service(), Sink::default());
    create(&mut service, 1, who(1), "a", 0).expect("created");
    put(&mut service, &mut sink, 1, 0, b"x", 60).expect("stored");
    assert!(service.get(1, &At(159)).is_some());
    assert_eq!(put(&mut service, &mut sink, 1, 1, b"x", 160), Err(Error::NotFound));
}

/// Open sessions are limited by caller and place; what is over or completed does not count.
#[test]
fn slots_are_limited() {
    let mut service = service();
    let sessions: Vec<_> = (1..=2).map(|id| create(&mut service, id, who(1), &id.to_string(), 0).expect("created")).collect();
    assert_eq!(create(&mut service, 3, who(1), "3", 0), Err(Error::ResourceExhausted));
    create(&mut service, 4, who(2), "4", 0).expect("another caller's slot");
    service.complete(sessions[0].clone());
    create(&mut service, 5, who(1), "5", 0).expect("the slot of the completed one");
    assert_eq!(service.count_active_for(PLACE, &who(1), &At(99)), 2);
    assert_eq!(service.count_active_for(PLACE, &who(1), &At(100)), 0);
    assert_eq!((service.count_open(&At(99)), service.count_open(&At(100))), (3, 0));
}

/// A completed session answers as a receipt for ever, takes no chunk, and is forgotten by `cleanup` alone.
#[test]
fn a_completed_session_is_a_receipt() {
    let (mut service, mut sink) = (service(), Sink::default());
    let session = create(&mut service, 1, who(1), "a", 0).expect("created");
    service.complete(session);
    assert!(service.find_pending(PLACE, &who(1), "a", &At(1_000_000)).is_some_and(|found| found.completed));
    assert!(matches!(put(&mut service, &mut sink, 1, 0, b"x", 0), Err(Error::InvalidArgument(_))));
    assert!(service.cleanup_expired(10, &At(1_000_000)).is_empty());
    assert!(service.cleanup(1).is_some());
    assert_eq!(service.find_pending(PLACE, &who(1), "a", &At(0)), None);
}

/// A sweep drops what is over, lists anew what was prolonged, and does no more than it may.
#[test]
fn a_sweep_drops_what_is_over() {
    let (mut service, mut sink) = (service(), Sink::default());
    create(&mut service, 1, who(1), "a", 0).expect("created");
    create(&mut service, 2, who(1), "b", 0).expect("created");
    create(&mut service, 3, who(2), "c", 0).expect("created");
    put(&mut service, &mut sink, 1, 0, b"x", 90).expect("stored");
    let dropped = |sessions: Vec<Session<()>>| sessions.iter().map(|session| session.id).collect::<Vec<_>>();
    assert_eq!(dropped(service.cleanup_expired(2, &At(100))), [2]);
    assert_eq!(dropped(service.cleanup_expired(2, &At(100))), [3]);
    assert_eq!(dropped(service.cleanup_expired(2, &At(189))), [] as [SessionId; 0]);
    assert_eq!(dropped(service.cleanup_expired_sessions_for_caller(PLACE, &who(1), &At(190))), [1]);
    assert_eq!(service.count_open(&At(0)), 0);
}

/// Missing chunks are named, the first ten of them.
#[test]
fn missing_chunks_are_named() {
    let (mut service, mut sink) = (service(), Sink::default());
    create(&mut service, 1, who(1), "a", 0).expect("created");
    put(&mut service, &mut sink, 1, 1, b"x", 0).expect("stored");
    let session = service.get(1, &At(0)).expect("there");
    let text = "Incomplete chunks: 3 of 4 missing, first 0, 2, 3";
    assert_eq!(Service::verify_chunks_complete(&session), Err(Error::invalid(text)));
    assert_eq!(Service::iter_chunks(&session).collect::<Vec<_>>(), [1]);
}
