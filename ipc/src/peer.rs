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

    /// Its groups: the one it had when it connected, and those its user is a member of.
    pub fn groups(&self) -> Vec<u32> {
        let of_user = || {
            let user = User::from_uid(Uid::from_raw(self.uid)).ok()??;
            getgrouplist(&CString::new(user.name).ok()?, user.gid).ok()
        };
        let of_user = of_user().unwrap_or_default();
        std::iter::once(self.gid).chain(of_user.into_iter().map(Gid::as_raw)).collect()
    }
}

/// What a peer is to the owner of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The owner himself, or root.
    Owner,
    /// A member of the configured group.
    Member,
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

    /// Passes `peer` or says why not. Asks the host's account database, which may take its time.
    ///
    /// # Errors
    /// [`Error::Denied`].
    pub fn check(&self, peer: Peer) -> Result<Standing> {
        match peer.uid {
            uid if uid == 0 || uid == self.owner => Ok(Standing::Owner),
            _ if self.group.is_some_and(|group| peer.groups().contains(&group)) => Ok(Standing::Member),
            uid => Err(Error::Denied { uid }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_and_root_pass_and_a_stranger_is_denied() {
        let access = Access { owner: 1000, group: None };
        let peer = |uid| Peer { pid: 1, uid, gid: uid };
        assert!(matches!(access.check(peer(1000)), Ok(Standing::Owner)));
        assert!(matches!(access.check(peer(0)), Ok(Standing::Owner)));
        assert!(matches!(access.check(peer(1001)), Err(Error::Denied { uid: 1001 })));
    }

    #[test]
    fn a_member_of_the_configured_group_passes() {
        let access = Access { owner: 1000, group: Some(50) };
        let peer = |uid, gid| Peer { pid: 1, uid, gid };
        assert!(matches!(access.check(peer(4_000_000, 50)), Ok(Standing::Member)));
        assert!(access.check(peer(4_000_000, 51)).is_err());
        assert!(matches!(access.check(peer(1000, 51)), Ok(Standing::Owner)), "with or without the group");
    }
}
