//! The control queue: task management and notification requests (virtio 1.2 clause 5.6.6.2), and the event queue.
//!
//! A task is ended in one of two ways. If it was still waiting in its ring it is returned with the response ABORTED and
//! never runs. If it is being executed nothing can call the host's I/O back, so the function waits until it has been
//! returned as it turned out. Either way all tasks concerned are back with the driver before the function's response.
//!
//! A device of the host may have forgotten a task: an abort that has waited long enough fails, and the reset by which drivers
//! follow it up is one of the device, after which its tasks are back.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use storage::scsi::Reset;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, IntoBytes};

use super::chain::Chain;
use super::request::{Request, refuse};
use super::ring::{Ring, Running, Tag};
use super::targets::Targets;
use super::virtio_scsi::{
    Event, NotificationRequest, NotificationResponse, Response, TaskManagement, control, target_and_lun, task,
};

/// How long an abort waits for its tasks; in tests no longer than a test may take.
const ABORT_PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 2_000 } else { 10_000 });

/// Carries out a control request; returns the bytes written to its chain.
pub(super) fn execute(chain: &Chain, requests: &[Arc<Ring>], targets: &Targets) -> u32 {
    let mut kind = U32::new(0);
    if chain.readable().read(0, kind.as_mut_bytes()) < size_of::<U32>() {
        return 0;
    }
    match kind.get() {
        control::TASK_MANAGEMENT => {
            let response = read(chain).map(|request| manage(&request, requests, targets));
            let response = response.unwrap_or(Response::Rejected);
            chain.writable().write(0, &[response as u8]) as u32
        }
        control::EVENT_QUERY | control::EVENT_SUBSCRIBE => {
            let known = read::<NotificationRequest>(chain)
                .and_then(|request| target_and_lun(&request.lun))
                .is_some_and(|(target, _)| targets.get(target).is_some());
            let response = if known { Response::Complete } else { Response::BadTarget };
            // Disks have no asynchronous notifications of their own.
            let answer = NotificationResponse { events: 0.into(), response: response as u8 };
            chain.writable().write(0, answer.as_bytes()) as u32
        }
        _ => chain.writable().write(0, &[Response::Rejected as u8]) as u32,
    }
}

fn read<T: FromBytes + IntoBytes>(chain: &Chain) -> Option<T> {
    let mut value = T::new_zeroed();
    let len = chain.readable().read(0, value.as_mut_bytes());
    (len == size_of::<T>()).then_some(value)
}

fn manage(request: &TaskManagement, requests: &[Arc<Ring>], targets: &Targets) -> Response {
    let Some((number, lun)) = target_and_lun(&request.lun) else { return Response::BadTarget };
    let Some(target) = targets.get(number) else { return Response::BadTarget };
    let function = request.function.get();
    if lun != 0 && function != task::I_T_NEXUS_RESET {
        return Response::IncorrectLun;
    }
    let unit = |tag: &Tag| tag_target(tag) == Some((number, 0));
    let one = |tag: &Tag| unit(tag) && tag[8..] == request.id.to_bytes();
    tracing::debug!(target = number, function, id = request.id.get(), "task management");
    match function {
        task::ABORT_TASK => abort(requests, &one),
        task::ABORT_TASK_SET | task::CLEAR_TASK_SET => abort(requests, &unit),
        task::LOGICAL_UNIT_RESET => {
            let running = set_aside(requests, &unit);
            let mut is_reset = target.recall();
            // One that was about to be sent to the device is recalled when it has been.
            while !wait(&running, ABORT_PATIENCE) {
                is_reset = target.recall();
            }
            target.reset(Reset::LogicalUnit);
            if is_reset { Response::Complete } else { Response::Failure }
        }
        task::I_T_NEXUS_RESET => {
            let response = abort(requests, &unit);
            target.reset(Reset::Nexus);
            response
        }
        task::QUERY_TASK => query(requests, &one),
        task::QUERY_TASK_SET => query(requests, &unit),
        _ => Response::Rejected,
    }
}

