//! Keys and pasted text as the bytes that a terminal of xterm's kind sends to its host.
//!
//! The sequences are those of xterm's "PC-style function keys" (the control sequence document of xterm,
//! ctlseqs, section of that name), which Linux's `vt220` and `xterm` terminfo entries expect.

use alacritty_terminal::term::TermMode;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

const ESC: u8 = 0x1b;

/// The bytes for one key press, or nothing for a key that a terminal does not send.
///
/// `mode` is the state that the guest has put its terminal into: application cursor keys and
/// new-line mode change what is sent.
pub(crate) fn encode_key(key: &KeyEvent, mode: TermMode) -> Option<Vec<u8>> {
    let modifiers = key.modifiers & (KeyModifiers::SHIFT | KeyModifiers::ALT | KeyModifiers::CONTROL);
    let alt = modifiers.contains(KeyModifiers::ALT);
    let bytes = match key.code {
        KeyCode::Char(character) => with_alt(alt, encode_char(character, modifiers)),
        KeyCode::Enter if mode.contains(TermMode::LINE_FEED_NEW_LINE) => with_alt(alt, b"\r\n".to_vec()),
        KeyCode::Enter => with_alt(alt, vec![b'\r']),
        KeyCode::Tab => with_alt(alt, vec![b'\t']),
        KeyCode::BackTab => b"\x1b[Z".to_vec(),
        KeyCode::Backspace if modifiers.contains(KeyModifiers::CONTROL) => with_alt(alt, vec![0x08]),
        KeyCode::Backspace => with_alt(alt, vec![0x7f]),
        KeyCode::Esc => with_alt(alt, vec![ESC]),
        KeyCode::Null => vec![0],
        KeyCode::Up => cursor_key(b'A', modifiers, mode),
        KeyCode::Down => cursor_key(b'B', modifiers, mode),
        KeyCode::Right => cursor_key(b'C', modifiers, mode),
        KeyCode::Left => cursor_key(b'D', modifiers, mode),
        KeyCode::KeypadBegin => cursor_key(b'E', modifiers, mode),
        KeyCode::End => cursor_key(b'F', modifiers, mode),
        KeyCode::Home => cursor_key(b'H', modifiers, mode),
        KeyCode::Insert => numbered_key(2, modifiers),
        KeyCode::Delete => numbered_key(3, modifiers),
        KeyCode::PageUp => numbered_key(5, modifiers),
        KeyCode::PageDown => numbered_key(6, modifiers),
        KeyCode::F(number) => function_key(number, modifiers)?,
        _ => return None,
    };
    Some(bytes)
}

/// Pasted text as a terminal sends it: line ends become returns, and a guest that asked for bracketed
/// paste gets the brackets, with escape characters taken out so that the text cannot close them.
pub(crate) fn encode_paste(text: &str, mode: TermMode) -> Vec<u8> {
    let text = text.replace("\r\n", "\r").replace('\n', "\r");
    if mode.contains(TermMode::BRACKETED_PASTE) {
        format!("\x1b[200~{}\x1b[201~", text.replace('\x1b', "")).into_bytes()
    } else {
        text.into_bytes()
    }
}

/// The report of what the mouse does at a cell (from 0), for a guest that asked for reports: in xterm's SGR form, or in
/// its first form where that was not asked for. Nothing for what the guest did not ask for, or the form cannot say.
pub(crate) fn encode_mouse(
    event: &MouseEvent,
    (column, line): (u16, u16),
    mode: TermMode,
) -> Option<Vec<u8>> {
    let button = |button: MouseButton| match button {
        MouseButton::Left => 0,
        MouseButton::Middle => 1,
        MouseButton::Right => 2,
    };
    let reports_drags = mode.intersects(TermMode::MOUSE_DRAG | TermMode::MOUSE_MOTION);
    let (code, is_release) = match event.kind {
        MouseEventKind::Down(which) => (button(which), false),
        MouseEventKind::Up(which) => (button(which), true),
        MouseEventKind::Drag(which) if reports_drags => (button(which) + 32, false),
        MouseEventKind::Moved if mode.contains(TermMode::MOUSE_MOTION) => (35, false),
        MouseEventKind::ScrollUp => (64, false),
        MouseEventKind::ScrollDown => (65, false),
        _ => return None,
    };
    // Shift is the operator's own.
    let held = event.modifiers & (KeyModifiers::ALT | KeyModifiers::CONTROL);
    let code = code + 4 * (modifier_parameter(held) - 1);
    if mode.contains(TermMode::SGR_MOUSE) {
        let end = if is_release { 'm' } else { 'M' };
        return Some(format!("\x1b[<{code};{};{}{end}", column + 1, line + 1).into_bytes());
    }
    let place = |cell: u16| u8::try_from(cell + 33).ok();
    let code = if is_release { 3 } else { code };
    Some(vec![ESC, b'[', b'M', 32 + code, place(column)?, place(line)?])
}

