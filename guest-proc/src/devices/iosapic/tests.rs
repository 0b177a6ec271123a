use super::super::router::{Delivery, Mode};
use super::core::IoSapic;

struct Bench {
    iosapic: IoSapic,
    sent: Vec<Delivery>,
}

impl Bench {
    fn new() -> Bench {
        Bench { iosapic: IoSapic::new(24), sent: Vec::new() }
    }
    fn write(&mut self, register: u8, value: u32) {
        self.iosapic.write(0x00, register as u32, &mut |_| panic!("selecting sends nothing"));
        let sent = &mut self.sent;
        self.iosapic.write(0x10, value, &mut |message| sent.push(message));
    }
    fn read(&mut self, register: u8) -> u32 {
        self.iosapic.write(0x00, register as u32, &mut |_| panic!("selecting sends nothing"));
        self.iosapic.read(0x10)
    }
    fn eoi(&mut self, vector: u32) {
        let sent = &mut self.sent;
        self.iosapic.write(0x40, vector, &mut |message| sent.push(message));
    }
    fn line(&mut self, pin: usize, asserted: bool) {
        let sent = &mut self.sent;
        self.iosapic.set_line(pin, asserted, &mut |message| sent.push(message));
    }
    /// Programs pin 9 as Linux programs the SCI: processor (1, 2), level, active low.
    fn level(&mut self) -> u8 {
        self.write(0x10 + 2 * 9 + 1, 0x0102_0000);
        self.write(0x10 + 2 * 9, 0xa000 | 0x31);
        0x10 + 2 * 9
    }
}

const LEVEL_MESSAGE: Delivery = Delivery { id: 1, eid: 2, mode: Mode::Interrupt, vector: 0x31 };

#[test]
fn version_tells_the_number_of_pins_and_everything_starts_masked() {
    let mut bench = Bench::new();
    assert_eq!(bench.read(1), 23 << 16 | 0x20);
    for pin in 0..24 {
        assert_eq!(bench.read(0x10 + 2 * pin), 1 << 16);
        bench.line(pin as usize, true);
    }
    assert!(bench.sent.is_empty());
}

#[test]
fn asserted_level_line_sends_once_and_again_after_eoi() {
    let mut bench = Bench::new();
    bench.level();
    bench.line(9, true);
    bench.line(9, true);
    assert_eq!(bench.sent, [LEVEL_MESSAGE]);
    bench.eoi(0x32);
    assert_eq!(bench.sent.len(), 1, "another vector's EOI");
    bench.eoi(0x31);
    assert_eq!(bench.sent, [LEVEL_MESSAGE; 2]);
    bench.line(9, false);
    bench.eoi(0x31);
    assert_eq!(bench.sent.len(), 2, "the line is quiet now");
}

#[test]
fn linux_level_flow_mask_handle_unmask_eoi_loses_and_repeats_nothing() {
    let mut bench = Bench::new();
    let low = bench.level();
    bench.line(9, true);
    bench.write(low, 0x1a031);
    bench.line(9, false);
    bench.write(low, 0xa031);
    bench.eoi(0x31);
    assert_eq!(bench.sent.len(), 1);
    bench.line(9, true);
    assert_eq!(bench.sent.len(), 2);
    bench.write(low, 0x1a031);
    bench.write(low, 0xa031);
    assert_eq!(bench.sent.len(), 2, "unmasking while one is outstanding");
    bench.eoi(0x31);
    assert_eq!(bench.sent.len(), 3, "still asserted");
}

#[test]
fn unmasking_an_asserted_level_line_sends() {
    let mut bench = Bench::new();
    bench.line(9, true);
    bench.level();
    assert_eq!(bench.sent, [LEVEL_MESSAGE]);
}

#[test]
fn edges_are_dropped_while_masked() {
    let mut bench = Bench::new();
    bench.line(3, true);
    bench.write(0x10 + 6, 0x40);
    assert!(bench.sent.is_empty());
    bench.line(3, false);
    bench.line(3, true);
    bench.line(3, true);
    assert_eq!(bench.sent, [Delivery { id: 0, eid: 0, mode: Mode::Interrupt, vector: 0x40 }]);
}

#[test]
fn eoi_ends_every_entry_with_the_vector() {
    let mut bench = Bench::new();
    for pin in [5, 6] {
        bench.write(0x10 + 2 * pin, 0x8000 | 0x55);
        bench.line(pin as usize, true);
    }
    bench.eoi(0x55);
    assert_eq!(bench.sent.len(), 4);
}

#[test]
fn registers_that_do_not_exist_do_nothing() {
    let mut bench = Bench::new();
    bench.write(0x10 + 48, 0x8031);
    bench.write(0xff, 0x8031);
    bench.line(4000, true);
    assert_eq!((bench.read(0x10 + 48), bench.read(0x02), bench.iosapic.read(0x20)), (0, 0, 0));
    assert!(bench.sent.is_empty());
}
