//! COMPARE AND WRITE commands whose answers a guest may not have seen when its VSP was killed. One that comes again is not
//! compared with what it has written itself: it is known how far it had come.
//!
//! Their lines in the state of a disk:
//!
//! ```text
//!   exchange <initiator> <queue> <number> <FNV-1a of the command and its data> <compared|written>
//! ```

use std::collections::{BTreeMap, VecDeque};

use super::super::kept::{hash, parse_initiator, print_line};
use super::super::{Delivery, Initiator};

/// Commands of an initiator that are remembered: more than threads of a transport can be at, each of which returns one
/// before it takes the next.
const REMEMBERED: usize = 64;

/// How far a command has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// The medium was as the initiator expected, and is perhaps changed in part.
    Compared,
    /// Done.
    Written,
}

impl Stage {
    const WORDS: [(Stage, &str); 2] = [(Stage::Compared, "compared"), (Stage::Written, "written")];

    fn word(self) -> &'static str {
        Stage::WORDS.iter().find(|(stage, _)| *stage == self).map_or("", |(_, word)| word)
    }

    fn of(word: &str) -> Option<Stage> {
        Stage::WORDS.iter().find(|(_, own)| *own == word).map(|(stage, _)| *stage)
    }
}

/// Which command it is. Numbers begin anew with a device that is reset, so its contents tell, too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Exchange {
    queue: u16,
    number: u64,
    contents: u64,
}

impl Exchange {
    /// The command with this block, which was delivered so, with its data.
    pub(super) fn new(delivery: Delivery, block: &[u8], data: &[u8]) -> Exchange {
        let Delivery { queue, number, .. } = delivery;
        Exchange { queue, number, contents: hash(block.iter().chain(data)) }
    }
}

/// The last ones of each initiator, newest last.
#[derive(Default, Debug)]
pub(super) struct Exchanges(BTreeMap<Initiator, VecDeque<(Exchange, Stage)>>);

impl Exchanges {
    /// How far it had come before.
    pub(super) fn stage(&self, of: Initiator, exchange: Exchange) -> Option<Stage> {
        let own = self.0.get(&of)?;
        own.iter().rev().find(|(known, _)| *known == exchange).map(|(_, stage)| *stage)
    }

    /// It has come as far as that.
    pub(super) fn note(&mut self, of: Initiator, exchange: Exchange, stage: Stage) {
        let own = self.0.entry(of).or_default();
        own.retain(|(known, _)| (known.queue, known.number) != (exchange.queue, exchange.number));
        if own.len() == REMEMBERED {
            own.pop_front();
        }
        own.push_back((exchange, stage));
    }

    /// The initiator begins anew: it repeats nothing.
    pub(super) fn forget(&mut self, of: Initiator) {
        self.0.remove(&of);
    }

    pub(super) fn print(&self, text: &mut String) {
        for (initiator, own) in &self.0 {
            for (Exchange { queue, number, contents }, stage) in own {
                let (initiator, stage) = (initiator.0, stage.word());
                print_line(
                    text,
                    format_args!("exchange {initiator} {queue} {number} {contents:016x} {stage}"),
                );
            }
        }
    }

    /// Reads the words after the first one of a line.
    pub(super) fn restore(&mut self, words: &[&str]) -> Option<()> {
        let [initiator, queue, number, contents, stage] = words else { return None };
        let exchange = Exchange {
            queue: queue.parse().ok()?,
            number: number.parse().ok()?,
            contents: u64::from_str_radix(contents, 16).ok()?,
        };
        self.note(parse_initiator(initiator)?, exchange, Stage::of(stage)?);
        Some(())
    }
}
