//! Where vCPU threads stand still while a debugger looks. Each thread keeps its processor to itself; the debugger hands
//! it jobs to run there.
//!
//! ```text
//!            order Stop                    order Run
//!   running ───────────► parked (does jobs) ─────────► running
//!      ▲                     │ order Step(own)
//!      └── stopped() ◄── one instruction
//! ```

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use ia64::cpu::Cpu;
use ia64::link::Link;

use crate::clock::Clock;
use crate::control::Control;

type Job = Box<dyn FnOnce(&mut Cpu) + Send>;

/// What processors are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// All run.
    Run,
    /// One runs, the others stand still.
    RunOnly(usize),
    /// One runs a single instruction, the others stand still.
    Step(usize),
    /// All stand still.
    Stop,
}

/// A processor reached something the debugger waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Which processor.
    pub vcpu: usize,
    /// A breakpoint; otherwise the end of a step.
    pub is_breakpoint: bool,
}

/// What a parked processor does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Runs on.
    Run,
    /// Runs one instruction and reports.
    Step,
}

struct State {
    order: Order,
    parked: Vec<bool>,
    jobs: Vec<VecDeque<Job>>,
    stops: VecDeque<Stop>,
    links: Vec<Arc<Link>>,
    breakpoints: Vec<u64>,
    /// Counts changes of `breakpoints`.
    generation: u64,
}

/// The gate of one machine.
pub struct Gate {
    /// Somebody may have to park: the only thing a running processor looks at.
    closed: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
    clock: Arc<Clock>,
    control: Arc<Control>,
}

impl Gate {
    /// An open gate for `vcpus` processors.
    pub fn new(vcpus: usize, clock: Arc<Clock>, control: Arc<Control>) -> Gate {
        let state = State {
            order: Order::Run,
            parked: vec![false; vcpus],
            jobs: (0..vcpus).map(|_| VecDeque::new()).collect(),
            stops: VecDeque::new(),
            links: Vec::new(),
            breakpoints: Vec::new(),
            generation: 0,
        };
        Gate {
            closed: AtomicBool::new(false),
            state: Mutex::new(state),
            changed: Condvar::new(),
            clock,
            control,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    // --- for the machine ---

    /// The links of this run's processors, by which they are called to the gate.
    pub fn connect(&self, links: Vec<Arc<Link>>) {
        let mut state = self.state();
        state.parked.fill(false);
        state.jobs.iter_mut().for_each(VecDeque::clear);
        state.links = links;
    }

    /// Makes processors park before their first instruction.
    pub fn close(&self) {
        self.state().order = Order::Stop;
        self.closed.store(true, Ordering::Release);
    }

    /// Does a running processor have to come to [`Gate::park`]?
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Processor `number` stands still here, doing the debugger's jobs, until it may go on.
    pub fn park(&self, number: usize, cpu: &mut Cpu, seen: &mut u64) -> Next {
        const LOOK: Duration = Duration::from_millis(100);
        let mut state = self.state();
        state.parked[number] = true;
        self.changed.notify_all();
        let next = loop {
            if let Some(job) = state.jobs[number].pop_front() {
                drop(state);
                job(cpu);
                state = self.state();
                continue;
            }
            match state.order {
                Order::Run => break Next::Run,
                Order::RunOnly(own) if own == number => break Next::Run,
                Order::Step(own) if own == number => break Next::Step,
                _ if self.control.has_ended() => break Next::Run,
                _ => state = self.wait(state, LOOK),
            }
        };
        state.parked[number] = false;
        if *seen != state.generation {
            *seen = state.generation;
            cpu.set_breakpoints(&state.breakpoints);
        }
        next
    }

    /// A processor that was made anew takes the breakpoints over.
    pub fn equip(&self, cpu: &mut Cpu) {
        let state = self.state();
        if !state.breakpoints.is_empty() {
            cpu.set_breakpoints(&state.breakpoints);
        }
    }

    /// Processor `stop.vcpu` has come to a breakpoint or the end of its step: everybody stops.
    pub fn stopped(&self, stop: Stop) {
        let mut state = self.state();
        state.stops.push_back(stop);
        self.call(&mut state);
    }

    fn call(&self, state: &mut State) {
        state.order = Order::Stop;
        self.closed.store(true, Ordering::Release);
        for link in &state.links {
            link.kick();
        }
        self.changed.notify_all();
    }

    // --- for the debugger ---

    fn wait_parked<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        const LOOK: Duration = Duration::from_millis(20);
        while !state.parked.iter().all(|parked| *parked) && !self.control.has_ended() {
            state = self.wait(state, LOOK);
        }
        state
    }

    /// Stops all processors and the clock.
    pub fn stop_all(&self) {
        let mut state = self.state();
        self.call(&mut state);
        drop(self.wait_parked(state));
        self.clock.stop();
    }

    /// Waits for a processor to report; all have stopped then, and the clock.
    pub fn wait_stop(&self, limit: Duration) -> Option<Stop> {
        let mut state = self.state();
        if state.stops.is_empty() {
            state = self.wait(state, limit);
        }
        let stop = state.stops.pop_front()?;
        drop(self.wait_parked(state));
        self.clock.stop();
        Some(stop)
    }

    /// Lets processors go on after a stop.
    pub fn resume(&self, order: Order) {
        self.clock.resume();
        let mut state = self.state();
        state.stops.clear();
        state.order = order;
        self.closed.store(order != Order::Run, Ordering::Release);
        self.changed.notify_all();
    }

    /// Runs `job` on parked processor `number`; `None` when the machine has ended.
    pub fn with_cpu<T: Send + 'static>(
        &self,
        number: usize,
        job: impl FnOnce(&mut Cpu) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = mpsc::channel();
        let job: Job = Box::new(move |cpu| _ = sender.send(job(cpu)));
        self.state().jobs.get_mut(number)?.push_back(job);
        self.changed.notify_all();
        receiver.recv().ok()
    }

    /// The addresses (bundle plus slot) at which processors stop, from the next time they run.
    pub fn set_breakpoints(&self, addresses: Vec<u64>) {
        let mut state = self.state();
        state.breakpoints = addresses;
        state.generation += 1;
    }

    /// Number of processors.
    pub fn processors(&self) -> usize {
        self.state().parked.len()
    }
}
