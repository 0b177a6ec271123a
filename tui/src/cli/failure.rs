//! Why a command failed, and how that is said.

use ipc::client::ClientError;
use ipc::message::{Refusal, Remark, Severity};

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
    let (problems, others): (Vec<_>, Vec<_>) =
        remarks.iter().partition(|remark| remark.severity == Some(Severity::Problem));
    for remark in others {
        eprintln!("{command}: {remark}");
    }
    eprint!("{}", problem_block(command, &problems));
}

/// Problems of a guest's configuration as HPVM lists them (hpvm.md 11.1); nothing where there are none.
fn problem_block(command: &str, problems: &[&Remark]) -> String {
    let Some(guest) = problems.first().and_then(|problem| problem.guest.as_deref()) else {
        return String::new();
    };
    let mut block = format!("HPVM guest {guest} configuration problems:\n");
    for (n, problem) in problems.iter().enumerate() {
        let item = problem.item().map(|item| format!(" on item {item}")).unwrap_or_default();
        block += &format!("    Warning {}{item}: {}\n", n + 1, problem.text);
    }
    block += &format!("    These problems may prevent HPVM guest {guest} from booting.\n");
    let process = match command {
        "hpvmcreate" => "creation",
        "hpvmclone" => "cloning",
        _ => "modification",
    };
    block + &format!("{command}: The {process} process is continuing.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_listed_as_hpvm_does() {
        let text = "Device file '/dev/rdisk/disk12' in use by another guest.";
        let problems = [
            Remark::about("ivm1", Severity::Problem, text),
            Remark::about("ivm1", Severity::Problem, "Insufficient free memory for guest."),
        ];
        assert_eq!(
            problem_block("hpvmmodify", &problems.iter().collect::<Vec<_>>()),
            "HPVM guest ivm1 configuration problems:
    Warning 1 on item /dev/rdisk/disk12: Device file '/dev/rdisk/disk12' in use by another guest.
    Warning 2: Insufficient free memory for guest.
    These problems may prevent HPVM guest ivm1 from booting.
hpvmmodify: The modification process is continuing.
"
        );
        assert_eq!(problem_block("hpvmmodify", &[]), "");
    }
}
