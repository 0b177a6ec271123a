//! The processor a program runs on, and its state by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use ia64::bus::Bus;
use ia64::cpu::{Config, Cpu};
use ia64::link::Cluster;
use ia64::memory::Memory;
use ia64::mmu::access::Pte;
use ia64::mmu::region::RegionRegister;
use ia64::mmu::tlb::Entry;
use ia64::rse::count_registers;
use ia64::state::{Cfm, Fr, Gr, Psr};

use crate::program::{Value, number};

/// Where code starts, and bytes of each program.
const START: u64 = 0xf000;
pub(crate) const PROGRAM_BYTES: u64 = 0x1000;
/// The last bundle of each program, where it ends.
pub(crate) const END: u64 = START + PROGRAM_BYTES - 16;
/// CR.IVA.
pub(crate) const VECTORS: u64 = START + PROGRAM_BYTES;
const VECTOR_BYTES: u64 = 0x8000;
/// Memory that programs use for data, register stack and VHPT.
const DATA: std::ops::Range<u64> = 0x20000..0x50000;
const REGISTER_STACK: u64 = 0x30000;
const RAM_BYTES: u64 = 0x80000;
/// Size of the pages that `translated` maps.
const MAPPED_SHIFT: u8 = 16;
/// Present, accessed, dirty, level 3, readable, writable and executable.
const OPEN: u64 = 0x7e1;

/// State by name.
pub(crate) type State = BTreeMap<String, Value>;

struct NoDevices;

impl Bus for NoDevices {
    fn read(&self, _: u64, _: u8) -> u64 {
        u64::MAX
    }
    fn write(&self, _: u64, _: u8, _: u64) {}
    fn itc(&self) -> u64 {
        0
    }
}

/// PSR fields: first bit and width. SDM volume 2, figure 3-2. `ri` goes with the address.
const PSR_FIELDS: &[(&str, u32, u32)] = &[
    ("be", 1, 1),
    ("up", 2, 1),
    ("ac", 3, 1),
    ("mfl", 4, 1),
    ("mfh", 5, 1),
    ("ic", 13, 1),
    ("i", 14, 1),
    ("pk", 15, 1),
    ("dt", 17, 1),
    ("dfl", 18, 1),
    ("dfh", 19, 1),
    ("sp", 20, 1),
    ("pp", 21, 1),
    ("di", 22, 1),
    ("si", 23, 1),
    ("db", 24, 1),
    ("lp", 25, 1),
    ("tb", 26, 1),
    ("rt", 27, 1),
    ("cpl", 32, 2),
    ("is", 34, 1),
    ("mc", 35, 1),
    ("it", 36, 1),
    ("id", 37, 1),
    ("da", 38, 1),
    ("dd", 39, 1),
    ("ss", 40, 1),
    ("ed", 43, 1),
    ("bn", 44, 1),
    ("ia", 45, 1),
];

/// CFM fields as PSR's. SDM volume 1, figure 3-2.
const CFM_FIELDS: &[(&str, u32, u32)] =
    &[("sof", 0, 7), ("sol", 7, 7), ("sor", 14, 4), ("rrb.gr", 18, 7), ("rrb.fr", 25, 7), ("rrb.pr", 32, 6)];

fn with_field(fields: &[(&str, u32, u32)], word: u64, name: &str, value: u64) -> Option<u64> {
    let &(_, shift, width) = fields.iter().find(|field| field.0 == name)?;
    let mask = (1 << width) - 1;
    Some(word & !(mask << shift) | (value & mask) << shift)
}

pub(crate) struct Machine {
    pub(crate) cpu: Cpu,
}

