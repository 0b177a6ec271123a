//! One program in one address space: image, stacks, heap, and the processor that runs it.

use std::io::Write;
use std::sync::Arc;

use ia64::cpu::{Config, Cpu, Exit};
use ia64::link::Cluster;
use ia64::mmu::access::Pte;
use ia64::mmu::region::RegionRegister;
use ia64::mmu::tlb::Entry;
use ia64::state::Gr;
use ia64::{Bus, Memory};
use object::LittleEndian as LE;
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::syscalls;

/// Bytes of RAM behind each of the two regions a program uses.
const REGION_BYTES: u64 = 256 << 20;
/// Region 2: program text, read-only data.
const TEXT: u64 = 0x4000_0000_0000_0000;
/// Region 3: data, heap, mappings, both stacks.
const DATA: u64 = 0x6000_0000_0000_0000;
/// Within region 3: mappings grow from here, the stacks lie at the end.
const MMAP_OFFSET: u64 = 128 << 20;
const RBS_OFFSET: u64 = 224 << 20;
const STACK_TOP_OFFSET: u64 = 255 << 20;

/// What stopped a program that did not exit.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file is not what this runner takes.
    #[error("not a statically linked Linux/ia64 program: {0}")]
    Image(&'static str),
    /// The processor took an interruption that only a kernel could handle.
    #[error("interruption {vector:#06x} at {ip:#x}, slot {slot}, address {ifa:#x}, isr {isr:#x}")]
    Interruption {
        /// Vector offset.
        vector: u64,
        /// Address of the bundle.
        ip: u64,
        /// Slot in the bundle.
        slot: u8,
        /// Faulting address.
        ifa: u64,
        /// Interruption status.
        isr: u64,
    },
    /// A system call the runner does not know.
    #[error("system call {0} is not provided")]
    SystemCall(u64),
}

struct NoDevices(std::time::Instant);

