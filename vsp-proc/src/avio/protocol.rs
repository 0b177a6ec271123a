//! The vhost-user requests of a front-end: features, memory, and how rings are set up, started and stopped.
//!
//! A ring is served while it has addresses, a kick eventfd and is enabled. It stops when disabled, when its base is
//! asked for, and when the connection ends; stopping waits for the requests taken from it.

use std::fs::File;
use std::sync::Arc;

use storage::scsi::Reset;
use vhost::vhost_user::message::{
    VhostTransferStateDirection, VhostTransferStatePhase, VhostUserConfigFlags, VhostUserInflight,
    VhostUserLog, VhostUserMemoryRegion, VhostUserProtocolFeatures, VhostUserShMemConfig, VhostUserSharedMsg,
    VhostUserSingleMemoryRegion, VhostUserVirtioFeatures, VhostUserVringAddrFlags, VhostUserVringState,
};
use vhost::vhost_user::{Error, GpuBackend, Result, VhostUserBackendReqHandlerMut};
use virtio_bindings::virtio_config::VIRTIO_F_VERSION_1;
use virtio_bindings::virtio_ring::{VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC};
use vm_memory::GuestAddress;
use zerocopy::IntoBytes;

use super::chain::MAX_DESCRIPTORS;
use super::control;
use super::engine::Engine;
use super::event;
use super::inflight::{self, Inflight};
use super::latency::Latencies;
use super::memory::{GuestRam, RamPolicy};
use super::ring::{Ring, RingSetup};
use super::virtio_scsi::{CDB_SIZE, Config, F_CHANGE, F_HOTPLUG, FIRST_REQUEST_QUEUE, SENSE_SIZE};

/// Request queues a front-end may have, whatever it is told to use.
const MAX_REQUEST_QUEUES: u16 = 64;
/// Rings of an adapter.
const MAX_RINGS: u16 = FIRST_REQUEST_QUEUE + MAX_REQUEST_QUEUES;

/// Features of virtio we offer.
const FEATURES: u64 = 1 << VIRTIO_F_VERSION_1
    | 1 << VIRTIO_RING_F_EVENT_IDX
    | 1 << VIRTIO_RING_F_INDIRECT_DESC
    | F_HOTPLUG
    | F_CHANGE
    | VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits();

/// What a front-end has said so far.
pub(super) struct Protocol {
    engine: Arc<Engine>,
    latencies: Arc<Latencies>,
    policy: RamPolicy,
    config: Config,
    features: u64,
    ram: Option<Arc<GuestRam>>,
    inflight: Option<Inflight>,
    slots: Vec<Slot>,
}

/// What it said of one ring.
#[derive(Default)]
struct Slot {
    size: u16,
    place: Option<Place>,
    base: u16,
    kick: Option<Arc<File>>,
    call: Option<Arc<File>>,
    error: Option<Arc<File>>,
    enabled: bool,
}

#[derive(Clone, Copy)]
struct Place {
    descriptors: GuestAddress,
    available: GuestAddress,
    used: GuestAddress,
}

impl Protocol {
    pub(super) fn new(
        engine: Arc<Engine>,
        policy: RamPolicy,
        request_queues: u16,
        latencies: Arc<Latencies>,
    ) -> Protocol {
        Protocol {
            engine,
            latencies,
            policy,
            config: Config::new(request_queues.clamp(1, MAX_REQUEST_QUEUES)),
            features: 0,
            ram: None,
            inflight: None,
            slots: (0..MAX_RINGS).map(|_| Slot::default()).collect(),
        }
    }

    /// Stops all rings; each keeps where it was.
    pub(super) fn stop_all(&mut self) {
        for ring in self.engine.rings() {
            self.stop(ring.index());
        }
    }

    fn slot(&mut self, index: u32) -> Result<(u16, &mut Slot)> {
        let index = u16::try_from(index).map_err(|_| Error::InvalidParam)?;
        let slot = self.slots.get_mut(usize::from(index)).ok_or(Error::InvalidParam)?;
        Ok((index, slot))
    }

    fn stopped_slot(&mut self, index: u32) -> Result<&mut Slot> {
        let is_served = u16::try_from(index).is_ok_and(|index| self.engine.ring(index).is_some());
        if is_served {
            return Err(Error::InvalidOperation("ring is in use"));
        }
        self.slot(index).map(|(_, slot)| slot)
    }

    fn stop(&mut self, index: u16) {
        if let Some(base) = self.engine.remove_ring(index)
            && let Some(slot) = self.slots.get_mut(usize::from(index))
        {
            slot.base = base;
        }
    }

