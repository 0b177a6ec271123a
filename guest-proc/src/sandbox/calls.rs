//! The system calls that are left to a running guest process: what its threads, its ends of sockets, its memory and its log
//! need. There is no way among them to another program, another process, another user or a new socket.

use libc::*;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

use super::refused;

/// By what needs them. Those of glibc and the standard library are included that come only under pressure.
#[rustfmt::skip]
const ALLOWED: &[&[i64]] = &[
    // Memory: the allocator, stacks of threads, guest RAM that is given back, rings of a back-end.
    &[SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_membarrier, SYS_fallocate],
    // Threads. A process could be made with these, too, but no other program executed in it.
    &[SYS_clone, SYS_clone3, SYS_exit, SYS_exit_group, SYS_futex, SYS_set_robust_list, SYS_rseq, SYS_prctl, SYS_gettid,
      SYS_getpid, SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_setaffinity],
    // Signals to itself: an abort.
    &[SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_tgkill, SYS_restart_syscall],
    // Time and figures.
    &[SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_getrusage],
    // Descriptors it has.
    &[SYS_read, SYS_readv, SYS_pread64, SYS_preadv, SYS_write, SYS_writev, SYS_pwrite64, SYS_pwritev, SYS_lseek,
      SYS_close, SYS_dup, SYS_fcntl, SYS_fstat, SYS_ppoll, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait,
      SYS_eventfd2, SYS_timerfd_create, SYS_timerfd_settime],
    // The VSP's and the back-ends' connections, and those that a later VSP makes.
    &[SYS_accept4, SYS_recvfrom, SYS_recvmsg, SYS_sendto, SYS_sendmsg, SYS_shutdown, SYS_getsockopt, SYS_setsockopt,
      SYS_getsockname, SYS_getpeername],
    // Who is asking.
    &[SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid],
    // Files of the log, which paths are restricted to.
    &[SYS_openat, SYS_newfstatat, SYS_statx, SYS_getdents64, SYS_renameat, SYS_renameat2, SYS_unlinkat, SYS_mkdirat,
      SYS_readlinkat, SYS_ftruncate, SYS_fsync, SYS_fdatasync, SYS_flock, SYS_getcwd],
    // Hash tables.
    &[SYS_getrandom],
];

/// The same by older names.
#[cfg(target_arch = "x86_64")]
const ALSO: &[i64] = &[
    SYS_epoll_wait,
    SYS_mkdir,
    SYS_open,
    SYS_poll,
    SYS_readlink,
    SYS_rename,
    SYS_stat,
    SYS_lstat,
    SYS_unlink,
];
#[cfg(not(target_arch = "x86_64"))]
const ALSO: &[i64] = &[];

/// Restricts all threads of the process, and those to come.
///
/// # Errors
/// When the kernel will not, or the processor is one that filters cannot be made for.
pub(super) fn restrict(only_log: bool) -> Result<(), seccompiler::Error> {
    let refuse = match only_log {
        true => SeccompAction::Log,
        false => SeccompAction::Trap,
    };
    if !only_log {
        refused::report();
    }
    let allowed = ALLOWED.iter().copied().flatten().chain(ALSO);
    let list = filter(allowed.copied(), SeccompAction::Allow, refuse)?;
    seccompiler::apply_filter_all_threads(&list)
}

fn filter(
    calls: impl Iterator<Item = i64>,
    matching: SeccompAction,
    others: SeccompAction,
) -> Result<BpfProgram, seccompiler::Error> {
    let processor = TargetArch::try_from(std::env::consts::ARCH)?;
    let rules = calls.map(|call| (call, Vec::new())).collect();
    Ok(SeccompFilter::new(rules, others, matching, processor)?.try_into()?)
}
