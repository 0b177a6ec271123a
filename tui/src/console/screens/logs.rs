//! The logs: what is kept here of what comes, which of it is shown, and where one looks. What lies further back is read
//! from the VSP ([`past`]).

mod line;
mod past;
mod rows;

use crate::cli;
use crate::console::keymap::Action;
use crate::console::msg::Millis;
use ipc::log::{Level, LogRecord, LogSource};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use line::Origin;
pub(crate) use line::{Choice, Line, Source};
pub(crate) use past::{From, PastPart, PastQuery, READ_LINES};
use past::{Moved, Past};
use rows::{Bottom, Room, page_from, uppermost};
use std::collections::VecDeque;

/// Lines kept; older ones are in the log files.
const KEPT_LINES: usize = 10_000;
/// What the kept lines' texts may take together, in bytes.
const KEPT_BYTES: usize = 8 << 20;
/// Lines of consoles among them: a guest that prints without end leaves the records of the VSP where they are.
const KEPT_CONSOLE_LINES: usize = 6000;
/// The rows after a line's first begin this much to the right.
const INDENT: usize = 4;

/// The logs of the VSP and all guests, filtered.
#[derive(Debug, Default)]
pub(crate) struct LogsScreen {
    /// In the order of their keys.
    lines: VecDeque<(Key, Line)>,
    /// What the texts of `lines` take together, in bytes.
    bytes: usize,
    /// How many of `lines` are of consoles.
    console_lines: usize,
    /// How many lines have come so far.
    came: u64,
    /// Consoles are read along.
    reads_consoles: bool,
    /// They are left out where only a part of the screen is the log's and nobody asked for them: their own panes show
    /// them, and a guest that prints without end would have nothing else seen.
    omits_consoles: bool,
    /// Which lines are shown.
    choice: Choice,
    /// The room that they are shown in.
    room: Room,
    /// Where one looks.
    position: Position,
    /// A part further back that is shown instead.
    past: Option<Past>,
    /// How often the VSP was asked for one.
    queries: u64,
}

/// Places a line among the others: its time in microseconds since 1970, then its number in the order of arrival.
type Key = (i64, u64);

/// Where one looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Position {
    /// At the newest line, always.
    #[default]
    Follow,
    /// At the line with this key, or the one before it, as the lowest, with so many of its rows below the screen, whatever
    /// arrives.
    At(Key, usize),
}

/// Lines on the way up or down from where one looks.
type Lines<'a> = Box<dyn Iterator<Item = &'a Line> + 'a>;

/// A line as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownLine {
    /// Its level, for its colour.
    pub(crate) level: Level,
    /// Its rows; the first has time, level and source before the message.
    pub(crate) rows: Vec<String>,
}

impl LogsScreen {
    /// Adds a line. Those of consoles and those of everybody else come on two ways, so it need not be the newest.
    pub(crate) fn push(&mut self, record: LogRecord) {
        self.came += 1;
        let line = Line::from(record);
        let key = (line.time, self.came);
        let place = self.lines.partition_point(|(other, _)| *other < key);
        self.bytes += line.text.len();
        self.console_lines += usize::from(line.is_of_console());
        self.lines.insert(place, (key, line));
        while self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES {
            let Some((_, oldest)) = self.lines.pop_front() else { break };
            self.forget(&oldest);
        }
        if self.console_lines > KEPT_CONSOLE_LINES {
            self.thin_consoles();
        }
    }

    /// Forgets the older half of consoles' lines.
    fn thin_consoles(&mut self) {
        let mut surplus = self.console_lines / 2;
        let lines = std::mem::take(&mut self.lines);
        for (key, line) in lines {
            if line.is_of_console() && surplus > 0 {
                surplus -= 1;
                self.forget(&line);
            } else {
                self.lines.push_back((key, line));
            }
        }
    }

    fn forget(&mut self, line: &Line) {
        self.bytes -= line.text.len();
        self.console_lines -= usize::from(line.is_of_console());
    }

