//! From a descriptor chain to a SCSI command and back (virtio 1.2 clause 5.6.6.1).

use std::sync::Arc;

use storage::backing::Patience;
use storage::scsi::{Begun, Command, Delivery, Execution, Operation, Status, Target, Undelivered, Wait, lun};
use storage::segments::Segments;
use zerocopy::{FromZeros, IntoBytes};

use super::chain::Chain;
use super::targets::Targets;
use super::virtio_scsi::{RequestHeader, Response, ResponseHeader, SENSE_SIZE, target_and_lun};

const REQUEST_LEN: u64 = size_of::<RequestHeader>() as u64;
const RESPONSE_LEN: u64 = size_of::<ResponseHeader>() as u64;

/// A request whose shape is right; its content may be anything.
pub(super) struct Request<'a> {
    header: RequestHeader,
    delivery: Delivery,
    response: Segments<'a>,
    data_out: Segments<'a>,
    data_in: Segments<'a>,
}

/// A request too short to be answered properly: what to put into its response byte, if there is one.
pub(super) struct Malformed;

/// How far a request has come.
pub(super) enum Outcome {
    /// The response is written: bytes written to the chain.
    Answered(u32),
    /// The host has to do something, then the target finishes it.
    Begun(Arc<dyn Target>, Begun),
    /// It would have to wait.
    MustWait(Wait),
}

/// Carries a request out, however long it takes; returns the bytes written to the chain.
pub(super) fn answer_patiently(chain: &Chain, targets: &Targets) -> u32 {
    let Ok(request) = Request::parse(chain) else { return refuse(chain) };
    match request.execute(targets, Patience::Unlimited) {
        Outcome::Answered(written) => written,
        // A target that would still rather not wait has no right to.
        Outcome::Begun(..) | Outcome::MustWait(_) => request.respond(Response::Failure),
    }
}

