//! `hpvm metrics`: figures of the VSP, its guests and their devices as OpenMetrics text, once or on a loopback port.

mod figures;
mod http;

use std::io::Write;
use std::net::SocketAddr;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::message::VspStatus;

use super::failure::Failure;
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "metrics",
    classic: "hpvm metrics",
    is_linked: false,
    augment: |command| {
        Options::augment_args(command.about("Show figures of guests and devices as OpenMetrics text").after_help(
            "With --listen a collector finds them at http://ADDRESS/metrics until the command is interrupted; it does \
             not start a VSP, and goes on over its restarts.",
        ))
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Answer collectors at this loopback address, such as 127.0.0.1:9180 or [::1]:9180
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = loopback)]
    listen: Option<SocketAddr>,
}

/// Figures tell about guests to whoever asks, so nobody beyond this machine may.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "expected an address and a port")?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => Err("only loopback addresses are served".into()),
    }
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    match Options::from_arg_matches(matches)?.listen {
        Some(address) => Ok(http::serve(address)?),
        None => {
            let text = collect()?.ok_or_else(|| Failure::message("The VSP is not running."))?;
            Ok(out.write_all(text.as_bytes())?)
        }
    }
}

/// What there is to know now; nothing where no VSP runs.
fn collect() -> anyhow::Result<Option<String>> {
    let Some(mut client) = link::connect_running()? else { return Ok(None) };
    let status: VspStatus = client.status()?;
    let guests = client.all_guests()?;
    let served = client.figures(None)?;
    Ok(Some(figures::text(&status, &guests, &served)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_served() {
        assert!(loopback("127.0.0.1:9180").is_ok() && loopback("[::1]:0").is_ok());
        for text in ["0.0.0.0:9180", "192.168.1.1:9180", "localhost", "9180"] {
            assert!(loopback(text).is_err(), "{text}");
        }
    }
}
