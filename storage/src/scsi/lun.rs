//! A logical unit number behind which there is no logical unit (SAM-5 clause 4.6.4, SPC-4 clause 6.4.2).

use super::cdb::Cdb;
use super::{Command, Completion, Execution, Sense};

/// INQUIRY data of an incorrect logical unit number: peripheral qualifier 011b, device type 1Fh.
const NOT_A_UNIT: u8 = 0x7f;

/// Carries out a command addressed to a LUN other than 0 of an existing target.
pub fn execute_absent(command: &Command<'_>) -> Execution {
    const REQUEST_SENSE: u8 = 0x03;
    const INQUIRY: u8 = 0x12;
    const REPORT_LUNS: u8 = 0xa0;
    let cdb = Cdb(command.cdb);
    let (data, allocation_len) = match cdb.byte(0) {
        INQUIRY if !cdb.bit(1, 0) => {
            let mut data = vec![0; 36];
            data[0] = NOT_A_UNIT;
            data[2] = 0x06;
            data[3] = 0x02;
            data[4] = 31;
            (data, usize::from(cdb.be16(3)))
        }
        REPORT_LUNS => return single_lun(command),
        REQUEST_SENSE => (Sense::LUN_NOT_SUPPORTED.fixed().to_vec(), usize::from(cdb.byte(4))),
        _ => {
            return Execution::Done(Completion {
                sense: Some(Sense::LUN_NOT_SUPPORTED),
                data_out: 0,
                data_in: 0,
            });
        }
    };
    reply(command, &data, allocation_len)
}

/// Carries out REPORT LUNS of a target whose one unit is LUN 0.
pub(crate) fn single_lun(command: &Command<'_>) -> Execution {
    reply(command, &super::spc::SINGLE_LUN, Cdb(command.cdb).be32(6) as usize)
}

fn reply(command: &Command<'_>, data: &[u8], allocation_len: usize) -> Execution {
    let data = &data[..data.len().min(allocation_len)];
    if command.data_in.len_bytes() < data.len() as u64 {
        return Execution::Overrun;
    }
    let data_in = command.data_in.write(0, data) as u64;
    Execution::Done(Completion { sense: None, data_out: 0, data_in })
}