/// Whether a request is for this target.
pub(super) fn is_for(tag: &Tag, target: u8) -> bool {
    tag_target(tag).is_some_and(|(number, _)| number == target)
}

fn tag_target(tag: &Tag) -> Option<(u8, u16)> {
    target_and_lun(tag.first_chunk()?)
}

/// Ends the tasks that match, unless that takes too long.
fn abort(requests: &[Arc<Ring>], matches: &dyn Fn(&Tag) -> bool) -> Response {
    match wait(&set_aside(requests, matches), ABORT_PATIENCE) {
        true => Response::Complete,
        false => Response::Failure,
    }
}

/// Returns the tasks that match and still wait in their rings; those that are being executed.
fn set_aside<'a>(requests: &'a [Arc<Ring>], matches: &dyn Fn(&Tag) -> bool) -> Vec<(&'a Ring, Vec<Running>)> {
    let mut running = Vec::new();
    for ring in requests {
        let (waiting, executing) = ring.set_aside(matches);
        for chain in waiting {
            let written = match Request::parse(&chain) {
                Ok(request) => request.respond(Response::Aborted),
                Err(_) => refuse(&chain),
            };
            ring.complete(&chain, written);
        }
        // Those that do not match were set aside as well.
        ring.nudge();
        running.push((&**ring, executing));
    }
    running
}

/// Waits until tasks have ended, by themselves; whether that was within `limit`.
fn wait(running: &[(&Ring, Vec<Running>)], limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    running.iter().all(|(ring, executing)| ring.wait_for(executing, deadline))
}

/// Has the tasks come back that have not ended after some time.
pub(super) fn recall(requests: &[Arc<Ring>], targets: &Targets) {
    let deadline = Instant::now() + ABORT_PATIENCE;
    let mut late = BTreeSet::new();
    for ring in requests {
        for (request, tag) in ring.executing() {
            if !ring.wait_for(&[request], deadline) {
                late.extend(tag_target(&tag).map(|(target, _)| target));
            }
        }
    }
    for target in late.into_iter().filter_map(|target| targets.get(target)) {
        target.recall();
    }
}

/// Whether a task that matches is with us.
fn query(requests: &[Arc<Ring>], matches: &dyn Fn(&Tag) -> bool) -> Response {
    match requests.iter().any(|ring| ring.holds(matches)) {
        true => Response::Succeeded,
        false => Response::Complete,
    }
}

/// Events that wait for the driver to provide buffers.
#[derive(Default)]
pub(super) struct Events {
    waiting: Mutex<VecDeque<Event>>,
}

impl Events {
    /// More than the targets of an adapter can come and go at once.
    const LIMIT: usize = 256;

    /// Queues an event for the driver. When there are too many the driver is told that it missed some.
    pub(super) fn post(&self, event: Event) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= Events::LIMIT {
            waiting.clear();
            waiting.push_back(Event::missed());
        }
        waiting.push_back(event);
    }

    /// Whether the driver has not been given all of them.
    pub(super) fn are_waiting(&self) -> bool {
        !self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Drops those the driver does not want to hear of.
    pub(super) fn retain(&self, is_wanted: impl FnMut(&Event) -> bool) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).retain(is_wanted);
    }

    /// Hands events to the driver as far as it has provided buffers.
    pub(super) fn deliver(&self, ring: &Ring) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while !waiting.is_empty() {
            let Some(chain) = ring.take() else {
                // The driver kicks when it has provided one, unless it has just done so.
                if ring.listen() { continue } else { return }
            };
            let written = match waiting.front() {
                Some(event) => chain.writable().write(0, event.as_bytes()),
                None => 0,
            };
            if written == size_of::<Event>() {
                waiting.pop_front();
            }
            ring.complete(&chain, written as u32);
        }
    }
}
