//! Unit attentions of a device of the host (SPC-4 clause 5.14), which tells each of them once, to whoever comes first: here
//! they go to all that share it, unchanged.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::scsi::Foreign;

const CHECK_CONDITION: u8 = 0x02;
const UNIT_ATTENTION: u8 = 0x06;

/// Whether this answer tells of one.
pub(super) fn is_unit_attention(answer: &Foreign) -> bool {
    answer.status == CHECK_CONDITION && answer.sense_key() == Some(UNIT_ATTENTION)
}

/// Sense data that an initiator has not been told yet, oldest first, each once.
#[derive(Default)]
pub(super) struct News(Mutex<VecDeque<Vec<u8>>>);

impl News {
    fn add(&self, sense: &[u8]) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.iter().any(|other| other == sense) {
            waiting.push_back(sense.to_vec());
        }
    }

    /// The next, as the answer that tells of it.
    pub(super) fn take(&self) -> Option<Foreign> {
        let sense = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()?;
        Some(Foreign { status: CHECK_CONDITION, sense, data_out: 0, data_in: 0 })
    }
}

/// The initiators of a device.
#[derive(Default)]
pub(super) struct Circle(Mutex<Vec<Weak<News>>>);

impl Circle {
    /// One more, told of what happens for as long as the result lives.
    pub(super) fn join(&self) -> Arc<News> {
        let news = Arc::new(News::default());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&news));
        news
    }

    /// Tells all but one, who knows.
    pub(super) fn tell(&self, sense: &[u8], knows: Option<&Arc<News>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|news| {
            let Some(news) = news.upgrade() else { return false };
            if !knows.is_some_and(|knows| Arc::ptr_eq(knows, &news)) {
                news.add(sense);
            }
            true
        });
    }
}

#[test]
fn each_initiator_is_told_once() {
    let medium_changed = [0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x28, 0, 0, 0, 0, 0];
    let answer = Foreign { status: CHECK_CONDITION, sense: medium_changed.to_vec(), data_out: 0, data_in: 0 };
    assert!(is_unit_attention(&answer));
    let circle = Circle::default();
    let (first, second) = (circle.join(), circle.join());
    circle.tell(&answer.sense, Some(&first));
    assert_eq!(first.take(), None);
    assert_eq!((second.take().as_ref(), second.take()), (Some(&answer), None));
    // What the host itself was told is for both; twice the same before anybody asks is one.
    circle.tell(&answer.sense, None);
    circle.tell(&answer.sense, None);
    for news in [first, second] {
        assert_eq!((news.take().as_ref(), news.take()), (Some(&answer), None));
    }
    circle.tell(&answer.sense, None);
    assert_eq!(circle.0.lock().unwrap().len(), 0, "nobody is left");
}
