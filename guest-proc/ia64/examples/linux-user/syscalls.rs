//! System calls of Linux/ia64: number in r15, arguments in the output registers, result in r8, failure flag in r10.

use ia64::state::Gr;

use crate::process::{Error, Process};

const ENOSYS: i64 = 38;
const EBADF: i64 = 9;
const EFAULT: i64 = 14;
const ENOTTY: i64 = 25;
const ENOENT: i64 = 2;

/// Answers the call the program is making; the exit status if it was the last.
pub(crate) fn call(process: &mut Process) -> Result<Option<u8>, Error> {
    let number = process.cpu.gr.get(15).value;
    // `break` does not make a frame: the arguments are the caller's outputs, which start behind its locals.
    let first = 32 + process.cpu.cfm.sol() as u8;
    let argument = |n: u8| process.cpu.gr.get(first + n).value;
    let a = [argument(0), argument(1), argument(2), argument(3), argument(4), argument(5)];
    let result = match number {
        1025 | 1236 => return Ok(Some(a[0] as u8)), // exit, exit_group
        1027 => write(process, a[0], a[1], a[2]),
        1147 => write_vector(process, a[0], a[1], a[2]),
        1060 => brk(process, a[0]),
        1172 => mremap(process, a[0], a[1], a[2]),
        1151 => mmap(process, a[0], a[1]),
        1152 | 1155 | 1209 | 1177 | 1179 => Ok(0), // munmap, mprotect, madvise, rt_sigaction, rt_sigprocmask
        1041 | 1105 | 1233 => Ok(1),               // getpid, gettid, set_tid_address
        1046 | 1047 | 1062 | 1063 => Ok(0),        // getuid, geteuid, getgid, getegid
        1298 | 1325 | 1230 | 1158 => Ok(0),        // set_robust_list, prlimit64, futex, sched_yield
        1254 => clock_gettime(process, a[1]),
        1130 => uname(process, a[0]),
        1065 => Err(ENOTTY),               // ioctl
        1092 | 1286 | 1290 => Err(ENOENT), // readlink, newfstatat, readlinkat
        1212 => fstat(process, a[0], a[1]),
        1339 => fill(process, a[0], a[1]), // getrandom: the same every time, on purpose
        1357 => Err(ENOSYS),               // rseq
        1029 => Ok(0),                     // close
        _ => return Err(Error::SystemCall(number)),
    };
    let (value, failed) = match result {
        Ok(value) => (value, 0),
        Err(errno) => (errno as u64, u64::MAX),
    };
    process.cpu.gr.set(8, Gr::new(value));
    process.cpu.gr.set(10, Gr::new(failed));
    Ok(None)
}

fn write(process: &mut Process, fd: u64, address: u64, len: u64) -> Result<u64, i64> {
    if fd != 1 && fd != 2 {
        return Err(EBADF);
    }
    let mut bytes = vec![0; len.min(1 << 20) as usize];
    if !process.get(address, &mut bytes) {
        return Err(EFAULT);
    }
    let _ = process.out.write_all(&bytes).and_then(|()| process.out.flush());
    Ok(bytes.len() as u64)
}

fn word(process: &Process, address: u64) -> Result<u64, i64> {
    let mut bytes = [0; 8];
    if process.get(address, &mut bytes) { Ok(u64::from_le_bytes(bytes)) } else { Err(EFAULT) }
}

fn write_vector(process: &mut Process, fd: u64, vector: u64, count: u64) -> Result<u64, i64> {
    let mut written = 0;
    for index in 0..count.min(1024) {
        let (base, len) = (word(process, vector + index * 16)?, word(process, vector + index * 16 + 8)?);
        written += write(process, fd, base, len)?;
    }
    Ok(written)
}

fn brk(process: &mut Process, wanted: u64) -> Result<u64, i64> {
    if wanted >= process.brk && crate::process::physical(wanted).is_some() {
        process.brk = wanted;
    }
    Ok(process.brk)
}

fn mmap(process: &mut Process, _hint: u64, len: u64) -> Result<u64, i64> {
    const ENOMEM: i64 = 12;
    let address = process.mmap;
    let end = len.checked_next_multiple_of(1 << 16).and_then(|len| address.checked_add(len)).ok_or(ENOMEM)?;
    crate::process::physical(end).ok_or(ENOMEM)?;
    process.mmap = end;
    Ok(address)
}

fn mremap(process: &mut Process, old: u64, old_len: u64, new_len: u64) -> Result<u64, i64> {
    let new = mmap(process, 0, new_len)?;
    let mut bytes = vec![0; old_len.min(new_len) as usize];
    if process.get(old, &mut bytes) && process.put(new, &bytes) { Ok(new) } else { Err(EFAULT) }
}

fn clock_gettime(process: &mut Process, address: u64) -> Result<u64, i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&now.as_secs().to_le_bytes());
    bytes[8..].copy_from_slice(&u64::from(now.subsec_nanos()).to_le_bytes());
    if process.put(address, &bytes) { Ok(0) } else { Err(EFAULT) }
}

fn uname(process: &mut Process, address: u64) -> Result<u64, i64> {
    let mut bytes = [0; 6 * 65];
    for (field, text) in ["Linux", "linux-user", "6.1.0", "#1", "ia64"].iter().enumerate() {
        bytes[field * 65..field * 65 + text.len()].copy_from_slice(text.as_bytes());
    }
    if process.put(address, &bytes) { Ok(0) } else { Err(EFAULT) }
}

/// A character device, as a terminal is: what the C library asks of its standard output.
fn fstat(process: &mut Process, fd: u64, address: u64) -> Result<u64, i64> {
    if fd > 2 {
        return Err(EBADF);
    }
    let mut bytes = [0; 144];
    bytes[16..24].copy_from_slice(&1u64.to_le_bytes());
    bytes[24..28].copy_from_slice(&0o020_620u32.to_le_bytes());
    if process.put(address, &bytes) { Ok(0) } else { Err(EFAULT) }
}

fn fill(process: &mut Process, address: u64, len: u64) -> Result<u64, i64> {
    if process.put(address, &vec![0x5a; len.min(256) as usize]) { Ok(len.min(256)) } else { Err(EFAULT) }
}
