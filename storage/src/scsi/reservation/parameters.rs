//! The bytes of PERSISTENT RESERVE IN and OUT (SPC-4 clauses 6.15 and 6.16).

use super::{Change, Initiator, Kind, State};
use crate::scsi::cdb::Cdb;
use crate::scsi::sense::Sense;
use crate::scsi::vpd::local_name;

/// Bytes of the parameter list of PERSISTENT RESERVE OUT.
const LIST_LEN: u32 = 24;

/// READ KEYS: all keys, in no order.
pub(in crate::scsi) fn keys(state: &State) -> Vec<u8> {
    let keys = state.registrations.values().flat_map(|key| key.to_be_bytes()).collect();
    with_header(state, keys)
}

/// READ RESERVATION. One that all hold has no key.
pub(in crate::scsi) fn reservation(state: &State) -> Vec<u8> {
    let descriptor = state.held.map(|(holder, kind)| {
        let key = match kind.is_held_by_all() {
            true => 0,
            false => state.registrations.get(&holder).copied().unwrap_or(0),
        };
        [&key.to_be_bytes()[..], &[0; 5], &[kind as u8], &[0; 2]].concat()
    });
    with_header(state, descriptor.unwrap_or_default())
}

/// READ FULL STATUS: a descriptor of each registration.
pub(in crate::scsi) fn full_status(state: &State) -> Vec<u8> {
    let descriptors = state.registrations.iter().flat_map(|(initiator, key)| {
        let is_holder = state.is_holder(*initiator);
        let kind = state.held.filter(|_| is_holder).map_or(0, |(_, kind)| kind as u8);
        // One port; its relative identifier is 1.
        let id = transport_id(*initiator);
        let flags = u8::from(is_holder);
        let len = (id.len() as u32).to_be_bytes();
        [&key.to_be_bytes()[..], &[0; 4], &[flags, kind, 0, 0, 0, 0, 0, 1], &len, &id].concat()
    });
    with_header(state, descriptors.collect())
}

fn with_header(state: &State, data: Vec<u8>) -> Vec<u8> {
    [&state.generation.to_be_bytes()[..], &(data.len() as u32).to_be_bytes(), &data].concat()
}

/// TransportID (SPC-4 clause 7.6.4) of a guest. There is none for our transport; that of SAS has room for a name made
/// from the UUID, and initiators print it.
fn transport_id(initiator: Initiator) -> Vec<u8> {
    const SAS: u8 = 0x06;
    let mut id = vec![0; 24];
    id[0] = SAS;
    id[4..12].copy_from_slice(&local_name(initiator.0));
    id
}

/// A PERSISTENT RESERVE OUT command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::scsi) struct Out {
    /// RESERVATION KEY: that of the initiator.
    pub(in crate::scsi) key: u64,
    pub(in crate::scsi) change: Change,
    /// PREEMPT AND ABORT.
    pub(in crate::scsi) abort: bool,
}

impl Out {
    /// The length of the list, if it is right.
    pub(in crate::scsi) fn list_len(cdb: Cdb<'_>) -> Result<u16, Sense> {
        match cdb.be32(5) {
            LIST_LEN => Ok(LIST_LEN as u16),
            _ => Err(Sense::PARAMETER_LIST_LENGTH),
        }
    }

    /// Reads the command; `can_keep`: APTPL may be asked for.
    pub(in crate::scsi) fn parse(cdb: Cdb<'_>, list: &[u8], can_keep: bool) -> Result<Out, Sense> {
        const FLAGS_AT: usize = 20;
        const SPEC_I_PT: u8 = 0x08;
        const ALL_TG_PT: u8 = 0x04;
        const APTPL: u8 = 0x01;
        let list = Cdb(list);
        let (key, action_key, flags) = (list.be64(0), list.be64(8), list.byte(FLAGS_AT));
        let keep = flags & APTPL != 0;
        if flags & (SPEC_I_PT | ALL_TG_PT) != 0 || (keep && !can_keep) {
            return Err(Sense::parameter_field(FLAGS_AT as u16));
        }
        let (scope, kind) = (cdb.byte(2) >> 4, Kind::from_code(cdb.byte(2) & 0x0f));
        let of_kind = || match (scope, kind) {
            (0, Some(kind)) => Ok(kind),
            (0, None) => Err(Sense::cdb_field(2, 3)),
            _ => Err(Sense::cdb_field(2, 7)),
        };
        let change = match cdb.byte(1) & 0x1f {
            0 => Change::Register { new_key: action_key, ignore_existing: false, keep },
            1 => Change::Reserve(of_kind()?),
            2 => Change::Release(of_kind()?),
            3 => Change::Clear,
            4 | 5 => Change::Preempt { victim: action_key, kind: of_kind()? },
            6 => Change::Register { new_key: action_key, ignore_existing: true, keep },
            _ => return Err(Sense::cdb_field(1, 4)),
        };
        Ok(Out { key, change, abort: cdb.byte(1) & 0x1f == 5 })
    }
}
