//! Log pages: errors, data moved, TapeAlert (SPC-4 clause 7.3, SSC-3 clauses 4.2.17 and 8.2).

use super::{Inner, Moved, Sense, Stop, TapePort, Task};

/// TapeAlert flags by their numbers in SSC-3 table A.1.
pub(super) const READ_FAILURE: u8 = 5;
pub(super) const WRITE_FAILURE: u8 = 6;
pub(super) const WRITE_PROTECTED: u8 = 9;
pub(super) const NO_REMOVAL: u8 = 10;

const TAPE_ALERT: u8 = 0x2e;
/// The pages there are.
const PAGES: [u8; 5] = [0x00, 0x02, 0x03, 0x0c, TAPE_ALERT];

/// TapeAlert flags that are raised: until they are read.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Alerts {
    /// Flag 1 is the most significant bit, as in the medium auxiliary memory.
    flags: u64,
    errors: u64,
}

impl Alerts {
    pub(super) fn raise(&mut self, flag: u8) {
        self.flags |= 1 << (64 - flag);
        self.errors += u64::from(matches!(flag, READ_FAILURE | WRITE_FAILURE));
    }

    pub(super) fn flags(self) -> u64 {
        self.flags
    }
}

impl TapePort {
    /// LOG SENSE (SPC-4 clause 6.8), cumulative values.
    pub(super) fn log_sense(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let (page, first) = (task.cdb.byte(2) & 0x3f, task.cdb.be16(5));
        if task.cdb.bit(1, 0) {
            return Err(Sense::cdb_field(1, 0).into());
        }
        if task.cdb.byte(3) != 0 {
            return Err(Sense::cdb_field(3, 7).into());
        }
        let mut inner = self.inner();
        let content: Vec<u8> = match page {
            0 => PAGES.to_vec(),
            _ => parameters(page, &inner)
                .ok_or(Sense::cdb_field(2, 5))?
                .into_iter()
                .filter(|(code, _)| *code >= first)
                .flat_map(|(code, value)| {
                    // Format and linking: binary list parameters.
                    const BINARY: u8 = 0x03;
                    let [high, low] = code.to_be_bytes();
                    [&[high, low, BINARY, value.len() as u8], &value[..]].concat()
                })
                .collect(),
        };
        let [high, low] = (content.len() as u16).to_be_bytes();
        let moved = task.reply(&[&[page, 0, high, low], &content[..]].concat(), task.cdb.be16(7).into())?;
        if page == TAPE_ALERT {
            inner.alerts.flags = 0;
        }
        Ok(moved)
    }

    /// LOG SELECT (SPC-4 clause 6.7): PCR, with no parameters, begins to count anew.
    pub(super) fn log_select(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        if task.cdb.be16(7) != 0 {
            return Err(Sense::cdb_field(7, 7).into());
        }
        if task.cdb.bit(1, 1) {
            let mut inner = self.inner();
            inner.alerts = Alerts::default();
            inner.statistics = super::Traffic::default();
        }
        Ok(Moved::NOTHING)
    }
}

/// Parameters of a page: code and value.
fn parameters(page: u8, inner: &Inner) -> Option<Vec<(u16, Vec<u8>)>> {
    const BYTES_PROCESSED: u16 = 0x0005;
    const UNCORRECTED: u16 = 0x0006;
    let traffic = inner.statistics;
    let count = |value: u64| value.to_be_bytes().to_vec();
    let errors = |bytes| {
        (0..=UNCORRECTED)
            .map(|code| match code {
                BYTES_PROCESSED => (code, count(bytes)),
                UNCORRECTED => (code, count(inner.alerts.errors)),
                _ => (code, count(0)),
            })
            .collect()
    };
    Some(match page {
        0x02 => errors(traffic.written),
        0x03 => errors(traffic.read),
        // Sequential-Access Device: what initiators sent is what is on the tape, and back; no cleaning is needed.
        0x0c => {
            let mut parameters: Vec<_> = [traffic.written, traffic.written, traffic.read, traffic.read]
                .into_iter()
                .zip(0..)
                .map(|(bytes, code)| (code, count(bytes)))
                .collect();
            parameters.push((0x0100, count(0)));
            parameters
        }
        TAPE_ALERT => {
            let flag = |number: u16| (inner.alerts.flags >> (64 - number) & 1) as u8;
            (1..=64).map(|number| (number, vec![flag(number)])).collect()
        }
        _ => return None,
    })
}
