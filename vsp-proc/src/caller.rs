//! Who asks something of the VSP, and what he is to its guests (hpvm.md 4.7, "Who may use it").
//!
//! | who | may |
//! | --- | --- |
//! | root, the owner of the state directory | everything |
//! | a member of the VSP's group | see that there is a VSP |
//! | … with rights `oper` on a guest, given to him or to one of his groups | see that guest, use its console and logs |
//! | … with rights `admin` on a guest | also start, stop and reset it, and change its discs within their directory or drive |

use ipc::message::Rights;
use ipc::{Peer, Standing};
use nix::unistd::{Gid, Group, Uid, User};

use crate::db::GuestConfig;

/// Somebody who is connected.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// His account; its number where it has no name.
    pub(crate) user: String,
    /// His process.
    pub(crate) pid: i32,
    standing: Standing,
    groups: Vec<String>,
}

impl Caller {
    /// The peer of a connection. Asks the host's account database.
    pub(crate) fn of(peer: Peer, standing: Standing) -> Caller {
        let user = User::from_uid(Uid::from_raw(peer.uid)).ok().flatten();
        let group = |number| Some(Group::from_gid(Gid::from_raw(number)).ok()??.name);
        let groups = match standing {
            // Nobody will ask.
            Standing::Owner => Vec::new(),
            Standing::Member => peer.groups().into_iter().filter_map(group).collect(),
        };
        Caller {
            user: user.map_or_else(|| peer.uid.to_string(), |user| user.name),
            pid: peer.pid,
            standing,
            groups,
        }
    }

    /// Somebody who may do everything.
    #[cfg(test)]
    pub(crate) fn owner() -> Caller {
        Caller { user: "root".into(), pid: 1, standing: Standing::Owner, groups: Vec::new() }
    }

    /// May he do everything?
    pub(crate) fn is_owner(&self) -> bool {
        self.standing == Standing::Owner
    }

    /// What he may do with a guest, if anything.
    pub(crate) fn rights(&self, guest: &GuestConfig) -> Option<Rights> {
        if self.is_owner() {
            return Some(Rights::Admin);
        }
        let own = guest.users.iter().filter(|grant| grant.name == self.user);
        let of_groups = guest.groups.iter().filter(|grant| self.groups.contains(&grant.name));
        let granted: Vec<Rights> = own.chain(of_groups).map(|grant| grant.rights).collect();
        // The most of them.
        if granted.contains(&Rights::Admin) { Some(Rights::Admin) } else { granted.first().copied() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Grant;

    #[test]
    fn rights_are_the_most_that_user_and_groups_have() {
        let mut guest = GuestConfig::new("ivm1".into(), 1);
        let grant = |name: &str, rights| Grant { name: name.into(), rights };
        guest.users = vec![grant("anna", Rights::Oper), grant("bert", Rights::Oper)];
        guest.groups = vec![grant("ops", Rights::Admin)];
        let caller = |user: &str, groups: &[&str]| Caller {
            user: user.into(),
            pid: 1,
            standing: Standing::Member,
            groups: groups.iter().map(|group| group.to_string()).collect(),
        };
        assert_eq!(caller("anna", &["users", "ops"]).rights(&guest), Some(Rights::Admin));
        assert_eq!(caller("bert", &["users"]).rights(&guest), Some(Rights::Oper));
        assert_eq!(caller("ops", &["anna"]).rights(&guest), None, "a user is no group");
        let owner = Caller { standing: Standing::Owner, ..caller("carl", &[]) };
        assert_eq!(owner.rights(&guest), Some(Rights::Admin));
    }
}
