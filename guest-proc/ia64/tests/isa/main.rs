//! Programs assembled with GNU as for each instruction group and each fault, with the state they must leave written
//! beside them from the manual. `programs/*.s` hold them; [`program`] describes how they are written.
//!
//! There is a program for every instruction but those of the F unit, whose tests are in `tests/fp`. Each one runs twice, block by block and instruction by instruction. What a program does not name must come out as it
//! went in: every register, PSR bit and word of memory is compared.

mod machine;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ia64::bundle::{Bundle, Unit};
use ia64::cpu::Exit;
use ia64::decode::decode_bundle;
use ia64::table::ROWS;
use object::{Object, ObjectSection};

use crate::machine::{END, Machine, PROGRAM_BYTES, State, VECTORS};
use crate::program::{Program, Value};

const AS: &str = "ia64-linux-gnu-as";
/// No program comes near it.
const MOST_INSTRUCTIONS: u64 = 20_000;

/// The code of all programs of a file, [`PROGRAM_BYTES`] each; `None` without an assembler.
fn assemble(file: &Path, programs: &[Program]) -> Option<Vec<u8>> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (source, object) = (directory.path().join("programs.s"), directory.path().join("programs.o"));
    let text: String = programs
        .iter()
        .enumerate()
        .map(|(n, program)| {
            let (start, end) = (n as u64 * PROGRAM_BYTES, (n as u64 + 1) * PROGRAM_BYTES - 16);
            let Program { line, code, .. } = program;
            let name = file.file_name().unwrap_or_default();
            format!(
                ".org {start}\n# {line} {name:?}\n{code}\n{{ .bbb\n nop.b 0\n nop.b 0\n br.sptk.few .Lend{n} ;;\n}}\n\
                 .org {end}\n.Lend{n}:\n{{ .mii\n break.m 0\n nop.i 0\n nop.i 0 ;;\n}}\n"
            )
        })
        .collect();
    std::fs::write(&source, text).expect("the source is written");
    // Programs do what the assembler warns of, and what it thinks of dependencies is of no interest here.
    let run =
        Command::new(AS).args(["-W", "-xnone", "-o"]).args([&object, &source]).stdin(Stdio::null()).output();
    let Ok(output) = run else {
        println!("skipped: {AS} is not installed");
        return None;
    };
    assert!(output.status.success(), "{AS}: {}", String::from_utf8_lossy(&output.stderr));
    let object = std::fs::read(object).expect("the object is read");
    let object = object::File::parse(&*object).expect("the object is ELF");
    let text = object.section_by_name(".text").expect("the object has code");
    assert!(text.relocations().next().is_none(), "{}: code refers to other places", file.display());
    Some(text.data().expect("the code is in the file").to_vec())
}

/// Runs to the end of the program or to the first interruption delivered.
fn run(machine: &mut Machine, stepping: bool) -> Result<(), String> {
    let cpu = &mut machine.cpu;
    let mut exit = Exit::Debug;
    if stepping {
        for _ in 0..MOST_INSTRUCTIONS {
            exit = cpu.step();
            if exit != Exit::Debug {
                break;
            }
        }
    } else {
        exit = cpu.run(MOST_INSTRUCTIONS);
    }
    match exit {
        Exit::HostCall(_) => Ok(()),
        exit => Err(format!("stopped at {:#x}: {exit:?} {}", cpu.ip, cpu.fatal)),
    }
}

/// May `name` differ although the program does not name it?
fn may_change(program: &Program, name: &str) -> bool {
    let names = |prefix: &str| program.expected.iter().any(|(name, _)| name.starts_with(prefix));
    let register = |file| name.strip_prefix(file).and_then(|n: &str| n.parse::<u32>().ok());
    // Delivery changes PSR and the control registers; another frame or rotation gives other registers their names.
    program.fault.is_some() && (name.starts_with("psr.") || name.starts_with("cr."))
        || names("memory") && name.starts_with('[')
        || names("cfm.") && register('r').is_some_and(|r| r >= 32)
        || names("cfm.rrb.fr") && register('f').is_some_and(|f| f >= 32)
        || names("cfm.rrb.pr") && register('p').is_some_and(|p| p >= 16)
}

/// What is wrong with the state a program left.
fn differences(program: &Program, before: &State, after: &State) -> Vec<String> {
    let named: BTreeMap<&str, Option<Value>> =
        program.expected.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    let end = program.fault.map_or(END, |vector| VECTORS + vector);
    let of = |state: &State, name: &str| state.get(name).copied().unwrap_or_default();
    let places: BTreeSet<&str> =
        before.keys().chain(after.keys()).map(String::as_str).chain(named.keys().copied()).collect();
    let differs = |name: &str| {
        let wanted = match named.get(name) {
            Some(None) => return None,
            Some(Some(value)) => *value,
            None if name == "ip" => end.into(),
            None if may_change(program, name) => return None,
            None => of(before, name),
        };
        let found = of(after, name);
        (!wanted.agrees(found)).then(|| format!("{name} is {found}, not {wanted}"))
    };
    places.into_iter().filter_map(differs).collect()
}

/// Runs one program; what went wrong.
fn check(program: &Program, code: &[u8], stepping: bool) -> Result<(), String> {
    let mut machine = Machine::new(code);
    for (name, value) in &program.initial {
        machine.set(name, *value)?;
    }
    let before = machine.state();
    run(&mut machine, stepping)?;
    let differences = differences(program, &before, &machine.state());
    if differences.is_empty() { Ok(()) } else { Err(differences.join("; ")) }
}

/// Names of the instructions in `code`.
fn instructions(code: &[u8]) -> BTreeSet<&'static str> {
    let words = code.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect::<Vec<u64>>();
    let bundles = words.as_chunks::<2>().0.iter().filter_map(|&raw| decode_bundle(Bundle(raw)).ok());
    bundles
        .flat_map(|bundle| bundle.slots)
        .flatten()
        .flatten()
        .map(|insn| ROWS[usize::from(insn.row)].name)
        .collect()
}

#[test]
fn every_program_leaves_the_state_that_the_manual_describes() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/isa/programs");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .expect("the programs")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let (mut checked, mut failures, mut covered) = (0, Vec::new(), BTreeSet::new());
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let source = std::fs::read_to_string(&file).expect("the file is read");
        let programs = program::parse(&source).unwrap_or_else(|error| panic!("{name}:{error}"));
        let Some(text) = assemble(&file, &programs) else { return };
        covered.append(&mut instructions(&text));
        for (program, code) in programs.iter().zip(text.chunks(PROGRAM_BYTES as usize)) {
            for (stepping, how) in [(false, ""), (true, " (stepping)")] {
                if let Err(error) = check(program, code, stepping) {
                    failures.push(format!("{name}:{} {}{how}: {error}", program.line, program.title));
                }
            }
            checked += 1;
        }
    }
    assert!(failures.is_empty(), "{} of {checked} programs:\n{}", failures.len(), failures.join("\n"));
    let missing: BTreeSet<&str> = ROWS
        .iter()
        .filter(|row| !row.format.is_for(Unit::F) && !covered.contains(row.name))
        .map(|row| row.name)
        .collect();
    assert!(missing.is_empty(), "no program for {missing:?}");
    println!("checked: {checked} programs assembled by GNU as");
}
