//! Runs a statically linked Linux/ia64 program on the bare processor, with a few dozen system calls answered by the host:
//! `linux-user PROGRAM [ARGUMENT]…`. For measuring the processor without a kernel, and for comparing it with other
//! simulators' user mode. Standard output and error are the host's; nothing else of the host is reachable.

mod process;
mod syscalls;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(program) = arguments.first() else {
        eprintln!("usage: linux-user PROGRAM [ARGUMENT]...");
        return ExitCode::from(2);
    };
    let image = match std::fs::read(program) {
        Ok(image) => image,
        Err(error) => {
            eprintln!("linux-user: cannot read {program}: {error}");
            return ExitCode::from(2);
        }
    };
    let started = std::time::Instant::now();
    let outcome = process::Process::load(&image, &arguments, Box::new(std::io::stdout()))
        .and_then(|mut process| process.run().map(|status| (status, process.retired())));
    match outcome {
        Ok((status, retired)) => {
            let seconds = started.elapsed().as_secs_f64();
            if std::env::var_os("LINUX_USER_STATS").is_some() {
                let mips = retired as f64 / seconds / 1e6;
                eprintln!("{retired} instructions, {seconds:.3} s, {mips:.1} million instructions a second");
            }
            ExitCode::from(status)
        }
        Err(error) => {
            eprintln!("linux-user: {error}");
            ExitCode::from(125)
        }
    }
}
