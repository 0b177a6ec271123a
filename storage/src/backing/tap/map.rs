//! What is known of the way along a tape: places at intervals, from which any other is a short walk. It grows with use
//! and has a bounded size, whatever is recorded.

use super::Place;

/// Most places kept.
const MOST: usize = 1 << 15;
/// Objects between them, at first.
const STRIDE: u64 = 64;

pub(super) struct Map {
    /// Ascending; the first is the beginning of the tape.
    places: Vec<Place>,
    stride: u64,
    /// Where the data end, once found.
    end: Option<Place>,
}

impl Map {
    pub(super) fn new() -> Map {
        Map { places: vec![Place::BEGINNING], stride: STRIDE, end: None }
    }

    /// The last place kept that `is_before` is true of, which must be so for all before it.
    pub(super) fn last(&self, is_before: impl Fn(&Place) -> bool) -> Place {
        let behind = self.places.partition_point(is_before);
        self.places[..behind].last().copied().unwrap_or(Place::BEGINNING)
    }

    /// Takes note of a place that was reached.
    pub(super) fn note(&mut self, place: Place) {
        let behind = self.places.partition_point(|known| known.object <= place.object);
        let is_far = |known: Option<&Place>| {
            known.is_none_or(|known| known.object.abs_diff(place.object) >= self.stride)
        };
        if !is_far(behind.checked_sub(1).and_then(|before| self.places.get(before)))
            || !is_far(self.places.get(behind))
        {
            return;
        }
        self.places.insert(behind, place);
        if self.places.len() > MOST {
            self.stride *= 2;
            let mut is_odd = false;
            self.places.retain(|_| {
                is_odd = !is_odd;
                is_odd
            });
        }
    }

    /// All that follows is gone, and data end here.
    pub(super) fn cut(&mut self, end: Place) {
        let kept = self.places.partition_point(|known| known.object <= end.object);
        self.places.truncate(kept.max(1));
        self.end = Some(end);
        self.note(end);
    }

    pub(super) fn end(&self) -> Option<Place> {
        self.end
    }

    pub(super) fn ends_at(&mut self, end: Place) {
        self.end = Some(end);
    }
}

#[test]
fn places_are_kept_at_growing_intervals() {
    let mut map = Map::new();
    let place = |object| Place { object, filemarks: object / 10, setmarks: 0, offset: object * 16 };
    (1..=4_000_000).for_each(|object| map.note(place(object)));
    assert!(map.places.len() <= MOST && map.places.is_sorted_by_key(|place| place.object));
    assert!(map.places.windows(2).all(|pair| pair[1].object - pair[0].object <= map.stride));
    assert_eq!(map.stride, 128);
    assert_eq!(map.last(|place| place.object <= 1_000_001).object, 999_936);
    assert_eq!(map.last(|place| place.filemarks < 1), Place::BEGINNING);
    map.cut(place(100));
    assert_eq!(map.last(|_| true).object, 0);
    assert_eq!(map.end(), Some(place(100)));
    map.note(place(1000));
    map.note(place(500));
    map.note(place(450));
    assert_eq!(map.places.iter().map(|place| place.object).collect::<Vec<_>>(), [0, 500, 1000]);
}
