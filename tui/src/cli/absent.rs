//! Commands of HPVM that have no counterpart here (hpvm.md 4.12): each says why and what to use instead, so that a script
//! that calls one is told more than that there is no such program.

use std::ffi::OsString;
use std::io::Write;

use super::failure::Failure;

const NETWORK: &str = "This VSP has no virtual switches: guests have no network devices.";
const SUSPEND: &str = "Guests of this VSP cannot be suspended. Use hpvmstop -g.";
const PASS: &str = "See hpvmdevmgmt, and docs/attached-devices.md for tapes, changers and burners.";

const COMMANDS: &[(&str, &str)] = &[
    ("hpvmamrd", "This VSP has no automatic memory reallocation."),
    ("hpvmcollect", "Collect the state directory ('hpvminfo -V' names it) and the output of 'hpvm log'."),
    ("hpvmhostgdev", PASS),
    ("hpvmhwmgmt", "This VSP keeps no pools of processors, memory and direct I/O for vPars."),
    (
        "hpvmmigrate",
        "Guests cannot be migrated by this VSP. Copy the stores of a guest that is off and create it on the other VSP.",
    ),
    ("hpvmmgmt", "This command runs inside a guest with dynamic memory, which this VSP does not have."),
    ("hpvmnet", NETWORK),
    ("hpvmpassthru", PASS),
    ("hpvmpubapi", "See 'hpvmstatus --json' and 'hpvm metrics'."),
    ("hpvmresources", "Resource statements are explained by 'hpvmcreate --help' and in docs/running.md."),
    ("hpvmresume", SUSPEND),
    ("hpvmsar", "See 'hpvmstatus -r' and 'hpvm metrics', or the console ('hpvm')."),
    ("hpvmsuspend", SUSPEND),
    ("vparboot", "The vPars of this VSP are guests like others: use 'hpvmstart'."),
    ("vparconsole", "The vPars of this VSP are guests like others: use 'hpvmconsole'."),
    ("vparcreate", "The vPars of this VSP are guests like others: use 'hpvmcreate -x vm_type=vpar'."),
    ("vparhwmgmt", "This VSP keeps no pools of processors, memory and direct I/O for vPars."),
    ("vparmodify", "The vPars of this VSP are guests like others: use 'hpvmmodify'."),
    ("vparremove", "The vPars of this VSP are guests like others: use 'hpvmremove'."),
    ("vparreset", "The vPars of this VSP are guests like others: use 'hpvmstop'."),
    ("vparstatus", "The vPars of this VSP are guests like others: use 'hpvmstatus'."),
];

/// Their names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|(name, _)| *name)
}

/// What one of them answers: like every command it has a version and help, and otherwise it fails.
pub(super) fn answer(
    command: &str,
    reason: &str,
    arguments: &[OsString],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let only = if let [only] = arguments { only.to_str() } else { None };
    match only {
        Some("-v" | "--version") => writeln!(out, "{command} Version {}", env!("CARGO_PKG_VERSION"))?,
        Some("-H" | "--help") => writeln!(out, "{reason}")?,
        _ => return Err(Failure::message(reason)),
    }
    Ok(())
}

/// Why there is no command of this name, if HPVM has one.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    COMMANDS.iter().find(|(known, _)| *known == name).map(|(_, reason)| *reason)
}
