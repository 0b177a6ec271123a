//! The first frame in each direction.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codec::PROTOCOL_VERSION;

/// Build announced to the peer, for messages only.
pub(crate) const BUILD: &str = env!("CARGO_PKG_VERSION");

/// What a process is on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A command or the operator console.
    Client,
    /// The VSP.
    Vsp,
    /// A guest process.
    Guest,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Client => "client",
            Role::Vsp => "VSP",
            Role::Guest => "guest process",
        })
    }
}

/// Who speaks, in which version. Its own layout never changes, so that any two builds can tell each other why they
/// do not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`] of the sender.
    pub version: u16,
    /// What the sender is.
    pub role: Role,
    /// The sender's build, for people.
    pub build: String,
}

impl Hello {
    /// This program in `role`.
    pub fn new(role: Role) -> Hello {
        Hello { version: PROTOCOL_VERSION, role, build: BUILD.into() }
    }
}