    /// Whether consoles are to be read along, which costs something, from now on, where that changes: from which moment
    /// on, in microseconds since 1970, if they are.
    /// `is_alone` says that the log has the screen for itself.
    pub(crate) fn reads_consoles(&mut self, is_shown: bool, is_alone: bool) -> Option<Option<i64>> {
        self.omits_consoles = !is_alone && self.choice.source == Source::All;
        let is_wanted = is_shown && self.choice.source.has_consoles() && !self.omits_consoles;
        if std::mem::replace(&mut self.reads_consoles, is_wanted) == is_wanted {
            return None;
        }
        let newest = self.lines.iter().rev().find(|(_, line)| line.is_of_console());
        Some(is_wanted.then(|| newest.map_or(0, |(_, line)| line.time.saturating_add(1))))
    }

    fn shows(&self, line: &Line) -> bool {
        self.choice.has(line) && !(self.omits_consoles && line.is_of_console())
    }

    /// Says where lines are missing.
    pub(crate) fn note_gap(&mut self, now: Millis, count: u64) {
        let message = format!("{count} log lines are left out here: this console was too slow for them");
        self.push(LogRecord {
            source: LogSource::Vsp,
            time_micros: now.saturating_mul(1000),
            level: Level::Warn,
            target: String::new(),
            message,
            fields: Vec::new(),
        });
    }

    /// Forgets all lines: a new connection sends them again.
    pub(crate) fn clear(&mut self) {
        self.lines.clear();
        self.bytes = 0;
        self.console_lines = 0;
        self.reads_consoles = false;
        self.follow();
    }

    /// Which lines are shown.
    pub(crate) fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Shows other lines: where a part further back is shown, that is read anew.
    pub(crate) fn choose(&mut self, change: impl FnOnce(&mut Choice)) {
        change(&mut self.choice);
        if let Some(past) = &mut self.past {
            past.chosen_by(&self.choice);
        }
    }

    /// Breaks long lines, or cuts them.
    pub(crate) fn toggle_wrap(&mut self) {
        self.change_room(Room { cuts: !self.room.cuts, ..self.room });
    }

    /// The lines are shown on so many rows of so many columns from now on.
    pub(crate) fn lay_out(&mut self, columns: u16, rows: u16) {
        self.change_room(Room { columns: columns.into(), rows: usize::from(rows).max(1), ..self.room });
    }

    /// What was uppermost stays so.
    fn change_room(&mut self, room: Room) {
        let former = std::mem::replace(&mut self.room, room);
        if former == room {
            return;
        }
        if let Some(past) = &mut self.past {
            past.change_room(room);
        }
        if let Position::At(key, hidden) = self.position {
            let shown: Vec<&(Key, Line)> = self.lines.iter().filter(|(_, line)| self.shows(line)).collect();
            let line = shown.partition_point(|(shown, _)| *shown <= key).saturating_sub(1);
            let rows_in =
                |room: Room, place: usize| shown.get(place).map_or(1, |(_, line)| room.rows_of(line));
            let top = uppermost(Bottom { line, hidden }, former, |place| rows_in(former, place));
            let bottom = page_from(top, shown.len(), room, |place| rows_in(room, place));
            if let Some((key, _)) = shown.get(bottom.line) {
                self.position = Position::At(*key, bottom.hidden);
            }
        }
    }

    fn follow(&mut self) {
        self.position = Position::Follow;
        self.past = None;
    }

    /// Whether the newest lines are shown as they arrive.
    pub(crate) fn follows(&self) -> bool {
        self.position == Position::Follow && self.past.is_none()
    }

    /// Shown lines that arrived below the place where one looks.
    pub(crate) fn newer_lines(&self) -> usize {
        match self.position {
            Position::Follow => 0,
            Position::At(bottom, _) => {
                let after = self.up_to(bottom);
                self.lines.iter().skip(after).filter(|(_, line)| self.shows(line)).count()
            }
        }
    }

    /// Holds the log where it is, or follows it again.
    pub(crate) fn toggle_pause(&mut self) {
        match self.position {
            Position::Follow if self.past.is_none() => self.position = Position::At(self.newest(), 0),
            _ => self.follow(),
        }
    }

