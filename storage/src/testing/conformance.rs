//! The contract of [`BlockStore`] as checks, for every implementation alike.

use crate::backing::{BlockStore, Durability, IoErrorKind, Patience};
use crate::segments::Segments;

/// Checks a writable store of at least 4 MiB that initially reads as zeros. `open` opens it; the previous opening has
/// been dropped by then.
///
/// # Panics
/// When the store breaks its contract.
pub fn check_block_store(open: &dyn Fn() -> Box<dyn BlockStore>) {
    let store = open();
    let len = store.len_bytes();
    assert!(len >= 4 << 20 && !store.read_only());
    starts_as_zeros(&*store);
    keeps_what_was_written(&*store);
    scatters_and_gathers(&*store);
    later_of_overlapping_writes_wins(&*store);
    refuses_what_is_outside(&*store);
    zeroes_and_discards(&*store);
    write(&*store, len - 512, &[0xa5; 512]);
    store.flush().unwrap();
    let identity = store.identity();
    drop(store);

    let again = open();
    assert_eq!((again.len_bytes(), again.identity()), (len, identity), "a reopened store is the same store");
    assert_eq!(read(&*again, len - 512, 512), [0xa5; 512], "flushed bytes survive");
}

fn read(store: &dyn BlockStore, offset: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0xee; len];
    store.read_at(offset, &Segments::from_slice(&mut bytes), Patience::Unlimited).unwrap();
    bytes
}

fn write(store: &dyn BlockStore, offset: u64, bytes: &[u8]) {
    store.write_at(offset, &Segments::from_slice(&mut bytes.to_vec()), Durability::Cached).unwrap();
}

/// Bytes no two offsets of which look alike for long.
fn pattern(seed: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| ((i + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

fn starts_as_zeros(store: &dyn BlockStore) {
    assert!(read(store, 0, 4096).iter().all(|b| *b == 0));
    assert!(read(store, store.len_bytes() - 4096, 4096).iter().all(|b| *b == 0));
}

fn keeps_what_was_written(store: &dyn BlockStore) {
    let end = store.len_bytes();
    for (offset, len) in
        [(0, 512), (511, 2), (4096 - 1, 4096 + 2), (end - 512, 512), (end - 1, 1), (70_000, 1 << 20)]
    {
        let bytes = pattern(offset, len);
        write(store, offset, &bytes);
        assert_eq!(read(store, offset, len), bytes, "{len} bytes at {offset}");
    }
    let mut durable = pattern(3, 8192);
    store.write_at(8192, &Segments::from_slice(&mut durable), Durability::Durable).unwrap();
    assert_eq!(read(store, 8192, 8192), pattern(3, 8192));
    // What was just written is cached, so that it may be read without waiting; a store may still say it cannot.
    let mut bytes = vec![0; 8192];
    match store.read_at(8192, &Segments::from_slice(&mut bytes), Patience::Immediate) {
        Ok(()) => assert_eq!(bytes, durable),
        Err(error) => assert_eq!(error.kind(), IoErrorKind::WouldBlock),
    }
}

fn scatters_and_gathers(store: &dyn BlockStore) {
    let mut source = pattern(5, 3000 * 16);
    let source = Segments::from_slice(&mut source);
    // More parts than one system call takes, in reverse order.
    let many = (0..3000).rev().fold(Segments::empty(), |all, part| join(all, source.slice(part * 16, 16)));
    store.write_at(1 << 20, &many, Durability::Cached).unwrap();
    let back = read(store, 1 << 20, 3000 * 16);
    let mut expected = vec![0; 3000 * 16];
    many.read(0, &mut expected);
    assert_eq!(back, expected);
}

fn join<'m>(mut all: Segments<'m>, next: Segments<'m>) -> Segments<'m> {
    all.append(next);
    all
}

fn later_of_overlapping_writes_wins(store: &dyn BlockStore) {
    write(store, 2 << 20, &[1; 4096]);
    write(store, (2 << 20) + 1024, &[2; 1024]);
    let bytes = read(store, 2 << 20, 4096);
    assert!(bytes[..1024].iter().chain(&bytes[2048..]).all(|b| *b == 1));
    assert!(bytes[1024..2048].iter().all(|b| *b == 2));
}

fn refuses_what_is_outside(store: &dyn BlockStore) {
    let end = store.len_bytes();
    let before = read(store, end - 512, 512);
    for offset in [end, end - 511, u64::MAX, u64::MAX - 511, 1 << 63] {
        let mut bytes = [9; 512];
        let data = Segments::from_slice(&mut bytes);
        let results = [
            store.read_at(offset, &data, Patience::Unlimited),
            store.read_at(offset, &data, Patience::Immediate),
            store.write_at(offset, &data, Durability::Cached),
            store.write_zeroes(offset, 512),
            store.discard().map_or(Err(IoErrorKind::OutOfRange.into()), |d| d.discard_at(offset, 512)),
        ];
        for result in results {
            assert_eq!(result.unwrap_err().kind(), IoErrorKind::OutOfRange, "512 bytes at {offset}");
        }
    }
    assert_eq!(read(store, end - 512, 512), before, "refused writes change nothing");
    store.read_at(end, &Segments::empty(), Patience::Unlimited).unwrap();
    store.write_at(end, &Segments::empty(), Durability::Durable).unwrap();
    store.write_zeroes(end, 0).unwrap();
}

fn zeroes_and_discards(store: &dyn BlockStore) {
    let around = |store: &dyn BlockStore| {
        assert_eq!(read(store, 3 << 20, 100), [7; 100]);
        assert!(read(store, (3 << 20) + 100, 300_000).iter().all(|b| *b == 0));
        assert_eq!(read(store, (3 << 20) + 300_100, 100), [7; 100]);
    };
    write(store, 3 << 20, &[7; 300_200]);
    store.write_zeroes((3 << 20) + 100, 300_000).unwrap();
    around(store);
    if let Some(discard) = store.discard() {
        write(store, 3 << 20, &[7; 300_200]);
        discard.discard_at((3 << 20) + 100, 300_000).unwrap();
        around(store);
    }
}
