//! Recording sectors: where a disc takes them, and into the image.

use std::io;
use std::os::fd::AsFd;

use super::{Disc, Kind, PRE_GAP, RecordError, SECTOR, TrackState, TrackView};
use crate::segments::Segments;

impl Disc {
    /// Records whole sectors from `sector` on, which counts from before the first when there is a pre-gap. `again`: it may
    /// have been done already, by a process that died.
    ///
    /// # Errors
    /// Nothing is recorded there, or now.
    pub fn write(&mut self, sector: i64, from: &Segments<'_>, again: bool) -> Result<(), RecordError> {
        let count = u32::try_from(from.len_bytes() / SECTOR).map_err(|_| RecordError::Full)?;
        if count == 0 {
            return Ok(());
        }
        if self.plan.is_some() {
            return self.write_planned(sector, count, from, again);
        }
        let sector = u32::try_from(sector).map_err(|_| RecordError::Address)?;
        if let Some(formatted) = self.record.formatted {
            let fits = sector.checked_add(count).is_some_and(|end| end <= formatted);
            return if fits { self.put(sector, from) } else { Err(RecordError::Address) };
        }
        if self.record.finalised {
            return Err(RecordError::Finalised);
        }
        if self.record.kind == Kind::DvdPlusRw {
            // It has to be formatted first.
            return Err(RecordError::Unsuitable);
        }
        let views = self.tracks();
        let takes = |view: &&TrackView| {
            let next = view.first + view.recorded;
            let is_next = view.state != TrackState::Closed && next == sector && view.recorded < view.len;
            let was_next = again && view.state == TrackState::Open && (view.first..next).contains(&sector);
            is_next || was_next
        };
        let view = views.iter().find(takes).ok_or(RecordError::Address)?;
        if view.first + view.len - sector < count {
            return Err(RecordError::Full);
        }
        if view.state == TrackState::Invisible {
            self.begin_track(view.first, None)?;
        }
        self.put(sector, from)?;
        if let Some(track) = self.open_tracks().find(|track| track.first == view.first) {
            track.recorded = track.recorded.max(sector + count - track.first);
        }
        self.describe()
    }

    /// Of a session recorded at once.
    fn write_planned(
        &mut self,
        sector: i64,
        count: u32,
        from: &Segments<'_>,
        again: bool,
    ) -> Result<(), RecordError> {
        let plan = self.plan.as_ref().ok_or(RecordError::Unsuitable)?;
        let first = plan.first();
        if sector != plan.next && !(again && (first - PRE_GAP..plan.next).contains(&sector)) {
            return Err(RecordError::Address);
        }
        if sector + i64::from(count) > plan.end() {
            return Err(RecordError::Full);
        }
        let next = plan.next.max(sector + i64::from(count));
        if self.record.sessions.last().is_none_or(|session| session.closed) {
            for (first, len) in plan.tracks.clone() {
                self.begin_track(first, Some(len))?;
            }
        }
        // Of the pre-gap nothing is kept.
        let skipped = (first - sector).clamp(0, i64::from(count)) as u64;
        let kept = from.slice(skipped * SECTOR, (u64::from(count) - skipped) * SECTOR);
        if kept.len_bytes() > 0 {
            self.put((sector + skipped as i64) as u32, &kept)?;
        }
        self.come_to(next);
        self.describe()
    }

    /// The session that is planned is recorded up to here.
    pub(super) fn come_to(&mut self, next: i64) {
        for track in self.open_tracks() {
            track.recorded =
                (next - i64::from(track.first)).clamp(0, track.reserved.unwrap_or(0).into()) as u32;
        }
        if let Some(plan) = &mut self.plan {
            plan.next = next;
        }
    }

    fn put(&self, sector: u32, from: &Segments<'_>) -> Result<(), RecordError> {
        if self.is_simulating() {
            return Ok(());
        }
        let (start, len) = (u64::from(sector) * SECTOR, from.len_bytes());
        let mut done = 0;
        while done < len {
            match from.slice(done, len - done).write_to(self.image.as_fd(), start + done, 0) {
                Ok(0) => return Err(io::Error::from_raw_os_error(libc::EIO).into()),
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
