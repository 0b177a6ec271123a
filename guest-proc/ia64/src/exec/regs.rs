//! Register moves and the register stack: predicates, branch registers, application registers, `alloc` and relatives.
//! SDM volume 3, "mov ar", "mov br", "mov pr", "alloc", "cover", "flushrs", "loadrs".

use crate::alat::Tag;
use crate::cpu::Cpu;
use crate::exec::Done;
use crate::fault::{Fault, Stop, Vector, general};
use crate::insn::Insn;
use crate::state::regs::ar;
use crate::state::{Cfm, Gr};
use crate::table::{Format, ROWS};

/// AR.RSC: mode, pl and be; loadrs.
pub(crate) const RSC_RESERVED: u64 = !0x3fff_001f;

const PRIVILEGED_REGISTER: Fault = Fault::new(Vector::GeneralException, general::PRIVILEGED_REGISTER);

pub(super) fn nop(_: &mut Cpu, _: &Insn) -> Done {
    Ok(())
}

/// `hint @pause`: a processor that waits for another makes room for it, in case there are fewer host processors. Not at
/// the first pause: most waits are short, and then making room costs more than it gains.
pub(super) fn hint(cpu: &mut Cpu, i: &Insn) -> Done {
    const PAUSES_PER_YIELD: u32 = 32;
    if i.imm == 0 {
        cpu.pauses = cpu.pauses.wrapping_add(1);
        if !cpu.pauses.is_multiple_of(PAUSES_PER_YIELD) {
            std::hint::spin_loop();
        } else if cpu.cluster.is_crowded() {
            cpu.link.kick();
        } else {
            std::thread::yield_now();
        }
    }
    Ok(())
}

/// The value of a register operand that must not be NaT.
#[inline]
pub(crate) fn consume(cpu: &Cpu, r: u8) -> Result<u64, Stop> {
    let register = cpu.gr.get(r);
    if register.is_nat() { Err(Fault::REGISTER_NAT_CONSUMPTION.into()) } else { Ok(register.value) }
}

pub(super) fn mov_to_br(cpu: &mut Cpu, i: &Insn) -> Done {
    cpu.br[i.r1 as usize & 7] = consume(cpu, i.r2)?;
    Ok(())
}

pub(super) fn mov_from_br(cpu: &mut Cpu, i: &Insn) -> Done {
    cpu.gr.set(i.r1, Gr::new(cpu.br[i.r2 as usize & 7]));
    Ok(())
}

/// The predicates by physical number: what `mov pr` moves. They turn back and forth around the access.
fn physical_predicates(cpu: &mut Cpu, access: impl FnOnce(&mut u64)) {
    let turn = cpu.cfm.rrb_pr();
    cpu.rotate_predicates(turn);
    access(&mut cpu.pr);
    cpu.pr |= 1;
    cpu.rotate_predicates((48 - turn) % 48);
}

pub(super) fn mov_to_pr(cpu: &mut Cpu, i: &Insn) -> Done {
    let value = consume(cpu, i.r2)?;
    let mask = i.imm as u64;
    physical_predicates(cpu, |pr| *pr = *pr & !mask | value & mask);
    Ok(())
}

pub(super) fn mov_to_pr_rot(cpu: &mut Cpu, i: &Insn) -> Done {
    let value = i.imm as u64;
    physical_predicates(cpu, |pr| *pr = *pr & 0xffff | value & !0xffff);
    Ok(())
}

pub(super) fn mov_from_pr(cpu: &mut Cpu, i: &Insn) -> Done {
    let mut value = 0;
    physical_predicates(cpu, |pr| value = *pr);
    cpu.gr.set(i.r1, Gr::new(value));
    Ok(())
}

pub(super) fn mov_from_ip(cpu: &mut Cpu, i: &Insn) -> Done {
    cpu.gr.set(i.r1, Gr::new(cpu.ip.wrapping_add((i.bundle as u64) << 4)));
    Ok(())
}

