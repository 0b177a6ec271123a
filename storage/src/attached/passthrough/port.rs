//! A guest's way to a device of the host.

use std::sync::Arc;

use super::news::News;
use super::{PassThrough, cdb};
use crate::backing::Patience;
use crate::scsi::{Attentions, Foreign};
use crate::scsi::{
    Command, Completion, Execution, Initiator, Reset, Statistics, StatisticsSnapshot, Target, Undelivered,
    Wait, single_lun,
};
use crate::segments::Segments;

const INQUIRY: u8 = 0x12;
const REQUEST_SENSE: u8 = 0x03;
const RESERVE_6: u8 = 0x16;
const RELEASE_6: u8 = 0x17;
const REPORT_LUNS: u8 = 0xa0;
/// CHECK CONDITION.
const CHECK: u8 = 0x02;

pub(super) struct Port {
    device: Arc<PassThrough>,
    initiator: Initiator,
    attentions: Attentions,
    news: Arc<News>,
    statistics: Statistics,
}

impl Port {
    pub(super) fn new(device: Arc<PassThrough>, initiator: Initiator) -> Port {
        let attentions = Attentions::default();
        attentions.establish(Reset::PowerOn.sense());
        let news = device.circle.join();
        Port { device, initiator, attentions, news, statistics: Statistics::default() }
    }

    fn deliver(&self, command: &Command<'_>) -> Execution {
        let cdb = &command.cdb[..cdb::len(command.cdb)];
        let opcode = cdb.first().copied().unwrap_or_default();
        let limit = cdb::time_limit(self.device.found.device_type, opcode);
        let data = (command.data_out, command.data_in);
        match self.device.execute(cdb, data, limit, Some(&self.news)) {
            Ok(answer) => {
                self.note(opcode, &answer);
                Execution::Foreign(answer)
            }
            Err(outcome) => {
                self.statistics.errors.add(1);
                let path = self.device.found.generic.display();
                tracing::warn!(device = %path, opcode, ?outcome, "command was not carried out");
                Execution::Undelivered(outcome)
            }
        }
    }

    fn note(&self, opcode: u8, answer: &Foreign) {
        match answer.status {
            0 if opcode == RESERVE_6 => *self.device.reserved_by() = Some(self.initiator),
            0 if opcode == RELEASE_6 => *self.device.reserved_by() = None,
            _ => {}
        }
        if answer.status == CHECK {
            self.statistics.refused.add(1);
        } else if answer.data_in > 0 {
            self.statistics.reads.add(1);
            self.statistics.read_bytes.add(answer.data_in);
        } else if answer.data_out > 0 {
            self.statistics.writes.add(1);
            self.statistics.written_bytes.add(answer.data_out);
        }
    }

    /// To the device all guests are one initiator, the host: what one of them has reserved would stay for ever.
    fn release(&self) {
        let was_ours = self.device.reserved_by().take_if(|holder| *holder == self.initiator).is_some();
        if was_ours && let Err(outcome) = self.device.ask(&[RELEASE_6, 0, 0, 0, 0, 0], &Segments::empty()) {
            let path = self.device.found.generic.display();
            tracing::warn!(device = %path, ?outcome, "reservation could not be released");
        }
    }
}

impl Target for Port {
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution {
        let opcode = command.cdb.first().copied().unwrap_or_default();
        if opcode == REPORT_LUNS {
            // The guest was given this unit alone.
            return single_lun(command);
        }
        if command.delivery.again && !is_repeatable(opcode) {
            // It may have been carried out: what became of it the guest has to find out. A unit attention would say that it
            // has not been.
            return Execution::Undelivered(Undelivered::Reset);
        }
        if ![INQUIRY, REQUEST_SENSE].contains(&opcode)
            && let Some(sense) = self.attentions.take()
        {
            return Execution::Done(Completion { sense: Some(sense), data_out: 0, data_in: 0 });
        }
        if ![INQUIRY, REQUEST_SENSE].contains(&opcode)
            && let Some(answer) = self.news.take()
        {
            self.statistics.refused.add(1);
            return Execution::Foreign(answer);
        }
        match patience {
            Patience::Unlimited => self.deliver(command),
            Patience::Immediate | Patience::Handover => Execution::WouldWait(Wait::Long),
        }
    }

    fn reset(&self, reset: Reset) {
        match reset {
            Reset::PowerOn => {}
            // Other guests may be using the device: it is not reset for the sake of one that begins anew.
            Reset::Adapter | Reset::Nexus => self.release(),
            // By `recall`; the device itself tells of it.
            Reset::LogicalUnit => {
                *self.device.reserved_by() = None;
                return;
            }
        }
        self.attentions.establish(reset.sense());
    }

    fn recall(&self) -> bool {
        let reset = self.device.sg.reset();
        if let Err(error) = &reset {
            tracing::warn!(device = %self.device.found.generic.display(), %error, "reset failed");
        }
        // Commands that the device has forgotten do not come back by themselves.
        self.device.sg.recall();
        reset.is_ok()
    }

    fn statistics(&self) -> StatisticsSnapshot {
        self.statistics.snapshot()
    }
}

/// Commands that may be carried out twice: those that only ask.
fn is_repeatable(opcode: u8) -> bool {
    // TEST UNIT READY, REQUEST SENSE, INQUIRY, MODE SENSE, READ BLOCK LIMITS, READ POSITION, LOG SENSE, READ ELEMENT STATUS.
    [0x00, REQUEST_SENSE, INQUIRY, 0x1a, 0x5a, 0x05, 0x34, 0x4d, 0xb8].contains(&opcode)
}

impl Drop for Port {
    fn drop(&mut self) {
        self.release();
    }
}
