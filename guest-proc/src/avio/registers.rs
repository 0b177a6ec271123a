//! The common configuration registers of a modern virtio PCI device as a state machine without a device behind it: a
//! register access goes in, what has to happen comes out (virtio 1.2 clause 4.1.4.3).

/// "No vector" in a vector register.
pub(super) const NO_VECTOR: u16 = 0xffff;

/// Bits of the device status (clause 2.1).
pub(super) mod status {
    pub(in super::super) const DRIVER_OK: u8 = 0x04;
    pub(in super::super) const FEATURES_OK: u8 = 0x08;
    pub(in super::super) const NEEDS_RESET: u8 = 0x40;
}

/// Feature every modern driver accepts.
const VERSION_1: u64 = 1 << 32;
/// The status bits a driver writes.
const DRIVER_STATUS: u8 = 0x8f;

// Offsets of the registers.
const DEVICE_FEATURE_SELECT: u64 = 0x00;
const DEVICE_FEATURE: u64 = 0x04;
const DRIVER_FEATURE_SELECT: u64 = 0x08;
const DRIVER_FEATURE: u64 = 0x0c;
const CONFIG_VECTOR: u64 = 0x10;
const NUM_QUEUES: u64 = 0x12;
const STATUS: u64 = 0x14;
const CONFIG_GENERATION: u64 = 0x15;
const QUEUE_SELECT: u64 = 0x16;
const QUEUE_SIZE: u64 = 0x18;
const QUEUE_VECTOR: u64 = 0x1a;
const QUEUE_ENABLE: u64 = 0x1c;
const QUEUE_NOTIFY_OFFSET: u64 = 0x1e;
const QUEUE_DESCRIPTORS: u64 = 0x20;
const QUEUE_AVAILABLE: u64 = 0x28;
const QUEUE_USED: u64 = 0x30;

/// What a write asks of the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effect {
    None,
    /// The driver is ready: serve its queues.
    Start,
    /// Stop serving; [`Registers::finish_reset`] when that is done.
    Reset,
}

/// A queue as the driver set it up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Queue {
    pub(super) size: u16,
    pub(super) vector: u16,
    pub(super) enabled: bool,
    /// Guest-physical addresses, of any alignment until checked.
    pub(super) descriptors: u64,
    pub(super) available: u64,
    pub(super) used: u64,
}

/// The registers.
#[derive(Clone, Debug)]
pub(super) struct Registers {
    offered: u64,
    max_queue_size: u16,
    vectors: u16,
    device_feature_select: u32,
    driver_feature_select: u32,
    driver_features: u64,
    config_vector: u16,
    status: u8,
    resetting: bool,
    queue_select: u16,
    queues: Vec<Queue>,
}

impl Registers {
    /// Of a device with `queues` queues of up to `max_queue_size` descriptors, `vectors` MSI-X vectors and these
    /// features.
    pub(super) fn new(offered: u64, queues: u16, max_queue_size: u16, vectors: u16) -> Registers {
        let queue = Queue {
            size: max_queue_size,
            vector: NO_VECTOR,
            enabled: false,
            descriptors: 0,
            available: 0,
            used: 0,
        };
        Registers {
            offered,
            max_queue_size,
            vectors,
            device_feature_select: 0,
            driver_feature_select: 0,
            driver_features: 0,
            config_vector: NO_VECTOR,
            status: 0,
            resetting: false,
            queue_select: 0,
            queues: vec![queue; usize::from(queues)],
        }
    }

    /// Features the driver accepted.
    pub(super) fn features(&self) -> u64 {
        self.driver_features
    }

    /// All queues.
    pub(super) fn queues(&self) -> &[Queue] {
        &self.queues
    }

    /// Vector for changes of the configuration.
    pub(super) fn config_vector(&self) -> u16 {
        self.config_vector
    }

    /// Whether the driver has asked for a reset that has not ended.
    pub(super) fn is_resetting(&self) -> bool {
        self.resetting
    }

    /// The queues are no longer served: everything as after power-on.
    pub(super) fn finish_reset(&mut self) {
        let queues = self.queues.len() as u16;
        *self = Registers::new(self.offered, queues, self.max_queue_size, self.vectors);
    }