    /// The next least level, from the gravest to the finest and round again.
    pub(crate) fn next_level(&mut self) {
        let next = match self.choice.level {
            Level::Error => Level::Warn,
            Level::Warn => Level::Info,
            Level::Info => Level::Debug,
            Level::Debug => Level::Trace,
            Level::Trace => Level::Error,
        };
        self.choose(|choice| choice.level = next);
    }

    /// The next source; the last one is the selected guest.
    pub(crate) fn next_source(&mut self, selected: Option<&str>) {
        let next = match (&self.choice.source, selected) {
            (Source::All, _) => Source::Vsp,
            (Source::Vsp, _) => Source::Guests,
            (Source::Guests, _) => Source::Consoles,
            (Source::Consoles, Some(name)) => Source::Guest(name.to_owned()),
            (Source::Consoles, None) | (Source::Guest(_), _) => Source::All,
        };
        self.choose(|choice| choice.source = next);
    }

    /// Moves the place where one looks, by rows.
    pub(crate) fn navigate(&mut self, action: Action) {
        let room = self.room;
        if let Some(past) = &mut self.past {
            if past.navigate(action, room) == Moved::Out {
                self.leave_past(action);
            }
            return;
        }
        let shown: Vec<&(Key, Line)> = self.lines.iter().filter(|(_, line)| self.shows(line)).collect();
        let Some(last) = shown.len().checked_sub(1) else { return };
        let rows_of = |place: usize| room.rows_of(&shown[place].1);
        let bottom = match self.position {
            Position::Follow => Bottom { line: last, hidden: 0 },
            Position::At(key, hidden) => {
                let line = shown.partition_point(|(shown, _)| *shown <= key).saturating_sub(1);
                Bottom { line, hidden }
            }
        };
        let top = page_from(0, shown.len(), room, rows_of);
        // Beyond the oldest line here lies what the VSP keeps.
        if self.position != Position::Follow
            && !top.is_above(bottom)
            && matches!(action, Action::Up | Action::PageUp | Action::First)
        {
            let lines = shown.into_iter().map(|(_, line)| line.clone()).collect();
            let mut past = Past::before(lines, top, self.choice.clone(), room);
            if action == Action::First {
                past.navigate(action, room);
            }
            self.past = Some(past);
            return;
        }
        let moved = match action {
            Action::Up => Some(bottom.up(1, shown.len(), room, rows_of)),
            Action::Down => bottom.down(1, shown.len(), rows_of),
            Action::PageUp => Some(bottom.up(room.rows, shown.len(), room, rows_of)),
            Action::PageDown => bottom.down(room.rows, shown.len(), rows_of),
            Action::First => Some(top),
            _ => None,
        };
        self.position = match moved {
            Some(Bottom { line, hidden }) => Position::At(shown[line].0, hidden),
            None => Position::Follow,
        };
    }

    /// Goes on with the lines that are kept here, unless there may be others between.
    fn leave_past(&mut self, action: Action) {
        let Some(past) = &mut self.past else { return };
        let last = past.last().filter(|_| action != Action::Last);
        match (last, self.lines.front()) {
            (None, _) | (Some(_), None) => self.follow(),
            (Some(last), Some((oldest, _))) if oldest.0 > last => past.read_on(),
            (Some(last), Some(_)) => {
                let key = (last, u64::MAX);
                self.past = None;
                let mut shown = self.lines.iter().rev().filter(|(_, line)| self.shows(line));
                let is_newest = shown.next().is_none_or(|(newest, _)| *newest <= key);
                self.position = if is_newest { Position::Follow } else { Position::At(key, 0) };
            }
        }
    }