    /// Starts a ring if it is complete and does not run.
    fn start(&mut self, index: u32) -> Result<()> {
        let event_idx = self.features & 1 << VIRTIO_RING_F_EVENT_IDX != 0;
        let ram = self.ram.clone();
        let (index, slot) = self.slot(index)?;
        let (Some(ram), Some(place), Some(kick), true) = (ram, slot.place, slot.kick.clone(), slot.enabled)
        else {
            return Ok(());
        };
        let (call, error) = (slot.call.clone(), slot.error.clone());
        let setup = RingSetup {
            size: slot.size,
            descriptors: place.descriptors,
            available: place.available,
            used: place.used,
            base: slot.base,
            event_idx,
        };
        if self.engine.ring(index).is_some() {
            return Ok(());
        }
        let inflight = self.inflight.as_ref().map(|inflight| inflight.ring(index, setup.size)).transpose();
        let ring = inflight
            .map_err(Into::into)
            .and_then(|inflight| Ring::start(index, &setup, ram, inflight, kick, call, error.clone()));
        match ring {
            Ok(ring) => {
                tracing::debug!(ring = index, ?setup, "ring started");
                let ring = match index >= FIRST_REQUEST_QUEUE {
                    true => ring.measured(Arc::clone(&self.latencies)),
                    false => ring,
                };
                self.engine.add_ring(Arc::new(ring)).map_err(Error::ReqHandlerError)
            }
            Err(reason) => {
                tracing::warn!(ring = index, %reason, "ring refused");
                if let Some(error) = error {
                    event::raise(&error);
                }
                Err(Error::InvalidParam)
            }
        }
    }

    fn adopt(&self, fd: Option<File>) -> Result<Option<Arc<File>>> {
        fd.map(|file| event::adopt(file).map(Arc::new)).transpose().map_err(|error| {
            tracing::warn!(%error, "descriptor of a ring refused");
            Error::InvalidParam
        })
    }
}

/// For requests whose reply has no way to say no: ends the connection, or the front-end would wait for ever.
const UNANSWERABLE: Error = Error::BackendInternalError;

const UNSUPPORTED: Error = Error::InvalidOperation("not supported");

impl VhostUserBackendReqHandlerMut for Protocol {
    fn set_owner(&mut self) -> Result<()> {
        Ok(())
    }

    fn reset_owner(&mut self) -> Result<()> {
        self.reset_device()
    }

    fn reset_device(&mut self) -> Result<()> {
        control::recall(&self.engine.request_rings(), &self.engine.targets);
        self.stop_all();
        self.features = 0;
        self.inflight = None;
        self.slots.iter_mut().for_each(|slot| *slot = Slot::default());
        self.engine.targets.all().iter().for_each(|target| target.reset(Reset::Adapter));
        Ok(())
    }

    fn get_features(&mut self) -> Result<u64> {
        Ok(FEATURES)
    }

    fn set_features(&mut self, features: u64) -> Result<()> {
        if features & !FEATURES != 0 {
            return Err(Error::InvalidParam);
        }
        self.features = features;
        self.engine.set_notices(features & F_HOTPLUG != 0, features & F_CHANGE != 0);
        // Without the protocol's features there is no request to enable rings.
        if features & VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits() == 0 {
            self.slots.iter_mut().for_each(|slot| slot.enabled = true);
        }
        Ok(())
    }

    fn set_mem_table(
        &mut self,
        regions: &[VhostUserMemoryRegion],
        files: Vec<File>,
        _: Option<bool>,
    ) -> Result<Option<Vec<u64>>> {
        let ram = GuestRam::map(regions, files, self.policy).map_err(|reason| {
            tracing::warn!(%reason, "guest memory refused");
            Error::InvalidParam
        })?;
        let ram = Arc::new(ram);
        for ring in self.engine.rings() {
            ring.set_ram(Arc::clone(&ram));
        }
        self.ram = Some(ram);
        Ok(None)
    }

    fn set_vring_num(&mut self, index: u32, num: u32) -> Result<()> {
        let slot = self.stopped_slot(index)?;
        if !num.is_power_of_two() || num > MAX_DESCRIPTORS {
            return Err(Error::InvalidParam);
        }
        slot.size = u16::try_from(num).map_err(|_| Error::InvalidParam)?;
        Ok(())
    }

    fn set_vring_addr(
        &mut self,
        index: u32,
        _: VhostUserVringAddrFlags,
        descriptor: u64,
        used: u64,
        available: u64,
        _: u64,
    ) -> Result<()> {
        let ram = self.ram.clone().ok_or(Error::InvalidOperation("no memory yet"))?;
        let slot = self.stopped_slot(index)?;
        let at = |address| ram.guest_address(address).ok_or(Error::InvalidParam);
        slot.place = Some(Place { descriptors: at(descriptor)?, available: at(available)?, used: at(used)? });
        self.start(index)
    }

    fn set_vring_base(&mut self, index: u32, base: u32) -> Result<()> {
        self.stopped_slot(index)?.base = u16::try_from(base).map_err(|_| Error::InvalidParam)?;
        Ok(())
    }

    fn get_vring_base(&mut self, index: u32) -> Result<VhostUserVringState> {
        let (number, _) = self.slot(index).map_err(|_| UNANSWERABLE)?;
        self.stop(number);
        let (_, slot) = self.slot(index).map_err(|_| UNANSWERABLE)?;
        // It starts again when it gets a new kick.
        slot.kick = None;
        Ok(VhostUserVringState::new(index, slot.base.into()))
    }

