//! How programs are written down: assembler source with everything but the code in its comments.
//!
//! ```text
//! //- title: starts a program
//! //< r9 = 0x7fff_ffff, r10 = nat          state before it
//!     add r8 = r9, r10                     //> r8 = nat       state after it, beside the instruction that makes it
//!     st8 [r9] = r9                        //> fault = GENERAL, cr.isr = ei1 | 0x30
//! ```
//!
//! * Places: `r8`, `r16'` (the other bank), `f6`, `p6`, `b6`, `ar.lc`, `cr.isr`, `psr.cpl`, `cr.ipsr.cpl`,
//!   `cfm.sof`, `rr[1]`, `pkr[0]`, `dbr[0]`, `ibr[0]`, `[0x20000]` (a word of memory), `cpuid[4]`. For the state before only:
//!   `translated` (instructions and data, addresses mapped to themselves), `code` (then the PTE of the code page),
//!   `dtc[VA ps 14 key 5]` and `itc[VA ps 14 key 5]` (a PTE to insert).
//! * Values: numbers, `nat`, `natval`, a floating-point register as `SIGN_EXPONENT:SIGNIFICAND`, names of ISR bits and
//!   vectors, `|`, and `?`, which is anything; `memory = ?` is any memory.
//! * `fault` is the vector of the interruption that ends the program; it demands `cr.isr`. Without it the program runs
//!   to its end.
//! * Code starts at 0xf000, in pages that are readable, writable and executable; 0x20000 to 0x50000 is memory for
//!   data, the register stack is at 0x30000.

use std::fmt;

/// A register, a number, or a word of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Value {
    /// Value, significand.
    pub(crate) bits: u64,
    /// NaT bit; sign and exponent.
    pub(crate) tag: u64,
}

impl Value {
    const NAT: Value = Value { bits: 0, tag: 1 };

    /// Is it the same as far as software can see? A general register that is NaT has no value.
    pub(crate) fn agrees(self, other: Value) -> bool {
        self == other || self.tag == 1 && other.tag == 1
    }
}

impl From<u64> for Value {
    fn from(bits: u64) -> Value {
        Value { bits, tag: 0 }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value { bits, tag: 0 } => write!(f, "{bits:#x}"),
            Value { tag: 1, .. } => write!(f, "nat"),
            Value { bits, tag } => write!(f, "{tag:#x}:{bits:#x}"),
        }
    }
}

/// One program.
pub(crate) struct Program {
    /// Line of its title.
    pub(crate) line: usize,
    pub(crate) title: String,
    pub(crate) initial: Vec<(String, Value)>,
    /// `None`: anything.
    pub(crate) expected: Vec<(String, Option<Value>)>,
    /// Offset of the vector it ends at.
    pub(crate) fault: Option<u64>,
    pub(crate) code: String,
}

/// Vectors by their offsets (SDM volume 2, table 5-3) and bits of ISR (figure 3-18).
const NAMES: &[(&str, u64)] = &[
    ("VHPT", 0x0000),
    ("ITLB", 0x0400),
    ("DTLB", 0x0800),
    ("ALTERNATE_ITLB", 0x0c00),
    ("ALTERNATE_DTLB", 0x1000),
    ("NESTED_TLB", 0x1400),
    ("CODE_KEY_MISS", 0x1800),
    ("DATA_KEY_MISS", 0x1c00),
    ("DIRTY", 0x2000),
    ("CODE_ACCESS_BIT", 0x2400),
    ("DATA_ACCESS_BIT", 0x2800),
    ("BREAK", 0x2c00),
    ("EXTERNAL", 0x3000),
    ("NOT_PRESENT", 0x5000),
    ("KEY_PERMISSION", 0x5100),
    ("CODE_RIGHTS", 0x5200),
    ("DATA_RIGHTS", 0x5300),
    ("GENERAL", 0x5400),
    ("DISABLED_FP", 0x5500),
    ("NAT", 0x5600),
    ("SPECULATION", 0x5700),
    ("DEBUG", 0x5900),
    ("UNALIGNED", 0x5a00),
    ("UNSUPPORTED", 0x5b00),
    ("LOWER_PRIVILEGE", 0x5e00),
    ("TAKEN_BRANCH", 0x5f00),
    ("SINGLE_STEP", 0x6000),
    ("x", 1 << 32),
    ("w", 1 << 33),
    ("r", 1 << 34),
    ("na", 1 << 35),
    ("sp", 1 << 36),
    ("rs", 1 << 37),
    ("ir", 1 << 38),
    ("ni", 1 << 39),
    ("ei1", 1 << 41),
    ("ei2", 2 << 41),
    ("ed", 1 << 43),
];

