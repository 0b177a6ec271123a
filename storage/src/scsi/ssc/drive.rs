//! The drive itself: who uses it, what lies in it, and what of that survives the VSP.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use uuid::Uuid;

use super::kept::{self, HEADING};
use super::log::Alerts;
use super::mode::Settings;
use super::{Done, Initiator, Inner, InsertError, Loaded, Nexuses, REMEMBERED, Reservations, Sense};
use super::{Statistics, TapeDrive, TapePort, Target, Traffic, VENDOR, locked, pages};
use crate::attached::arbiter::Party;
use crate::attached::{Description, Device, Wwid};
use crate::backing::tap::Cartridge;
use crate::scsi::kept::{Keeper, StateError};
use crate::statement::DeviceType;

impl TapeDrive {
    /// An empty drive, known to the guests as `id` for as long as it exists, whose state ends with it.
    pub fn new(id: Uuid) -> TapeDrive {
        TapeDrive::with(id, Reservations::new())
    }

    /// A drive that keeps its state in `file` at each change. If the file is there, it goes on as it was then, with the
    /// cartridge that was in it. The file is to be where it does not survive the guests: `/run`.
    ///
    /// `reservations` are those that survive a loss of power.
    ///
    /// # Errors
    /// The file cannot be made or read. What cannot be understood of it is reported and left.
    pub fn kept_in(id: Uuid, file: &Path, reservations: Reservations) -> Result<TapeDrive, StateError> {
        let (mut keeper, text) = Keeper::open(file, HEADING)?;
        let drive = TapeDrive::with(id, reservations);
        if let Some(text) = text {
            let mut state = kept::parse(&text);
            keeper.expect(std::mem::take(&mut state.nexuses));
            drive.restore(state);
        }
        locked(&drive.inner).keeper = Some(keeper);
        Ok(drive)
    }

    fn with(id: Uuid, reservations: Reservations) -> TapeDrive {
        let inner = Inner {
            slot: None,
            settings: Settings::default(),
            prevented: BTreeSet::new(),
            done: BTreeMap::new(),
            alerts: Alerts::default(),
            keeper: None,
            statistics: Traffic::default(),
        };
        TapeDrive {
            id,
            turn: Mutex::new(()),
            inner: Mutex::new(inner),
            nexuses: Nexuses::default(),
            reservations,
            holder: Mutex::new(None),
            leaving: AtomicBool::new(false),
        }
    }

    /// A way to the drive for one initiator. One that had a way when the VSP was killed goes on with it, others are told
    /// of a power-on first.
    pub(super) fn nexus(self: &Arc<Self>, initiator: Initiator) -> Arc<TapePort> {
        let _turn = locked(&self.turn);
        let attentions = self.nexuses.join(initiator);
        let remembered = locked(&self.inner).keeper.as_mut().and_then(|keeper| keeper.take_nexus(initiator));
        match remembered {
            Some(pending) => pending.into_iter().for_each(|sense| attentions.establish(sense)),
            None => attentions.establish(Sense::POWER_ON),
        }
        self.keep(None);
        Arc::new(TapePort {
            drive: Arc::clone(self),
            initiator,
            attentions,
            statistics: Statistics::default(),
        })
    }

    /// Somebody, or a changer, puts a cartridge in. It is loaded and at its beginning.
    ///
    /// # Errors
    /// There is one, or this one cannot be opened.
    pub fn load(&self, cartridge: Cartridge) -> Result<(), InsertError> {
        let _turn = locked(&self.turn);
        let mut inner = locked(&self.inner);
        if inner.slot.is_some() {
            return Err(InsertError::Occupied);
        }
        inner.slot = Some(Loaded::open(cartridge)?);
        drop(inner);
        self.nexuses.tell(Sense::MEDIUM_CHANGED, |_| true);
        self.keep(None);
        Ok(())
    }

