//! The messages on the wire, and the sockets that carry them.

mod samples;
mod sockets;
mod wire;
