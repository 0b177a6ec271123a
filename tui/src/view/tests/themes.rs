//! Every screen in every theme, and on screens of every size.

use super::*;
use crate::console::msg::Target;
use ratatui::buffer::Cell;
use ratatui::layout::Position;

/// The cells that the console draws itself, with their places: not those of guests' terminals.
fn own_cells<'a>(state: &State, buffer: &'a Buffer) -> Vec<(Position, &'a Cell)> {
    let guests = state.regions().map(|regions| regions.terminals(state)).unwrap_or_default();
    let area = buffer.area;
    let all = (0..area.height).flat_map(|y| (0..area.width).map(move |x| Position::new(x, y)));
    let own = all.filter(|place| !guests.iter().any(|(_, cells)| cells.contains(*place)));
    own.map(|place| (place, &buffer[place])).collect()
}

#[test]
fn every_screen_has_the_colours_of_its_theme_alone() {
    for (name, prepare) in SCREENS {
        let state = prepare(LARGE);
        for palette in Palette::ALL {
            let buffer = buffer(&state, &Theme::new(palette, false));
            for (place, cell) in own_cells(&state, &buffer) {
                let is_right = match (palette, cell.fg) {
                    (_, Color::Reset) => true,
                    (Palette::Dark | Palette::Light, Color::Indexed(16..)) => true,
                    (Palette::Sixteen, color) => !matches!(color, Color::Indexed(_) | Color::Rgb(..)),
                    _ => false,
                };
                assert!(is_right, "{name}, {palette:?}, {place}: {cell:?}");
                // What the terminal shows behind it is what the theme was made for.
                assert_eq!(cell.bg, Color::Reset, "{name}, {palette:?}, {place}: {cell:?}");
                assert!(!cell.modifier.contains(Modifier::HIDDEN), "{name}, {palette:?}, {place}");
            }
        }
    }
}

#[test]
fn every_screen_is_ascii_where_that_is_wanted() {
    for (name, prepare) in SCREENS {
        let state = prepare(SMALL);
        let buffer = buffer(&state, &Theme::new(Palette::Dark, true));
        for (place, cell) in own_cells(&state, &buffer) {
            assert!(cell.symbol().is_ascii(), "{name}, {place}: {cell:?}");
        }
    }
}

/// A row that is selected differs from the others by attributes, or by a mark.
#[test]
fn selection_is_seen_without_colours() {
    let theme = Theme::new(Palette::None, false);
    let mut seen = 0;
    for (name, prepare) in SCREENS {
        let state = prepare(LARGE);
        let mut terminal = Terminal::new(TestBackend::new(LARGE.0, LARGE.1)).expect("a screen in memory");
        let mut clicks = ClickMap::default();
        terminal.draw(|frame| clicks = draw(&state, &theme, frame)).expect("a screen in memory");
        let buffer = terminal.backend().buffer();
        // Of a list that a dialog lies over only some rows are seen.
        let is_whole = |area: &Rect, target: &Target| {
            let is_in_front = state.layers.is_empty() || area.width < LARGE.0 / 2;
            let is_seen = |x| match clicks.at(x, area.y) {
                // Lies on the row of its field.
                Some(Target::Choice { .. }) => true,
                uppermost => uppermost == Some(*target),
            };
            is_in_front && (area.left()..area.right()).all(is_seen)
        };
        let rows: Vec<Rect> = clicks
            .all()
            .iter()
            .filter(|(area, target)| matches!(target, Target::Row(_)) && is_whole(area, target))
            .map(|(area, _)| *area)
            .collect();
        if rows.len() < 2
            || matches!(state.layers.last(), Some(layer) if !matches!(layer, Layer::Form(_) | Layer::Palette(_)))
        {
            continue;
        }
        let is_marked = |row: &&Rect| {
            let cells = row.positions().map(|place| &buffer[place]).collect::<Vec<_>>();
            cells.iter().all(|cell| cell.modifier.contains(Modifier::REVERSED))
                || cells[0].symbol() == theme.pointer()
        };
        seen += 1;
        assert_eq!(rows.iter().filter(is_marked).count(), 1, "{name}");
    }
    assert!(seen >= 8, "only {seen} screens have a list");
}

#[test]
fn every_screen_fits_every_size() {
    let theme = Theme::new(Palette::Dark, false);
    let sizes = [(60, 18), (61, 19), (79, 23), (132, 43), (60, 80), (300, 18), (200, 60), (300, 80)];
    for (name, prepare) in SCREENS {
        for size in sizes {
            let mut state = prepare(SMALL);
            update(&mut state, Msg::Resize(size.0, size.1));
            let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a screen in memory");
            let mut clicks = ClickMap::default();
            terminal.draw(|frame| clicks = draw(&state, &theme, frame)).expect("a screen in memory");
            let screen = Rect::new(0, 0, size.0, size.1);
            for (area, target) in clicks.all() {
                assert_eq!(screen.intersection(*area), *area, "{name}, {size:?}: {target:?}");
            }
            let buffer = terminal.backend().buffer();
            let footer: String = (0..size.0).map(|x| buffer[(x, size.1 - 1)].symbol()).collect();
            assert!(!footer.trim().is_empty(), "{name}, {size:?}: no keys");
            let lines = (0..size.1).filter(|y| (0..size.0).any(|x| buffer[(x, *y)].symbol() != " ")).count();
            assert!(lines > 1, "{name}, {size:?}: nothing is shown");
        }
    }
}

#[test]
fn screen_below_the_smallest_says_so_at_any_size() {
    for (name, prepare) in SCREENS {
        for size in [(59, 18), (60, 17), (40, 10), (300, 5), (20, 80)] {
            let mut state = prepare(SMALL);
            update(&mut state, Msg::Resize(size.0, size.1));
            let screen = format!("{}", drawn(&state, &Theme::new(Palette::Dark, false)));
            let words: Vec<&str> = screen.split_whitespace().collect();
            assert!(words.join(" ").replace("\" \"", "").contains("columns"), "{name}, {size:?}:\n{screen}");
        }
        for size in [(0, 0), (1, 1), (1, 80), (300, 1), (0, 18)] {
            let mut state = prepare(SMALL);
            update(&mut state, Msg::Resize(size.0, size.1));
            drawn(&state, &Theme::new(Palette::Dark, false));
        }
    }
}
