//! An attached device that says yes to everything, or what it was told to say next.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::attached::arbiter::Party;
use crate::attached::{Description, Device, Wwid};
use crate::backing::Patience;
use crate::scsi::{Command, Completion, Execution, Initiator, Reset, Sense, StatisticsSnapshot, Target};
use crate::statement::DeviceType;

/// A tape drive without a tape.
pub struct FakeTape {
    wwid: Wwid,
    open_on_host: AtomicBool,
    looks: AtomicUsize,
    holder: Mutex<Option<Party>>,
    resets: Mutex<Vec<(Initiator, Reset)>>,
    refusal: Mutex<Option<Sense>>,
}

impl FakeTape {
    /// One of this name.
    pub fn new(wwid: &str) -> Arc<FakeTape> {
        Arc::new(FakeTape {
            wwid: Wwid(wwid.into()),
            open_on_host: AtomicBool::new(false),
            looks: AtomicUsize::new(0),
            holder: Mutex::new(None),
            resets: Mutex::new(Vec::new()),
            refusal: Mutex::new(None),
        })
    }

    /// Ends the next command that comes to it with this.
    pub fn refuse_next(&self, sense: Option<Sense>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = sense;
    }

    /// Somebody opens or closes its device file.
    pub fn open_on_host(&self, is_open: bool) {
        self.open_on_host.store(is_open, Ordering::Relaxed);
    }

    /// How often it was looked whether it is open.
    pub fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }

    /// Who holds it, as it was told.
    pub fn holder(&self) -> Option<Party> {
        *self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The resets it has seen.
    pub fn resets(&self) -> Vec<(Initiator, Reset)> {
        self.resets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Device for FakeTape {
    fn device_type(&self) -> DeviceType {
        DeviceType::Tape
    }

    fn wwid(&self) -> Wwid {
        self.wwid.clone()
    }

    fn description(&self) -> Description {
        Description {
            vendor: "STK".into(),
            product: "T9940B".into(),
            revision: "1.0".into(),
            serial: self.wwid.0.clone(),
        }
    }

    fn port(self: Arc<Self>, initiator: Initiator) -> Arc<dyn Target> {
        Arc::new(Port { tape: self, initiator })
    }

    fn set_holder(&self, holder: Option<Party>) {
        *self.holder.lock().unwrap_or_else(PoisonError::into_inner) = holder;
    }

    fn is_open_on_host(&self) -> bool {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.open_on_host.load(Ordering::Relaxed)
    }
}

struct Port {
    tape: Arc<FakeTape>,
    initiator: Initiator,
}

impl Target for Port {
    fn execute(&self, _: &Command<'_>, _: Patience) -> Execution {
        let sense = self.tape.refusal.lock().unwrap_or_else(PoisonError::into_inner).take();
        Execution::Done(Completion { sense, data_out: 0, data_in: 0 })
    }

    fn reset(&self, reset: Reset) {
        let mut resets = self.tape.resets.lock().unwrap_or_else(PoisonError::into_inner);
        resets.push((self.initiator, reset));
    }

    fn statistics(&self) -> StatisticsSnapshot {
        StatisticsSnapshot::default()
    }
}
