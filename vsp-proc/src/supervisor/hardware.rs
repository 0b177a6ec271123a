//! `ioscan`, `diskinfo`, and the devices the VSP emulates: requests about its hardware.

use ipc::io::{IoAnswer, IoRequest};
use ipc::message::{Acceptance, Refusal, RefusalKind, Remark, VspToClient};

use super::Supervisor;
use super::requests::refusal;

impl Supervisor {
    /// Carries out one request.
    pub(super) fn manage_hardware(&self, request: IoRequest) -> Result<VspToClient, Refusal> {
        let hardware = &self.hardware;
        let done = match request {
            IoRequest::List { scan } => {
                if scan {
                    hardware.scan();
                }
                return Ok(VspToClient::Io(IoAnswer::Devices(hardware.list())));
            }
            IoRequest::Describe { name } => {
                let answer = hardware.describe(&name).map_or_else(IoAnswer::CannotOpen, IoAnswer::Describe);
                return Ok(VspToClient::Io(answer));
            }
            IoRequest::ListEmulated => return Ok(VspToClient::Io(IoAnswer::Emulated(hardware.emulated()))),
            IoRequest::Create { path, plan } => {
                let made = hardware.create(&path, &plan).map_err(failed)?;
                return Ok(VspToClient::Io(IoAnswer::Devices(made)));
            }
            IoRequest::Hold { name } => hardware.hold(&name).map(|()| None),
            IoRequest::Release { name } => hardware.release(&name).map(|()| None),
            IoRequest::Remove { name } => self.remove_emulated(&name).map(|()| None),
            IoRequest::Cartridge { name, action } => hardware.handle(&name, &action).map(Some),
        };
        let remark = done.map_err(failed)?;
        let remarks = remark.into_iter().map(Remark::plain).collect();
        Ok(VspToClient::Accepted(Acceptance { already_done: false, remarks }))
    }

    /// No guest may be configured with it.
    fn remove_emulated(&self, name: &str) -> Result<(), String> {
        let lunpaths = self.hardware.lunpaths_of(name)?;
        let running = self.guests.values().filter_map(|guest| guest.running.as_ref());
        let has_it = self.db.configs().chain(running).find(|config| {
            config.devices.iter().any(|device| lunpaths.iter().any(|lunpath| lunpath == device.location()))
        });
        match has_it {
            Some(config) => Err(format!("Device '{name}' is configured for guest '{}'.", config.name)),
            None => self.hardware.remove(name),
        }
    }
}

fn failed(text: String) -> Refusal {
    refusal(
        RefusalKind::Conflict,
        vec![Remark { severity: Some(ipc::message::Severity::Error), guest: None, text }],
    )
}
