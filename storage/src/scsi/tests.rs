//! What all command tables have in common, and a logical unit number without a unit behind it.

use super::command::Row;
use super::*;

/// A device type's table can be searched, and each command has the length that its operation code says.
pub(super) fn check_table<U>(rows: &[Row<U>]) {
    for pair in rows.windows(2) {
        assert!((pair[0].opcode, pair[0].service_action) < (pair[1].opcode, pair[1].service_action));
    }
    for row in rows {
        // SPC-4 table 27: group code in the upper three bits.
        let len = [6, 10, 10, 0, 16, 12, 0, 0][usize::from(row.opcode >> 5)];
        assert_eq!((row.usage.len(), row.usage[0]), (len, row.opcode), "{}", row.name);
    }
}

fn absent(cdb: &[u8], room: usize) -> (Execution, Vec<u8>) {
    let mut memory = vec![0; room];
    let data_in = Segments::from_slice(&mut memory);
    let execution = lun::execute_absent(&Command {
        cdb,
        data_out: &Segments::empty(),
        data_in: &data_in,
        delivery: Delivery::default(),
    });
    drop(data_in);
    (execution, memory)
}

#[test]
fn inquiry_to_an_absent_unit_says_that_there_is_none() {
    let (execution, data) = absent(&[0x12, 0, 0, 0, 36, 0], 36);
    assert_eq!(execution, Execution::Done(Completion { sense: None, data_out: 0, data_in: 36 }));
    assert_eq!(data[0], 0x7f, "peripheral qualifier 011b, device type 1Fh");
}

#[test]
fn report_luns_to_an_absent_unit_names_lun_0() {
    let (execution, data) = absent(&[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0], 16);
    assert_eq!(execution, Execution::Done(Completion { sense: None, data_out: 0, data_in: 16 }));
    assert_eq!(data, [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn other_commands_to_an_absent_unit_are_illegal_requests() {
    for cdb in [[0x00, 0, 0, 0, 0, 0], [0x28, 0, 0, 0, 0, 0], [0x12, 1, 0x80, 0, 255, 0]] {
        let (execution, _) = absent(&cdb, 0);
        let sense = Some(Sense::LUN_NOT_SUPPORTED);
        assert_eq!(execution, Execution::Done(Completion { sense, data_out: 0, data_in: 0 }));
    }
    let (_, data) = absent(&[0x03, 0, 0, 0, 18, 0], 18);
    assert_eq!((data[2], data[12], data[13]), (0x05, 0x25, 0x00));
}

#[test]
fn answer_longer_than_the_buffer_is_an_overrun() {
    assert_eq!(absent(&[0x12, 0, 0, 0, 36, 0], 35).0, Execution::Overrun);
    assert_eq!(absent(&[], 0).0, absent(&[0; 6], 0).0);
}
