//! Commands to a target as the tests of every device type send them, what all command tables have in common, and a
//! logical unit number without a unit behind it.

use super::command::{LogicalUnit, Row, rows};
use super::*;

/// Room for the answer to any command here.
const ROOM: usize = 1 << 17;

/// Sends a command with these data; what became of it, and the memory for its answer.
pub(super) fn run(target: &dyn Target, cdb: &[u8], data_out: &[u8], room: usize) -> (Execution, Vec<u8>) {
    run_with(target, cdb, data_out, room, Patience::Unlimited)
}

/// The same with another patience.
pub(super) fn run_with(
    target: &dyn Target,
    cdb: &[u8],
    data_out: &[u8],
    room: usize,
    patience: Patience,
) -> (Execution, Vec<u8>) {
    let (mut out, mut memory) = (data_out.to_vec(), vec![0xee; room]);
    let (data_out, data_in) = (Segments::from_slice(&mut out), Segments::from_slice(&mut memory));
    let command = Command { cdb, data_out: &data_out, data_in: &data_in, delivery: Delivery::default() };
    let execution = target.execute(&command, patience);
    drop(data_in);
    (execution, memory)
}

/// A command block of this row that passes the first checks: `bytes` where they are used.
pub(super) fn accepted<U>(row: &Row<U>, bytes: &[u8]) -> Vec<u8> {
    let byte = |(i, used): (usize, &u8)| match (i, row.service_action) {
        (0, _) => row.opcode,
        (1, Some(action)) => action,
        _ => bytes.get(i).copied().unwrap_or(0) & used,
    };
    row.usage.iter().enumerate().map(byte).collect()
}

/// What a command answers that must succeed.
pub(super) fn send(target: &dyn Target, cdb: &[u8], data_out: &[u8]) -> Vec<u8> {
    let (execution, mut memory) = run(target, cdb, data_out, ROOM);
    let Execution::Done(Completion { sense: None, data_in, .. }) = execution else {
        panic!("{cdb:02x?}: {execution:?}")
    };
    memory.truncate(data_in as usize);
    memory
}

/// The same of a command without data.
pub(super) fn data(target: &dyn Target, cdb: &[u8]) -> Vec<u8> {
    send(target, cdb, &[])
}

/// Why a command does not succeed.
pub(super) fn refusal(target: &dyn Target, cdb: &[u8], data_out: &[u8]) -> Sense {
    match run(target, cdb, data_out, ROOM).0 {
        Execution::Done(Completion { sense: Some(sense), .. }) => sense,
        other => panic!("{cdb:02x?}: {other:?}"),
    }
}

/// The same of a command without data.
pub(super) fn sense(target: &dyn Target, cdb: &[u8]) -> Sense {
    refusal(target, cdb, &[])
}

/// A CDB of the right length with these bytes set.
pub(super) fn cdb<U: LogicalUnit>(opcode: u8, bytes: &[(usize, u8)]) -> Vec<u8> {
    let row = rows::<U>().find(|row| row.opcode == opcode).unwrap();
    let mut cdb = vec![0; row.usage.len()];
    cdb[0] = opcode;
    bytes.iter().for_each(|(at, value)| cdb[*at] |= *value);
    cdb
}

/// The commands of a device type are different ones, each table can be searched, and each command has the length that its
/// operation code says.
pub(super) fn check_tables<U: LogicalUnit>() {
    let name = |row: &Row<U>| (row.opcode, row.service_action);
    U::commands().iter().for_each(|table| assert!(table.is_sorted_by(|a, b| name(a) < name(b))));
    let names: std::collections::BTreeSet<_> = rows::<U>().map(name).collect();
    assert_eq!(names.len(), rows::<U>().count(), "a command stands twice");
    for row in rows::<U>() {
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