    /// The device cannot go on. True when the driver is to be told.
    pub(super) fn fail(&mut self) -> bool {
        let was = self.status;
        if was == 0 || self.resetting {
            return false;
        }
        self.status |= status::NEEDS_RESET;
        was & status::DRIVER_OK != 0 && was & status::NEEDS_RESET == 0
    }

    /// Reads `size` bytes at `offset`; parts of registers, and what is no register, read as zero.
    pub(super) fn read(&self, offset: u64, size: u8) -> u64 {
        let queue = self.queues.get(usize::from(self.queue_select));
        let address = |get: fn(&Queue) -> u64| queue.map_or(0, get);
        match (offset, size) {
            (DEVICE_FEATURE_SELECT, 4) => self.device_feature_select.into(),
            (DEVICE_FEATURE, 4) => half(self.offered, self.device_feature_select).into(),
            (DRIVER_FEATURE_SELECT, 4) => self.driver_feature_select.into(),
            (DRIVER_FEATURE, 4) => half(self.driver_features, self.driver_feature_select).into(),
            (CONFIG_VECTOR, 2) => self.config_vector.into(),
            (NUM_QUEUES, 2) => self.queues.len() as u64,
            (STATUS, 1) => self.status.into(),
            // The configuration never changes.
            (CONFIG_GENERATION, 1) => 0,
            (QUEUE_SELECT, 2) => self.queue_select.into(),
            // A size of zero says that there is no such queue.
            (QUEUE_SIZE, 2) => queue.map_or(0, |queue| queue.size.into()),
            (QUEUE_VECTOR, 2) => queue.map_or(NO_VECTOR, |queue| queue.vector).into(),
            (QUEUE_ENABLE, 2) => queue.is_some_and(|queue| queue.enabled).into(),
            (QUEUE_NOTIFY_OFFSET, 2) => queue.map_or(0, |_| self.queue_select).into(),
            (QUEUE_DESCRIPTORS.., _) if offset < QUEUE_USED + 8 => {
                let value = match offset & !7 {
                    QUEUE_DESCRIPTORS => address(|queue| queue.descriptors),
                    QUEUE_AVAILABLE => address(|queue| queue.available),
                    _ => address(|queue| queue.used),
                };
                match (offset & 7, size) {
                    (0, 8) => value,
                    (0, 4) => value & 0xffff_ffff,
                    (4, 4) => value >> 32,
                    _ => 0,
                }
            }
            _ => 0,
        }
    }

    /// Writes `size` bytes at `offset`; writes to parts of registers and to read-only ones are lost.
    pub(super) fn write(&mut self, offset: u64, size: u8, value: u64) -> Effect {
        if self.resetting {
            return Effect::None;
        }
        match (offset, size) {
            (DEVICE_FEATURE_SELECT, 4) => self.device_feature_select = value as u32,
            (DRIVER_FEATURE_SELECT, 4) => self.driver_feature_select = value as u32,
            (DRIVER_FEATURE, 4) => self.write_features(value as u32),
            (CONFIG_VECTOR, 2) => self.config_vector = self.vector(value),
            (STATUS, 1) => return self.write_status(value as u8),
            (QUEUE_SELECT, 2) => self.queue_select = value as u16,
            _ => self.write_queue(offset, size, value),
        }
        Effect::None
    }

    fn write_features(&mut self, value: u32) {
        // Clause 2.2: not after the features were settled.
        if self.status & status::FEATURES_OK == 0 {
            let (keep, shift) = match self.driver_feature_select {
                0 => (!0 << 32, 0),
                1 => (0xffff_ffff, 32),
                _ => return,
            };
            self.driver_features = self.driver_features & keep | u64::from(value) << shift;
        }
    }

    /// An impossible vector reads back as none (clause 4.1.5.1.2).
    fn vector(&self, value: u64) -> u16 {
        if value < u64::from(self.vectors) { value as u16 } else { NO_VECTOR }
    }

