//! What a machine and each of its processors did since it was made.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

use nix::time::ClockId;
use nix::unistd::gettid;

/// Figures of a machine.
#[derive(Debug)]
pub struct Counters {
    vcpus: Vec<VcpuCounters>,
}

/// Figures of one processor. Only its own thread writes them; each has host cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct VcpuCounters {
    instructions: AtomicU64,
    interruptions: AtomicU64,
    idle_nanos: AtomicU64,
    is_halted: AtomicBool,
    /// The thread that runs it, or zero.
    thread: AtomicI32,
    /// Host processor time of the threads that have ended.
    ended_nanos: AtomicU64,
}

/// What one processor did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VcpuFigures {
    /// Instructions retired.
    pub instructions: u64,
    /// Interruptions delivered.
    pub interruptions: u64,
    /// Nanoseconds it was halted; a halt counts when it ends.
    pub idle_nanos: u64,
    /// Nanoseconds of host processor time.
    pub cpu_nanos: u64,
    /// It is halted now.
    pub is_halted: bool,
}

impl Counters {
    pub(super) fn new(vcpus: usize) -> Counters {
        Counters { vcpus: (0..vcpus).map(|_| VcpuCounters::default()).collect() }
    }

    /// What processor `number` counts.
    pub(super) fn vcpu(&self, number: usize) -> &VcpuCounters {
        &self.vcpus[number]
    }

    /// Every processor's figures, in their order.
    pub fn vcpus(&self) -> impl Iterator<Item = VcpuFigures> + '_ {
        self.vcpus.iter().map(VcpuCounters::figures)
    }

    /// Instructions retired by all processors.
    pub fn instructions(&self) -> u64 {
        self.vcpus().map(|vcpu| vcpu.instructions).sum()
    }

    /// Interruptions delivered to all processors.
    pub fn interruptions(&self) -> u64 {
        self.vcpus().map(|vcpu| vcpu.interruptions).sum()
    }

    /// Nanoseconds processors spent halted.
    pub fn idle_nanos(&self) -> u64 {
        self.vcpus().map(|vcpu| vcpu.idle_nanos).sum()
    }
}

impl VcpuCounters {
    /// The calling thread runs the processor from now on.
    pub(super) fn begin(&self) {
        self.thread.store(gettid().as_raw(), Ordering::Relaxed);
    }

    /// The calling thread does so no longer.
    pub(super) fn end(&self) {
        let thread = self.thread.swap(0, Ordering::Relaxed);
        self.ended_nanos.fetch_add(thread_nanos(thread), Ordering::Relaxed);
    }

    /// It has retired so many instructions more, and taken so many interruptions.
    pub(super) fn retire(&self, instructions: u64, interruptions: u64) {
        self.instructions.fetch_add(instructions, Ordering::Relaxed);
        self.interruptions.fetch_add(interruptions, Ordering::Relaxed);
    }

    pub(super) fn halt(&self) {
        self.is_halted.store(true, Ordering::Relaxed);
    }

    pub(super) fn wake(&self, nanos: u64) {
        self.is_halted.store(false, Ordering::Relaxed);
        self.idle_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    fn figures(&self) -> VcpuFigures {
        let running = thread_nanos(self.thread.load(Ordering::Relaxed));
        VcpuFigures {
            instructions: self.instructions.load(Ordering::Relaxed),
            interruptions: self.interruptions.load(Ordering::Relaxed),
            idle_nanos: self.idle_nanos.load(Ordering::Relaxed),
            cpu_nanos: self.ended_nanos.load(Ordering::Relaxed) + running,
            is_halted: self.is_halted.load(Ordering::Relaxed),
        }
    }
}

/// Host processor time of a thread of this process, in nanoseconds; zero if there is none of this number.
fn thread_nanos(thread: i32) -> u64 {
    // As MAKE_THREAD_CPUCLOCK of the kernel's posix-timers_types.h does: CPUCLOCK_PERTHREAD_MASK and CPUCLOCK_SCHED. A
    // thread of number zero would be the caller.
    const PER_THREAD: i32 = 4;
    const SCHEDULER: i32 = 2;
    if thread == 0 {
        return 0;
    }
    let time = ClockId::from_raw((!thread << 3) | PER_THREAD | SCHEDULER).now();
    time.map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_processors_time_is_that_of_its_thread() {
        let counters = Counters::new(2);
        let own = || Duration::from(ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let vcpu = counters.vcpu(1);
                vcpu.begin();
                let before = own();
                while own() - before < Duration::from_millis(20) {}
                let figures = counters.vcpus().nth(1).unwrap();
                assert!(Duration::from_nanos(figures.cpu_nanos) >= Duration::from_millis(20));
                assert!(Duration::from_nanos(figures.cpu_nanos) <= own());
                vcpu.end();
            });
        });
        let times: Vec<u64> = counters.vcpus().map(|vcpu| vcpu.cpu_nanos).collect();
        assert_eq!(times[0], 0);
        assert!(times[1] >= 20_000_000, "what a thread used stays when it has ended");
    }
}
