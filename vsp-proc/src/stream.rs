//! The bounded way from an owner of state to one subscriber: offering never waits, and what does not fit is counted and
//! reported at the very place where it is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
use ipc::message::Event;

/// The owner's end.
#[derive(Debug)]
pub(crate) struct Offering {
    queue: Sender<Event>,
    missed: Arc<AtomicU64>,
}

/// The subscriber's end.
#[derive(Debug)]
pub(crate) struct Delivery {
    queue: Receiver<Event>,
    missed: Arc<AtomicU64>,
}

/// Both ends of a queue of `capacity` events.
pub(crate) fn channel(capacity: usize) -> (Offering, Delivery) {
    let (sender, receiver) = bounded(capacity);
    let missed = Arc::new(AtomicU64::new(0));
    (Offering { queue: sender, missed: missed.clone() }, Delivery { queue: receiver, missed })
}

impl Offering {
    /// Queues an event or counts it as missed. False when the subscriber has gone.
    pub(crate) fn offer(&self, event: Event) -> bool {
        // Once something is missing nothing more is queued until the subscriber knows of it, so that the gap is
        // reported in its place.
        if self.missed.load(Ordering::Acquire) > 0 {
            self.missed.fetch_add(1, Ordering::AcqRel);
            return !self.is_closed();
        }
        match self.queue.try_send(event) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.missed.fetch_add(1, Ordering::AcqRel);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    /// Has the subscriber gone?
    fn is_closed(&self) -> bool {
        Arc::strong_count(&self.missed) == 1
    }
}

impl Delivery {
    /// The queue, to wait on together with something else. Use [`Delivery::next`] for what it holds.
    pub(crate) fn queue(&self) -> &Receiver<Event> {
        &self.queue
    }

    /// The next event that is there now: queued ones, then a gap if there is one.
    pub(crate) fn next(&self) -> Result<Option<Event>, Ended> {
        match self.queue.try_recv() {
            Ok(event) => Ok(Some(event)),
            Err(end) => match (self.missed.swap(0, Ordering::AcqRel), end) {
                (0, TryRecvError::Empty) => Ok(None),
                (0, TryRecvError::Disconnected) => Err(Ended),
                (events, _) => Ok(Some(Event::Gap { events })),
            },
        }
    }
}

/// The owner has nothing more to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(n: u64) -> Event {
        Event::Console(vec![n as u8])
    }

    #[test]
    fn a_gap_is_counted_and_stands_where_events_are_missing() {
        let (offering, delivery) = channel(2);
        for n in 0..5 {
            assert!(offering.offer(event(n)));
        }
        assert_eq!(delivery.next(), Ok(Some(event(0))));
        assert!(offering.offer(event(5)));
        assert_eq!(delivery.next(), Ok(Some(event(1))));
        assert_eq!(delivery.next(), Ok(Some(Event::Gap { events: 4 })));
        assert_eq!(delivery.next(), Ok(None));
        assert!(offering.offer(event(6)));
        assert_eq!(delivery.next(), Ok(Some(event(6))));
        drop(offering);
        assert_eq!(delivery.next(), Err(Ended));
    }

    #[test]
    fn a_subscriber_that_left_is_noticed_even_when_its_queue_is_full() {
        let (offering, delivery) = channel(1);
        assert!(offering.offer(event(0)));
        assert!(offering.offer(event(1)));
        drop(delivery);
        assert!(!offering.offer(event(2)));
    }
}
