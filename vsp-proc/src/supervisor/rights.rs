//! What a caller who is not the VSP's owner may ask of it.

use ipc::message::{ClientToVsp, GuestRef, Refusal, RefusalKind, Remark, Rights};
use ipc::software::{SoftwareHost, SoftwareRequest};

use super::requests::refusal;
use super::{Supervisor, error_line};
use crate::caller::Caller;

/// What a request takes.
enum Need<'a> {
    /// Nothing but being connected; the answer tells of nothing else than the caller may know.
    Nothing,
    /// Rights on a guest.
    Of(&'a GuestRef, Rights),
    /// To be the VSP's owner.
    Owner,
}

fn need(request: &ClientToVsp) -> Need<'_> {
    match request {
        ClientToVsp::ListGuests
        | ClientToVsp::AllGuestDetails
        | ClientToVsp::VspStatus
        | ClientToVsp::Figures(None)
        | ClientToVsp::Software(SoftwareRequest::Missing) => Need::Nothing,
        ClientToVsp::GuestDetail(guest)
        | ClientToVsp::Figures(Some(guest))
        | ClientToVsp::ConsoleUsers(guest)
        | ClientToVsp::Software(SoftwareRequest::List(SoftwareHost::Guest(guest))) => {
            Need::Of(guest, Rights::Oper)
        }
        ClientToVsp::StartGuest { guest, .. }
        | ClientToVsp::StopGuest { guest, .. }
        | ClientToVsp::ResetGuest(guest)
        | ClientToVsp::InitGuest(guest)
        | ClientToVsp::ListDiscs { guest, .. }
        | ClientToVsp::ChangeDisc { guest, .. }
        | ClientToVsp::DisconnectUser { guest, .. } => Need::Of(guest, Rights::Admin),
        ClientToVsp::CreateGuest { .. }
        | ClientToVsp::ModifyGuest { .. }
        | ClientToVsp::RemoveGuest(_)
        | ClientToVsp::CloneGuest(_)
        | ClientToVsp::Devices(_)
        | ClientToVsp::Io(_)
        | ClientToVsp::Software(_)
        | ClientToVsp::VspShutdown
        | ClientToVsp::VspLeave => Need::Owner,
        // These do not come here by themselves: what they are about was asked for when it began.
        ClientToVsp::Subscribe(_)
        | ClientToVsp::ConsoleInput(_)
        | ClientToVsp::ConsoleTakeAccess
        | ClientToVsp::ConsoleReleaseAccess => Need::Nothing,
    }
}

impl Supervisor {
    /// May this be asked by this caller?
    pub(super) fn admit(&self, request: &ClientToVsp, caller: &Caller) -> Result<(), Refusal> {
        if caller.is_owner() {
            return Ok(());
        }
        match need(request) {
            Need::Nothing => Ok(()),
            Need::Owner => Err(superuser()),
            Need::Of(guest, rights) => {
                let name = self.find(guest)?;
                self.admit_to(&name, caller, rights)
            }
        }
    }

    /// Has the caller these rights on a guest?
    pub(super) fn admit_to(&self, name: &str, caller: &Caller, rights: Rights) -> Result<(), Refusal> {
        // Nobody knows who has rights on a guest whose configuration is damaged.
        let granted = match self.config(name) {
            Some(config) => caller.rights(config),
            None => caller.is_owner().then_some(Rights::Admin),
        };
        let user = &caller.user;
        let text = match (granted, rights) {
            (Some(Rights::Admin), _) | (Some(Rights::Oper), Rights::Oper) => return Ok(()),
            (Some(Rights::Oper), Rights::Admin) => {
                format!("User '{user}' is an operator of this guest; this takes an administrator.")
            }
            (None, _) => format!("User '{user}' has no rights on this guest."),
        };
        tracing::warn!(guest = name, user, pid = caller.pid, "refused: no rights");
        Err(refusal(RefusalKind::Denied, vec![error_line(name, text)]))
    }

    /// Ends the console sessions of those who have no rights on a guest any more, and their reading of its logs.
    pub(super) fn send_away(&self, name: &str) {
        self.logs.tell_of_other_logs();
        if let (Some(config), Some(guest)) = (self.config(name), self.guests.get(name)) {
            let config = config.clone();
            guest.console.keep(move |caller| caller.rights(&config).is_some());
        }
    }

    /// May the caller know of this guest?
    pub(super) fn is_visible(&self, name: &str, caller: &Caller) -> bool {
        caller.is_owner() || self.config(name).is_some_and(|config| caller.rights(config).is_some())
    }
}

/// What is said to somebody who may not.
pub(crate) fn superuser() -> Refusal {
    refusal(RefusalKind::Denied, vec![Remark::plain("Superuser privileges required.")])
}