fn with_alt(alt: bool, mut bytes: Vec<u8>) -> Vec<u8> {
    if alt {
        bytes.insert(0, ESC);
    }
    bytes
}

fn encode_char(character: char, modifiers: KeyModifiers) -> Vec<u8> {
    if modifiers.contains(KeyModifiers::CONTROL)
        && let Some(control) = control_byte(character)
    {
        return vec![control];
    }
    character.to_string().into_bytes()
}

/// The control character of a key held with Ctrl, as xterm has it. The digits are how keyboards without
/// the punctuation reach the same codes.
fn control_byte(character: char) -> Option<u8> {
    let byte = match character.to_ascii_lowercase() {
        letter @ 'a'..='z' => letter as u8 - b'a' + 1,
        ' ' | '@' | '2' => 0x00,
        '[' | '3' => 0x1b,
        '\\' | '4' => 0x1c,
        ']' | '5' => 0x1d,
        '^' | '~' | '6' => 0x1e,
        '_' | '/' | '-' | '7' => 0x1f,
        '?' | '8' => 0x7f,
        _ => return None,
    };
    Some(byte)
}

/// xterm's modifier parameter: one more than the sum of Shift 1, Alt 2, Ctrl 4.
fn modifier_parameter(modifiers: KeyModifiers) -> u8 {
    1 + u8::from(modifiers.contains(KeyModifiers::SHIFT))
        + 2 * u8::from(modifiers.contains(KeyModifiers::ALT))
        + 4 * u8::from(modifiers.contains(KeyModifiers::CONTROL))
}

fn cursor_key(letter: u8, modifiers: KeyModifiers, mode: TermMode) -> Vec<u8> {
    match modifier_parameter(modifiers) {
        1 if mode.contains(TermMode::APP_CURSOR) => vec![ESC, b'O', letter],
        1 => vec![ESC, b'[', letter],
        parameter => format!("\x1b[1;{parameter}{}", char::from(letter)).into_bytes(),
    }
}

fn numbered_key(number: u8, modifiers: KeyModifiers) -> Vec<u8> {
    match modifier_parameter(modifiers) {
        1 => format!("\x1b[{number}~").into_bytes(),
        parameter => format!("\x1b[{number};{parameter}~").into_bytes(),
    }
}

