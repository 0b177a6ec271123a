//! `diskinfo`: what a device of the VSP is, by opening it (hpvm.md 7.6, 10.3).

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::client::ClientError;
use ipc::io::{Description, IoAnswer, IoRequest};
use ipc::message::{ClientToVsp, VspToClient};

use super::failure::Failure;
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "diskinfo",
    classic: "diskinfo",
    is_linked: true,
    augment: |command| {
        Options::augment_args(
            command
                .mut_arg("version", |version| version.short(None))
                .about("Tell what a device is")
                .after_help("The device is opened for that: while a guest uses it, it is busy."),
        )
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Print the size only, in Kbytes
    #[arg(short = 'b', conflicts_with = "verbose")]
    size_only: bool,
    /// Print more
    #[arg(short = 'v')]
    verbose: bool,
    /// Device file, lunpath, or device of the host
    #[arg(value_name = "character_devicefile")]
    file: String,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let Options { size_only, verbose, file } = Options::from_arg_matches(matches)?;
    let request = ClientToVsp::Io(IoRequest::Describe { name: file.clone() });
    match link::connect()?.request_with(&request, |_| {})? {
        VspToClient::Io(IoAnswer::Describe(found)) => {
            let text = if size_only { size(&found) } else { describe(&file, &found, verbose) };
            Ok(write!(out, "{text}")?)
        }
        VspToClient::Io(IoAnswer::CannotOpen(failure)) => {
            Err(Failure::message(format!("can't open {file}: {}", failure.text())))
        }
        _ => Err(ClientError::Unexpected.into()),
    }
}

fn size(found: &Description) -> String {
    format!("{}\n", found.size.map_or(0, |(bytes, _)| bytes >> 10))
}

pub(super) fn describe(file: &str, found: &Description, verbose: bool) -> String {
    let mut lines = vec![
        ("vendor", format!("{:<8}", found.vendor)),
        ("product id", format!("{:<16}", found.product)),
        ("type", found.kind.clone()),
    ];
    if let Some((bytes, block)) = found.size {
        lines.push(("size", format!("{} Kbytes", bytes >> 10)));
        lines.push(("bytes per sector", block.to_string()));
    }
    if verbose {
        lines.push(("rev level", found.revision.clone()));
        if let Some((bytes, block)) = found.size.filter(|(_, block)| *block > 0) {
            lines.push(("blocks per disk", (bytes / u64::from(block)).to_string()));
        }
        lines.push(("serial number", found.serial.clone()));
    }
    let lines = lines.into_iter().map(|(label, value)| format!("{label:>19}: {value}\n"));
    format!("SCSI describe of {file}:\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transcript of hpvm.md 10.3.
    #[test]
    fn descriptions_are_as_in_transcripts() {
        let disk = Description {
            vendor: "HP".into(),
            product: "Virtual LvDisk".into(),
            revision: "1".into(),
            serial: "17".into(),
            kind: "direct access".into(),
            size: Some((40_960_000 << 10, 512)),
        };
        let expected = [
            "SCSI describe of /dev/rdsk/c0t0d0:",
            "             vendor: HP      ",
            "         product id: Virtual LvDisk  ",
            "               type: direct access",
            "               size: 40960000 Kbytes",
            "   bytes per sector: 512\n",
        ];
        let expected = expected.join("\n");
        assert_eq!(describe("/dev/rdsk/c0t0d0", &disk, false), expected);
        assert_eq!(size(&disk), "40960000\n");
        let verbose = "          rev level: 1\n    blocks per disk: 81920000\n      serial number: 17\n";
        assert!(describe("/dev/rdsk/c0t0d0", &disk, true).ends_with(verbose));
        let tape = Description { size: None, kind: "sequential access".into(), ..disk };
        assert!(describe("t", &tape, false).ends_with("               type: sequential access\n"));
    }
}
