//! Questions before something that cannot be undone.

use std::io::{self, BufRead, Write};

use super::failure::Failure;

/// Asks `question` on standard output; anything but yes is no.
pub(super) fn confirm(command: &str, question: &str, out: &mut dyn Write) -> Result<(), Failure> {
    write!(out, "{command}: {question} [n]: ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Silent),
    }
}