    /// Somebody, or a changer, takes the cartridge out. What was written is on stable storage then. `None` if there was
    /// none.
    ///
    /// # Errors
    /// A guest has locked the drive, unless it is forced; or the host fails to write: the cartridge stays where it is.
    pub fn unload(&self, force: bool) -> Result<Option<Cartridge>, InsertError> {
        let _turn = locked(&self.turn);
        let mut inner = locked(&self.inner);
        if inner.slot.is_some() && !inner.prevented.is_empty() && !force {
            return Err(InsertError::Locked);
        }
        if let Some(loaded) = &inner.slot {
            loaded.image.flush()?;
        }
        let cartridge = inner.slot.take().map(|loaded| loaded.cartridge);
        inner.prevented.clear();
        drop(inner);
        self.keep(None);
        Ok(cartridge)
    }

    /// By which guests know it.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The cartridge in the drive, ready or not.
    pub fn cartridge(&self) -> Option<Cartridge> {
        locked(&self.inner).slot.as_ref().map(|loaded| loaded.cartridge.clone())
    }

    /// Whether there is a cartridge in the drive that can be used. A guest that unloads it leaves it in the mouth of the
    /// drive, from where it can be taken out or loaded again.
    pub fn is_loaded(&self) -> bool {
        locked(&self.inner).slot.as_ref().is_some_and(|loaded| loaded.threaded)
    }

    /// Whether a guest has locked the drive.
    pub fn is_prevented(&self) -> bool {
        !locked(&self.inner).prevented.is_empty()
    }

    /// The VSP ends and its guests do not, and nothing is executed any more: ports that are dropped from now on remain in the state that was kept.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    /// Writes the state down if it changed, and what changed it, if that was a command. The caller has the turn.
    pub(super) fn keep(&self, executed: Option<(Initiator, Done)>) {
        let mut inner = locked(&self.inner);
        if self.leaving.load(Ordering::Acquire) {
            return;
        }
        let Some(mut keeper) = inner.keeper.take() else { return };
        let text = kept::print(&inner, &self.nexuses.pending(), &self.reservations.state());
        if keeper.is_news(&text) {
            if let Some((initiator, done)) = executed {
                let remembered = inner.done.entry(initiator).or_default();
                remembered.drain(..remembered.len().saturating_sub(REMEMBERED - 1));
                remembered.push(done);
            }
            keeper.save(text, &kept::print_done(&inner.done), self.id);
        }
        inner.keeper = Some(keeper);
    }

    fn restore(&self, state: kept::State) {
        let mut inner = locked(&self.inner);
        inner.settings = state.settings;
        inner.prevented = state.prevented;
        inner.done = state.done;
        self.reservations.replace(state.reservations);
        let Some((cartridge, place, threaded)) = state.slot else { return };
        match Loaded::open(cartridge) {
            Ok(loaded) if loaded.image.is_plausible(place) => {
                inner.slot = Some(Loaded { place, threaded, ..loaded });
            }
            Ok(loaded) => {
                let path = loaded.cartridge.path.display();
                tracing::warn!(drive = %self.id, %path, "cartridge was changed: rewound");
                inner.slot = Some(loaded);
                self.nexuses.tell(Sense::MEDIUM_CHANGED, |_| true);
            }
            Err(error) => tracing::error!(drive = %self.id, %error, "cartridge in the drive is lost"),
        }
    }
}

impl Device for TapeDrive {
    fn device_type(&self) -> DeviceType {
        DeviceType::Tape
    }

    fn wwid(&self) -> Wwid {
        Wwid::local(self.id)
    }

    fn description(&self) -> Description {
        Description {
            vendor: VENDOR.trim_end().to_owned(),
            product: pages::PRODUCT.trim_end().to_owned(),
            revision: pages::REVISION.to_owned(),
            serial: self.id.simple().to_string(),
        }
    }

    fn port(self: Arc<Self>, initiator: Initiator) -> Arc<dyn Target> {
        self.nexus(initiator)
    }

    fn set_holder(&self, holder: Option<Party>) {
        *locked(&self.holder) = holder;
    }
}
