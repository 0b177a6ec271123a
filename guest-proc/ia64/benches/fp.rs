//! Cost of floating-point operations on register values, conversion between register and host format included.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ia64::fp::approx::frcpa;
use ia64::fp::compare::fcmp;
use ia64::fp::convert::fcvt_fx;
use ia64::fp::fma::{Form, fma, quick};
use ia64::fp::{Control, host, memory};
use ia64::op::{FpRel, Precision};
use ia64::state::Fr;

/// Linux's FPSR for programs: traps masked; field 1 in widest range.
const FPSR: u64 = 0x0009_804c_0270_033f;

/// 1024 operand triples of either sign and moderate magnitude, cut to `mask`.
fn operands(mask: u64) -> Vec<[Fr; 3]> {
    let mut state = 1u64;
    let mut number = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let exponent = 0xffff - 4 + (state >> 8 & 7) as u32;
        Fr::from_parts(state >> 40 & 1 != 0, exponent, (state.rotate_left(17) | 1 << 63) & mask)
    };
    (0..1024).map(|_| [number(), number(), number()]).collect()
}

fn bench(c: &mut Criterion) {
    let doubles = operands(!0x7ff);
    let singles = operands(!0xff_ffff_ffff);
    let extended = operands(!0);
    let double = Control::new(FPSR, 0, Precision::D);
    let widest = Control::new(FPSR, 1, Precision::Dynamic);
    let mut group = c.benchmark_group("fp");
    group.throughput(Throughput::Elements(1024));
    macro_rules! each {
        ($name:literal, $operands:expr, |$a:ident, $b:ident, $c:ident| $body:expr) => {
            group.bench_function($name, |bencher| {
                bencher.iter(|| {
                    for &[$a, $b, $c] in black_box(&$operands) {
                        _ = black_box($body);
                    }
                })
            });
        };
    }
    each!("fma.d host", doubles, |a, b, c| host::double::multiply_add(Form::FMA, a, b, c));
    each!("fmpy.d host", doubles, |a, b, _c| host::double::multiply(Form::FMA, a, b));
    each!("fadd.d host", doubles, |a, _b, c| host::double::add(Form::FMA, a, c));
    each!("fma.s host", singles, |a, b, c| host::single::multiply_add(Form::FMA, a, b, c));
    each!("fma.d quick", doubles, |a, b, c| quick(Form::FMA, a, b, Some(c), double.format));
    each!("fma.s1 quick", extended, |a, b, c| quick(Form::FMA, a, b, Some(c), widest.format));
    each!("fmpy.s1 quick", extended, |a, b, _c| quick(Form::FMA, a, b, None, widest.format));
    each!("fma.d any", doubles, |a, b, c| fma(Form::FMA, a, b, Some(c), &double));
    each!("frcpa", doubles, |a, b, _c| frcpa(a, b, &double));
    each!("fcmp.lt", doubles, |a, b, _c| fcmp(FpRel::Lt, a, b, &double));
    each!("fcvt.fx.trunc", doubles, |a, _b, _c| fcvt_fx(a, false, &double.truncating()));
    each!("ldfd, stfd", doubles, |a, _b, _c| memory::to_double(memory::from_double(a.significand)));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
