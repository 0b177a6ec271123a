//! Who is at the other end of a local socket, and whether he may be.

use std::ffi::CString;
use std::os::unix::net::UnixStream;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::{Gid, Uid, User, getgrouplist};

use crate::{Error, Result};

/// The process at the other end, as the kernel knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Process id at the time of connecting.
    pub pid: i32,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
}

impl Peer {
    /// The peer of a connected stream.
    ///
    /// # Errors
    /// [`Error::Io`] if the kernel does not say.
    pub fn of(stream: &UnixStream) -> Result<Peer> {
        let found = getsockopt(stream, PeerCredentials).map_err(std::io::Error::from)?;
        Ok(Peer { pid: found.pid(), uid: found.uid(), gid: found.gid() })
    }
}

/// Who may use a socket: its owner, root, and members of a group if one is configured.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// User id of the owner.
    pub owner: u32,
    /// Group whose members may as well.
    pub group: Option<u32>,
}

impl Access {
    /// The user of this process alone (and root).
    pub fn owner() -> Access {
        Access { owner: nix::unistd::geteuid().as_raw(), group: None }
    }

    /// Passes `peer` or says why not.
    ///
    /// # Errors
    /// [`Error::Denied`].
    pub fn check(&self, peer: Peer) -> Result<()> {
        let allowed = peer.uid == 0
            || peer.uid == self.owner
            || self.group.is_some_and(|group| peer.gid == group || is_member(peer.uid, group));
        if allowed { Ok(()) } else { Err(Error::Denied { uid: peer.uid }) }
    }
}

fn is_member(uid: u32, group: u32) -> bool {
    let Ok(Some(user)) = User::from_uid(Uid::from_raw(uid)) else { return false };
    let Ok(name) = CString::new(user.name) else { return false };
    getgrouplist(&name, user.gid).is_ok_and(|groups| groups.contains(&Gid::from_raw(group)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_and_root_pass_and_a_stranger_is_denied() {
        let access = Access { owner: 1000, group: None };
        let peer = |uid| Peer { pid: 1, uid, gid: uid };
        assert!(access.check(peer(1000)).is_ok());
        assert!(access.check(peer(0)).is_ok());
        assert!(matches!(access.check(peer(1001)), Err(Error::Denied { uid: 1001 })));
    }

    #[test]
    fn a_member_of_the_configured_group_passes() {
        let access = Access { owner: 1000, group: Some(50) };
        assert!(access.check(Peer { pid: 1, uid: 4_000_000, gid: 50 }).is_ok());
        assert!(access.check(Peer { pid: 1, uid: 4_000_000, gid: 51 }).is_err());
    }
}
