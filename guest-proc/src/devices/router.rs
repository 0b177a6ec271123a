//! The interrupt block of the processors: IPIs, MSIs and IOSAPIC messages find their local SAPIC here. SDM volume 2,
//! 5.8.4 "Interrupt Block".

use std::sync::{PoisonError, RwLock};

use tracing::{debug, trace};

use crate::bus::{Registers, all_ones};
use crate::map;

/// What a message asks of the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// External interrupt with the vector given.
    Interrupt,
    /// Platform management interrupt.
    Pmi,
    /// Non-maskable interrupt: vector 2.
    Nmi,
    /// INIT.
    Init,
    /// External interrupt of an 8259: vector 0.
    ExtInt,
    /// Reserved encodings.
    Reserved,
}

impl Mode {
    /// The mode of the low three bits.
    pub fn from_bits(bits: u32) -> Mode {
        match bits & 7 {
            // Lowest priority (1): the processor named is as good as any, there are no priority hints.
            0 | 1 => Mode::Interrupt,
            2 => Mode::Pmi,
            4 => Mode::Nmi,
            5 => Mode::Init,
            7 => Mode::ExtInt,
            _ => Mode::Reserved,
        }
    }
}

/// A message to one processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The processor's id (CR.LID bits 31:24).
    pub id: u8,
    /// The processor's extended id (CR.LID bits 23:16).
    pub eid: u8,
    /// What is asked.
    pub mode: Mode,
    /// Vector of an external interrupt.
    pub vector: u8,
}

/// A processor as the router reaches it.
pub trait Target: Send + Sync {
    /// Makes external interrupt `vector` pending.
    fn interrupt(&self, vector: u8);
    /// Delivers INIT.
    fn init(&self);
}

/// Local SAPICs by processor number: processor n has id n, eid 0.
#[derive(Default)]
pub struct Router {
    targets: RwLock<Vec<Box<dyn Target>>>,
}

impl Router {
    /// Connects the processors of this run of the machine; messages before that are lost.
    pub fn connect(&self, targets: Vec<Box<dyn Target>>) {
        *self.targets.write().unwrap_or_else(PoisonError::into_inner) = targets;
    }

    /// Delivers a message; one to a processor that does not exist is lost.
    pub fn deliver(&self, delivery: Delivery) {
        let Delivery { id, eid, mode, vector } = delivery;
        let targets = self.targets.read().unwrap_or_else(PoisonError::into_inner);
        let Some(target) = (eid == 0).then(|| targets.get(id as usize)).flatten() else {
            debug!(?delivery, "interrupt for a processor that does not exist");
            return;
        };
        trace!(?delivery, "interrupt");
        match mode {
            Mode::Interrupt => target.interrupt(vector),
            Mode::Nmi => target.interrupt(2),
            Mode::ExtInt => target.interrupt(0),
            Mode::Init => target.init(),
            Mode::Pmi | Mode::Reserved => debug!(?delivery, "ignored"),
        }
    }

    /// A store of `data` at physical `address`, from a processor (IPI) or a device (MSI). Outside the block it is lost.
    pub fn message(&self, address: u64, data: u32) {
        let Some(offset) = address.checked_sub(map::INTERRUPT_BLOCK).filter(|offset| *offset < 1 << 20)
        else {
            debug!(
                address = format_args!("{address:#x}"),
                data, "interrupt message outside the interrupt block"
            );
            return;
        };
        self.deliver(Delivery {
            id: (offset >> 12) as u8,
            eid: (offset >> 4) as u8,
            mode: Mode::from_bits(data >> 8),
            vector: data as u8,
        });
    }
}

impl Registers for Router {
    fn read(&self, _offset: u64, size: u8) -> u64 {
        all_ones(size)
    }

    fn write(&self, offset: u64, _size: u8, value: u64) {
        // The upper half has the XTP byte and INTA; task priorities are not used for routing here.
        if offset < 1 << 20 {
            self.message(map::INTERRUPT_BLOCK + offset, value as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    type Seen = Arc<Mutex<Vec<(usize, Option<u8>)>>>;
    struct Processor(usize, Seen);

    impl Target for Processor {
        fn interrupt(&self, vector: u8) {
            self.1.lock().unwrap().push((self.0, Some(vector)));
        }
        fn init(&self) {
            self.1.lock().unwrap().push((self.0, None));
        }
    }

    #[test]
    fn stores_into_the_block_reach_the_processor_of_their_address() {
        let seen = Seen::default();
        let router = Router::default();
        router.connect((0..2).map(|n| Box::new(Processor(n, seen.clone())) as Box<dyn Target>).collect());
        router.write(0x1000, 8, 0xfd); // IPI as Linux sends it: (id << 8 | eid) << 4
        router.write(0x0000, 8, 0x500); // INIT
        router.write(0x1000, 8, 0x400); // NMI
        router.message(0xfee0_1000, 0x4031); // MSI
        router.write(0x2000, 8, 0xfd); // nobody
        router.write(0x1010, 8, 0xfd); // nobody: eid 1
        router.write(0x1e_0008, 1, 0x31); // XTP
        router.message(0xfedf_fff0, 0x1c);
        router.message(0x1234_5678, 0x1c);
        assert_eq!(*seen.lock().unwrap(), [(1, Some(0xfd)), (0, None), (1, Some(2)), (1, Some(0x31))]);
    }
}
