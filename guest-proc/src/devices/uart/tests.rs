//! Expectations are the PC16550D data sheet's (section numbers below) and what Linux's `8250_port.c:autoconfig` probes.

use std::sync::Arc;

use super::UartDevice;
use super::core::Uart;
use crate::bus::Registers;
use crate::pci::Interrupts;

const DATA: u8 = 0;
const IER: u8 = 1;
const IIR: u8 = 2;
const FCR: u8 = 2;
const LCR: u8 = 3;
const MCR: u8 = 4;
const LSR: u8 = 5;
const MSR: u8 = 6;
const SCR: u8 = 7;

fn with_fifo(trigger: u8) -> Uart {
    let mut uart = Uart::new();
    uart.write(FCR, trigger << 6 | 1);
    uart
}

#[test]
fn after_reset_the_transmitter_is_empty_and_nothing_interrupts() {
    // 8.0, table III "UART Reset Configuration"
    let mut uart = Uart::new();
    let registers: Vec<u8> = [IER, IIR, LCR, MCR, LSR].into_iter().map(|r| uart.read(r)).collect();
    assert_eq!(registers, [0, 0x01, 0, 0, 0x60]);
    assert!(!uart.interrupts());
}

#[test]
fn divisor_latch_hides_data_and_interrupt_enable() {
    let mut uart = Uart::new();
    uart.write(IER, 0x05);
    uart.write(LCR, 0x83);
    uart.write(DATA, 0x01);
    uart.write(IER, 0x00);
    assert_eq!((uart.read(DATA), uart.read(IER)), (1, 0));
    uart.write(LCR, 0x03);
    assert_eq!((uart.read(IER), uart.read(LCR)), (0x05, 0x03));
    assert!(!uart.has_output(), "the divisor was not transmitted");
}

#[test]
fn linux_recognises_a_16550a() {
    let mut uart = Uart::new();
    uart.write(IER, 0);
    assert_eq!(uart.read(IER) & 0x0f, 0);
    uart.write(IER, 0xff);
    assert_eq!(uart.read(IER), 0x0f, "bits 7:4 are always 0");
    uart.write(IER, 0);
    uart.write(SCR, 0xa5);
    assert_eq!(uart.read(SCR), 0xa5);
    uart.write(MCR, 0x10 | 0x0a);
    assert_eq!(uart.read(MSR) & 0xf0, 0x90, "RTS and OUT2 come back as CTS and DCD");
    uart.write(MCR, 0);
    uart.write(FCR, 1);
    for lcr in [0x00, 0x80, 0xbf] {
        uart.write(LCR, lcr);
        assert_eq!(uart.read(IIR) & 0xc0, 0xc0, "IIR shows the FIFOs whatever LCR is ({lcr:#x})");
    }
}

#[test]
fn fifo_bits_of_iir_follow_fcr() {
    let mut uart = Uart::new();
    assert_eq!(uart.read(IIR), 0x01);
    uart.write(FCR, 1);
    assert_eq!(uart.read(IIR), 0xc1);
    uart.write(FCR, 0);
    assert_eq!(uart.read(IIR), 0x01);
}

#[test]
fn enabling_the_transmitter_interrupt_with_an_empty_holding_register_raises_it() {
    // 8.6: reset by reading IIR (if it is the source) or by writing THR
    let mut uart = with_fifo(0);
    uart.write(IER, 0x02);
    assert!(uart.interrupts());
    assert_eq!(uart.read(IIR), 0xc2);
    assert_eq!((uart.read(IIR), uart.interrupts()), (0xc1, false));
    uart.write(IER, 0x00);
    uart.write(IER, 0x02);
    assert_eq!(uart.read(IIR), 0xc2, "a new 0 to 1 raises it again");
    uart.write(DATA, b'x');
    assert_eq!(uart.read(IIR), 0xc2, "the byte left, so the register is empty again");
    assert_eq!(uart.take_output(), b"x");
}

#[test]
fn received_bytes_interrupt_at_the_trigger_level_and_below_it_by_timeout() {
    // 8.6 table V, 8.9
    let mut uart = with_fifo(2);
    uart.write(IER, 0x01);
    assert_eq!(uart.receive(b"1234567"), 7);
    assert_eq!(uart.read(IIR), 0xcc);
    uart.receive(b"8");
    assert_eq!(uart.read(IIR), 0xc4);
    for expected in b"12345678" {
        assert_eq!(uart.read(LSR) & 1, 1);
        assert_eq!(uart.read(DATA), *expected);
    }
    assert_eq!((uart.read(LSR) & 1, uart.interrupts()), (0, false));
}

