//! What gives a disc its tracks and sessions before, and closes them after, recording; and what makes it a blank one again.

use super::record::{Record, Session, Track};
use super::{Disc, Kind, PRE_GAP, Plan, RecordError, TrackState, TrackView, close};

impl Disc {
    /// Whether the open session consists of reserved tracks and all of them are full.
    pub fn is_filled(&self) -> bool {
        let session = self.record.sessions.last().filter(|session| !session.closed);
        session.is_some_and(|s| s.tracks.iter().all(|track| track.reserved == Some(track.recorded)))
    }

    /// RESERVE TRACK: the next track will have this length. `again`: a process that died may have reserved it already.
    ///
    /// # Errors
    /// There is no room, or the disc takes no tracks.
    pub fn reserve(&mut self, sectors: u32, again: bool) -> Result<(), RecordError> {
        let last = self.open_tracks().last();
        // Whoever reserves a track records it before he reserves another one.
        if again && last.is_some_and(|track| track.reserved == Some(sectors) && track.recorded == 0) {
            return Ok(());
        }
        let view = self.tracks().into_iter().find(|track| track.state == TrackState::Invisible);
        let view = view.ok_or(RecordError::Unsuitable)?;
        if sectors == 0 || sectors > view.len || self.record.kind == Kind::DvdPlusRw {
            return Err(RecordError::Full);
        }
        self.begin_track(view.first, Some(sectors))
    }

    /// The session will be recorded at once, with tracks of these first sectors and lengths.
    ///
    /// # Errors
    /// They do not fit, are not in order, or the disc does not take a new session.
    pub fn plan(&mut self, tracks: Vec<(u32, u32)>, appendable: bool) -> Result<(), RecordError> {
        let view = self.tracks().into_iter().find(|track| track.state == TrackState::Invisible);
        let view = view.ok_or(RecordError::Unsuitable)?;
        let (sessions, closed) = self.sessions();
        if (sessions > 0 && !closed) || self.record.kind == Kind::DvdPlusRw {
            return Err(RecordError::Unsuitable);
        }
        let mut next = self.record.clone();
        next.sessions.push(Session {
            closed: false,
            tracks: tracks
                .iter()
                .map(|(first, len)| Track { first: *first, recorded: 0, reserved: Some(*len), closed: false })
                .collect(),
        });
        let begins_well = tracks.first().is_some_and(|(first, _)| *first == view.first);
        if !begins_well || tracks.iter().any(|(_, len)| *len == 0) || next.check().is_err() {
            return Err(RecordError::Full);
        }
        self.plan = Some(Plan { tracks, next: i64::from(view.first) - PRE_GAP, appendable });
        Ok(())
    }

    /// The sector a session recorded at once goes on with.
    pub fn planned(&self) -> Option<i64> {
        self.plan.as_ref().map(|plan| plan.next)
    }

    /// What was planned is not recorded, or no further.
    pub fn forget_plan(&mut self) {
        self.plan = None;
    }

    /// Closes a track; the one that is open if it has no number. An empty one stays as it is.
    pub fn close_track(&mut self, number: Option<u8>) -> Result<(), RecordError> {
        self.sync_image()?;
        let views = self.tracks();
        let is_meant = |view: &&TrackView| match number {
            Some(number) => view.number == number,
            None => view.state != TrackState::Closed,
        };
        let view = views.iter().find(is_meant).ok_or(RecordError::Unsuitable)?;
        let mut next = self.record.clone();
        if let Some(session) = next.open_session() {
            session.tracks.iter_mut().filter(|track| track.first == view.first).for_each(close);
        }
        self.commit(next)
    }

    /// Closes the session with its tracks; without another one to come the disc is finalised.
    ///
    /// # Errors
    /// Nothing is recorded that could be closed.
    pub fn close_session(&mut self, appendable: bool) -> Result<(), RecordError> {
        self.sync_image()?;
        if self.record.formatted.is_some() {
            return Ok(());
        }
        let mut next = self.record.clone();
        if let Some(session) = next.open_session() {
            session.tracks.iter_mut().for_each(close);
            session.tracks.retain(|track| track.recorded > 0);
            session.closed = true;
        }
        next.sessions.retain(|session| !session.tracks.is_empty());
        if next.sessions.is_empty() {
            return Err(RecordError::Unsuitable);
        }
        next.finalised |= !appendable;
        self.plan = None;
        self.commit(next)?;
        // Nothing would follow: the disc is what it is again.
        self.simulate(false);
        Ok(())
    }

    /// Erases a rewritable disc, its format too.
    pub fn blank(&mut self) -> Result<(), RecordError> {
        if !self.record.kind.is_rewritable() || self.record.kind == Kind::DvdPlusRw {
            return Err(RecordError::Unsuitable);
        }
        self.renew(Record::blank(self.record.kind, self.record.capacity))
    }

    /// Formats a disc that takes a format. What was formatted before keeps its content.
    pub fn format(&mut self, sectors: u32) -> Result<(), RecordError> {
        if !self.record.kind.is_formattable() {
            return Err(RecordError::Unsuitable);
        }
        let mut next = Record::blank(self.record.kind, self.record.capacity);
        next.formatted = Some(sectors);
        next.check().map_err(|_| RecordError::Full)?;
        match self.record.formatted {
            Some(_) => self.commit(next),
            None => self.renew(next),
        }
    }

    /// Nothing is recorded any more.
    fn renew(&mut self, next: Record) -> Result<(), RecordError> {
        self.plan = None;
        self.commit(next)?;
        self.cut(0)
    }
}