/// Can the instruction's unit reach the application register it names? 0 to 47 are the M unit's, 64 to 111 the I
/// unit's, the ignored ones both's. SDM volume 1, table 3-3.
pub(super) fn reaches_ar(i: &Insn) -> bool {
    let of_m_unit = ROWS
        .get(usize::from(i.row))
        .is_some_and(|row| matches!(row.format, Format::M29 | Format::M30 | Format::M31));
    match i.r3 {
        0..48 => of_m_unit,
        64..112 => !of_m_unit,
        _ => true,
    }
}

pub(super) fn mov_to_ar(cpu: &mut Cpu, i: &Insn) -> Done {
    let value = consume(cpu, i.r2)?;
    write_ar(cpu, i.r3, value)
}

pub(super) fn mov_to_ar_imm(cpu: &mut Cpu, i: &Insn) -> Done {
    write_ar(cpu, i.r3, i.imm as u64)
}

fn write_ar(cpu: &mut Cpu, number: u8, value: u64) -> Done {
    let reserved = |bits: u64| if value & bits != 0 { Err(Fault::RESERVED_REGISTER_FIELD) } else { Ok(()) };
    let illegal = || Err(Stop::from(Fault::ILLEGAL_OPERATION));
    match number {
        ar::K0..=ar::K7 => {
            if cpu.psr.cpl() != 0 {
                return Err(PRIVILEGED_REGISTER.into());
            }
            cpu.ar.k[number as usize] = value;
        }
        ar::RSC => {
            reserved(RSC_RESERVED)?;
            // A program cannot give its register stack more privilege than it has itself.
            let pl = (value >> 2 & 3).max(cpu.psr.cpl() as u64);
            cpu.rse.rsc = value & !0xc | pl << 2;
        }
        ar::BSPSTORE | ar::RNAT if cpu.rse.mode() != 0 => return illegal(),
        ar::BSPSTORE => cpu.set_bspstore(value),
        ar::RNAT => cpu.rse.rnat = value & !(1 << 63),
        ar::FCR => cpu.ar.fcr = value,
        ar::EFLAG => cpu.ar.eflag = value,
        ar::CSD => cpu.ar.csd = value,
        ar::SSD => cpu.ar.ssd = value,
        ar::CFLG => {
            if cpu.psr.cpl() != 0 {
                return Err(PRIVILEGED_REGISTER.into());
            }
            cpu.ar.cflg = value;
        }
        ar::FSR => cpu.ar.fsr = value,
        ar::FIR => cpu.ar.fir = value,
        ar::FDR => cpu.ar.fdr = value,
        ar::CCV => cpu.ar.ccv = value,
        ar::UNAT => cpu.ar.unat = value,
        ar::FPSR => {
            // Bits 63:58; td of sf0 (bit 12) and the reserved precision control 1 of each field.
            reserved(0xfc00_0000_0000_0000 | 1 << 12)?;
            if (0..4).any(|sf| value >> (6 + 13 * sf + 2) & 3 == 1) {
                return Err(Fault::RESERVED_REGISTER_FIELD.into());
            }
            cpu.ar.fpsr = value;
        }
        ar::ITC | ar::RUC => {
            if cpu.psr.cpl() != 0 {
                return Err(PRIVILEGED_REGISTER.into());
            }
            if number == ar::RUC {
                return illegal();
            }
            cpu.timer_tick();
            cpu.ar.itc_offset = value.wrapping_sub(cpu.bus.itc());
            cpu.sapic.clock_changed(value);
        }
        ar::PFS => {
            reserved(0xf << 58 | 0x3fff << 38)?;
            cpu.ar.pfs = value;
        }
        ar::LC => cpu.ar.lc = value,
        // The other bits are ignored, not reserved: SDM volume 1, figure 3-8.
        ar::EC => cpu.ar.ec = value & 0x3f,
        48..=63 | 112..=127 => {}
        _ => return illegal(),
    }
    Ok(())
}

pub(super) fn mov_from_ar(cpu: &mut Cpu, i: &Insn) -> Done {
    let value = cpu.read_ar(i.r3)?;
    cpu.gr.set(i.r1, Gr::new(value));
    Ok(())
}

