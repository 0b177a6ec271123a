//! The words of a tape image in SIMH's extended format ("SIMH Magtape Representation and Handling", 17 January 2022).
//!
//! ```text
//!   marker:  word
//!   record:  word | data | a byte of padding if their number is odd | the same word
//!
//!   word, 4 bytes little-endian:  bits 31-28 class | bits 27-0 length or value
//! ```
//!
//! SIMH has no setmarks. A private marker stands for them, which other readers pass over.

/// Bytes of a marker, and of the words around a record.
pub(super) const WORD: u64 = 4;
/// Tape mark: a filemark.
pub(super) const FILEMARK: u32 = 0x0000_0000;
/// Setmark: our private marker ("SMK").
pub(super) const SETMARK: u32 = 0x7053_4d4b;
/// A piece of erased tape.
pub(super) const ERASE_GAP: u32 = 0xffff_fffe;
/// Nothing that follows counts.
pub(super) const END_OF_MEDIUM: u32 = 0xffff_ffff;
/// Second half of an erase gap marker, the first of which was overwritten, and half of the next.
const HALF_GAP: u32 = 0xfffe_ffff;

/// What a word at the beginning of an object means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    Filemark,
    Setmark,
    EndOfMedium,
    /// Something to pass over, of so many bytes.
    Gap(u64),
    /// A record of so many bytes of data.
    Record {
        len: u32,
        /// The data are in doubt.
        bad: bool,
        /// Not of the tape, but about it, or of another program's.
        foreign: bool,
    },
    /// Nothing that may stand there.
    Illegal,
}

impl Word {
    pub(super) fn of(word: u32) -> Word {
        let (class, len) = (word >> 28, word & 0x0fff_ffff);
        match (class, word) {
            (_, FILEMARK) => Word::Filemark,
            (_, SETMARK) => Word::Setmark,
            (_, END_OF_MEDIUM) => Word::EndOfMedium,
            (_, ERASE_GAP) => Word::Gap(WORD),
            (_, HALF_GAP) => Word::Gap(WORD / 2),
            (0, _) => Word::Record { len, bad: false, foreign: false },
            (8, _) => Word::Record { len, bad: true, foreign: false },
            (0x1..=0x6 | 0x9..=0xe, _) => Word::Record { len, bad: false, foreign: true },
            (0x7, _) | (_, 0xf000_0000..=0xfffd_ffff) => Word::Gap(WORD),
            _ => Word::Illegal,
        }
    }
}

/// Bytes that a record of `len` bytes occupies.
pub fn stored_len(len: u32) -> u64 {
    2 * WORD + u64::from(len).next_multiple_of(2)
}

#[test]
fn words_mean_what_the_document_says() {
    let record = |len, bad, foreign| Word::Record { len, bad, foreign };
    for (word, meaning) in [
        (0x0000_0000, Word::Filemark),
        (0x0000_0001, record(1, false, false)),
        (0x0fff_ffff, record(0x0fff_ffff, false, false)),
        (0x1000_0000, record(0, false, true)),
        (0x6000_0010, record(16, false, true)),
        (0x7000_0000, Word::Gap(4)),
        (0x8000_0000, record(0, true, false)),
        (0x8000_0100, record(256, true, false)),
        (0x9000_0002, record(2, false, true)),
        (0xe000_0002, record(2, false, true)),
        (0xf000_0000, Word::Gap(4)),
        (0xfffd_ffff, Word::Gap(4)),
        (0xfffe_0000, Word::Illegal),
        (0xfffe_fffe, Word::Illegal),
        (0xfffe_ffff, Word::Gap(2)),
        (0xffff_fffd, Word::Illegal),
        (0xffff_fffe, Word::Gap(4)),
        (0xffff_ffff, Word::EndOfMedium),
    ] {
        assert_eq!(Word::of(word), meaning, "{word:#010x}");
    }
    assert_eq!([0, 1, 2, 0xff_ffff].map(stored_len), [8, 10, 10, 0x100_0008]);
}