impl Bus for NoDevices {
    fn read(&self, _: u64, _: u8) -> u64 {
        u64::MAX
    }
    fn write(&self, _: u64, _: u8, _: u64) {}
    fn itc(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// A loaded program.
pub(crate) struct Process {
    pub(crate) cpu: Cpu,
    pub(crate) out: Box<dyn Write>,
    /// End of the heap and of the mappings.
    pub(crate) brk: u64,
    pub(crate) mmap: u64,
}

impl Process {
    /// Loads `image`, with `arguments` (the program's name first); what it writes to standard output and error goes to
    /// `out`.
    ///
    /// # Errors
    /// When the image is not a static ELF executable for ia64 in the usual places.
    pub(crate) fn load(image: &[u8], arguments: &[String], out: Box<dyn Write>) -> Result<Process, Error> {
        let memory = Arc::new(Memory::heap(0, 2 * REGION_BYTES));
        let bus = Arc::new(NoDevices(std::time::Instant::now()));
        let config = Config {
            lid: 0,
            cpuid: [0x6c65_746e_4965_6e69, 0, 0, 0x0000_0020_0000_0704, 0x7],
            // Every `break` comes to us: system calls are breaks.
            firmware: (0, 2 * REGION_BYTES),
        };
        let cpu = Cpu::new(config, Cluster::new(1), 0, memory.clone(), bus);

        let header = FileHeader64::<LE>::parse(image).map_err(|_| Error::Image("no ELF header"))?;
        if header.e_machine.get(LE) != object::elf::EM_IA_64 {
            return Err(Error::Image("not for ia64"));
        }
        let segments = header.program_headers(LE, image).map_err(|_| Error::Image("bad program headers"))?;
        let mut brk = 0;
        let mut headers = 0;
        for segment in segments.iter().filter(|s| s.p_type.get(LE) == PT_LOAD) {
            let va = segment.p_vaddr.get(LE);
            let data =
                segment.data(LE, image).map_err(|()| Error::Image("a segment lies outside the file"))?;
            let pa = physical(va).ok_or(Error::Image("a segment lies at an unusual address"))?;
            if segment.p_memsz.get(LE) > MMAP_OFFSET || !memory.write(pa, data) {
                return Err(Error::Image("a segment does not fit"));
            }
            if segment.p_offset.get(LE) == 0 {
                headers = va + header.e_phoff.get(LE);
            }
            if va >= DATA {
                brk = brk.max(va + segment.p_memsz.get(LE));
            }
        }
        let mut process = Process { cpu, out, brk: brk.next_multiple_of(1 << 16), mmap: DATA + MMAP_OFFSET };
        process.map_regions();
        process.start(header.e_entry.get(LE), arguments, headers, segments.len() as u64);
        Ok(process)
    }

    /// One translation a region, kept in a register: everything readable, writable and executable for programs.
    fn map_regions(&mut self) {
        const RIGHTS: u64 = 0x661 | 3 << 7;
        let psr = &mut self.cpu.psr;
        psr.set_cpl(3);
        psr.set_ic(true);
        psr.set_dt(true);
        psr.set_rt(true);
        psr.set_it(true);
        psr.set_bn(true);
        for (register, (region, pa)) in [(TEXT, 0), (DATA, REGION_BYTES)].into_iter().enumerate() {
            let rid = (region >> 61) as u32;
            let rr = RegionRegister(u64::from(rid) << 8 | 28 << 2);
            self.cpu.mmu.set_rr(rid as usize, rr);
            let entry = Entry { va: 0, pte: Pte(pa | RIGHTS), rid, ps: 28, ..Entry::default() };
            self.cpu.mmu.set_code_register(register, entry);
            self.cpu.mmu.set_data_register(register, entry);
        }
    }

    fn start(&mut self, entry: u64, arguments: &[String], headers: u64, header_count: u64) {
        let mut sp = DATA + STACK_TOP_OFFSET;
        let mut push = |process: &mut Process, bytes: &[u8]| {
            sp = (sp - bytes.len() as u64) & !7;
            process.put(sp, bytes);
            sp
        };
        let random = push(self, &[0x5a; 16]);
        let strings: Vec<u64> = arguments
            .iter()
            .map(|argument| {
                let mut bytes = argument.clone().into_bytes();
                bytes.push(0);
                push(self, &bytes)
            })
            .collect();
        let mut words = vec![arguments.len() as u64];
        words.extend(&strings);
        words.extend([0, 0]); // end of arguments, no environment
        // AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_ENTRY, AT_UID.., AT_RANDOM, AT_CLKTCK, AT_SECURE, AT_NULL
        let auxiliary = [
            (3, headers),
            (4, 56),
            (5, header_count),
            (6, 1 << 16),
            (9, entry),
            (11, 0),
            (12, 0),
            (13, 0),
            (14, 0),
            (17, 100),
            (23, 0),
            (25, random),
            (0, 0),
        ];
        words.extend(auxiliary.iter().flat_map(|&(key, value)| [key, value]));
        sp = (sp - words.len() as u64 * 8) & !15;
        for (index, word) in words.iter().enumerate() {
            self.put(sp + index as u64 * 8, &word.to_le_bytes());
        }
        self.cpu.ip = entry;
        // 16 bytes of scratch area above the stack pointer belong to the callee.
        self.cpu.gr.set(12, Gr::new(sp - 16));
        self.cpu.rse.rsc = 0xf;
        self.cpu.rse.bspstore = DATA + RBS_OFFSET;
        self.cpu.rse.bsp = DATA + RBS_OFFSET;
        self.cpu.ar.fpsr = 0x0009_804c_0270_033f;
    }

    /// Runs to the program's exit; its status.
    ///
    /// # Errors
    /// When the program needs something that only a kernel has.
    pub(crate) fn run(&mut self) -> Result<u8, Error> {
        loop {
            match self.cpu.run(u64::MAX / 2) {
                Exit::Budget => {}
                Exit::HostCall(0x100000) => {
                    self.cpu.skip();
                    if let Some(status) = syscalls::call(self)? {
                        return Ok(status);
                    }
                }
                Exit::HostCall(imm) => {
                    let (ip, slot) = (self.cpu.ip, self.cpu.psr.ri());
                    return Err(Error::Interruption { vector: 0x2c00, ip, slot, ifa: imm, isr: 0 });
                }
                _ => {
                    let cr = &self.cpu.cr;
                    let slot = (cr.ipsr >> 41) as u8 & 3;
                    let vector = self.cpu.ip.wrapping_sub(cr.iva);
                    return Err(Error::Interruption { vector, ip: cr.iip, slot, ifa: cr.ifa, isr: cr.isr });
                }
            }
        }
    }

    /// Instructions executed.
    pub(crate) fn retired(&self) -> u64 {
        self.cpu.retired
    }

    pub(crate) fn put(&mut self, va: u64, bytes: &[u8]) -> bool {
        physical(va).is_some_and(|pa| self.cpu.memory.write(pa, bytes))
    }

    pub(crate) fn get(&self, va: u64, bytes: &mut [u8]) -> bool {
        physical(va).is_some_and(|pa| self.cpu.memory.read(pa, bytes))
    }
}

/// Where a program's address lies in RAM.
pub(crate) fn physical(va: u64) -> Option<u64> {
    match va {
        TEXT.. if va - TEXT < REGION_BYTES => Some(va - TEXT),
        DATA.. if va - DATA < REGION_BYTES => Some(va - DATA + REGION_BYTES),
        _ => None,
    }
}
