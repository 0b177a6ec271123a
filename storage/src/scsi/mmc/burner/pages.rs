//! Mode pages of a burner: write parameters, capabilities and mechanical status (MMC-6 clauses 7.5 and 7.2).

use super::super::super::mode::Page;
use crate::disc::{Kind, Status};

/// Code of the write parameters page.
const WRITE_PARAMETERS: u8 = 0x05;

/// KB a second: speed 48 of CDs, 16 of DVDs.
pub(super) fn speed(kind: Option<Kind>) -> u16 {
    if kind.is_some_and(Kind::is_cd) { 8467 } else { 22_160 }
}

/// WRITE TYPE (MMC-6 table 667).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WriteType {
    /// Packets, or increments.
    Incremental,
    TrackAtOnce,
    /// Session at once; of DVDs, disc at once.
    SessionAtOnce,
    /// Raw, and what is reserved.
    Other,
}

/// The write parameters mode page (MMC-6 table 666), from byte 2 on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct WriteParameters([u8; 50]);

impl Default for WriteParameters {
    /// Track at once, another session may follow, sectors of 2048 bytes, two seconds of pause between audio tracks.
    fn default() -> WriteParameters {
        let mut content = [0; 50];
        content[0] = 0x41; // BUFE; track at once.
        content[1] = 0xc4; // MULTI-SESSION 11b; a data track.
        content[2] = 0x08; // Mode 1, 2048 bytes.
        content[13] = 150;
        WriteParameters(content)
    }
}

impl WriteParameters {
    /// What MODE SELECT made of the page; `None` for other pages.
    pub(super) fn selected(page: &Page) -> Option<WriteParameters> {
        let content = <[u8; 50]>::try_from(&page.current[..]).ok()?;
        (page.code == WRITE_PARAMETERS).then_some(WriteParameters(content))
    }

    pub(super) fn write_type(&self) -> WriteType {
        match self.0[0] & 0x0f {
            0 => WriteType::Incremental,
            1 => WriteType::TrackAtOnce,
            2 => WriteType::SessionAtOnce,
            _ => WriteType::Other,
        }
    }

    /// TEST WRITE: nothing gets onto the disc.
    pub(super) fn is_test(&self) -> bool {
        const TEST_WRITE: u8 = 0x10;
        self.0[0] & TEST_WRITE != 0
    }

    /// As hexadecimal digits.
    pub(super) fn to_word(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn from_word(word: &str) -> Option<WriteParameters> {
        let digits = |at: usize| u8::from_str_radix(word.get(2 * at..2 * at + 2)?, 16).ok();
        let content: Vec<u8> = (0..word.len() / 2).map(digits).collect::<Option<_>>()?;
        Some(WriteParameters(content.try_into().ok()?))
    }

    /// MULTI-SESSION: another session may follow the one that is closed next.
    pub(super) fn is_appendable(&self) -> bool {
        self.0[1] >> 6 == 0b11
    }

    /// DATA BLOCK TYPE is one of sectors of 2048 bytes: mode 1, or mode 2 form 1.
    pub(super) fn is_data(&self) -> bool {
        matches!(self.0[2] & 0x0f, 8 | 10)
    }
}

/// Whether the write parameters are of such a disc (MMC-6 clause 7.5); to others they mean nothing.
pub(super) fn are_of(kind: Kind, status: Status) -> bool {
    let is_sequential = kind.is_cd() || matches!(kind, Kind::DvdMinusR | Kind::DvdMinusRw);
    is_sequential && status != Status::Formatted
}

/// The mode pages: read error recovery, write parameters, time-out and protect, capabilities.
pub(super) fn mode(parameters: &WriteParameters, locked: bool, kind: Option<Kind>) -> Vec<Page> {
    vec![
        Page::fixed(0x01, &[0; 10]),
        Page {
            code: WRITE_PARAMETERS,
            current: parameters.0.to_vec(),
            default: WriteParameters::default().0.to_vec(),
            changeable: vec![0xff; 50],
        },
        Page::fixed(0x1d, &[0; 8]),
        Page {
            default: capabilities(false, kind),
            current: capabilities(locked, kind),
            ..Page::fixed(0x2a, &capabilities(false, kind))
        },
    ]
}

/// CD/DVD capabilities (MMC-3 clause 5.5.10), from byte 2 on, with the one write speed there is.
fn capabilities(locked: bool, kind: Option<Kind>) -> Vec<u8> {
    /// DVD-R, DVD-ROM, CD-RW, CD-R.
    const READS: u8 = 0x1b;
    /// DVD-R, test write, CD-RW, CD-R.
    const WRITES: u8 = 0x17;
    /// BUF, several sessions, mode 2 form 1.
    const FORMS: u8 = 0xd0;
    const TRAY: u8 = 0x20;
    const EJECTS: u8 = 0x08;
    const LOCKED: u8 = 0x02;
    const LOCKS: u8 = 0x01;
    const BUFFER_KB: u16 = 512;
    let speed = speed(kind).to_be_bytes();
    let mut page = vec![0; 34];
    page[0] = READS;
    page[1] = WRITES;
    page[2] = FORMS;
    page[4] = TRAY | EJECTS | LOCKS | if locked { LOCKED } else { 0 };
    for speed_at in [6, 12, 16, 18, 26, 32] {
        page[speed_at..speed_at + 2].copy_from_slice(&speed);
    }
    page[10..12].copy_from_slice(&BUFFER_KB.to_be_bytes());
    // One write speed descriptor.
    page[29] = 1;
    page
}