impl Machine {
    /// A processor in physical mode at level 0 before the first instruction of `code`, the frame 16 registers with 8
    /// locals.
    pub(crate) fn new(code: &[u8]) -> Machine {
        // Firmware, which the host serves: the end of the program and the vectors.
        let config = Config { lid: 0, cpuid: [0; 5], firmware: (END, 16 + VECTOR_BYTES) };
        let memory = Arc::new(Memory::heap(0, RAM_BYTES));
        assert!(memory.write(START, code));
        let end = &code[code.len() - 16..];
        for vector in (VECTORS..VECTORS + VECTOR_BYTES).step_by(0x100) {
            assert!(memory.write(vector, end));
        }
        let mut cpu = Cpu::new(config, Cluster::new(1), 0, memory, Arc::new(NoDevices));
        cpu.ip = START;
        cpu.cr.iva = VECTORS;
        cpu.cr.pta = 15 << 2;
        cpu.psr.set_ic(true);
        // What is written of the floating-point registers is the business of others.
        cpu.psr.set_mfl(true);
        cpu.psr.set_mfh(true);
        cpu.ar.fpsr = 0x0009_804c_0270_033f;
        cpu.rse.bsp = REGISTER_STACK;
        cpu.rse.bspstore = REGISTER_STACK;
        cpu.set_cfm(Cfm::new(16, 8, 0));
        for r in 1..128 {
            cpu.gr.set(r, Gr::new(0xdead_0000 + u64::from(r)));
        }
        for f in 2..128 {
            cpu.fr[f] = Fr::from_significand(0xbeef_0000 + f as u64);
        }
        for region in 0..8 {
            cpu.mmu.set_rr(region, RegionRegister((0x10 + region as u64) << 8 | 14 << 2));
        }
        Machine { cpu }
    }

    fn rotated_gr(&self, r: u8) -> u8 {
        let (n, sor) = (u32::from(r), self.cpu.cfm.sor());
        if n < 32 || n - 32 >= sor { r } else { (32 + (n - 32 + self.cpu.cfm.rrb_gr()) % sor) as u8 }
    }

    fn rotated_fr(&self, f: u8) -> usize {
        let n = u32::from(f);
        if n < 32 { n as usize } else { (32 + (n - 32 + self.cpu.cfm.rrb_fr()) % 96) as usize }
    }

    fn entry(&self, place: &str, pte: u64) -> Result<Entry, String> {
        let words: Vec<&str> = place.split_whitespace().collect();
        let va = number(words[0])?;
        let rid = self.cpu.mmu.rr_of(va).rid();
        let mut entry = Entry { va: va << 3 >> 3, pte: Pte(pte), rid, key: rid, ps: 14, ..Entry::default() };
        for pair in words[1..].chunks(2) {
            match pair {
                ["ps", size] => entry.ps = number(size)? as u8,
                ["key", key] => entry.key = number(key)? as u32,
                _ => return Err(format!("{place:?} is no translation")),
            }
        }
        Ok(entry)
    }

    /// Maps code, vectors and data to themselves.
    fn translate(&mut self, code: u64) {
        let mut psr = self.cpu.psr;
        psr.set_it(true);
        psr.set_dt(true);
        psr.set_rt(true);
        self.cpu.set_psr(psr);
        let rid = self.cpu.mmu.rr(0).rid();
        let entry = |page: u64, rights: u64| {
            let va = page << MAPPED_SHIFT;
            Entry { va, pte: Pte(va | rights), rid, key: rid, ps: MAPPED_SHIFT, ..Entry::default() }
        };
        self.cpu.mmu.set_code_register(0, entry(0, code));
        self.cpu.mmu.set_code_register(1, entry(VECTORS >> MAPPED_SHIFT, OPEN));
        for page in 0..DATA.end >> MAPPED_SHIFT {
            self.cpu.mmu.set_data_register(page as usize, entry(page, OPEN));
        }
        self.cpu.mmu.set_data_register(7, entry(DATA.end >> MAPPED_SHIFT, OPEN));
    }