    /// Goes to the first line of a time or later: it becomes the uppermost, if enough lines follow. The VSP is asked for
    /// what lies further back than what is kept here.
    ///
    /// # Errors
    /// One line if `text` is no time, or nothing is so late.
    pub(crate) fn jump(&mut self, text: &str, now: Millis, time_zone: &TimeZone) -> Result<(), String> {
        let micros = parse_time(text, now, time_zone)?;
        let room = self.room;
        if micros < self.complete_since() {
            self.past = Some(Past::since(micros, self.choice.clone(), room));
            return Ok(());
        }
        let shown: Vec<&(Key, Line)> = self.lines.iter().filter(|(_, line)| self.shows(line)).collect();
        let first = shown.partition_point(|((time, _), _)| *time < micros);
        if first == shown.len() {
            return Err("No line is so late".to_owned());
        }
        let bottom = page_from(first, shown.len(), room, |place| room.rows_of(&shown[place].1));
        self.past = None;
        self.position = Position::At(shown[bottom.line].0, bottom.hidden);
        Ok(())
    }

    /// Since when every line that is shown is kept here, in microseconds since 1970. Those of consoles and of everybody
    /// else begin at different times.
    fn complete_since(&self) -> i64 {
        let oldest = |of_console: bool| {
            let mut lines = self.lines.iter().map(|(_, line)| line);
            lines.find(|line| line.is_of_console() == of_console).map(|line| line.time)
        };
        let of_consoles = if self.choice.source.has_consoles() { oldest(true) } else { None };
        oldest(false).max(of_consoles).unwrap_or(i64::MAX)
    }

    /// What the VSP is to be asked for now.
    pub(crate) fn query(&mut self) -> Option<PastQuery> {
        let query = self.past.as_mut()?.query(self.queries + 1)?;
        self.queries = query.id;
        Some(query)
    }

    /// Takes the answer.
    pub(crate) fn take_past(&mut self, id: u64, result: Result<PastPart, String>) {
        if let Some(past) = &mut self.past {
            past.take(id, result, self.room);
        }
    }

    /// Where one stands in the VSP's history, in words; nothing among the lines that are kept here.
    pub(crate) fn place_in_history(&self, time_zone: &TimeZone) -> Option<String> {
        let past = self.past.as_ref()?;
        let (is_asking, problem) = past.state();
        if let Some(problem) = problem {
            return Some(format!("history: {problem}"));
        }
        let (is_oldest, is_newest) = past.ends();
        let place = match past.lowest() {
            None if is_asking => return Some("history: asking the VSP".to_owned()),
            None => "nothing is kept".to_owned(),
            Some(line) => moment(line.time, time_zone),
        };
        let end = match (is_asking, is_oldest, is_newest) {
            (true, ..) => ", asking the VSP for more",
            (_, true, _) => ", the oldest",
            (_, _, true) => ", the newest",
            _ => "",
        };
        Some(format!("history: {place}{end}"))
    }

    /// The lines to show on `height` rows of `width` columns, oldest first. The first may have more rows
    /// than there is room for: its last ones are to be shown.
    pub(crate) fn shown(&self, width: usize, height: usize, time_zone: &TimeZone) -> Vec<ShownLine> {
        let room = Room { columns: width, rows: height, ..self.room };
        let is_wanted = |line: &&Line| self.shows(line);
        let kept = |end| Box::new(self.lines.range(..end).rev().map(|(_, line)| line).filter(is_wanted));
        let (mut upwards, mut downwards, hidden): (Lines<'_>, Lines<'_>, usize) = match &self.past {
            Some(past) => {
                let (upper, lower, hidden) = past.around();
                (Box::new(upper.rev()), Box::new(lower), hidden)
            }
            // What arrives while the log is held is not shown, even if there is room for it.
            None => match self.position {
                Position::Follow => (kept(self.lines.len()), Box::new(std::iter::empty()), 0),
                Position::At(key, hidden) => (kept(self.up_to(key)), Box::new(std::iter::empty()), hidden),
            },
        };
        let lay = |line: &Line| ShownLine { level: line.level, rows: room.lay(line, time_zone) };
        let mut shown = VecDeque::new();
        let mut used = 0;
        let mut below = Vec::new();
        if let Some(mut line) = upwards.next().map(lay) {
            let end = line.rows.len().saturating_sub(hidden).max(1);
            below = line.rows.split_off(end);
            used = line.rows.len();
            shown.push_front(line);
        }
        while used < height
            && let Some(line) = upwards.next().map(lay)
        {
            used += line.rows.len();
            shown.push_front(line);
        }
        // Where there is more room than lines above, there may be some below.
        if let Some(lowest) = shown.back_mut() {
            below.truncate(height.saturating_sub(used));
            used += below.len();
            lowest.rows.append(&mut below);
        }
        while used < height
            && let Some(mut line) = downwards.next().map(lay)
        {
            line.rows.truncate(height - used);
            used += line.rows.len();
            shown.push_back(line);
        }
        shown.into()
    }

