//! Which guest holds which attached device, for the VSP after this one.
//!
//! The file is replaced without waiting for the disk: it is of use only while guests outlive the VSP, and they do not
//! outlive the host.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use storage::attached::arbiter::{Arbiter, Claims};
use storage::attached::{Keep, Wwid};
use storage::scsi::Initiator;
use uuid::Uuid;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    guest: Uuid,
    claims: Vec<String>,
}

/// The file.
pub(crate) struct Holds {
    path: PathBuf,
    by_wwid: Mutex<BTreeMap<String, Held>>,
}

impl Holds {
    /// What a former VSP wrote. Where nothing can be read nobody held anything.
    pub(crate) fn open(path: PathBuf) -> Arc<Holds> {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let by_wwid = toml::from_str(&text).unwrap_or_else(|error: toml::de::Error| {
            tracing::error!(path = %path.display(), reason = error.message(), "who held devices is not known");
            BTreeMap::new()
        });
        Arc::new(Holds { path, by_wwid: Mutex::new(by_wwid) })
    }

    /// A device as it was held.
    pub(crate) fn arbiter(&self, wwid: &Wwid) -> Arbiter {
        let by_wwid = self.by_wwid.lock().unwrap_or_else(PoisonError::into_inner);
        match by_wwid.get(&wwid.0) {
            Some(held) => Arbiter::held_by(Initiator(held.guest), Claims::named(&held.claims)),
            None => Arbiter::default(),
        }
    }

    /// Whether somebody holds a device.
    pub(crate) fn is_noted(&self, wwid: &Wwid) -> bool {
        self.by_wwid.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&wwid.0)
    }

    /// Writes down how a device is held from now on.
    pub(crate) fn keeper(self: &Arc<Holds>, wwid: Wwid) -> Keep {
        let holds = Arc::clone(self);
        Box::new(move |remembered| holds.keep(&wwid, remembered))
    }

    fn keep(&self, wwid: &Wwid, remembered: Option<(Initiator, Claims)>) {
        let mut by_wwid = self.by_wwid.lock().unwrap_or_else(PoisonError::into_inner);
        match remembered {
            Some((guest, claims)) => {
                let claims = claims.names().into_iter().map(str::to_owned).collect();
                by_wwid.insert(wwid.0.clone(), Held { guest: guest.0, claims });
            }
            None => _ = by_wwid.remove(&wwid.0),
        }
        let write = || -> std::io::Result<()> {
            let text = toml::to_string(&*by_wwid).map_err(std::io::Error::other)?;
            let fresh = self.path.with_extension("new");
            fs::write(&fresh, text)?;
            fs::rename(&fresh, &self.path)
        };
        if let Err(error) = write() {
            tracing::error!(path = %self.path.display(), %error, "cannot note who holds a device");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::attached::arbiter::Party;

    #[test]
    fn the_next_vsp_knows_who_holds_what() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("holds");
        let (one, two) = (Wwid::naa(1), Wwid::naa(2));
        let guest = Initiator(Uuid::from_u128(7));
        let holds = Holds::open(path.clone());
        holds.keeper(one.clone())(Some((guest, Claims::RESERVATION)));
        holds.keeper(two.clone())(Some((guest, Claims::SESSION)));
        holds.keeper(two.clone())(None);
        let later = Holds::open(path.clone());
        assert_eq!(later.arbiter(&one).holder(), Some(Party::Guest(guest)));
        assert_eq!(later.arbiter(&two).holder(), None);
        fs::write(&path, "what?").unwrap();
        assert_eq!(Holds::open(path).arbiter(&one).holder(), None);
    }
}