fn function_key(number: u8, modifiers: KeyModifiers) -> Option<Vec<u8>> {
    const NUMBERS: [u8; 16] = [15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34];
    match number {
        1..=4 => {
            let letter = char::from(b'P' + number - 1);
            Some(match modifier_parameter(modifiers) {
                1 => format!("\x1bO{letter}").into_bytes(),
                parameter => format!("\x1b[1;{parameter}{letter}").into_bytes(),
            })
        }
        5.. => NUMBERS.get(usize::from(number) - 5).map(|number| numbered_key(*number, modifiers)),
        0 => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(code: KeyCode, modifiers: KeyModifiers, mode: TermMode) -> String {
        let bytes = encode_key(&KeyEvent::new(code, modifiers), mode).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn plain(code: KeyCode) -> String {
        sent(code, KeyModifiers::NONE, TermMode::default())
    }

    /// The expected strings are the `kcuu1`, `kf1` … capabilities of terminfo's `xterm` entry.
    #[test]
    fn cursor_keys_follow_the_mode_that_the_guest_set() {
        assert_eq!(plain(KeyCode::Up), "\x1b[A");
        assert_eq!(plain(KeyCode::Home), "\x1b[H");
        let application = TermMode::default() | TermMode::APP_CURSOR;
        assert_eq!(sent(KeyCode::Up, KeyModifiers::NONE, application), "\x1bOA");
        assert_eq!(sent(KeyCode::End, KeyModifiers::NONE, application), "\x1bOF");
        assert_eq!(sent(KeyCode::Left, KeyModifiers::CONTROL, application), "\x1b[1;5D");
        assert_eq!(sent(KeyCode::Right, KeyModifiers::SHIFT | KeyModifiers::ALT, application), "\x1b[1;4C");
    }

    #[test]
    fn function_keys_are_those_of_xterm() {
        let expected = [
            "\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~", "\x1b[17~", "\x1b[18~", "\x1b[19~",
            "\x1b[20~", "\x1b[21~", "\x1b[23~", "\x1b[24~",
        ];
        for (number, expected) in (1..).zip(expected) {
            assert_eq!(plain(KeyCode::F(number)), expected, "F{number}");
        }
        assert_eq!(sent(KeyCode::F(1), KeyModifiers::SHIFT, TermMode::default()), "\x1b[1;2P");
        assert_eq!(sent(KeyCode::F(5), KeyModifiers::CONTROL, TermMode::default()), "\x1b[15;5~");
        assert_eq!(plain(KeyCode::F(0)), "");
        assert_eq!(plain(KeyCode::F(99)), "");
    }

    #[test]
    fn editing_keys_send_their_numbers() {
        assert_eq!(plain(KeyCode::Insert), "\x1b[2~");
        assert_eq!(plain(KeyCode::Delete), "\x1b[3~");
        assert_eq!(plain(KeyCode::PageDown), "\x1b[6~");
        assert_eq!(plain(KeyCode::BackTab), "\x1b[Z");
        assert_eq!(plain(KeyCode::Backspace), "\x7f");
        assert_eq!(plain(KeyCode::Enter), "\r");
        assert_eq!(sent(KeyCode::Enter, KeyModifiers::NONE, TermMode::LINE_FEED_NEW_LINE), "\r\n");
    }

    #[test]
    fn control_and_alt_make_the_codes_of_a_keyboard() {
        let ctrl =
            |c| encode_key(&KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL), TermMode::default());
        assert_eq!(ctrl('c'), Some(vec![3]));
        assert_eq!(ctrl('Z'), Some(vec![26]));
        assert_eq!(ctrl(' '), Some(vec![0]));
        assert_eq!(ctrl('4'), Some(vec![0x1c]), "the event library reports Ctrl-\\ so");
        assert_eq!(ctrl('7'), Some(vec![0x1f]));
        assert_eq!(ctrl('?'), Some(vec![0x7f]));
        assert_eq!(sent(KeyCode::Char('x'), KeyModifiers::ALT, TermMode::default()), "\x1bx");
        assert_eq!(
            sent(KeyCode::Char('b'), KeyModifiers::ALT | KeyModifiers::CONTROL, TermMode::default()),
            "\x1b\x02"
        );
        assert_eq!(plain(KeyCode::Char('é')), "é");
    }

    /// The expected strings are those of the control sequence document, "Mouse Tracking".
    #[test]
    fn mouse_is_reported_in_the_form_that_the_guest_asked_for() {
        let event = |kind, modifiers| MouseEvent { kind, column: 0, row: 0, modifiers };
        let down = event(MouseEventKind::Down(MouseButton::Left), KeyModifiers::NONE);
        let first = TermMode::MOUSE_REPORT_CLICK;
        assert_eq!(encode_mouse(&down, (0, 1), first), Some(b"\x1b[M !\"".to_vec()));
        let sgr = first | TermMode::SGR_MOUSE;
        assert_eq!(encode_mouse(&down, (299, 79), sgr), Some(b"\x1b[<0;300;80M".to_vec()));
        assert_eq!(encode_mouse(&down, (299, 79), first), None, "the first form ends at 223");
        let up = event(MouseEventKind::Up(MouseButton::Right), KeyModifiers::CONTROL);
        assert_eq!(encode_mouse(&up, (0, 0), sgr), Some(b"\x1b[<18;1;1m".to_vec()));
        let drag = event(MouseEventKind::Drag(MouseButton::Left), KeyModifiers::NONE);
        assert_eq!(encode_mouse(&drag, (0, 0), sgr), None);
        assert_eq!(encode_mouse(&drag, (0, 0), sgr | TermMode::MOUSE_DRAG), Some(b"\x1b[<32;1;1M".to_vec()));
        let wheel = event(MouseEventKind::ScrollUp, KeyModifiers::NONE);
        assert_eq!(encode_mouse(&wheel, (4, 4), sgr), Some(b"\x1b[<64;5;5M".to_vec()));
    }

    #[test]
    fn pasted_text_cannot_leave_its_brackets() {
        assert_eq!(encode_paste("a\r\nb\nc", TermMode::default()), b"a\rb\rc");
        let bracketed = TermMode::default() | TermMode::BRACKETED_PASTE;
        assert_eq!(encode_paste("x\x1b[201~rm\n", bracketed), b"\x1b[200~x[201~rm\r\x1b[201~");
    }
}