    /// The newest `count` lines that are of a guest, or about it, oldest first: time, level and text.
    pub(crate) fn of_guest(&self, name: &str, count: usize, time_zone: &TimeZone) -> Vec<(Level, String)> {
        let about = format!("guest={name}");
        let is_of = |line: &&Line| match &line.origin {
            Origin::Guest(guest) => guest == name,
            Origin::Vsp => line.text.split(' ').any(|word| word == about),
            Origin::Console(_) => false,
        };
        let lines = self.lines.iter().rev().map(|(_, line)| line);
        let newest = lines.filter(|line| line.level <= Level::Info).filter(is_of);
        let mut lines: Vec<(Level, String)> =
            newest.take(count).map(|line| (line.level, line.full_text(time_zone))).collect();
        lines.reverse();
        lines
    }

    fn newest(&self) -> Key {
        self.lines.back().map_or((i64::MIN, 0), |(key, _)| *key)
    }

    /// How many lines there are up to this one.
    fn up_to(&self, key: Key) -> usize {
        self.lines.partition_point(|(other, _)| *other <= key)
    }
}

/// A moment as an operator types it, in microseconds since 1970: a time of today (of yesterday, if that is still to
/// come), how long ago, or a date.
///
/// # Errors
/// One line that says what is understood.
fn parse_time(text: &str, now: Millis, time_zone: &TimeZone) -> Result<i64, String> {
    // What a time is stands before the line.
    let wrong = || "This is no time".to_owned();
    let now = Timestamp::from_millisecond(now).map_err(|_| wrong())?.to_zoned_datetime(time_zone.clone());
    let text = text.strip_prefix('-').unwrap_or(text);
    let moment = cli::since::parse_at(text, &now).map_err(|_| wrong())?;
    let is_to_come = moment > now.timestamp() && text.parse::<civil::Time>().is_ok();
    let moment = if is_to_come {
        let yesterday = now.date().yesterday().ok().zip(text.parse().ok());
        let at = yesterday
            .and_then(|(date, time)| date.to_datetime(time).to_zoned_datetime(time_zone.clone()).ok());
        at.ok_or_else(wrong)?.timestamp()
    } else {
        moment
    };
    Ok(moment.as_microsecond())
}

/// Date and time of a line.
fn moment(micros: i64, time_zone: &TimeZone) -> String {
    Timestamp::from_microsecond(micros)
        .map(|time| time.to_zoned_datetime(time_zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::samples::NOW;

    #[test]
    fn times_are_of_today_or_yesterday_or_ago() {
        // NOW is 20:00.
        let ago = |text| parse_time(text, NOW, &TimeZone::UTC).map(|micros| NOW - micros / 1000);
        assert_eq!(ago("19:59"), Ok(60_000));
        assert_eq!(ago("19:59:30"), Ok(30_000));
        assert_eq!(ago("20:01"), Ok(86_400_000 - 60_000));
        assert_eq!(ago("-10m"), Ok(600_000));
        assert_eq!(ago("2h"), Ok(7_200_000));
        assert_eq!(ago("2026-11-22 20:00"), Ok(86_400_000));
        for wrong in
            ["", "-", "25:00", "-5", "-99999999999999999999s", "-9223372036854775807d", "1:2:3:4", "noon"]
        {
            assert!(ago(wrong).is_err(), "{wrong}");
        }
    }
}
