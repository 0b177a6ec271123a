//! How the rest of the machine reaches a processor: posted interrupts, purges of other processors, INIT, kicks, and
//! waking it when it is halted.
//!
//! ```text
//!            enter()                       wait_until()
//!   away ───────────────► running             (sleeps only while away)
//!     ▲    purges served     │  attention() polled at every block boundary
//!     └──────────────────────┘
//!            leave()
//! ```
//!
//! A processor is *away* whenever its thread is outside the engine: halted, not yet started, in a firmware service,
//! stopped by a debugger. Nobody waits for a processor that is away; what others want purged it purges before it runs
//! again. A running one is waited for, until its next block boundary. Whoever waits serves its own queue meanwhile, so
//! two processors that purge each other never stand still.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Interrupt vector of NMI. SDM volume 2, 5.8.1.
pub const NMI_VECTOR: u8 = 2;
/// Interrupt vector of ExtINT. SDM volume 2, 5.8.1.
pub const EXTINT_VECTOR: u8 = 0;

/// A purge that every processor has to perform: `ptc.g` and `ptc.ga`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purge {
    /// Region identifier.
    pub rid: u32,
    /// First virtual address (bits 60:0), aligned to the size.
    pub va: u64,
    /// Size: log2 of bytes.
    pub ps: u8,
}

/// What to purge: single ranges, or all of it when they have become too many.
#[derive(Debug, Default)]
pub struct Purges {
    /// The ranges.
    pub ranges: Vec<Purge>,
    /// Everything: `ranges` is empty then.
    pub everything: bool,
}

/// Queued ranges beyond this become one complete purge (a processor can be away for long).
const MAX_QUEUED: usize = 128;

#[derive(Default)]
struct Queue {
    purges: Purges,
    posted: u64,
}

/// One processor as others see it.
pub struct Link {
    attention: AtomicBool,
    interrupts: [AtomicU64; 4],
    init: AtomicBool,
    kicked: AtomicBool,
    away: AtomicBool,
    /// Number of purges performed, of `Queue::posted`.
    served: AtomicU64,
    queue: Mutex<Queue>,
    sleeping: AtomicBool,
    bed: Mutex<()>,
    bell: Condvar,
}

