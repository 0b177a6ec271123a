//! What gdb can do with the processors.

use std::num::NonZeroUsize;
use std::sync::Arc;

use gdbstub::common::{Signal, Tid};
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::multithread::{
    MultiThreadBase, MultiThreadResume, MultiThreadResumeOps, MultiThreadSchedulerLocking,
    MultiThreadSchedulerLockingOps, MultiThreadSingleStep, MultiThreadSingleStepOps,
};
use gdbstub::target::ext::breakpoints::{
    Breakpoints, BreakpointsOps, HwBreakpoint, HwBreakpointOps, SwBreakpoint, SwBreakpointOps,
};
use gdbstub::target::ext::thread_extra_info::{ThreadExtraInfo, ThreadExtraInfoOps};
use gdbstub::target::{Target, TargetError, TargetResult};

use super::gate::{Gate, Order};
use super::registers::{Ia64, Ia64Registers};
use super::stack;
use crate::control::Control;

/// All processors of a machine.
pub(super) struct Processors {
    pub(super) gate: Arc<Gate>,
    pub(super) control: Arc<Control>,
    breakpoints: Vec<u64>,
    /// Which processor the next resume steps, or lets run.
    step: Option<usize>,
    run: Option<usize>,
    /// The next resume leaves the processors not named where they are.
    locked: bool,
}

/// gdb's thread number of a processor: 1 is the first.
pub(super) fn thread_id(vcpu: usize) -> Tid {
    NonZeroUsize::MIN.saturating_add(vcpu)
}

fn vcpu(tid: Tid) -> usize {
    tid.get() - 1
}

impl Processors {
    /// No breakpoints, nothing to step.
    pub(super) fn new(gate: Arc<Gate>, control: Arc<Control>) -> Processors {
        Processors { gate, control, breakpoints: Vec::new(), step: None, run: None, locked: false }
    }

    fn add_breakpoint(&mut self, address: u64) -> bool {
        self.breakpoints.push(address);
        self.gate.set_breakpoints(self.breakpoints.clone());
        true
    }

    fn remove_breakpoint(&mut self, address: u64) -> bool {
        let Some(at) = self.breakpoints.iter().position(|known| *known == address) else { return false };
        self.breakpoints.remove(at);
        self.gate.set_breakpoints(self.breakpoints.clone());
        true
    }
}

impl Target for Processors {
    type Arch = Ia64;
    type Error = anyhow::Error;

    fn base_ops(&mut self) -> BaseOps<'_, Ia64, anyhow::Error> {
        BaseOps::MultiThread(self)
    }
    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Self>> {
        Some(self)
    }
}

impl MultiThreadBase for Processors {
    fn read_registers(&mut self, registers: &mut Ia64Registers, tid: Tid) -> TargetResult<(), Self> {
        *registers =
            self.gate.with_cpu(vcpu(tid), |cpu| Ia64Registers::of(cpu)).ok_or(TargetError::NonFatal)?;
        Ok(())
    }

    fn write_registers(&mut self, registers: &Ia64Registers, tid: Tid) -> TargetResult<(), Self> {
        let registers = registers.clone();
        self.gate.with_cpu(vcpu(tid), move |cpu| registers.apply(cpu)).ok_or(TargetError::NonFatal)
    }

    fn read_addrs(&mut self, address: u64, data: &mut [u8], tid: Tid) -> TargetResult<usize, Self> {
        let len = data.len();
        let read = self.gate.with_cpu(vcpu(tid), move |cpu| {
            let mut bytes = vec![0; len];
            let done = stack::read(cpu, address, &mut bytes);
            bytes.truncate(done);
            bytes
        });
        match read {
            Some(bytes) if !bytes.is_empty() => {
                data[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            _ => Err(TargetError::NonFatal),
        }
    }

    fn write_addrs(&mut self, address: u64, data: &[u8], tid: Tid) -> TargetResult<(), Self> {
        let data = data.to_vec();
        match self.gate.with_cpu(vcpu(tid), move |cpu| stack::write(cpu, address, &data)) {
            Some(true) => Ok(()),
            _ => Err(TargetError::NonFatal),
        }
    }

    fn list_active_threads(&mut self, thread_is_active: &mut dyn FnMut(Tid)) -> Result<(), anyhow::Error> {
        (0..self.gate.processors()).map(thread_id).for_each(thread_is_active);
        Ok(())
    }

    fn support_resume(&mut self) -> Option<MultiThreadResumeOps<'_, Self>> {
        Some(self)
    }

    fn support_thread_extra_info(&mut self) -> Option<ThreadExtraInfoOps<'_, Self>> {
        Some(self)
    }
}

impl ThreadExtraInfo for Processors {
    fn thread_extra_info(&self, tid: Tid, buf: &mut [u8]) -> Result<usize, anyhow::Error> {
        let text = format!("vCPU {}", vcpu(tid));
        let len = text.len().min(buf.len());
        buf[..len].copy_from_slice(&text.as_bytes()[..len]);
        Ok(len)
    }
}

impl MultiThreadResume for Processors {
    fn resume(&mut self) -> Result<(), anyhow::Error> {
        self.gate.resume(match (self.step, self.run) {
            (Some(vcpu), _) => Order::Step(vcpu),
            (None, Some(vcpu)) if self.locked => Order::RunOnly(vcpu),
            _ => Order::Run,
        });
        Ok(())
    }
    fn clear_resume_actions(&mut self) -> Result<(), anyhow::Error> {
        (self.step, self.run, self.locked) = (None, None, false);
        Ok(())
    }
    fn set_resume_action_continue(&mut self, tid: Tid, _: Option<Signal>) -> Result<(), anyhow::Error> {
        self.run = Some(vcpu(tid));
        Ok(())
    }
    fn support_single_step(&mut self) -> Option<MultiThreadSingleStepOps<'_, Self>> {
        Some(self)
    }
    fn support_scheduler_locking(&mut self) -> Option<MultiThreadSchedulerLockingOps<'_, Self>> {
        Some(self)
    }
}

impl MultiThreadSchedulerLocking for Processors {
    fn set_resume_action_scheduler_lock(&mut self) -> Result<(), anyhow::Error> {
        self.locked = true;
        Ok(())
    }
}

impl MultiThreadSingleStep for Processors {
    fn set_resume_action_step(&mut self, tid: Tid, _: Option<Signal>) -> Result<(), anyhow::Error> {
        self.step = Some(vcpu(tid));
        Ok(())
    }
}

impl Breakpoints for Processors {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        Some(self)
    }
    fn support_hw_breakpoint(&mut self) -> Option<HwBreakpointOps<'_, Self>> {
        Some(self)
    }
}

// Both kinds are the machine's own: no bundle of the guest is changed, and there are as many as anybody wants.
impl SwBreakpoint for Processors {
    fn add_sw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Self> {
        Ok(self.add_breakpoint(address))
    }
    fn remove_sw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Self> {
        Ok(self.remove_breakpoint(address))
    }
}

impl HwBreakpoint for Processors {
    fn add_hw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Self> {
        Ok(self.add_breakpoint(address))
    }
    fn remove_hw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Self> {
        Ok(self.remove_breakpoint(address))
    }
}