    fn set_vring_kick(&mut self, index: u8, fd: Option<File>) -> Result<()> {
        // Without one we would have to poll, and an idle guest shall cost nothing.
        let kick = self.adopt(fd)?.ok_or(UNSUPPORTED)?;
        self.stopped_slot(index.into())?.kick = Some(kick);
        self.start(index.into())
    }

    fn set_vring_call(&mut self, index: u8, fd: Option<File>) -> Result<()> {
        let call = self.adopt(fd)?;
        let (number, slot) = self.slot(index.into())?;
        slot.call = call.clone();
        if let Some(ring) = self.engine.ring(number) {
            ring.set_call(call);
        }
        Ok(())
    }

    fn set_vring_err(&mut self, index: u8, fd: Option<File>) -> Result<()> {
        let error = self.adopt(fd)?;
        let (number, slot) = self.slot(index.into())?;
        slot.error = error.clone();
        if let Some(ring) = self.engine.ring(number) {
            ring.set_error(error);
        }
        Ok(())
    }

    fn get_protocol_features(&mut self) -> Result<VhostUserProtocolFeatures> {
        Ok(VhostUserProtocolFeatures::MQ
            | VhostUserProtocolFeatures::REPLY_ACK
            | VhostUserProtocolFeatures::CONFIG
            | VhostUserProtocolFeatures::RESET_DEVICE
            | VhostUserProtocolFeatures::INFLIGHT_SHMFD)
    }

    fn set_protocol_features(&mut self, _: u64) -> Result<()> {
        Ok(())
    }

    fn get_queue_num(&mut self) -> Result<u64> {
        Ok(MAX_RINGS.into())
    }

    fn set_vring_enable(&mut self, index: u32, enable: bool) -> Result<()> {
        let (number, slot) = self.slot(index)?;
        slot.enabled = enable;
        if enable {
            self.start(index)
        } else {
            self.stop(number);
            Ok(())
        }
    }

    fn get_config(&mut self, offset: u32, size: u32, _: VhostUserConfigFlags) -> Result<Vec<u8>> {
        let start = offset as usize;
        let end = start.checked_add(size as usize).ok_or(Error::InvalidParam)?;
        self.config.as_bytes().get(start..end).map(<[u8]>::to_vec).ok_or(Error::InvalidParam)
    }

    /// The driver may write CDB and sense sizes (virtio 1.2 clause 5.6.4); there are only the default ones.
    fn set_config(&mut self, offset: u32, bytes: &[u8], _: VhostUserConfigFlags) -> Result<()> {
        const SENSE_SIZE_AT: u32 = 20;
        const CDB_SIZE_AT: u32 = 24;
        let is_default = match offset {
            SENSE_SIZE_AT => bytes == (SENSE_SIZE as u32).to_le_bytes(),
            CDB_SIZE_AT => bytes == (CDB_SIZE as u32).to_le_bytes(),
            _ => false,
        };
        if is_default { Ok(()) } else { Err(Error::InvalidParam) }
    }

    fn set_gpu_socket(&mut self, _: GpuBackend) -> Result<()> {
        Err(UNSUPPORTED)
    }

    fn get_shared_object(&mut self, _: VhostUserSharedMsg) -> Result<File> {
        Err(UNSUPPORTED)
    }

    fn get_inflight_fd(&mut self, wanted: &VhostUserInflight) -> Result<(VhostUserInflight, File)> {
        let (queues, size) = (wanted.num_queues, wanted.queue_size);
        if queues > MAX_RINGS || u32::from(size) > MAX_DESCRIPTORS {
            return Err(UNANSWERABLE);
        }
        inflight::create(queues, size).map_err(|error| {
            tracing::warn!(%error, "no in-flight region");
            UNANSWERABLE
        })
    }

    fn set_inflight_fd(&mut self, region: &VhostUserInflight, file: File) -> Result<()> {
        if !self.engine.rings().is_empty() {
            return Err(Error::InvalidOperation("rings are in use"));
        }
        let inflight = Inflight::map(region, file).map_err(|reason| {
            tracing::warn!(%reason, "in-flight region refused");
            Error::InvalidParam
        })?;
        self.inflight = Some(inflight);
        Ok(())
    }

    fn get_max_mem_slots(&mut self) -> Result<u64> {
        Err(UNSUPPORTED)
    }

    fn add_mem_region(
        &mut self,
        _: &VhostUserSingleMemoryRegion,
        _: File,
        _: Option<bool>,
    ) -> Result<Option<u64>> {
        Err(UNSUPPORTED)
    }

    fn remove_mem_region(&mut self, _: &VhostUserSingleMemoryRegion) -> Result<()> {
        Err(UNSUPPORTED)
    }

    fn set_device_state_fd(
        &mut self,
        _: VhostTransferStateDirection,
        _: VhostTransferStatePhase,
        _: File,
    ) -> Result<Option<File>> {
        Err(UNSUPPORTED)
    }

    fn check_device_state(&mut self) -> Result<()> {
        Err(UNSUPPORTED)
    }

    fn get_shmem_config(&mut self) -> Result<VhostUserShMemConfig> {
        Err(UNSUPPORTED)
    }

    fn set_log_base(&mut self, _: &VhostUserLog, _: File) -> Result<()> {
        Err(UNSUPPORTED)
    }
}