    fn write_status(&mut self, value: u8) -> Effect {
        if value == 0 {
            if self.status == 0 {
                return Effect::None;
            }
            self.resetting = true;
            return Effect::Reset;
        }
        let mut set = value & DRIVER_STATUS & !self.status;
        if set & status::FEATURES_OK != 0 {
            let acceptable =
                self.driver_features & !self.offered == 0 && self.driver_features & VERSION_1 != 0;
            if !acceptable {
                set &= !status::FEATURES_OK;
            }
        }
        self.status |= set;
        let ready = status::FEATURES_OK | status::DRIVER_OK;
        if set & status::DRIVER_OK != 0 && self.status & ready == ready {
            Effect::Start
        } else {
            Effect::None
        }
    }

    fn write_queue(&mut self, offset: u64, size: u8, value: u64) {
        let vector = self.vector(value);
        let max_size = self.max_queue_size;
        let Some(queue) = self.queues.get_mut(usize::from(self.queue_select)) else { return };
        if (offset, size) == (QUEUE_VECTOR, 2) {
            queue.vector = vector;
            return;
        }
        // Clause 4.1.4.3.2: not once it is enabled, and it cannot be disabled by itself.
        if queue.enabled {
            return;
        }
        let address = match offset & !7 {
            QUEUE_DESCRIPTORS => &mut queue.descriptors,
            QUEUE_AVAILABLE => &mut queue.available,
            QUEUE_USED => &mut queue.used,
            _ => {
                match (offset, size) {
                    (QUEUE_SIZE, 2) if value.is_power_of_two() && value <= max_size.into() => {
                        queue.size = value as u16;
                    }
                    (QUEUE_ENABLE, 2) => queue.enabled = value == 1,
                    _ => {}
                }
                return;
            }
        };
        match (offset & 7, size) {
            (0, 8) => *address = value,
            (0, 4) => *address = *address & !0xffff_ffff | value & 0xffff_ffff,
            (4, 4) => *address = *address & 0xffff_ffff | value << 32,
            _ => {}
        }
    }
}

