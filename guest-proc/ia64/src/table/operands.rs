//! Operand texts such as `"r1 = [r3], r2"` and the register roles they imply.
//!
//! The words `r1`..`r4`, `f1`..`f4`, `b1`, `b2`, `ar3` and `cr3` name the `Insn` field of that number and its register
//! file, `p1` and `p2` the predicate fields. What stands left of the equals sign outside brackets is a target, the rest
//! is a source; without an equals sign nothing is a target. Every other word is an immediate or itself.

/// A register file named by an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum File {
    /// General registers: rotating and stacked above 31.
    Gr,
    /// Floating-point registers: rotating above 31.
    Fr,
    /// Branch registers.
    Br,
    /// Application registers.
    Ar,
    /// Control registers.
    Cr,
}

/// What is done with a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Its value is an operand.
    Read,
    /// It is a target.
    Write,
    /// Both: the base register of an access with post-increment.
    ReadWrite,
    /// Only its number matters (`chk.a`, `invala.e`).
    Name,
}

/// The register an `Insn` field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    /// The register file.
    pub file: File,
    /// Read, written, both or neither.
    pub access: Access,
}

impl Role {
    /// Whether the register is a target.
    #[inline]
    pub const fn is_written(self) -> bool {
        matches!(self.access, Access::Write | Access::ReadWrite)
    }

    /// Whether the register's value is used.
    #[inline]
    pub const fn is_read(self) -> bool {
        matches!(self.access, Access::Read | Access::ReadWrite)
    }
}

/// The operands of a row.
#[derive(Clone, Copy, Debug)]
pub struct Operands {
    /// In the manual's notation.
    pub text: &'static str,
    /// Roles of `r1`..`r4`.
    pub roles: [Option<Role>; 4],
    /// Whether `p1` is a target.
    pub p1: bool,
    /// Whether `p2` is a target.
    pub p2: bool,
}

impl Operands {
    /// Reads the roles from the text; `writes_base` says that the register in brackets is written as well.
    pub(super) const fn new(text: &'static str, writes_base: bool) -> Self {
        let bytes = text.as_bytes();
        let mut operands = Self { text, roles: [None; 4], p1: false, p2: false };
        let mut target = contains(bytes, b'=');
        let mut bracket = false;
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'.') {
                at += 1;
            }
            if at > start {
                let access = match (target, bracket) {
                    (_, true) if writes_base => Access::ReadWrite,
                    (_, true) | (false, _) => Access::Read,
                    (true, false) => Access::Write,
                };
                operands.note(bytes, start, at, access);
                continue;
            }
            match bytes[at] {
                b'=' => target = false,
                b'[' => bracket = true,
                b']' => bracket = false,
                _ => {}
            }
            at += 1;
        }
        operands
    }

    /// Takes down the word `bytes[start..end]` if it names a register.
    const fn note(&mut self, bytes: &[u8], start: usize, end: usize, access: Access) {
        let last = bytes[end - 1];
        let (file, number) = match (end - start, bytes[start], last) {
            (2, b'p', b'1') => {
                self.p1 = true;
                return;
            }
            (2, b'p', b'2') => {
                self.p2 = true;
                return;
            }
            (2, b'r', b'1'..=b'3') => (File::Gr, last - b'1'),
            (2, b'f', b'1'..=b'4') => (File::Fr, last - b'1'),
            (2, b'b', b'1'..=b'2') => (File::Br, last - b'1'),
            (3, b'a', b'3') => (File::Ar, 2),
            (3, b'c', b'3') => (File::Cr, 2),
            _ => return,
        };
        // A target position without an equals sign does not exist, so r1 or f1 as a source is only a name.
        let access = if number == 0 && matches!(access, Access::Read) { Access::Name } else { access };
        self.roles[number as usize] = Some(Role { file, access });
    }
}

const fn contains(bytes: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(file: File, access: Access) -> Option<Role> {
        Some(Role { file, access })
    }

    #[test]
    fn left_of_the_equals_sign_is_written_unless_in_brackets() {
        let load = Operands::new("r1 = [r3], r2", true);
        assert_eq!(
            load.roles,
            [
                role(File::Gr, Access::Write),
                role(File::Gr, Access::Read),
                role(File::Gr, Access::ReadWrite),
                None
            ]
        );
        let store = Operands::new("[r3] = f2", false);
        assert_eq!(store.roles, [None, role(File::Fr, Access::Read), role(File::Gr, Access::Read), None]);
    }

    #[test]
    fn pairs_of_floating_point_targets_are_both_written() {
        let pair = Operands::new("f1, f2 = [r3], 8", true);
        assert_eq!(
            pair.roles,
            [
                role(File::Fr, Access::Write),
                role(File::Fr, Access::Write),
                role(File::Gr, Access::ReadWrite),
                None
            ]
        );
    }

    #[test]
    fn words_that_are_no_registers_have_no_role() {
        let alloc = Operands::new("r1 = ar.pfs, i, l, o, r", false);
        assert_eq!(alloc.roles, [role(File::Gr, Access::Write), None, None, None]);
        let approximation = Operands::new("f1, p2 = f2, f3", false);
        assert!(approximation.p2 && !approximation.p1);
    }

    #[test]
    fn an_operand_that_is_only_looked_up_is_a_name() {
        assert_eq!(Operands::new("r1, target25", false).roles[0], role(File::Gr, Access::Name));
    }
}