impl<'a> Request<'a> {
    /// Reads the header, once, and splits the rest of the chain into data and response.
    pub(super) fn parse(chain: &'a Chain) -> Result<Request<'a>, Malformed> {
        let (readable, writable) = (chain.readable(), chain.writable());
        let mut header = RequestHeader::new_zeroed();
        let header_len = readable.read(0, header.as_mut_bytes()) as u64;
        if header_len < REQUEST_LEN || writable.len_bytes() < RESPONSE_LEN {
            return Err(Malformed);
        }
        Ok(Request {
            header,
            delivery: chain.delivery(),
            response: writable.slice(0, RESPONSE_LEN),
            data_out: readable.slice(REQUEST_LEN, u64::MAX),
            data_in: writable.slice(RESPONSE_LEN, u64::MAX),
        })
    }

    /// Carries the command out as far as `patience` goes, and writes the response if it is done.
    pub(super) fn execute(&self, targets: &Targets, patience: Patience) -> Outcome {
        let Some((target, lun)) = target_and_lun(&self.header.lun) else {
            return Outcome::Answered(self.respond(Response::BadTarget));
        };
        let Some(target) = targets.get(target) else {
            return Outcome::Answered(self.respond(Response::BadTarget));
        };
        if self.data_out.len_bytes() > 0 && self.data_in.len_bytes() > 0 {
            // Without VIRTIO_SCSI_F_INOUT there is data in one direction only.
            return Outcome::Answered(self.respond(Response::Failure));
        }
        let command = Command {
            cdb: &self.header.cdb,
            data_out: &self.data_out,
            data_in: &self.data_in,
            delivery: self.delivery,
        };
        let execution = match lun {
            0 => target.execute(&command, patience),
            _ => lun::execute_absent(&command),
        };
        match execution {
            Execution::Begun(begun) => Outcome::Begun(target, begun),
            execution => match self.answer(execution) {
                Ok(written) => Outcome::Answered(written),
                Err(wait) => Outcome::MustWait(wait),
            },
        }
    }

    /// Writes the response. Returns the bytes written to the chain, or how long the command would have to wait.
    pub(super) fn answer(&self, execution: Execution) -> Result<u32, Wait> {
        match execution {
            Execution::WouldWait(wait) => Err(wait),
            Execution::Begun(_) => Err(Wait::Long),
            Execution::Conflict => Ok(self.respond_status(Status::ReservationConflict)),
            Execution::Absent => Ok(self.respond(Response::BadTarget)),
            Execution::Overrun => Ok(self.respond(Response::Overrun)),
            Execution::Undelivered(outcome) => Ok(self.respond(match outcome {
                Undelivered::NoDevice => Response::BadTarget,
                Undelivered::Busy => Response::Busy,
                Undelivered::TimedOut => Response::Aborted,
                Undelivered::Reset => Response::Reset,
                Undelivered::Transport => Response::TransportFailure,
            })),
            Execution::Foreign(answer) => {
                Ok(self.respond_with(answer.status, &answer.sense, answer.data_out, answer.data_in))
            }
            Execution::Done(completion) => {
                let sense = completion.sense.map(|sense| sense.fixed());
                let sense = sense.as_ref().map_or(&[][..], |sense| sense);
                let status = completion.status() as u8;
                Ok(self.respond_with(status, sense, completion.data_out, completion.data_in))
            }
        }
    }

    /// Answers a command that has a status; what of its data was not moved is the residual.
    fn respond_with(&self, status: u8, sense: &[u8], data_out: u64, data_in: u64) -> u32 {
        let room = self.data_out.len_bytes() + self.data_in.len_bytes();
        let mut response = ResponseHeader::new_zeroed();
        response.status = status;
        // The chain holds less than 4 GiB.
        response.residual = (room.saturating_sub(data_out + data_in) as u32).into();
        let sense = &sense[..sense.len().min(SENSE_SIZE)];
        response.sense[..sense.len()].copy_from_slice(sense);
        response.sense_len = (sense.len() as u32).into();
        self.response.write(0, response.as_bytes());
        (RESPONSE_LEN + data_in) as u32
    }

    /// Answers with a status that has no sense data; nothing was carried out.
    fn respond_status(&self, status: Status) -> u32 {
        let mut header = ResponseHeader::new_zeroed();
        header.status = status as u8;
        header.residual = ((self.data_out.len_bytes() + self.data_in.len_bytes()) as u32).into();
        self.response.write(0, header.as_bytes());
        RESPONSE_LEN as u32
    }

    /// Answers without having carried anything out.
    pub(super) fn respond(&self, response: Response) -> u32 {
        let mut header = ResponseHeader::new_zeroed();
        header.response = response as u8;
        header.residual = ((self.data_out.len_bytes() + self.data_in.len_bytes()) as u32).into();
        self.response.write(0, header.as_bytes());
        RESPONSE_LEN as u32
    }
}

/// The memory that an operation of the request in this chain moves data from or to; good for as long as the chain lives.
pub(super) fn data_vectors(chain: &Chain, operation: Operation) -> Vec<libc::iovec> {
    match operation {
        Operation::Read { len, .. } => chain.writable().slice(RESPONSE_LEN, len).into_vectors(),
        Operation::Write { len, .. } => chain.readable().slice(REQUEST_LEN, len).into_vectors(),
        Operation::Flush | Operation::Discard { .. } => Vec::new(),
    }
}

/// Answers a malformed request as far as it goes: its response header says failure where there is room for one.
pub(super) fn refuse(chain: &Chain) -> u32 {
    const UP_TO_RESPONSE: usize = size_of::<ResponseHeader>() - SENSE_SIZE;
    let mut header = ResponseHeader::new_zeroed();
    header.response = Response::Failure as u8;
    if chain.writable().len_bytes() < UP_TO_RESPONSE as u64 {
        return 0;
    }
    chain.writable().write(0, &header.as_bytes()[..UP_TO_RESPONSE]) as u32
}
