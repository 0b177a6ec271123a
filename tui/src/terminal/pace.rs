//! When the next frame may be drawn: not faster than the operator wants, and not faster than the terminal takes frames.
//! Over a slow line the rest of what was sent lies in buffers on the way, where nothing can overtake it; so half of
//! the line is left free for what a key does. Nothing here reads a clock.

use super::line::Written;
use std::time::{Duration, Instant};

/// The shortest time between two frames where a key was pressed: its effect is to be seen at once.
const URGENT_FRAME: Duration = Duration::from_millis(2);
/// The longest time that frames wait for a line that is thought slow: for all else, and for what a key did.
const LONGEST: Duration = Duration::from_secs(1);
const LONGEST_URGENT: Duration = Duration::from_millis(200);
/// A line that took a frame at once may be faster than it was thought to be.
const GROWTH: f64 = 1.1;

/// The pace of frames.
#[derive(Debug)]
pub(super) struct Pace {
    /// The shortest time between two frames.
    frame: Duration,
    /// When the last frame was sent.
    sent: Option<Instant>,
    /// Bytes a second, as they were taken when there was last no room for a frame.
    rate: Option<f64>,
    /// How long the line has for all that was sent, and for the last frame alone, from `sent` on.
    backlog: Duration,
    transit: Duration,
}

impl Pace {
    /// At most so many frames a second, unless a key was pressed.
    pub(super) fn new(frames_per_second: u16) -> Self {
        let frame = Duration::from_secs(1) / u32::from(frames_per_second.max(1));
        Self { frame, sent: None, rate: None, backlog: Duration::ZERO, transit: Duration::ZERO }
    }

    /// How long the next frame has to wait.
    pub(super) fn wait(&self, now: Instant, is_urgent: bool) -> Duration {
        let Some(sent) = self.sent else { return Duration::ZERO };
        let pause = if is_urgent {
            self.backlog.min(LONGEST_URGENT).max(URGENT_FRAME)
        } else {
            (self.backlog + self.transit).min(LONGEST).max(self.frame)
        };
        pause.saturating_sub(now.saturating_duration_since(sent))
    }

    /// A frame of so many bytes goes out.
    pub(super) fn send(&mut self, now: Instant, bytes: usize) {
        let since = self.sent.map_or(Duration::ZERO, |sent| now.saturating_duration_since(sent));
        let seconds = self.rate.map_or(0.0, |rate| bytes as f64 / rate);
        self.transit = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST);
        self.backlog = self.backlog.saturating_sub(since) + self.transit;
        self.sent = Some(now);
    }

    /// The frame that went out last was taken.
    pub(super) fn take(&mut self, written: Written) {
        match written {
            Written::AtOnce => self.rate = self.rate.map(|rate| rate * GROWTH),
            Written::Slowly(0, _) => {}
            Written::Slowly(bytes, time) => {
                self.rate = Some(bytes as f64 / time.max(Duration::from_micros(1)).as_secs_f64());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line that takes so many bytes a second and has room for so many on the way. Frames of 2000 bytes are drawn as
    /// soon as they may be, for a minute; the result is how many, and the most seconds that something waited on the line.
    fn flood(frames_per_second: u16, rate: f64, room: f64) -> (usize, f64) {
        const FRAME_BYTES: f64 = 2000.0;
        let begin = Instant::now();
        let mut pace = Pace::new(frames_per_second);
        let (mut at, mut waiting, mut frames, mut longest) = (0.0_f64, 0.0_f64, 0, 0.0_f64);
        while at < 60.0 {
            pace.send(begin + Duration::from_secs_f64(at), FRAME_BYTES as usize);
            waiting += FRAME_BYTES;
            frames += 1;
            // After the first seconds the speed is known.
            if at > 10.0 {
                longest = longest.max(waiting / rate);
            }
            let surplus = (waiting - room).max(0.0);
            let blocked = surplus / rate;
            pace.take(match surplus {
                0.0 => Written::AtOnce,
                bytes => Written::Slowly(bytes as usize, Duration::from_secs_f64(blocked)),
            });
            let now = begin + Duration::from_secs_f64(at + blocked);
            let next = blocked + pace.wait(now, false).as_secs_f64();
            (at, waiting) = (at + next, (waiting - next * rate).max(0.0));
        }
        (frames, longest)
    }

    #[test]
    fn fast_line_has_as_many_frames_as_are_wanted() {
        assert_eq!(flood(60, 1e9, 1e6).0 / 60, 60);
        assert_eq!(flood(4, 1e9, 1e6).0 / 60, 4);
    }

    #[test]
    fn slow_line_is_left_free_for_keys_most_of_the_time() {
        for rate in [2e3, 10e3, 100e3] {
            let (frames, longest) = flood(60, rate, 8192.0);
            let could = rate * 60.0 / 2000.0;
            assert!(frames as f64 > could * 0.4, "{frames} of {could} frames at {rate}");
            // Without a pace the room on the way would be full all the time: that and a frame.
            assert!(longest <= (8192.0 + 2000.0) / rate, "{longest} s at {rate}");
        }
    }

    #[test]
    fn key_waits_for_what_is_on_the_line_but_never_long() {
        let begin = Instant::now();
        let mut pace = Pace::new(60);
        assert_eq!(pace.wait(begin, true), Duration::ZERO);
        pace.send(begin, 1000);
        assert_eq!(pace.wait(begin, true), URGENT_FRAME);
        pace.take(Written::Slowly(1000, Duration::from_millis(100)));
        pace.send(begin, 500);
        assert_eq!(pace.wait(begin, true), Duration::from_millis(50));
        assert_eq!(pace.wait(begin, false), Duration::from_millis(100));
        pace.take(Written::Slowly(1, Duration::from_secs(1)));
        pace.send(begin, 500);
        assert_eq!((pace.wait(begin, true), pace.wait(begin, false)), (LONGEST_URGENT, LONGEST));
        assert_eq!(pace.wait(begin + LONGEST, false), Duration::ZERO);
    }
}
