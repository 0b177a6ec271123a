//! INIT, from its arrival at a processor to OS_INIT and back. PAL's part is [`ia64::interruption::MinState`]; the rest is
//! SAL's: which entry of the OS, with which registers. SAL specification, chapter 5 "Machine Checks and INIT".
//!
//! ```text
//!   switch, or a message ──► Firmware::init ──► OS_INIT of the monarch, or of the others
//!   program taken up again, or reset ◄── back ◄── r8, r10, r22
//! ```

use tracing::{info, warn};

use super::super::call::{Caller, Reply};
use super::super::{Firmware, OsEntry, code, efi};
use crate::control::Outcome;
use crate::map;

/// Makes a physical address uncacheable: bit 63.
const UNCACHEABLE: u64 = 1 << 63;
/// An area begins on a multiple of this: its NaT bits go by their words' addresses.
const ALIGNMENT: u64 = 512;

/// Why a processor takes INIT: r11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
enum Reason {
    /// A message of some processor.
    Message = 0,
    /// The crash dump switch: vMP's TC.
    Switch = 2,
}

/// PAL's processor state parameter at INIT, SDM volume 2, table 11-12: the min-state save area is registered (5),
/// storage is as the program left it (6), the program can be continued (7), nothing else is affected (8), this is INIT (16),
/// and all registers are valid (17, and 20 to 31).
const PROCESSOR_STATE: u64 = 0xf << 5 | 3 << 16 | 0xfff << 20;

/// What the firmware knows of INIT.
#[derive(Debug, Default)]
pub struct State {
    /// OS_INIT of the processor that leads; address 0 when none is registered.
    pub monarch: OsEntry,
    /// OS_INIT of all others.
    pub slave: OsEntry,
    /// The processor that leads, from its hand-off to its return.
    leader: Option<usize>,
    /// The switch was pressed, and nobody leads yet for it.
    wants_leader: bool,
    /// Bit n: processor n has not yet taken the INIT of the switch.
    switched: u32,
    /// Min-state save areas that the OS has registered.
    min_states: [Option<u64>; map::MAX_VCPUS],
}

impl State {
    /// The crash dump switch sends INIT to these processors; the first that takes it leads.
    pub fn switch(&mut self, processors: &[u8]) {
        self.wants_leader = true;
        self.switched = processors.iter().fold(0, |bits, number| bits | 1 << number);
    }

    /// Why processor `number` takes INIT, and whether it leads.
    fn take(&mut self, number: usize) -> (Reason, bool) {
        let bit = 1 << number;
        let (reason, leads) = if self.switched & bit != 0 {
            self.switched &= !bit;
            (Reason::Switch, std::mem::take(&mut self.wants_leader))
        } else {
            (Reason::Message, self.leader.is_none())
        };
        if leads {
            self.leader = Some(number);
        }
        (reason, leads)
    }
}

/// What INIT does to a processor.
#[derive(Debug, PartialEq, Eq)]
pub enum Init {
    /// It goes on at OS_INIT.
    HandOff(HandOff),
    /// The OS has no use for it on this processor.
    Ignored,
    /// There is no OS_INIT: the machine is reset.
    Reset,
}

/// How OS_INIT is entered.
#[derive(Debug, PartialEq, Eq)]
pub struct HandOff {
    /// Its first bundle, physical.
    pub entry: u64,
    /// Physical address of the memory for the min-state.
    pub min_state: u64,
    /// General registers, those from r16 in bank 0.
    pub registers: [(u8, u64); 8],
}

impl Firmware {
    /// INIT has arrived at processor `number`.
    pub fn init(&self, number: usize) -> Init {
        let mut state = self.state();
        let (reason, leads) = state.init.take(number);
        let entry = if leads { state.init.monarch } else { state.init.slave };
        info!(cpu = number, ?reason, leads, entry = format_args!("{:#x}", entry.address), "INIT");
        if entry.address == 0 {
            return if leads { Init::Reset } else { Init::Ignored };
        }
        let own = map::MIN_STATES + number as u64 * map::MIN_STATE_SIZE;
        let min_state = state.init.min_states[number].unwrap_or(own | UNCACHEABLE);
        Init::HandOff(HandOff {
            entry: entry.address,
            min_state: min_state & !UNCACHEABLE,
            registers: [
                (1, entry.gp),
                (8, code::PAL_PROC),
                (9, code::SAL_PROC),
                (10, efi::GP),
                (11, reason as u64),
                (12, code::INIT_RETURN),
                (17, min_state),
                (18, PROCESSOR_STATE),
            ],
        })
    }

