//! What of a disc is not on it: a session that is to be recorded at once, and what is recorded only for a test. It ends with
//! the power of the drive, and not with the process that has it:
//!
//! ```text
//!   simulated format = 1%0akind = …                    the description as it would be, its line ends as %0a
//!   planned <next sector> <appendable> <first> <sectors> <first> <sectors> …
//! ```

use super::record::Record;
use super::{Disc, Plan, TrackState};

/// A line end inside a line.
const LINE_END: &str = "%0a";

impl Disc {
    /// Whether nothing of what is recorded now gets onto the disc.
    pub fn is_simulating(&self) -> bool {
        self.real.is_some()
    }

    /// Recording is only simulated from now on, or is no more: what was recorded for a test is not there then.
    pub fn simulate(&mut self, on: bool) {
        match (on, self.real.take()) {
            (true, None) => self.real = Some(self.record.clone()),
            (false, Some(real)) => (self.record, self.plan) = (real, None),
            (_, real) => self.real = real,
        }
    }

    /// It as lines.
    pub(crate) fn volatile(&self) -> Vec<String> {
        let simulated = self.real.is_some().then(|| self.record.print().ok()).flatten();
        let simulated = simulated.map(|text| format!("simulated {}", text.replace('\n', LINE_END)));
        let planned = self.plan.as_ref().map(|plan| {
            let tracks = plan.tracks.iter().map(|(first, len)| format!(" {first} {len}"));
            format!("planned {} {}{}", plan.next, u8::from(plan.appendable), tracks.collect::<String>())
        });
        simulated.into_iter().chain(planned).collect()
    }

    /// Goes on as a line says that another process wrote of this disc. `None` if it is not understood, or is not of a disc
    /// that is as this one is.
    pub(crate) fn resume(&mut self, word: &str, words: &[&str]) -> Option<()> {
        match (word, words) {
            ("simulated", _) => {
                let record = Record::parse(&words.join(" ").replace(LINE_END, "\n")).ok()?;
                let is_of_this = (record.kind, record.capacity) == (self.record.kind, self.record.capacity);
                self.simulate(is_of_this);
                is_of_this.then(|| self.record = record)
            }
            ("planned", [next, appendable, places @ ..]) => {
                let (places, []) = places.as_chunks::<2>() else { return None };
                let place = |[first, len]: &[&str; 2]| Some((first.parse().ok()?, len.parse().ok()?));
                let plan = Plan {
                    tracks: places.iter().map(place).collect::<Option<_>>()?,
                    next: next.parse().ok()?,
                    appendable: *appendable == "1",
                };
                self.resume_plan(plan)
            }
            _ => None,
        }
    }

    /// The plan may have been carried out further than is written down: as far as the image goes.
    fn resume_plan(&mut self, mut plan: Plan) -> Option<()> {
        let tracks = self.open_tracks().map(|track| (track.first, track.reserved.unwrap_or(0)));
        let begun: Vec<(u32, u32)> = tracks.collect();
        if begun.is_empty() {
            let next = self.tracks().into_iter().find(|track| track.state == TrackState::Invisible)?;
            let is_possible = plan.next < plan.first() && i64::from(next.first) == plan.first();
            let next = plan.next;
            is_possible.then(|| self.plan(plan.tracks, plan.appendable).ok()).flatten()?;
            self.come_to(next);
            return Some(());
        }
        let is_possible = begun == plan.tracks && plan.next <= plan.end();
        is_possible.then_some(())?;
        let in_image = if self.is_simulating() { 0 } else { self.sectors_in_image().ok()? };
        if i64::from(in_image) > plan.first() {
            plan.next = plan.next.max(in_image.into()).min(plan.end());
        }
        let next = plan.next;
        self.plan = Some(plan);
        self.come_to(next);
        Some(())
    }
}
