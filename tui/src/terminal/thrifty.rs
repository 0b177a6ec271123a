//! A back-end that sends nothing where nothing changed: the cursor is not hidden and shown again with every frame, and
//! a frame without changes costs no byte. It matters over a slow line, and lets an idle console be silent.

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// Passes on to `inner` what differs from before.
pub(super) struct Thrifty<B> {
    inner: B,
    /// What the terminal's cursor does; nothing while nobody knows.
    is_shown: Option<bool>,
    position: Option<Position>,
}

impl<B> Thrifty<B> {
    /// Nothing is known of the terminal yet.
    pub(super) fn new(inner: B) -> Self {
        Self { inner, is_shown: None, position: None }
    }
}

impl<B: Backend> Backend for Thrifty<B> {
    type Error = B::Error;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), B::Error>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        // Drawing moves the cursor.
        self.position = None;
        self.inner.draw(content)
    }

    fn hide_cursor(&mut self) -> Result<(), B::Error> {
        if self.is_shown == Some(false) {
            return Ok(());
        }
        self.is_shown = Some(false);
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> Result<(), B::Error> {
        if self.is_shown == Some(true) {
            return Ok(());
        }
        self.is_shown = Some(true);
        self.inner.show_cursor()
    }

    /// The terminal is not asked: over a slow line that takes long, and not every terminal answers.
    fn get_cursor_position(&mut self) -> Result<Position, B::Error> {
        Ok(self.position.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), B::Error> {
        let position = position.into();
        if self.position == Some(position) {
            return Ok(());
        }
        self.position = Some(position);
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> Result<(), B::Error> {
        self.position = None;
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), B::Error> {
        self.position = None;
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> Result<Size, B::Error> {
        self.inner.size()
    }

    fn window_size(&mut self) -> Result<WindowSize, B::Error> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> Result<(), B::Error> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::CrosstermBackend;
    use ratatui::layout::Rect;
    use ratatui::{TerminalOptions, Viewport};
    use std::cell::RefCell;
    use std::io::{self, Write};
    use std::rc::Rc;

    #[derive(Clone, Default)]
    struct Sent(Rc<RefCell<Vec<u8>>>);

    impl Write for Sent {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn frames_without_changes_send_nothing() {
        let sent = Sent::default();
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, 20, 2)) };
        let backend = Thrifty::new(CrosstermBackend::new(sent.clone()));
        let mut terminal = Terminal::with_options(backend, options).expect("a terminal");
        let mut bytes = |text: &str, cursor: Option<(u16, u16)>| {
            let draw = |frame: &mut ratatui::Frame<'_>| {
                frame.render_widget(text, frame.area());
                if let Some(cursor) = cursor {
                    frame.set_cursor_position(cursor);
                }
            };
            terminal.draw(draw).expect("it is drawn");
            sent.0.borrow_mut().drain(..).count()
        };
        assert!(bytes("hello", None) > 5);
        assert_eq!(bytes("hello", None), 0);
        assert!(bytes("hallo", None) > 0);
        assert!(bytes("hallo", Some((1, 0))) > 0);
        assert_eq!(bytes("hallo", Some((1, 0))), 0);
    }
}
