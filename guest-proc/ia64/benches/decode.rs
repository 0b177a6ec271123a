//! How fast bundles are decoded and disassembled. Decoded blocks are cached, so this is the cost of a miss.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ia64::bundle::Bundle;
use ia64::decode::decode_bundle;
use ia64::disasm::bundle_text;
use ia64::table::ROWS;

const BUNDLES: usize = 4096;

/// Bundles of template MII whose slots are rows of those units in turn, registers and immediates all ones.
fn bundles() -> Vec<Bundle> {
    let slots = |unit| {
        let rows = ROWS.iter().filter(move |row| row.format.is_for(unit));
        rows.map(|row| u128::from(row.value | !row.mask & 0x1ff_ffff_ffff)).collect::<Vec<_>>()
    };
    let (memory, integer) = (slots(ia64::bundle::Unit::M), slots(ia64::bundle::Unit::I));
    (0..BUNDLES)
        .map(|n| {
            let (m, i) = (memory[n % memory.len()], integer[n % integer.len()]);
            let word = m << 5 | i << 46 | integer[n * 7 % integer.len()] << 87;
            Bundle::from_bytes(word.to_le_bytes())
        })
        .collect()
}

fn decode(criterion: &mut Criterion) {
    let bundles = bundles();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(BUNDLES as u64));
    group.bench_function("decode_bundle", |bencher| {
        bencher.iter(|| {
            for &bundle in &bundles {
                let _ = black_box(decode_bundle(black_box(bundle)));
            }
        });
    });
    group.bench_function("bundle_text", |bencher| {
        bencher
            .iter(|| bundles.iter().map(|&bundle| bundle_text(bundle, 0).to_string().len()).sum::<usize>());
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