impl Default for Link {
    fn default() -> Self {
        Link {
            attention: AtomicBool::new(false),
            interrupts: [const { AtomicU64::new(0) }; 4],
            init: AtomicBool::new(false),
            kicked: AtomicBool::new(false),
            away: AtomicBool::new(true),
            served: AtomicU64::new(0),
            queue: Mutex::default(),
            sleeping: AtomicBool::new(false),
            bed: Mutex::new(()),
            bell: Condvar::new(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    // --- for the rest of the machine ---

    /// Makes external interrupt `vector` pending.
    pub fn post_interrupt(&self, vector: u8) {
        self.interrupts[usize::from(vector >> 6)].fetch_or(1 << (vector & 63), Ordering::Release);
        self.call_attention();
    }

    /// Makes the non-maskable interrupt pending.
    pub fn post_nmi(&self) {
        self.post_interrupt(NMI_VECTOR);
    }

    /// Makes the interrupt of an 8259-like controller pending.
    pub fn post_ext(&self) {
        self.post_interrupt(EXTINT_VECTOR);
    }

    /// A platform management interrupt. They are the firmware's own business (SDM volume 2, 11.5), and this machine's
    /// firmware uses none: the event is logged and over.
    pub fn post_pmi(&self, vector: u8) {
        tracing::debug!(vector, "platform management interrupt discarded");
    }

    /// INIT: the processor leaves the engine with [`crate::cpu::Exit::Init`], once PSR.mc does not mask it.
    pub fn post_init(&self) {
        self.init.store(true, Ordering::Release);
        self.call_attention();
    }

    /// Makes the processor leave the engine (with [`crate::cpu::Exit::Budget`]) or its halt soon.
    pub fn kick(&self) {
        self.kicked.store(true, Ordering::Release);
        self.call_attention();
    }

    // --- for the processor itself ---

    /// Does anybody want something? One relaxed load: the engine asks once a block.
    #[inline(always)]
    pub fn attention(&self) -> bool {
        self.attention.load(Ordering::Relaxed)
    }

    /// Asks the processor to look (posted interrupts, purges, or its own interrupt state that has changed).
    pub fn call_attention(&self) {
        self.attention.store(true, Ordering::SeqCst);
        if self.sleeping.load(Ordering::SeqCst) {
            drop(lock(&self.bed));
            self.bell.notify_all();
        }
    }

    /// Answers attention: what is posted after this calls for it anew.
    pub(crate) fn acknowledge(&self) {
        self.attention.store(false, Ordering::SeqCst);
    }

    /// Takes the posted interrupts: one bit a vector.
    pub(crate) fn take_interrupts(&self) -> [u64; 4] {
        std::array::from_fn(|i| match self.interrupts[i].load(Ordering::Relaxed) {
            0 => 0,
            _ => self.interrupts[i].swap(0, Ordering::Acquire),
        })
    }

    /// Takes a posted INIT.
    pub(crate) fn take_init(&self) -> bool {
        self.init.load(Ordering::Relaxed) && self.init.swap(false, Ordering::Acquire)
    }

    /// Takes a kick.
    pub fn take_kick(&self) -> bool {
        self.kicked.load(Ordering::Relaxed) && self.kicked.swap(false, Ordering::Acquire)
    }

    /// INIT is not masked any more: one that waits calls for attention anew.
    pub(crate) fn unmask_init(&self) {
        if self.init.load(Ordering::Relaxed) {
            self.call_attention();
        }
    }

    /// Is there an INIT, unless it is masked, or a kick to be taken?
    pub(crate) fn is_called_away(&self, init_is_masked: bool) -> bool {
        !init_is_masked && self.init.load(Ordering::Relaxed) || self.kicked.load(Ordering::Relaxed)
    }

    /// The processor is about to run: the purges to perform first. From now on others wait for it.
    #[must_use]
    pub(crate) fn enter(&self) -> Purges {
        let mut queue = lock(&self.queue);
        self.away.store(false, Ordering::SeqCst);
        std::mem::take(&mut queue.purges)
    }

    /// The processor stops running: nobody waits for it any more.
    pub(crate) fn leave(&self) {
        let _queue = lock(&self.queue);
        self.away.store(true, Ordering::SeqCst);
    }

    /// Performs with `perform` what others want purged, then acknowledges it.
    pub(crate) fn serve(&self, perform: impl FnOnce(Purges)) {
        let (purges, posted) = {
            let mut queue = lock(&self.queue);
            (std::mem::take(&mut queue.purges), queue.posted)
        };
        if purges.everything || !purges.ranges.is_empty() {
            perform(purges);
        }
        self.served.store(posted, Ordering::Release);
    }

    /// Sleeps until somebody calls for attention or the deadline passes; says whether attention was called.
    pub fn wait_until(&self, deadline: Option<Instant>) -> bool {
        self.sleeping.store(true, Ordering::SeqCst);
        let mut bed = lock(&self.bed);
        while !self.attention.load(Ordering::SeqCst) {
            bed = match deadline {
                None => self.bell.wait(bed).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|d| !d.is_zero())
                    else {
                        break;
                    };
                    self.bell.wait_timeout(bed, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        drop(bed);
        self.sleeping.store(false, Ordering::SeqCst);
        self.attention.load(Ordering::SeqCst)
    }

    // --- between processors ---

    /// Queues a purge; the ticket to wait for if the processor is running.
    fn post_purge(&self, purge: Purge) -> Option<u64> {
        let mut queue = lock(&self.queue);
        queue.posted += 1;
        if queue.purges.ranges.len() >= MAX_QUEUED {
            queue.purges = Purges { ranges: Vec::new(), everything: true };
        } else if !queue.purges.everything {
            queue.purges.ranges.push(purge);
        }
        let ticket = queue.posted;
        drop(queue);
        if self.away.load(Ordering::SeqCst) {
            return None;
        }
        self.call_attention();
        Some(ticket)
    }

    fn is_done(&self, ticket: u64) -> bool {
        self.served.load(Ordering::Acquire) >= ticket || self.away.load(Ordering::SeqCst)
    }
}

/// All processors of a guest.
#[derive(Default)]
pub struct Cluster {
    links: Vec<Arc<Link>>,
    crowded: AtomicBool,
}

impl Cluster {
    /// A cluster of `n` processors, all away.
    pub fn new(n: usize) -> Arc<Cluster> {
        Arc::new(Cluster { links: (0..n).map(|_| Arc::default()).collect(), crowded: AtomicBool::new(false) })
    }

    /// The links, in the order of processors.
    pub fn links(&self) -> &[Arc<Link>] {
        &self.links
    }

    /// Says whether processors that could run wait until others let them (there are too few of the host's).
    pub fn set_crowded(&self, crowded: bool) {
        self.crowded.store(crowded, Ordering::Relaxed);
    }

    /// Does a processor wait until another one lets it run?
    pub fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }

    /// Makes every processor but `own` purge, and returns when each of them has or is away. `meanwhile` is called
    /// again and again while waiting and serves the caller's own queue.
    pub(crate) fn purge_others(&self, own: &Arc<Link>, purge: Purge, mut meanwhile: impl FnMut()) {
        let mut waiting: Vec<(&Link, u64)> = self
            .links
            .iter()
            .filter(|link| !Arc::ptr_eq(link, own))
            .filter_map(|link| link.post_purge(purge).map(|ticket| (&**link, ticket)))
            .collect();
        let mut rounds = 0u32;
        loop {
            waiting.retain(|(link, ticket)| !link.is_done(*ticket));
            if waiting.is_empty() {
                return;
            }
            meanwhile();
            // A few looks at once; then the host may run the one that is waited for, if need be on this very core.
            rounds += 1;
            match rounds {
                0..64 => std::hint::spin_loop(),
                64..256 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(20)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURGE: Purge = Purge { rid: 7, va: 0x4000, ps: 14 };

    #[test]
    fn posted_interrupts_are_taken_once() {
        let link = Link::default();
        link.post_interrupt(0xef);
        link.post_interrupt(0x31);
        link.post_nmi();
        assert!(link.attention());
        assert_eq!(link.take_interrupts(), [1 << 0x31 | 1 << 2, 0, 0, 1 << (0xef - 0xc0)]);
        assert_eq!(link.take_interrupts(), [0; 4]);
    }

    #[test]
    fn a_deadline_in_the_past_does_not_sleep() {
        let link = Link::default();
        assert!(!link.wait_until(Some(Instant::now() - Duration::from_secs(1))));
    }

    #[test]
    fn a_sleeper_wakes_when_attention_is_called() {
        let link = Arc::new(Link::default());
        let sleeper = std::thread::spawn({
            let link = link.clone();
            move || link.wait_until(None)
        });
        link.post_interrupt(0x40);
        assert!(sleeper.join().unwrap());
    }

    #[test]
    fn processors_that_are_away_are_not_waited_for_and_purge_when_they_come() {
        let cluster = Cluster::new(2);
        let [own, other] = cluster.links() else { unreachable!() };
        let _ = own.enter();
        cluster.purge_others(own, PURGE, || unreachable!("nobody is running"));
        assert!(!other.attention());
        assert_eq!(other.enter().ranges, [PURGE]);
    }

    #[test]
    fn too_many_ranges_become_a_complete_purge() {
        let cluster = Cluster::new(2);
        let [own, other] = cluster.links() else { unreachable!() };
        for _ in 0..=MAX_QUEUED {
            cluster.purge_others(own, PURGE, || ());
        }
        let purges = other.enter();
        assert!(purges.everything && purges.ranges.is_empty());
    }

    /// Every processor purges at all others, many times: all come to an end, and each purge was performed by each
    /// other processor before the issuer went on.
    #[test]
    fn processors_that_purge_each_other_all_finish() {
        const PROCESSORS: usize = 4;
        const ROUNDS: u64 = 500;
        let cluster = Cluster::new(PROCESSORS);
        let performed: Arc<Vec<Vec<AtomicU64>>> =
            Arc::new((0..PROCESSORS).map(|_| (0..PROCESSORS).map(|_| AtomicU64::new(0)).collect()).collect());
        let all_running = Arc::new(std::sync::Barrier::new(PROCESSORS));
        let threads: Vec<_> = (0..PROCESSORS)
            .map(|me| {
                let (cluster, performed) = (cluster.clone(), performed.clone());
                let all_running = all_running.clone();
                std::thread::spawn(move || {
                    let own = &cluster.links()[me];
                    let perform = |purges: Purges| {
                        assert!(!purges.everything);
                        for purge in purges.ranges {
                            performed[me][purge.rid as usize].store(purge.va, Ordering::SeqCst);
                        }
                    };
                    perform(own.enter());
                    all_running.wait();
                    for round in 1..=ROUNDS {
                        let purge = Purge { rid: me as u32, va: round, ps: 12 };
                        cluster.purge_others(own, purge, || own.serve(perform));
                        for (other, link) in cluster.links().iter().enumerate().filter(|(o, _)| *o != me) {
                            let seen = performed[other][me].load(Ordering::SeqCst);
                            assert!(seen == round || link.away.load(Ordering::SeqCst));
                        }
                        own.serve(perform);
                    }
                    own.leave();
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}
