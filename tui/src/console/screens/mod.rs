//! One module a screen or dialog: its state and what changes it.

pub(crate) mod confirm;
pub(crate) mod create;
pub(crate) mod guest_console;
pub(crate) mod guests;
pub(crate) mod logs;