    /// Sets `place` before the program starts.
    ///
    /// # Errors
    /// There is no such place.
    pub(crate) fn set(&mut self, place: &str, value: Value) -> Result<(), String> {
        let unknown = || format!("there is no place {place:?}");
        let Value { bits, tag } = value;
        let cpu = &mut self.cpu;
        if let Some((file, index)) = place.strip_suffix(']').and_then(|place| place.split_once('[')) {
            let i = || number(index).map(|i| i as usize);
            match file {
                "" => {
                    if !cpu.memory.write(number(index)?, &bits.to_le_bytes()) {
                        return Err(unknown());
                    }
                }
                "rr" => cpu.mmu.set_rr(i()?, RegionRegister(bits)),
                "pkr" => cpu.mmu.set_pkr(i()?, bits),
                "dbr" => cpu.dbr[i()?] = bits,
                "ibr" => cpu.ibr[i()?] = bits,
                "cpuid" => cpu.config.cpuid[i()?] = bits,
                "dtc" => {
                    let entry = self.entry(index, bits)?;
                    self.cpu.mmu.insert_data(entry);
                }
                "itc" => {
                    let entry = self.entry(index, bits)?;
                    self.cpu.mmu.insert_code(entry);
                }
                _ => return Err(unknown()),
            }
            return Ok(());
        }
        if let Some((file, name)) = place.split_once('.') {
            match file {
                "ar" => *self.ar(name).ok_or_else(unknown)? = bits,
                "cr" => match name.strip_prefix("ipsr.") {
                    Some("ri") => cpu.cr.ipsr = cpu.cr.ipsr & !Psr::RI | bits << 41,
                    Some(name) => {
                        cpu.cr.ipsr = with_field(PSR_FIELDS, cpu.cr.ipsr, name, bits).ok_or_else(unknown)?;
                    }
                    None => *self.cr(name).ok_or_else(unknown)? = bits,
                },
                "psr" => {
                    let psr = with_field(PSR_FIELDS, cpu.psr.0, name, bits).ok_or_else(unknown)?;
                    cpu.set_psr(Psr(psr));
                }
                "cfm" => cpu.set_cfm(Cfm(with_field(CFM_FIELDS, cpu.cfm.0, name, bits).ok_or_else(unknown)?)),
                _ => return Err(unknown()),
            }
            if matches!(name, "bsp" | "bspstore") {
                let rse = &mut self.cpu.rse;
                rse.dirty = count_registers(rse.bspstore, rse.bsp) as i32;
            }
            return Ok(());
        }
        match place {
            "translated" => self.translate(OPEN),
            "code" => self.translate(bits),
            _ => {
                let (file, n) = place.split_at_checked(1).ok_or_else(unknown)?;
                let n = || n.trim_end_matches('\'').parse::<u8>().map_err(|_| unknown());
                match file {
                    "r" if place.ends_with('\'') => {
                        cpu.gr.other_bank()[n()? as usize - 16] = Gr { value: bits, nat: tag };
                    }
                    "r" => {
                        let r = self.rotated_gr(n()?);
                        self.cpu.gr.set(r, Gr { value: bits, nat: tag });
                    }
                    "f" => {
                        let f = self.rotated_fr(n()?);
                        self.cpu.fr[f] = Fr { significand: bits, sign_exponent: tag as u32 };
                    }
                    "p" => cpu.pr = cpu.pr & !(1 << n()?) | bits << n()?,
                    "b" => cpu.br[n()? as usize] = bits,
                    _ => return Err(unknown()),
                }
            }
        }
        Ok(())
    }

    fn ar(&mut self, name: &str) -> Option<&mut u64> {
        let Cpu { ar, rse, .. } = &mut self.cpu;
        Some(match name {
            "rsc" => &mut rse.rsc,
            "bsp" => &mut rse.bsp,
            "bspstore" => &mut rse.bspstore,
            "rnat" => &mut rse.rnat,
            "fcr" => &mut ar.fcr,
            "eflag" => &mut ar.eflag,
            "csd" => &mut ar.csd,
            "ssd" => &mut ar.ssd,
            "cflg" => &mut ar.cflg,
            "fsr" => &mut ar.fsr,
            "fir" => &mut ar.fir,
            "fdr" => &mut ar.fdr,
            "ccv" => &mut ar.ccv,
            "unat" => &mut ar.unat,
            "fpsr" => &mut ar.fpsr,
            "itc" => &mut ar.itc_offset,
            "pfs" => &mut ar.pfs,
            "lc" => &mut ar.lc,
            "ec" => &mut ar.ec,
            _ => ar.k.get_mut(name.strip_prefix('k')?.parse::<usize>().ok()?)?,
        })
    }

