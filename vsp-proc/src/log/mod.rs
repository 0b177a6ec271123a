//! Structured logs of the VSP and of the guest processes: kept in size-capped files, distributed to subscribers.
//!
//! One thread ([`hub`]) owns files and subscribers. The VSP's own events reach it through a `tracing` [`layer`], those of
//! guest processes as JSON lines ([`json`]) from their standard error.

mod hub;
mod json;
mod layer;

pub(crate) use hub::{Follower, LogHub, REPLAY};
pub(crate) use json::from_json;
pub(crate) use layer::HubLayer;