/// The low or the high word, by a feature select register.
fn half(features: u64, select: u32) -> u32 {
    match select {
        0 => features as u32,
        1 => (features >> 32) as u32,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: u64 = VERSION_1 | 1 << 28 | 1 << 29;

    fn registers() -> Registers {
        Registers::new(OFFERED, 3, 128, 4)
    }

    fn accept(registers: &mut Registers, features: u64) {
        registers.write(STATUS, 1, 3);
        for (select, word) in [(0, features as u32), (1, (features >> 32) as u32)] {
            registers.write(DRIVER_FEATURE_SELECT, 4, select);
            registers.write(DRIVER_FEATURE, 4, word.into());
        }
        registers.write(STATUS, 1, 0x0b);
    }

    #[test]
    fn features_are_offered_and_accepted_in_halves() {
        let mut registers = registers();
        registers.write(DEVICE_FEATURE_SELECT, 4, 1);
        assert_eq!(registers.read(DEVICE_FEATURE, 4), 1);
        registers.write(DEVICE_FEATURE_SELECT, 4, 0);
        assert_eq!(registers.read(DEVICE_FEATURE, 4), 0x3000_0000);
        registers.write(DEVICE_FEATURE_SELECT, 4, 2);
        assert_eq!(registers.read(DEVICE_FEATURE, 4), 0);
        accept(&mut registers, VERSION_1 | 1 << 29);
        assert_eq!((registers.read(STATUS, 1), registers.features()), (0x0b, VERSION_1 | 1 << 29));
        registers.write(DRIVER_FEATURE, 4, 0);
        assert_eq!(registers.features(), VERSION_1 | 1 << 29, "settled");
    }

    #[test]
    fn features_that_were_not_offered_are_not_ok() {
        for features in [VERSION_1 | 1, 1 << 28, 0] {
            let mut registers = registers();
            accept(&mut registers, features);
            assert_eq!(registers.read(STATUS, 1), 0x03);
            assert_eq!(registers.write(STATUS, 1, 0x07), Effect::None, "no start without features");
        }
    }

    #[test]
    fn driver_ok_starts_and_zero_resets() {
        let mut registers = registers();
        assert_eq!(registers.write(STATUS, 1, 0), Effect::None, "nothing to reset");
        accept(&mut registers, OFFERED);
        registers.write(QUEUE_SELECT, 2, 2);
        registers.write(QUEUE_ENABLE, 2, 1);
        assert_eq!(registers.write(STATUS, 1, 0x0f), Effect::Start);
        assert_eq!(registers.write(STATUS, 1, 0x0f), Effect::None, "once");
        assert_eq!(registers.write(STATUS, 1, 0), Effect::Reset);
        assert_eq!(registers.read(STATUS, 1), 0x0f, "until the queues have come to rest");
        assert_eq!(registers.write(STATUS, 1, 1), Effect::None);
        registers.finish_reset();
        assert_eq!((registers.read(STATUS, 1), registers.queues()[2].enabled), (0, false));
    }

    #[test]
    fn queues_are_set_up_through_the_selector() {
        let mut registers = registers();
        assert_eq!(registers.read(NUM_QUEUES, 2), 3);
        registers.write(QUEUE_SELECT, 2, 1);
        registers.write(QUEUE_SIZE, 2, 64);
        for wrong in [0, 3, 256, 0xffff] {
            registers.write(QUEUE_SIZE, 2, wrong);
            assert_eq!(registers.read(QUEUE_SIZE, 2), 64);
        }
        registers.write(QUEUE_DESCRIPTORS, 8, 0x1_2345_6780);
        registers.write(QUEUE_AVAILABLE, 4, 0x89ab_cdee);
        registers.write(QUEUE_AVAILABLE + 4, 4, 5);
        registers.write(QUEUE_USED, 8, 0x2000);
        registers.write(QUEUE_VECTOR, 2, 3);
        registers.write(QUEUE_ENABLE, 2, 1);
        let expected = Queue {
            size: 64,
            vector: 3,
            enabled: true,
            descriptors: 0x1_2345_6780,
            available: 0x5_89ab_cdee,
            used: 0x2000,
        };
        assert_eq!(registers.queues()[1], expected);
        assert_eq!(registers.read(QUEUE_DESCRIPTORS + 4, 4), 1);
        assert_eq!(registers.read(QUEUE_AVAILABLE, 8), 0x5_89ab_cdee);
        assert_eq!(registers.read(QUEUE_NOTIFY_OFFSET, 2), 1);
        registers.write(QUEUE_DESCRIPTORS, 8, 0);
        assert_eq!(registers.queues()[1], expected, "an enabled queue does not move");
        assert!(!registers.queues()[0].enabled);
    }

    #[test]
    fn absent_queue_has_size_zero() {
        let mut registers = registers();
        registers.write(QUEUE_SELECT, 2, 3);
        registers.write(QUEUE_ENABLE, 2, 1);
        registers.write(QUEUE_USED, 8, 1);
        assert_eq!((registers.read(QUEUE_SIZE, 2), registers.read(QUEUE_ENABLE, 2)), (0, 0));
        assert_eq!((registers.read(QUEUE_VECTOR, 2), registers.read(QUEUE_USED, 8)), (0xffff, 0));
    }

    #[test]
    fn impossible_vectors_read_back_as_none() {
        let mut registers = registers();
        for (value, read) in [(3, 3), (4, 0xffff), (0, 0), (0xffff, 0xffff)] {
            registers.write(CONFIG_VECTOR, 2, value);
            registers.write(QUEUE_VECTOR, 2, value);
            assert_eq!((registers.read(CONFIG_VECTOR, 2), registers.read(QUEUE_VECTOR, 2)), (read, read));
        }
    }

    #[test]
    fn failure_is_told_once_and_only_to_a_driver_at_work() {
        let mut registers = registers();
        assert!(!registers.fail());
        accept(&mut registers, OFFERED);
        assert!(!registers.clone().fail());
        registers.write(STATUS, 1, 0x0f);
        assert!(registers.fail());
        assert!(!registers.fail());
        assert_eq!(registers.read(STATUS, 1), 0x4f);
    }

    #[test]
    fn accesses_of_the_wrong_width_do_nothing() {
        let mut registers = registers();
        for offset in 0..0x40 {
            for size in [1, 2, 4, 8] {
                registers.read(offset, size);
            }
        }
        registers.write(STATUS, 4, 0x0f);
        registers.write(QUEUE_SIZE, 4, 64);
        registers.write(QUEUE_DESCRIPTORS + 2, 2, 0xffff);
        assert_eq!(
            (registers.read(STATUS, 1), registers.queues()[0].size, registers.queues()[0].descriptors),
            (0, 128, 0)
        );
    }
}
