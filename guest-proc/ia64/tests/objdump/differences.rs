//! Where the disassembly differs from objdump's on purpose: objdump 2.40 knows later processors, and prints reserved hints
//! as data, while the processors of the 9000 series ignore them.

use ia64::decode::Undecoded;
use ia64::table::{Format, ROWS};
use ia64::{Insn, Op};

/// Whether objdump may write a slot that holds `content` as `theirs`, which differs from our text.
pub(crate) fn is_intended(content: Result<Insn, Undecoded>, theirs: &str) -> bool {
    let word = |wanted: &str| theirs.split_whitespace().any(|word| word == wanted);
    let begins = |prefix: &str| theirs.split_whitespace().any(|word| word.starts_with(prefix));
    match content {
        // Reserved values of hints mean no hint (SDM volume 3, the notes below the hint tables).
        Ok(insn) if word("data8") => has_reserved_hint(&insn) || is_later_hint(&insn),
        // Later processors have other instructions where these have ignored bits.
        Ok(insn) if begins("lfetch.count") => insn.op == Op::Lfetch,
        Ok(insn) if begins("hint.m") || begins("dahr") => is_later_hint(&insn),
        Ok(_) => false,
        // Reserved shift count and permutations, which objdump writes as numbers.
        Err(Undecoded::IllegalIfPredicated(_))
            if begins("pshladd2") || begins("pshradd2") || word("mux1") =>
        {
            true
        }
        // Register files of the first Itanium and of later processors.
        Err(Undecoded::IllegalIfPredicated(_)) => theirs.contains("msr[") || theirs.contains("dahr["),
        Err(_) => false,
    }
}

fn has_reserved_hint(insn: &Insn) -> bool {
    use Format::*;
    match ROWS[usize::from(insn.row)].format {
        M2 | M3 | M7 | M8 | M11 | M12 | M16 | M17 => insn.hints == 2,
        M5 | M10 => insn.hints == 1 || insn.hints == 2,
        B5 => insn.hints & 1 == 0,
        B7 => insn.hints & 1 == 1,
        I21 => insn.hints & 3 == 3,
        _ => false,
    }
}

/// `hint.m` beyond the low four bits: later processors split its operand and have `mov dahr` there.
fn is_later_hint(insn: &Insn) -> bool {
    insn.op == Op::Hint && ROWS[usize::from(insn.row)].format == Format::M48 && insn.imm >= 16
}
