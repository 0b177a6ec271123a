//! Why a command failed, and how that is said.

use ipc::client::ClientError;
use ipc::message::{Refusal, Remark};

/// A command that was not carried out.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The VSP refused.
    Refused(Refusal),
    /// Something else went wrong.
    Other(anyhow::Error),
    /// All is said already.
    Silent,
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Failure {
        match error.into().downcast::<ClientError>() {
            Ok(ClientError::Refused(refusal)) => Failure::Refused(refusal),
            Ok(error) => Failure::Other(error.into()),
            Err(error) => Failure::Other(error),
        }
    }
}

impl Failure {
    /// A failure of one sentence.
    pub(super) fn message(text: impl Into<String>) -> Failure {
        Failure::Other(anyhow::Error::msg(text.into()))
    }

    /// Says it on standard error in the name of `command`.
    pub(super) fn print(&self, command: &str) {
        match self {
            Failure::Refused(refusal) => print_remarks(command, &refusal.remarks),
            Failure::Other(error) => eprintln!("{command}: {error:#}"),
            Failure::Silent => {}
        }
    }
}

/// Prints remarks on standard error in HPVM's form.
pub(super) fn print_remarks(command: &str, remarks: &[Remark]) {
    for remark in remarks {
        eprintln!("{command}: {remark}");
    }
}
