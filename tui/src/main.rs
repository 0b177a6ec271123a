//! `hpvm`: the operator console and the commands.

mod console;
mod terminal;
mod view;

use anyhow::Context as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> anyhow::Result<ExitCode> {
    let root = std::env::var_os("HPVM_ROOT").map(PathBuf::from).context("set HPVM_ROOT")?;
    let socket = root.join("run/vsp.sock");
    let connect = move |_: console::WhereNoneRuns| Ok(ipc::client::Client::connect(&socket)?);
    console::run(console::Options::from_env(Arc::new(connect)))
}
