//! What each screen and dialog knows, without how it looks.

pub(crate) mod confirm;
pub(crate) mod detail;
pub(crate) mod form;
pub(crate) mod guest_console;
pub(crate) mod guests;
pub(crate) mod hardware;
pub(crate) mod history;
pub(crate) mod logs;
pub(crate) mod matcher;
pub(crate) mod palette;
pub(crate) mod storage;
pub(crate) mod tabs;
