//! The SCSI host device of virtio (virtio 1.2 clause 5.6): configuration, LUN format, and the bytes of requests,
//! responses and events.

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Index of the control queue.
pub(super) const CONTROL_QUEUE: u16 = 0;
/// Index of the event queue.
pub(super) const EVENT_QUEUE: u16 = 1;
/// Index of the first request queue.
pub(super) const FIRST_REQUEST_QUEUE: u16 = 2;

/// Driver is told of devices that come and go.
pub(super) const F_HOTPLUG: u64 = 1 << 1;

/// Driver is told of devices that change, such as their size.
pub(super) const F_CHANGE: u64 = 1 << 2;

/// Most targets of an adapter.
pub(super) const MAX_TARGET: u8 = storage::statement::TARGETS - 1;
/// Bytes of a CDB in a request.
pub(super) const CDB_SIZE: usize = 32;
/// Bytes of sense data in a response.
pub(super) const SENSE_SIZE: usize = 96;

/// Device configuration (clause 5.6.4).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct Config {
    pub(super) num_queues: U32,
    pub(super) seg_max: U32,
    pub(super) max_sectors: U32,
    pub(super) cmd_per_lun: U32,
    pub(super) event_info_size: U32,
    pub(super) sense_size: U32,
    pub(super) cdb_size: U32,
    pub(super) max_channel: U16,
    pub(super) max_target: U16,
    pub(super) max_lun: U32,
}

impl Config {
    /// For an adapter with `request_queues` request queues.
    pub(super) fn new(request_queues: u16) -> Config {
        Config {
            num_queues: u32::from(request_queues).into(),
            // Header and response take one descriptor each of the smallest ring our front-end offers.
            seg_max: 126.into(),
            max_sectors: 0xffff.into(),
            cmd_per_lun: 128.into(),
            event_info_size: (size_of::<Event>() as u32).into(),
            sense_size: (SENSE_SIZE as u32).into(),
            cdb_size: (CDB_SIZE as u32).into(),
            max_channel: 0.into(),
            max_target: u16::from(MAX_TARGET).into(),
            max_lun: 0.into(),
        }
    }
}

/// Beginning of a request, device-readable (clause 5.6.6.1).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct RequestHeader {
    pub(super) lun: [u8; 8],
    pub(super) id: U64,
    pub(super) task_attribute: u8,
    pub(super) priority: u8,
    pub(super) crn: u8,
    pub(super) cdb: [u8; CDB_SIZE],
}

/// Beginning of a response, device-writable.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct ResponseHeader {
    pub(super) sense_len: U32,
    pub(super) residual: U32,
    pub(super) status_qualifier: U16,
    pub(super) status: u8,
    pub(super) response: u8,
    pub(super) sense: [u8; SENSE_SIZE],
}

/// Response codes (clauses 5.6.6.1 and 5.6.6.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Response {
    /// Done: for a command, see its status; for a task management function, there was nothing left to do.
    Complete = 0,
    Overrun = 1,
    Aborted = 2,
    BadTarget = 3,
    Reset = 4,
    Busy = 5,
    TransportFailure = 6,
    Failure = 9,
    /// A task management function that did something, or found what it asked for.
    Succeeded = 10,
    Rejected = 11,
    IncorrectLun = 12,
}

/// Types of control requests (clause 5.6.6.2).
pub(super) mod control {
    pub(in super::super) const TASK_MANAGEMENT: u32 = 0;
    pub(in super::super) const EVENT_QUERY: u32 = 1;
    pub(in super::super) const EVENT_SUBSCRIBE: u32 = 2;
}

/// Task management functions.
pub(super) mod task {
    pub(in super::super) const ABORT_TASK: u32 = 0;
    pub(in super::super) const ABORT_TASK_SET: u32 = 1;
    pub(in super::super) const CLEAR_TASK_SET: u32 = 3;
    pub(in super::super) const I_T_NEXUS_RESET: u32 = 4;
    pub(in super::super) const LOGICAL_UNIT_RESET: u32 = 5;
    pub(in super::super) const QUERY_TASK: u32 = 6;
    pub(in super::super) const QUERY_TASK_SET: u32 = 7;
}

