//! The interrupt controller: [`core::IoSapic`] on the bus, wires in, messages to the processors out.

pub mod core;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::core::IoSapic;
use super::router::Router;
use crate::bus::Registers;
use crate::pci::Interrupts;

/// The machine's I/O SAPIC: GSIs are its pins.
pub struct IoSapicDevice {
    core: Mutex<IoSapic>,
    router: Arc<Router>,
}

impl IoSapicDevice {
    /// `pins` inputs, messages to the processors of `router`.
    pub fn new(pins: u8, router: Arc<Router>) -> IoSapicDevice {
        IoSapicDevice { core: Mutex::new(IoSapic::new(pins)), router }
    }

    fn core(&self) -> MutexGuard<'_, IoSapic> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers as after power-on.
    pub fn reset(&self) {
        self.core().reset();
    }
}

impl Registers for IoSapicDevice {
    fn read(&self, offset: u64, _size: u8) -> u64 {
        self.core().read(offset) as u64
    }
    fn write(&self, offset: u64, _size: u8, value: u64) {
        self.core().write(offset, value as u32, &mut |delivery| self.router.deliver(delivery));
    }
}

impl Interrupts for IoSapicDevice {
    fn msi(&self, address: u64, data: u32) {
        self.router.message(address, data);
    }
    fn line(&self, gsi: u32, asserted: bool) {
        self.core().set_line(gsi as usize, asserted, &mut |delivery| self.router.deliver(delivery));
    }
}