    /// PAL_MC_REGISTER_MEM: says whether the area can be one.
    pub(in super::super) fn register_min_state(&self, number: usize, address: u64) -> bool {
        let physical = address & !UNCACHEABLE;
        let is_ram = self.ram.memory.host(physical, map::MIN_STATE_SIZE).is_some();
        if is_ram && physical.is_multiple_of(ALIGNMENT) {
            self.state().init.min_states[number] = Some(address);
            return true;
        }
        false
    }
}

/// OS_INIT returns: r8 is what is to be done, r22 the min-state save area of what is to be taken up. Whether that is the
/// program that INIT met or another (r10) makes no difference here.
pub(in super::super) fn back(firmware: &Firmware, caller: &dyn Caller) -> Reply {
    let number = caller.number();
    let mut state = firmware.state();
    if state.init.leader == Some(number) {
        state.init.leader = None;
    }
    match caller.register(8) as i64 {
        0 => Reply::TakeUp(caller.register(22) & !UNCACHEABLE),
        // Warm and cold boot are the same here.
        -2 | -1 => {
            info!(cpu = number, "OS_INIT asks for a boot");
            firmware.control.end(Outcome::Reset);
            Reply::Leave
        }
        -3 => {
            info!(cpu = number, "OS_INIT asks for a halt");
            firmware.control.end(Outcome::PowerOff);
            Reply::Leave
        }
        other => {
            warn!(cpu = number, status = other, "OS_INIT returns with an unknown status");
            firmware.control.end(Outcome::Reset);
            Reply::Leave
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::call::testing::Fake;
    use super::super::super::testing::firmware;
    use super::*;

    fn registered() -> Firmware {
        let firmware = firmware();
        firmware.state().init.monarch = OsEntry { address: 0x100, gp: 0x1000 };
        firmware.state().init.slave = OsEntry { address: 0x200, gp: 0x2000 };
        firmware
    }

    fn entered(init: Init) -> (u64, u64) {
        let Init::HandOff(hand_off) = init else { panic!("{init:?}") };
        let reason = hand_off.registers.iter().find(|(register, _)| *register == 11);
        (hand_off.entry, reason.expect("a reason").1)
    }

    fn come_back(firmware: &Firmware, status: i64) -> Reply {
        let mut caller = Fake::new();
        caller.registers[8] = status as u64;
        caller.registers[22] = 0x8000_0000_0028_0000;
        back(firmware, &caller)
    }

    #[test]
    fn the_switch_has_one_leader_however_late_the_others_are() {
        let firmware = registered();
        firmware.state().init.switch(&[0, 1]);
        assert_eq!(entered(firmware.init(0)), (0x100, 2));
        assert_eq!(come_back(&firmware, 0), Reply::TakeUp(0x28_0000));
        assert_eq!(entered(firmware.init(1)), (0x200, 2));
        assert_eq!(entered(firmware.init(0)), (0x100, 0), "a message, and nobody leads");
        assert_eq!(entered(firmware.init(1)), (0x200, 0));
    }

    #[test]
    fn without_an_entry_the_leader_resets_and_others_go_on() {
        let firmware = firmware();
        assert_eq!(firmware.init(1), Init::Reset);
        assert_eq!(firmware.init(0), Init::Ignored);
    }

    #[test]
    fn what_os_init_returns_is_done() {
        for (status, outcome) in
            [(-1, Outcome::Reset), (-2, Outcome::Reset), (-3, Outcome::PowerOff), (7, Outcome::Reset)]
        {
            let firmware = firmware();
            assert_eq!(come_back(&firmware, status), Reply::Leave);
            assert_eq!(firmware.control.outcome(), Some(outcome));
        }
    }

    #[test]
    fn another_area_must_be_ram_and_aligned() {
        let firmware = registered();
        for (address, accepted) in [
            (0x100_0000, true),
            (0x8000_0000_0100_0200, true),
            (0x100_0100, false),
            (0x4ff_f200, false),
            (0xff5e_0000, false),
        ] {
            assert_eq!(firmware.register_min_state(0, address), accepted, "{address:#x}");
        }
        let Init::HandOff(hand_off) = firmware.init(0) else { panic!("no hand-off") };
        assert_eq!(hand_off.min_state, 0x100_0200);
        assert!(hand_off.registers.contains(&(17, 0x8000_0000_0100_0200)));
    }
}
