//! Messages between the processes of a VSP, and the sockets that carry them.
//!
//! ```text
//!  command, console ── ClientToVsp ──▶ vsp-proc ── VspToGuest ──▶ guest-proc
//!                   ◀── VspToClient ──          ◀── GuestToVsp ──
//! ```
//!
//! * [`codec`] turns messages into frames; it alone knows the encoding.
//! * [`connection`] is a typed, framed stream socket that begins with a [`Hello`] and can pass descriptors.
//! * [`listener`] makes the VSP's socket and says who may talk to it.
//! * [`message`] is what clients say and hear, [`guest`] what guest processes say and hear: closed enums per
//!   direction and privilege, so a guest process cannot even spell an operator's request.
//! * [`client`] is the blocking client that the commands and the console share.
//!
//! No policy lives here: what is allowed, and what happens, is decided by `vsp-proc`.

pub mod client;
pub mod codec;
pub mod connection;
pub mod device;
mod error;
mod fd;
pub mod figures;
pub mod guest;
mod hello;
pub mod io;
pub mod listener;
pub mod log;
pub mod message;
mod peer;
pub mod software;
mod subscription;

pub use connection::Connection;
pub use error::{Error, Result};
pub use hello::{Hello, Role};
pub use peer::{Access, Peer, Standing};