#[test]
fn input_beyond_the_fifo_waits_outside_and_is_not_overrun() {
    let mut uart = with_fifo(0);
    let typed: Vec<u8> = (0..100).collect();
    uart.receive(&typed);
    assert_eq!(uart.read(LSR) & 2, 0);
    let read: Vec<u8> = (0..100).map(|_| uart.read(DATA)).collect();
    assert_eq!(read, typed);
}

#[test]
fn without_fifo_one_byte_is_received_at_a_time() {
    let mut uart = Uart::new();
    uart.write(IER, 0x01);
    uart.receive(b"ab");
    assert_eq!(uart.read(IIR), 0x04);
    assert_eq!((uart.read(DATA), uart.read(DATA), uart.read(LSR) & 1), (b'a', b'b', 0));
}

#[test]
fn loopback_returns_what_is_sent_and_overruns_when_not_read() {
    // 8.8 bit 4; 8.5 bit 1
    let mut uart = Uart::new();
    uart.write(MCR, 0x10);
    uart.write(DATA, 0x55);
    uart.receive(b"outside");
    assert_eq!(uart.read(DATA), 0x55);
    uart.write(DATA, 1);
    uart.write(DATA, 2);
    uart.write(IER, 0x04);
    assert_eq!(uart.read(IIR), 0x06);
    assert_eq!(uart.read(LSR) & 0x03, 0x03);
    assert_eq!((uart.read(LSR) & 0x02, uart.interrupts()), (0, false), "reading LSR ends it");
    assert!(!uart.has_output(), "nothing leaves the chip in loopback");
}

#[test]
fn modem_status_deltas_interrupt_until_read() {
    // 8.9 "Modem Status Register"
    let mut uart = Uart::new();
    assert_eq!(uart.read(MSR), 0xb0, "a terminal is there, nothing changed");
    uart.write(IER, 0x08);
    uart.write(MCR, 0x10);
    assert_eq!(uart.read(IIR), 0x00);
    assert_eq!(uart.read(MSR), 0x0b, "CTS, DSR and DCD went away");
    assert!(!uart.interrupts());
    uart.write(MCR, 0x14);
    assert_eq!(uart.read(MSR), 0x40, "RI has no leading-edge report");
    uart.write(MCR, 0x10);
    assert_eq!(uart.read(MSR), 0x04);
}

#[test]
fn a_host_that_takes_nothing_makes_the_transmitter_busy() {
    let mut uart = with_fifo(0);
    uart.write(IER, 0x02);
    let mut sent = 0;
    while uart.read(LSR) & 0x20 != 0 {
        uart.write(DATA, sent as u8);
        sent += 1;
    }
    uart.read(IIR);
    assert!(!uart.interrupts());
    assert_eq!(uart.take_output().len(), sent);
    assert_eq!((uart.read(IIR), uart.read(LSR) & 0x60), (0xc2, 0x60));
}

// --- the device, its two ends open to threads of the host ---

struct NoInterrupts;

impl Interrupts for NoInterrupts {
    fn msi(&self, _address: u64, _data: u32) {}
    fn line(&self, _gsi: u32, _asserted: bool) {}
}

#[test]
fn a_patient_source_loses_nothing_on_a_slow_guest() {
    let uart = UartDevice::new(4, Arc::new(NoInterrupts));
    let sent: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
    let received = std::thread::scope(|scope| {
        scope.spawn(|| uart.receive_all(&sent));
        let mut received = Vec::new();
        while received.len() < sent.len() {
            if uart.read(5, 1) & 1 != 0 {
                received.push(uart.read(0, 1) as u8);
            }
        }
        received
    });
    assert!(received == sent);
}

#[test]
fn output_that_gathers_comes_whole_and_in_order() {
    let uart = UartDevice::new(4, Arc::new(NoInterrupts));
    let sent: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
    let received = std::thread::scope(|scope| {
        let taking = scope.spawn(|| std::iter::from_fn(|| uart.wait_output()).flatten().collect::<Vec<u8>>());
        for byte in &sent {
            // As a driver does.
            while uart.read(5, 1) & 0x20 == 0 {
                std::thread::yield_now();
            }
            uart.write(0, 1, u64::from(*byte));
        }
        uart.close();
        taking.join().unwrap()
    });
    assert!(received == sent);
}

#[test]
fn closing_ends_those_who_wait() {
    let uart = UartDevice::new(4, Arc::new(NoInterrupts));
    std::thread::scope(|scope| {
        let output = scope.spawn(|| uart.wait_output());
        let input = scope.spawn(|| uart.receive_all(&[0; 100_000]));
        uart.close();
        assert_eq!((output.join().unwrap(), input.join().unwrap()), (None, ()));
    });
}