/// A task management request, device-readable.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct TaskManagement {
    pub(super) kind: U32,
    pub(super) function: U32,
    pub(super) lun: [u8; 8],
    pub(super) id: U64,
}

/// An asynchronous notification query or subscription, device-readable.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct NotificationRequest {
    pub(super) kind: U32,
    pub(super) lun: [u8; 8],
    pub(super) events: U32,
}

/// The answer to it, device-writable.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct NotificationResponse {
    pub(super) events: U32,
    pub(super) response: u8,
}

/// An event, device-writable (clause 5.6.6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct Event {
    pub(super) event: U32,
    pub(super) lun: [u8; 8],
    pub(super) reason: U32,
}

impl Event {
    const MISSED: u32 = 0x8000_0000;
    const TRANSPORT_RESET: u32 = 1;
    const PARAMETER_CHANGE: u32 = 3;
    const RESCAN: u32 = 1;
    const REMOVED: u32 = 2;

    /// A target has come.
    pub(super) fn arrived(target: u8) -> Event {
        Event::transport(target, Event::RESCAN)
    }

    /// A target has gone.
    pub(super) fn removed(target: u8) -> Event {
        Event::transport(target, Event::REMOVED)
    }

    /// A target has changed: ADDITIONAL SENSE CODE and QUALIFIER of the unit attention that says how.
    pub(super) fn changed(target: u8, (code, qualifier): (u8, u8)) -> Event {
        let reason = u32::from(code) | u32::from(qualifier) << 8;
        Event { event: Event::PARAMETER_CHANGE.into(), lun: lun_of(target), reason: reason.into() }
    }

    /// Events were lost for want of buffers.
    pub(super) fn missed() -> Event {
        Event { event: Event::MISSED.into(), lun: [0; 8], reason: 0.into() }
    }

    /// Whether a target changed, as opposed to having come or gone.
    pub(super) fn is_change(&self) -> bool {
        self.event.get() == Event::PARAMETER_CHANGE
    }

    fn transport(target: u8, reason: u32) -> Event {
        Event { event: Event::TRANSPORT_RESET.into(), lun: lun_of(target), reason: reason.into() }
    }
}

/// LUN 0 of a target, by the single-level address whose method is 0: Linux takes the two bytes of an event for the LUN's
/// number, whatever method they name.
pub(super) fn lun_of(target: u8) -> [u8; 8] {
    [1, target, 0, 0, 0, 0, 0, 0]
}

/// Target and logical unit of the eight bytes that name them; nothing when they name neither (clause 5.6.6.1: byte 0
/// is 1; a well-known unit of the host device itself, C1h, is none of ours).
pub(super) fn target_and_lun(bytes: &[u8; 8]) -> Option<(u8, u16)> {
    match *bytes {
        [1, target, high, low, ..] => Some((target, u16::from_be_bytes([high & 0x3f, low]))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_sizes_of_the_specification() {
        let sizes = [
            size_of::<Config>(),
            size_of::<RequestHeader>(),
            size_of::<ResponseHeader>(),
            size_of::<TaskManagement>(),
            size_of::<NotificationRequest>(),
            size_of::<NotificationResponse>(),
            size_of::<Event>(),
        ];
        assert_eq!(sizes, [36, 51, 108, 24, 16, 5, 16]);
    }

    #[test]
    fn luns_are_read_as_single_level_addresses() {
        assert_eq!(target_and_lun(&lun_of(127)), Some((127, 0)));
        assert_eq!(target_and_lun(&[1, 3, 0x41, 0x02, 0, 0, 0, 0]), Some((3, 0x102)));
        assert_eq!(target_and_lun(&[0xc1, 1, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(target_and_lun(&[0; 8]), None);
    }
}
