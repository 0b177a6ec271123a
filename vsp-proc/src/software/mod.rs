//! What software is installed on the VSP and in the guests, as its operators keep it (hpvm.md 7.8, 10.5).
//!
//! ```text
//!   depot (a directory) ──┐
//!                         ├─► analysis ──► changes ──► inventory (software.toml)
//!   inventory ────────────┘      │                          │
//!                                ▼                          ▼
//!                            session (lines, log)       patches: what attached devices miss
//! ```
//!
//! An inventory is a record: nothing is installed into a guest by it. It is what the dependencies of attached devices are
//! judged by.

mod analysis;
mod catalog;
mod patches;
mod session;

pub(crate) use analysis::{Plan, Target, plan_install, plan_removal};
pub(crate) use catalog::{Inventory, read_depot};
pub(crate) use patches::{Missing, missing_in_guest, missing_on_vsp};
pub(crate) use session::{SessionLog, Verb};

#[cfg(test)]
mod tests;
