//! The devices on the board. Each is a pure core (register in, effect out) and the wiring around it.

pub mod iosapic;
pub mod pm;
pub mod router;
pub mod uart;
