//! Who has a place: a bounded number of connections, and what gives way when more come than there is room for.
//!
//! A kubelet gives `/healthz` one second. So nobody keeps a place by being slow while others wait: the connection that
//! has been waiting longest for its next request's head goes first. Where all places work on requests, newcomers get one
//! of a few more, in which health and metrics are answered and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How long a head may take, at least, also when others wait for the place.
const SHORTEST: Duration = Duration::from_millis(200);
/// How many connections are answered beside the room, for health and metrics only.
const RESERVE: usize = 32;

/// All the places.
pub(super) struct Room {
    places: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    by: BTreeMap<u64, Arc<Seat>>,
}

/// One connection's state.
struct Seat {
    /// Since when its next head is waited for; `None` while a request is worked on.
    waiting: Mutex<Option<Instant>>,
    give_up: Notify,
}

impl Seat {
    fn waiting(&self) -> Option<Instant> {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, since: Option<Instant>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

/// A place that a connection has. Dropping it gives it back.
pub(super) struct Admission {
    room: Arc<Room>,
    id: u64,
    seat: Arc<Seat>,
    reserved: bool,
    _permit: OwnedSemaphorePermit,
}

impl Room {
    pub(super) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(places)),
            reserve: Arc::new(Semaphore::new(RESERVE)),
            taken: Mutex::default(),
        })
    }

    /// Finds a place for a connection: a free one, one that a slow connection has to give up, or one of the reserve.
    /// Waits where there is none at all.
    pub(super) async fn enter(self: &Arc<Self>) -> Admission {
        loop {
            if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
                return self.seat(permit, false);
            }
            let asked = self.ask_slowest();
            if !asked && let Ok(permit) = Arc::clone(&self.reserve).try_acquire_owned() {
                return self.seat(permit, true);
            }
            // Asked again after the shortest time: by then a head may have become slow.
            let freed = tokio::time::timeout(SHORTEST, Arc::clone(&self.places).acquire_owned());
            if let Ok(Ok(permit)) = freed.await {
                return self.seat(permit, false);
            }
        }
    }

    fn seat(self: &Arc<Self>, permit: OwnedSemaphorePermit, reserved: bool) -> Admission {
        let seat = Arc::new(Seat {
            waiting: Mutex::new(Some(Instant::now())),
            give_up: Notify::new(),
        });
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let id = taken.next;
        taken.next += 1;
        taken.by.insert(id, Arc::clone(&seat));
        drop(taken);
        Admission {
            room: Arc::clone(self),
            id,
            seat,
            reserved,
            _permit: permit,
        }
    }

    /// Asks the connection that has been waiting longest for a head to give up its place. Says whether there is one.
    fn ask_slowest(&self) -> bool {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let slowest = taken
            .by
            .values()
            .filter_map(|seat| Some((seat.waiting()?, seat)))
            .filter(|(since, _)| since.elapsed() >= SHORTEST)
            .min_by_key(|(since, _)| *since);
        let Some((_, seat)) = slowest else { return false };
        seat.set(None); // it is asked once
        seat.give_up.notify_one();
        true
    }
}

impl Admission {
    /// Whether health and metrics are all that is answered here.
    pub(super) fn is_reserved(&self) -> bool {
        self.reserved
    }

    /// Ends when the place has to be given up.
    pub(super) async fn given_up(&self) {
        self.seat.give_up.notified().await;
    }

    /// What a request's work tells of itself to the place of its connection.
    pub(super) fn working(&self) -> Working {
        Working(Arc::clone(&self.seat))
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut taken = self.room.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.by.remove(&self.id);
    }
}

/// Says when a connection works on a request and when it waits for the next.
#[derive(Clone)]
pub(super) struct Working(Arc<Seat>);

impl Working {
    /// A request has come.
    pub(super) fn begins(&self) {
        self.0.set(None);
    }

    /// It has been answered.
    pub(super) fn ends(&self) {
        self.0.set(Some(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_slowest_head_gives_way_and_work_does_not() {
        let room = Room::new(2);
        let slow = room.enter().await;
        let busy = room.enter().await;
        busy.working().begins();
        tokio::time::sleep(SHORTEST).await;
        let (next, ()) = tokio::join!(room.enter(), async {
            slow.given_up().await;
            drop(slow);
        });
        assert!(!next.is_reserved(), "the slow one's place");
        next.working().begins();
        let beside = room.enter().await;
        assert!(beside.is_reserved(), "both work: only the reserve is left");
        busy.working().ends();
        drop(next);
        assert!(!room.enter().await.is_reserved());
    }
}
