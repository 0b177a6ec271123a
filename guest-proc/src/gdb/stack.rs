//! Memory as a debugger should see it: where the register stack's backing store is still in registers, the registers.

use ia64::cpu::Cpu;
use ia64::rse::{count_registers, skip_registers};
use ia64::state::Gr;

/// Where the register behind the current frame would be stored.
pub(super) fn end_of_frame(cpu: &Cpu) -> u64 {
    skip_registers(cpu.rse.bsp, cpu.cfm.sof() as i64)
}

/// The stacked register, counted from r32, that belongs at `address` and is not in memory yet; `Err` for the address of
/// a collection of NaT bits that is not in memory yet.
fn register_at(cpu: &Cpu, address: u64) -> Option<Result<i32, ()>> {
    let is_in_registers = cpu.rse.dirty >= 0 && (cpu.rse.bspstore..end_of_frame(cpu)).contains(&address);
    is_in_registers.then(|| match address >> 3 & 63 {
        63 => Err(()),
        _ => Ok(count_registers(cpu.rse.bsp, address) as i32),
    })
}

/// The collection at `address`: the NaT bits of the 63 registers below it.
fn collection(cpu: &mut Cpu, address: u64) -> u64 {
    let mut bits = 0;
    for n in 0..63 {
        let slot = address - 8 * (63 - n);
        let nat = match register_at(cpu, slot) {
            Some(Ok(register)) => cpu.gr.stacked(register).nat,
            _ => cpu.rse.rnat >> n,
        };
        bits |= (nat & 1) << n;
    }
    bits
}

/// The physical address of `va`: by the present translations; regions 6 and 7, if they have none, as the identity
/// mappings every known system makes them.
fn physical(cpu: &Cpu, va: u64) -> Option<u64> {
    cpu.translate_for_host(va).or_else(|| (va >> 62 == 3).then_some(va & !(7 << 61)))
}

/// Reads `to.len()` bytes at `address`; how many could be read.
pub(super) fn read(cpu: &mut Cpu, address: u64, to: &mut [u8]) -> usize {
    let mut done = 0;
    while done < to.len() {
        let at = address.wrapping_add(done as u64);
        let word_at = at & !7;
        let mut word = [0; 8];
        match register_at(cpu, word_at) {
            Some(Ok(register)) => word = cpu.gr.stacked(register).value.to_le_bytes(),
            Some(Err(())) => word = collection(cpu, word_at).to_le_bytes(),
            None => {
                let readable = physical(cpu, word_at).is_some_and(|pa| cpu.memory.read(pa, &mut word));
                if !readable {
                    break;
                }
            }
        }
        let part = &word[(at & 7) as usize..];
        let len = part.len().min(to.len() - done);
        to[done..done + len].copy_from_slice(&part[..len]);
        done += len;
    }
    done
}

/// Writes `from` at `address`, into registers where those are what memory will get; false if any of it has no memory.
pub(super) fn write(cpu: &mut Cpu, address: u64, from: &[u8]) -> bool {
    from.iter().enumerate().all(|(i, byte)| {
        let at = address.wrapping_add(i as u64);
        match register_at(cpu, at & !7) {
            Some(Ok(register)) => {
                let slot = cpu.gr.stacked(register);
                let mut bytes = slot.value.to_le_bytes();
                bytes[(at & 7) as usize] = *byte;
                cpu.gr.set_stacked(register, Gr { value: u64::from_le_bytes(bytes), nat: slot.nat });
                true
            }
            Some(Err(())) => false,
            None => physical(cpu, at).is_some_and(|pa| cpu.memory.write(pa, &[*byte])),
        }
    })
}
