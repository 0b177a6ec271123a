mod against_tmux;

use super::*;
use alacritty_terminal::term::cell::Flags;
use proptest::prelude::*;

const SIZE: ScreenSize = ScreenSize { columns: 20, lines: 4 };

/// The shown lines without blanks at their ends.
fn screen(emulator: &Emulator) -> Vec<String> {
    let mut lines = vec![String::new(); usize::from(emulator.size().lines)];
    let content = emulator.content();
    for cell in content.display_iter {
        let line = cell.point.line.0 + content.display_offset as i32;
        if !cell.cell.flags.contains(Flags::WIDE_CHAR_SPACER) {
            let text = &mut lines[usize::try_from(line).expect("a shown line")];
            text.push(if cell.cell.c == '\t' { ' ' } else { cell.cell.c });
            text.extend(cell.cell.zerowidth().into_iter().flatten());
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

fn after(bytes: &[u8]) -> Vec<String> {
    let mut emulator = Emulator::new(SIZE);
    emulator.feed(bytes);
    screen(&emulator)
}

#[test]
fn escape_sequences_move_erase_and_scroll() {
    assert_eq!(after(b"one\r\ntwo"), ["one", "two", "", ""]);
    assert_eq!(after(b"abc\x1b[2;3Hx\x1b[1;1H\x1b[K"), ["", "  x", "", ""]);
    assert_eq!(after(b"1\r\n2\r\n3\r\n4\r\n5"), ["2", "3", "4", "5"]);
    assert_eq!(after(b"1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\n"), ["1", "3", "", "4"], "a scrolling region");
    assert_eq!(after(b"12345\x1b[1;2H\x1b[2P"), ["145", "", "", ""]);
    assert_eq!(after(b"a\tb"), ["a       b", "", "", ""]);
}

#[test]
fn line_drawing_is_drawn() {
    assert_eq!(after(b"\x1b(0lqk\x1b(B lqk")[0], "┌─┐ lqk");
}

#[test]
fn full_screen_programs_leave_the_screen_as_it_was() {
    let mut emulator = Emulator::new(SIZE);
    emulator.feed(b"shell\x1b[?1049h\x1b[2J\x1b[Hvi");
    assert_eq!(screen(&emulator)[0], "vi");
    assert!(emulator.mode().contains(TermMode::ALT_SCREEN));
    emulator.feed(b"\x1b[?1049l");
    assert_eq!(screen(&emulator)[0], "shell");
}

#[test]
fn wide_characters_take_two_cells_and_marks_none() {
    assert_eq!(after("漢字x".as_bytes())[0], "漢字x");
    let mut emulator = Emulator::new(SIZE);
    emulator.feed("漢字".as_bytes());
    assert_eq!(emulator.content().cursor.point.column.0, 4);
    assert_eq!(after("e\u{301}x".as_bytes())[0], "e\u{301}x");
}

#[test]
fn invalid_utf8_becomes_replacement_characters() {
    assert_eq!(after(b"a\xffb\xc3(")[0], "a\u{fffd}b\u{fffd}(");
    assert_eq!(after(b"\xe6\xbc")[0], "", "an unfinished character waits");
}

#[test]
fn characters_may_arrive_in_pieces() {
    let mut emulator = Emulator::new(SIZE);
    for byte in "é漢\x1b[31mx".bytes() {
        emulator.feed(&[byte]);
    }
    assert_eq!(screen(&emulator)[0], "é漢x");
}

#[test]
fn megabytes_without_a_newline_stay_within_the_scrollback() {
    let mut emulator = Emulator::new(SIZE);
    let piece = [b'x'; 4096];
    for _ in 0..1024 {
        emulator.feed(&piece);
    }
    assert_eq!(screen(&emulator)[0], "x".repeat(20));
    emulator.scroll(Scroll::Top);
    assert_eq!(emulator.lines_above_newest(), SCROLLBACK_LINES);
}

#[test]
fn scrolled_screen_stands_still_while_the_guest_prints() {
    let mut emulator = Emulator::new(SIZE);
    for line in 0..100 {
        emulator.feed(format!("line {line}\r\n").as_bytes());
    }
    emulator.scroll(Scroll::Delta(10));
    let before = screen(&emulator);
    emulator.feed(b"more\r\nand more\r\n");
    assert_eq!(screen(&emulator), before);
    emulator.scroll(Scroll::Bottom);
    assert_eq!(screen(&emulator)[2], "and more");
}

/// The answers are those of xterm's control sequence document: a VT102 says 6c, a status report 0n.
#[test]
fn questions_of_the_guest_are_answered() {
    let mut emulator = Emulator::new(SIZE);
    assert_eq!(emulator.feed(b"\x1b[2;5H\x1b[6n"), b"\x1b[2;5R");
    assert_eq!(emulator.feed(b"\x1b[5n"), b"\x1b[0n");
    assert_eq!(emulator.feed(b"\x1b[c"), b"\x1b[?6c");
    assert_eq!(emulator.feed(b"\x1b[18t"), b"\x1b[8;4;20t");
    assert_eq!(emulator.feed(b"\x1b]11;?\x07"), b"\x1b]11;rgb:0000/0000/0000\x07");
    assert_eq!(emulator.feed(b"plain"), b"");
}

#[test]
fn guest_that_asks_without_end_gets_a_bounded_answer() {
    let mut emulator = Emulator::new(SIZE);
    assert!(emulator.feed(&b"\x1b[6n".repeat(100_000)).len() <= ANSWER_LIMIT_BYTES);
}

#[test]
fn clipboard_is_never_handed_out() {
    let mut emulator = Emulator::new(SIZE);
    assert_eq!(emulator.feed(b"\x1b]52;c;?\x07"), b"");
}

#[test]
fn synchronized_update_is_held_until_it_ends() {
    let mut emulator = Emulator::new(SIZE);
    emulator.feed(b"old\r\x1b[?2026hnew");
    assert!(emulator.holds_synchronized_update());
    assert_eq!(screen(&emulator)[0], "old");
    emulator.end_synchronized_update();
    assert_eq!(screen(&emulator)[0], "new");
    assert!(!emulator.holds_synchronized_update());
}

#[test]
fn title_is_kept_short_and_printable() {
    let mut emulator = Emulator::new(SIZE);
    emulator.feed(b"\x1b]2;top\x07");
    assert_eq!(emulator.title(), Some("top"));
    emulator.feed(format!("\x1b]2;{}\x07", "x".repeat(5000)).as_bytes());
    assert_eq!(emulator.title().map(str::len), Some(TITLE_LIMIT));
}

#[test]
fn narrow_screen_breaks_long_lines_anew() {
    let mut emulator = Emulator::new(SIZE);
    emulator.feed(b"0123456789abcdef");
    emulator.resize(ScreenSize { columns: 10, lines: 4 });
    emulator.scroll(Scroll::Top);
    assert_eq!(screen(&emulator)[..2], ["0123456789", "abcdef"]);
    emulator.resize(ScreenSize { columns: 0, lines: 0 });
    emulator.feed(b"still alive");
}

/// Pieces of terminal output that are more likely to hurt than random bytes.
fn torture() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        (0u32..70_000, 0u32..70_000, prop::sample::select(b"ABCDEFGHJKLMPSTXZ@`bcdefghlmnrstu".to_vec()))
            .prop_map(|(a, b, last)| format!("\x1b[{a};{b}{}", char::from(last)).into_bytes()),
        (0u32..3000, any::<bool>()).prop_map(|(mode, on)| format!(
            "\x1b[?{mode}{}",
            if on { 'h' } else { 'l' }
        )
        .into_bytes()),
        prop::sample::select(vec![
            "\x1bc",
            "\x1bM",
            "\x1bD",
            "\x1bE",
            "\x1bH",
            "\x1b#8",
            "\x1b(0",
            "\x1b7",
            "\x1b8",
            "\x1b[!p",
            "\x1b[?2026h",
            "\x1b[?2026l",
            "\x1b[?1049h",
            "\x1b[?1049l",
            "漢",
            "e\u{301}\u{302}",
            "👩‍👩‍👧",
            "\u{200b}",
            "\t",
            "\r\n",
            "\x08",
            "\x1b]8;;http://x\x07l\x1b]8;;\x07",
            "\x1b]2;t\x07",
            "\x1bP1$r0m\x1b\\",
            "\x1b[22;0t",
            "\x1b[23;0t",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

proptest! {
    #[test]
    fn nothing_that_a_guest_prints_breaks_its_terminal(
        steps in proptest::collection::vec((torture(), 0u16..60, 0u16..30, 0u8..8), 1..60)
    ) {
        let mut emulator = Emulator::new(SIZE);
        for (bytes, columns, lines, step) in steps {
            emulator.feed(&bytes);
            match step {
                0 => emulator.resize(ScreenSize { columns, lines }),
                1 => emulator.scroll(Scroll::Delta(i32::from(columns))),
                2 => emulator.scroll(Scroll::PageDown),
                3 => drop(emulator.end_synchronized_update()),
                _ => {}
            }
            prop_assert_eq!(screen(&emulator).len(), usize::from(emulator.size().lines));
        }
    }
}
