//! How many clients there may be at a time, and whose: others than the VSP's owner cannot keep him out, nor one of them
//! the rest.

use std::collections::BTreeMap;

/// Most clients of the owner, and of all others together.
const EACH_SIDE: usize = 256;
/// Most clients of one account that is not the owner's.
const OF_ONE: usize = 64;

/// Clients by account.
#[derive(Debug, Default)]
pub(crate) struct Clients(BTreeMap<u32, Account>);

#[derive(Debug, Default)]
struct Account {
    is_owner: bool,
    clients: usize,
}

impl Clients {
    /// Counts one more client of an account; false if there are too many already.
    pub(crate) fn enter(&mut self, uid: u32, is_owner: bool) -> bool {
        let of_side = |account: &&Account| account.is_owner == is_owner;
        let side: usize = self.0.values().filter(of_side).map(|account| account.clients).sum();
        let own = self.0.get(&uid).map_or(0, |account| account.clients);
        if side >= EACH_SIDE || (!is_owner && own >= OF_ONE) {
            return false;
        }
        let account = self.0.entry(uid).or_default();
        (account.is_owner, account.clients) = (is_owner, own + 1);
        true
    }

    /// One of them has gone.
    pub(crate) fn leave(&mut self, uid: u32) {
        if let Some(account) = self.0.get_mut(&uid) {
            account.clients = account.clients.saturating_sub(1);
        }
        self.0.retain(|_, account| account.clients > 0);
    }

    /// All of them.
    pub(crate) fn count(&self) -> usize {
        self.0.values().map(|account| account.clients).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_keeps_the_owner_out_or_all_others() {
        let mut clients = Clients::default();
        let enter_all = |clients: &mut Clients, uid, is_owner| {
            std::iter::from_fn(|| clients.enter(uid, is_owner).then_some(())).count()
        };
        assert_eq!(enter_all(&mut clients, 1000, false), OF_ONE);
        assert!(clients.enter(1001, false), "another member");
        for uid in 1002..2000 {
            enter_all(&mut clients, uid, false);
        }
        assert_eq!(clients.count(), EACH_SIDE);
        assert_eq!(enter_all(&mut clients, 0, true), EACH_SIDE, "the owner and root");
        clients.leave(1000);
        clients.leave(0);
        assert_eq!(clients.count(), 2 * EACH_SIDE - 2);
        assert!(clients.enter(1000, false) && !clients.enter(1001, false) && clients.enter(0, true));
        for uid in [1000; OF_ONE + 1] {
            clients.leave(uid);
        }
        assert_eq!(clients.count(), 2 * EACH_SIDE - OF_ONE);
    }
}