impl Cpu {
    /// The value of application register `number` as the running program may read it.
    ///
    /// # Errors
    /// Illegal operation for registers that do not exist or may not be read now, privileged register for a secured ITC.
    pub fn read_ar(&self, number: u8) -> Result<u64, Stop> {
        Ok(match number {
            ar::K0..=ar::K7 => self.ar.k[number as usize],
            ar::RSC => self.rse.rsc,
            ar::BSP => self.rse.bsp,
            ar::BSPSTORE => self.rse.bspstore,
            ar::RNAT if self.rse.mode() != 0 => return Err(Fault::ILLEGAL_OPERATION.into()),
            ar::RNAT => self.rse.rnat,
            ar::FCR => self.ar.fcr,
            ar::EFLAG => self.ar.eflag,
            ar::CSD => self.ar.csd,
            ar::SSD => self.ar.ssd,
            ar::CFLG => self.ar.cflg,
            ar::FSR => self.ar.fsr,
            ar::FIR => self.ar.fir,
            ar::FDR => self.ar.fdr,
            ar::CCV => self.ar.ccv,
            ar::UNAT => self.ar.unat,
            ar::FPSR => self.ar.fpsr,
            ar::ITC | ar::RUC if self.psr.si() && self.psr.cpl() != 0 => {
                return Err(PRIVILEGED_REGISTER.into());
            }
            ar::ITC => self.itc(),
            ar::RUC => self.bus.itc(),
            ar::PFS => self.ar.pfs,
            ar::LC => self.ar.lc,
            ar::EC => self.ar.ec,
            48..=63 | 112..=127 => 0,
            _ => return Err(Fault::ILLEGAL_OPERATION.into()),
        })
    }

    /// AR.ITC now.
    #[inline]
    pub fn itc(&self) -> u64 {
        self.bus.itc().wrapping_add(self.ar.itc_offset)
    }
}

pub(super) fn alloc(cpu: &mut Cpu, i: &Insn) -> Done {
    let new = Cfm(i.imm as u64);
    let (sof, sol, sor) = (new.sof(), new.sol(), new.sor());
    if i.qp != 0 || sof > 96 || sol > sof || sor > sof || i.r1 == 0 || i.r1 as u32 >= 32 + sof {
        return Err(Fault::ILLEGAL_OPERATION.into());
    }
    let cfm = cpu.cfm;
    if sor != cfm.sor() && (cfm.rrb_gr() | cfm.rrb_fr() | cfm.rrb_pr()) != 0 {
        return Err(Fault::RESERVED_REGISTER_FIELD.into());
    }
    if sof > cfm.sof() {
        cpu.rse_make_room(sof)?;
    }
    cpu.cfm = new.with_rrb(cfm.rrb_gr(), cfm.rrb_fr(), cfm.rrb_pr());
    cpu.gr.set(i.r1, Gr::new(cpu.ar.pfs));
    Ok(())
}

pub(super) fn cover(cpu: &mut Cpu, i: &Insn) -> Done {
    if i.slot != 2 && i.qp != 0 {
        return Err(Fault::ILLEGAL_OPERATION.into());
    }
    let old = cpu.cfm;
    cpu.rse_cover();
    if !cpu.psr.ic() {
        cpu.cr.ifs = old.0 | 1 << 63;
    }
    Err(Stop::RELOOK)
}

pub(super) fn flushrs(cpu: &mut Cpu, _: &Insn) -> Done {
    cpu.rse_flush()
}

pub(super) fn loadrs(cpu: &mut Cpu, _: &Insn) -> Done {
    cpu.rse_loadrs()
}

pub(super) fn invala(cpu: &mut Cpu, _: &Insn) -> Done {
    cpu.alat.invalidate_all();
    Ok(())
}

pub(super) fn invala_e(cpu: &mut Cpu, i: &Insn) -> Done {
    cpu.alat.invalidate(Tag::gr(i.r1, cpu.rse.base));
    Ok(())
}

pub(super) fn invala_e_f(cpu: &mut Cpu, i: &Insn) -> Done {
    cpu.alat.invalidate(Tag::fr(i.r1));
    Ok(())
}
