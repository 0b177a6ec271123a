//! What a session of `swinstall` or `swremove` says, in Software Distributor's form, and its logs.
//!
//! The controller's log (`swinstall.log`) has frame and outcome of each session, the agent's (`swagent.log`) everything.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::ZonedDateTime;

/// Columns in which the text of a line stands.
const TEXT_WIDTH: usize = 70;

/// Which command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verb {
    /// `swinstall`
    Install,
    /// `swremove`
    Remove,
}

impl Verb {
    /// Its name.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Verb::Install => "swinstall",
            Verb::Remove => "swremove",
        }
    }
}

/// Weight of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Weight {
    Plain,
    Note,
    Warning,
    Error,
}

/// A line of the analysis or execution, not yet wrapped.
pub(super) type Line = (Weight, String);

/// A session being logged.
pub(crate) struct SessionLog {
    directory: PathBuf,
    verb: Verb,
    job: String,
    lines: Vec<String>,
}

impl SessionLog {
    /// Begins a session whose logs are in `directory`, on `host`, by `user`.
    ///
    /// # Errors
    /// One line: the directory cannot be used.
    pub(crate) fn begin(directory: &Path, verb: Verb, host: &str, user: &str) -> Result<SessionLog, String> {
        let failed = |error: io::Error| format!("Cannot write to '{}': {error}.", directory.display());
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let number = next_job(directory).map_err(failed)?;
        let job = format!("{host}-{number:04}");
        let mut log = SessionLog { directory: directory.to_owned(), verb, job, lines: Vec::new() };
        log.frame("BEGIN");
        log.lines.push(String::new());
        log.say(Weight::Plain, &format!("Session started for user \"{user}\"."));
        log.lines.push(String::new());
        Ok(log)
    }

    fn frame(&mut self, which: &str) {
        let now = ZonedDateTime::now().strftime("%m/%d/%y %H:%M:%S %Z").to_string();
        self.lines.push(format!("=======  {now}  {which} {} SESSION", self.verb.command()));
        self.lines.push(format!("         (non-interactive) (jobid={})", self.job));
    }

    /// Adds a line, wrapped as Software Distributor does.
    pub(super) fn say(&mut self, weight: Weight, text: &str) {
        let prefix = match weight {
            Weight::Plain => "       * ",
            Weight::Note => "NOTE:    ",
            Weight::Warning => "WARNING: ",
            Weight::Error => "ERROR:   ",
        };
        for (n, line) in wrap(text).into_iter().enumerate() {
            self.lines.push(format!("{}{line}", if n == 0 { prefix } else { "         " }));
        }
    }

    /// Adds what a plan had to say, under its heading.
    pub(crate) fn report(&mut self, heading: &str, plan: &super::Plan) {
        self.say(Weight::Plain, heading);
        for (weight, text) in &plan.lines {
            self.say(*weight, text);
        }
    }

    /// Adds a line without weight.
    pub(crate) fn tell(&mut self, text: &str) {
        self.say(Weight::Plain, text);
    }

    /// Adds an error.
    pub(crate) fn fail(&mut self, text: &str) {
        self.say(Weight::Error, text);
    }

    /// Ends the session and writes the logs; the lines are for the operator, too.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.lines.push(String::new());
        self.frame("END");
        let log = self.directory.join(format!("{}.log", self.verb.command()));
        let agent = self.directory.join("swagent.log");
        for path in [&log, &agent] {
            if let Err(error) = append(path, &self.lines) {
                tracing::error!(path = %path.display(), %error, "session of software cannot be logged");
            }
        }
        self.lines
    }
}

fn append(path: &Path, lines: &[String]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    file.write_all(text.as_bytes())
}

/// The number of the session, kept in a file; one that is lost begins anew.
fn next_job(directory: &Path) -> io::Result<u32> {
    let path = directory.join("jobid");
    let last = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<u32>().ok());
    let number = last.unwrap_or(0) % 9999 + 1;
    std::fs::write(&path, format!("{number}\n"))?;
    Ok(number)
}

fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line =
            lines.last_mut().filter(|line| line.len() + 1 + word.len() <= TEXT_WIDTH || line.is_empty());
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}