fn term(text: &str) -> Result<u64, String> {
    let text = text.trim();
    if let Some((_, value)) = NAMES.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let digits = text.replace('_', "");
    let parsed = match (digits.strip_prefix("0x"), digits.strip_prefix('-')) {
        (Some(hex), _) => u64::from_str_radix(hex, 16),
        (_, Some(negative)) => negative.parse::<u64>().map(u64::wrapping_neg),
        _ => digits.parse(),
    };
    parsed.map_err(|_| format!("{text:?} is no value"))
}

/// A number or several joined by `|`.
pub(crate) fn number(text: &str) -> Result<u64, String> {
    text.split('|').try_fold(0, |sum, text| Ok(sum | term(text)?))
}

fn value(text: &str) -> Result<Option<Value>, String> {
    Ok(Some(match text {
        "?" => return Ok(None),
        "nat" => Value::NAT,
        "natval" => Value { bits: 0, tag: 0x1fffe },
        _ => match text.split_once(':') {
            Some((tag, bits)) => Value { bits: number(bits)?, tag: number(tag)? },
            None => number(text)?.into(),
        },
    }))
}

/// `place = value, place = value`; a place alone is set to 1.
fn assignments(text: &str) -> Result<Vec<(String, Option<Value>)>, String> {
    text.split(',')
        .map(|assignment| {
            let (place, text) = assignment.split_once('=').unwrap_or((assignment, "1"));
            let place = match place.trim().strip_prefix('[').and_then(|place| place.strip_suffix(']')) {
                Some(address) => format!("[{:#x}]", number(address)?),
                None => place.trim().to_owned(),
            };
            Ok((place, value(text.trim())?))
        })
        .collect()
}

/// The programs of a file.
///
/// # Errors
/// Line and description of the first mistake.
pub(crate) fn parse(source: &str) -> Result<Vec<Program>, String> {
    let mut programs: Vec<Program> = Vec::new();
    for (line, text) in (1..).zip(source.lines()) {
        let at = |error: String| format!("{line}: {error}");
        if let Some(title) = text.strip_prefix("//-") {
            programs.push(Program {
                line,
                title: title.trim().to_owned(),
                initial: Vec::new(),
                expected: Vec::new(),
                fault: None,
                code: String::new(),
            });
            continue;
        }
        let Some(program) = programs.last_mut() else { continue };
        let (code, comment) = text.split_once("//").unwrap_or((text, ""));
        // Every line but the title gives one, so that the assembler counts as we do.
        program.code.push_str(code);
        program.code.push('\n');
        if let Some(before) = comment.strip_prefix('<') {
            for (place, value) in assignments(before).map_err(at)? {
                let value = value.ok_or_else(|| at(format!("{place} must have a value")))?;
                program.initial.push((place, value));
            }
        } else if let Some(after) = comment.strip_prefix('>') {
            for (place, value) in assignments(after).map_err(at)? {
                match (place.as_str(), value) {
                    ("fault", Some(vector)) => program.fault = Some(vector.bits),
                    _ => program.expected.push((place, value)),
                }
            }
        }
    }
    match programs.iter().find(|p| p.fault.is_some() && !p.expected.iter().any(|(name, _)| name == "cr.isr"))
    {
        Some(program) => Err(format!("{}: a fault without cr.isr", program.line)),
        None => Ok(programs),
    }
}
