//! The drive against the plainest model of a tape there is: a list, and a position in it.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Clone, PartialEq, Eq, Debug)]
enum Item {
    Block(Vec<u8>),
    Filemark,
    Setmark,
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<u8>),
    Marks {
        setmarks: bool,
        count: u8,
    },
    Read(u16),
    Space {
        code: u8,
        count: i8,
    },
    Locate(u8),
    Rewind,
    End,
    Erase,
    /// The cartridge is taken out and put in again, so that nothing is known of it.
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => vec(any::<u8>(), 1..40).prop_map(Step::Write),
        3 => (any::<bool>(), 1u8..4).prop_map(|(setmarks, count)| Step::Marks { setmarks, count }),
        4 => (1u16..50).prop_map(Step::Read),
        6 => (0u8..6, -6i8..7).prop_filter("the end is a step of its own", |(code, _)| *code != 3)
            .prop_map(|(code, count)| Step::Space { code, count }),
        2 => (0u8..40).prop_map(Step::Locate),
        1 => Just(Step::Rewind),
        1 => Just(Step::End),
        1 => Just(Step::Erase),
        1 => Just(Step::Reload),
    ]
}

/// What a command is to answer: its sense without and with the rest of the count, and data.
type Expected = (Option<(Sense, i64)>, Vec<u8>);

#[derive(Default)]
struct Model {
    items: Vec<Item>,
    at: usize,
}

impl Model {
    fn write(&mut self, items: impl IntoIterator<Item = Item>) {
        self.items.truncate(self.at);
        self.items.extend(items);
        self.at = self.items.len();
    }

    fn read(&mut self, len: u16) -> Expected {
        let met = |sense| (Some((sense, len.into())), Vec::new());
        let Some(item) = self.items.get(self.at) else { return met(Sense::END_OF_DATA) };
        self.at += 1;
        match item {
            Item::Filemark => met(Sense::FILEMARK_DETECTED),
            Item::Setmark => met(Sense::SETMARK_DETECTED),
            Item::Block(data) => {
                let left = i64::from(len) - data.len() as i64;
                let sense = (left != 0).then_some((Sense::INCORRECT_LENGTH, left));
                (sense, data[..data.len().min(len.into())].to_vec())
            }
        }
    }

    /// One item after another, in either direction.
    fn space(&mut self, code: u8, count: i8) -> Option<(Sense, i64)> {
        let (total, forward) = (i64::from(count.unsigned_abs()), count > 0);
        let mut left = total;
        let mut in_row = 0;
        let is_row = matches!(code, 2 | 5);
        while left > 0 {
            let next = if forward { self.items.get(self.at) } else { self.items[..self.at].last() };
            let Some(item) = next else {
                let rest = if is_row { total } else { left };
                let sense = if forward { Sense::END_OF_DATA } else { Sense::BEGINNING_DETECTED };
                return Some((sense, rest));
            };
            self.at = if forward { self.at + 1 } else { self.at - 1 };
            match (code, item) {
                (0, Item::Block(_)) | (1, Item::Filemark) | (4, Item::Setmark) => left -= 1,
                (0, Item::Filemark) => return Some((Sense::FILEMARK_DETECTED, left)),
                (0 | 1, Item::Setmark) => return Some((Sense::SETMARK_DETECTED, left)),
                (2, Item::Filemark) | (5, Item::Setmark) => {
                    in_row += 1;
                    if in_row == total {
                        return None;
                    }
                }
                _ => in_row = 0,
            }
        }
        None
    }
}

/// The answer of the drive in the model's terms.
fn seen(answer: Answer) -> Expected {
    let Execution::Done(Completion { sense, .. }) = answer.execution else { panic!("{answer:?}") };
    let sense = sense.map(|sense| {
        let fixed = sense.fixed();
        let residue = i32::from_be_bytes(fixed[3..7].try_into().unwrap());
        let plain = [
            Sense::END_OF_DATA,
            Sense::FILEMARK_DETECTED,
            Sense::SETMARK_DETECTED,
            Sense::BEGINNING_DETECTED,
            Sense::INCORRECT_LENGTH,
        ];
        let same = |plain: &Sense| plain.fixed()[2] == fixed[2] && plain.code() == sense.code();
        (plain.into_iter().find(same).unwrap_or(sense), i64::from(residue))
    });
    (sense, answer.data)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
    #[test]
    fn drive_does_what_a_list_does(steps in vec(step(), 1..80)) {
        let (bench, mut model) = (Bench::new(), Model::default());
        for step in steps {
            let (found, expected): (Expected, Expected) = match &step {
                Step::Write(data) => {
                    model.write([Item::Block(data.clone())]);
                    (seen(bench.run(&sized(0x0a, 0, data.len() as u32), data, 0)), (None, vec![]))
                }
                Step::Marks { setmarks, count } => {
                    let item = if *setmarks { Item::Setmark } else { Item::Filemark };
                    model.write(vec![item; usize::from(*count)]);
                    // IMMED: to wait for the host's disk each time is of no use here.
                    let cdb = sized(0x10, 1 | u8::from(*setmarks) << 1, u32::from(*count));
                    (seen(bench.run(&cdb, &[], 0)), (None, vec![]))
                }
                Step::Read(len) => {
                    let found = seen(bench.run(&sized(0x08, 0, u32::from(*len)), &[], usize::from(*len)));
                    (found, model.read(*len))
                }
                Step::Space { code, count } => {
                    let found = bench.run(&sized(0x11, *code, i32::from(*count) as u32 & 0xff_ffff), &[], 0);
                    (seen(found), (model.space(*code, *count), vec![]))
                }
                Step::Locate(object) => {
                    let found = bench.run(&[0x2b, 0, 0, 0, 0, 0, *object, 0, 0, 0], &[], 0);
                    model.at = model.items.len().min(usize::from(*object));
                    let met = (usize::from(*object) > model.items.len()).then_some((Sense::END_OF_DATA, 0));
                    (seen(found), (met, vec![]))
                }
                Step::Rewind => {
                    model.at = 0;
                    (seen(bench.run(&[0x2b, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[], 0)), (None, vec![]))
                }
                Step::End => {
                    model.at = model.items.len();
                    (seen(bench.run(&[0x11, 3, 0, 0, 0, 0], &[], 0)), (None, vec![]))
                }
                Step::Erase => {
                    model.write([]);
                    (seen(bench.run(&[0x19, 0, 0, 0, 0, 0], &[], 0)), (None, vec![]))
                }
                Step::Reload => {
                    model.at = 0;
                    let cartridge = bench.drive.unload(false).unwrap().unwrap();
                    bench.drive.load(cartridge).unwrap();
                    bench.attention();
                    ((None, vec![]), (None, vec![]))
                }
            };
            prop_assert_eq!(found, expected, "{:?}", step);
            prop_assert_eq!(bench.position() as usize, model.at, "{:?}", step);
        }
        let long = bench.data(&[0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0], 32);
        let before = &model.items[..model.at];
        let count = |item| before.iter().filter(|other| **other == item).count() as u64;
        prop_assert_eq!(&long[16..24], count(Item::Filemark).to_be_bytes());
        prop_assert_eq!(&long[24..32], count(Item::Setmark).to_be_bytes());
    }
}