    fn cr(&mut self, name: &str) -> Option<&mut u64> {
        let cr = &mut self.cpu.cr;
        Some(match name {
            "dcr" => &mut cr.dcr,
            "iva" => &mut cr.iva,
            "pta" => &mut cr.pta,
            "isr" => &mut cr.isr,
            "iip" => &mut cr.iip,
            "ifa" => &mut cr.ifa,
            "itir" => &mut cr.itir,
            "iipa" => &mut cr.iipa,
            "ifs" => &mut cr.ifs,
            "iim" => &mut cr.iim,
            "iha" => &mut cr.iha,
            _ => return None,
        })
    }

    /// Everything a program can change, by name; memory only where it is not zero.
    pub(crate) fn state(&mut self) -> State {
        const ARS: &str = "rsc bsp bspstore rnat fcr eflag csd ssd cflg fsr fir fdr ccv unat fpsr itc pfs lc ec \
                           k0 k1 k2 k3 k4 k5 k6 k7";
        const CRS: &str = "dcr iva pta isr iip ifa itir iipa ifs iim iha";
        let mut state = State::new();
        let gr = |register: Gr| Value { bits: register.value, tag: register.nat };
        for r in 0..(32 + self.cpu.cfm.sof()) as u8 {
            state.insert(format!("r{r}"), gr(self.cpu.gr.get(self.rotated_gr(r))));
        }
        for (r, register) in (16..).zip(*self.cpu.gr.other_bank()) {
            state.insert(format!("r{r}'"), gr(register));
        }
        for f in 0..128 {
            let Fr { significand, sign_exponent } = self.cpu.fr[self.rotated_fr(f)];
            state.insert(format!("f{f}"), Value { bits: significand, tag: sign_exponent.into() });
        }
        for name in ARS.split_whitespace() {
            state.insert(format!("ar.{name}"), self.ar(name).map_or(0, |register| *register).into());
        }
        for name in CRS.split_whitespace() {
            state.insert(format!("cr.{name}"), self.cr(name).map_or(0, |register| *register).into());
        }
        let cpu = &self.cpu;
        let mut fields = |file: &str, fields: &[(&str, u32, u32)], word: u64| {
            for (name, shift, width) in fields {
                state.insert(format!("{file}.{name}"), (word >> shift & ((1 << width) - 1)).into());
            }
        };
        fields("psr", PSR_FIELDS, cpu.psr.0);
        fields("cr.ipsr", PSR_FIELDS, cpu.cr.ipsr);
        fields("cr.ipsr", &[("ri", 41, 2)], cpu.cr.ipsr);
        fields("cfm", CFM_FIELDS, cpu.cfm.0);
        for p in 0..64 {
            state.insert(format!("p{p}"), (cpu.pr >> p & 1).into());
        }
        for (b, value) in cpu.br.into_iter().enumerate() {
            state.insert(format!("b{b}"), value.into());
        }
        for i in 0..8 {
            state.insert(format!("rr[{i}]"), cpu.mmu.rr(i).0.into());
            state.insert(format!("dbr[{i}]"), cpu.dbr[i].into());
            state.insert(format!("ibr[{i}]"), cpu.ibr[i].into());
        }
        for i in 0..16 {
            state.insert(format!("pkr[{i}]"), cpu.mmu.pkr(i).into());
            state.insert(format!("pmc[{i}]"), cpu.pmc[i].into());
            state.insert(format!("pmd[{i}]"), cpu.pmd[i].into());
        }
        let mut data = vec![0; (DATA.end - DATA.start) as usize];
        assert!(cpu.memory.read(DATA.start, &mut data));
        for (address, word) in DATA.step_by(8).zip(data.as_chunks::<8>().0) {
            if *word != [0; 8] {
                state.insert(format!("[{address:#x}]"), u64::from_le_bytes(*word).into());
            }
        }
        state.insert("ip".into(), cpu.ip.into());
        state
    }
}
