//! The bounded way from an owner of state to one subscriber: offering never waits, and what does not fit is counted and
//! reported at the very place where it is missing.
//!
//! The bound is in bytes, and console output that waits is joined: a guest writes in crumbs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
use ipc::message::Event;

/// Longest piece of console output that is made by joining.
const PIECE: usize = 16 << 10;
/// What an event weighs beside its texts, in bytes.
const EVENT: usize = 128;
/// What an event about guests weighs for each guest.
const GUEST: usize = 512;

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Event>,
    bytes: usize,
    missed: u64,
}

/// The owner's end.
#[derive(Debug)]
pub(crate) struct Offering {
    queue: Arc<Mutex<Queue>>,
    wake: Sender<()>,
    limit: usize,
}

/// The subscriber's end.
#[derive(Debug)]
pub(crate) struct Delivery {
    queue: Arc<Mutex<Queue>>,
    woken: Receiver<()>,
}

/// Both ends of a queue that holds `limit` bytes.
pub(crate) fn channel(limit: usize) -> (Offering, Delivery) {
    let queue = Arc::<Mutex<Queue>>::default();
    let (wake, woken) = bounded(1);
    (Offering { queue: queue.clone(), wake, limit }, Delivery { queue, woken })
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn weight(event: &Event) -> usize {
    EVENT
        + match event {
            Event::Console(bytes) => bytes.len(),
            Event::Guests(guests) => guests.len() * GUEST,
            Event::Guest(_) => GUEST,
            Event::Figures(guests) => {
                guests.iter().map(|guest| GUEST * (1 + guest.devices.len())).sum::<usize>()
            }
            _ => 0,
        }
}

impl Offering {
    /// Queues an event or counts it as missed. False when the subscriber has gone.
    pub(crate) fn offer(&self, event: Event) -> bool {
        let mut queue = lock(&self.queue);
        // Once something is missing nothing more is queued until the subscriber knows of it, so that the gap is
        // reported in its place.
        if queue.missed > 0 || queue.bytes + weight(&event) > self.limit {
            queue.missed += 1;
        } else {
            queue.push(event);
        }
        drop(queue);
        !matches!(self.wake.try_send(()), Err(TrySendError::Disconnected(())))
    }
}

impl Queue {
    fn push(&mut self, event: Event) {
        if let (Some(Event::Console(last)), Event::Console(bytes)) = (self.events.back_mut(), &event)
            && last.len() + bytes.len() <= PIECE
        {
            self.bytes += bytes.len();
            last.extend(bytes);
            return;
        }
        self.bytes += weight(&event);
        self.events.push_back(event);
    }

    fn pop(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            self.bytes -= weight(&event);
            return Some(event);
        }
        match std::mem::take(&mut self.missed) {
            0 => None,
            events => Some(Event::Gap { events }),
        }
    }
}

impl Delivery {
    /// Becomes ready when [`Delivery::next`] may have something, or the owner has ended.
    pub(crate) fn woken(&self) -> &Receiver<()> {
        &self.woken
    }

    /// The next event that is there now: queued ones, then a gap if there is one.
    pub(crate) fn next(&self) -> Result<Option<Event>, Ended> {
        loop {
            // In this order: whoever queues something wakes us afterwards, and ends after that.
            let woken = self.woken.try_recv();
            if let Some(event) = lock(&self.queue).pop() {
                return Ok(Some(event));
            }
            match woken {
                Ok(()) => {}
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Disconnected) => return Err(Ended),
            }
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
        Event::GuestRemoved { name: n.to_string() }
    }

    #[test]
    fn a_gap_is_counted_and_stands_where_events_are_missing() {
        let (offering, delivery) = channel(2 * EVENT);
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
    fn crumbs_of_console_output_are_joined() {
        let (offering, delivery) = channel(EVENT + 1000);
        for byte in 0..200 {
            offering.offer(Event::Console(vec![byte]));
        }
        offering.offer(event(1));
        assert_eq!(delivery.next(), Ok(Some(Event::Console((0..200).collect()))));
        assert_eq!(delivery.next(), Ok(Some(event(1))));
        assert_eq!(delivery.next(), Ok(None));
        assert_eq!(lock(&delivery.queue).bytes, 0);
    }

    #[test]
    fn a_subscriber_that_left_is_noticed_even_when_its_queue_is_full() {
        let (offering, delivery) = channel(EVENT);
        assert!(offering.offer(event(0)));
        assert!(offering.offer(event(1)));
        drop(delivery);
        assert!(!offering.offer(event(2)));
    }

    #[test]
    fn what_was_offered_before_the_owner_ended_is_delivered() {
        let (offering, delivery) = channel(1000);
        offering.offer(event(0));
        drop(offering);
        assert_eq!(delivery.next(), Ok(Some(event(0))));
        assert_eq!(delivery.next(), Err(Ended));
    }
}
