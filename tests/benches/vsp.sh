#!/usr/bin/env bash
# How long the VSP takes from its start to its first answer, and `hpvmstatus` with many guests defined. The aim of each is
# less than 50 ms.
#
#   tests/benches/vsp.sh [GUESTS] [TIMES]        (100 guests, 21 times; medians)
#
# Nothing else should be running.
set -euo pipefail
cd "$(dirname "$0")/../.."
guests=${1:-100} times=${2:-21}
cargo build --release --quiet
hpvm=$PWD/target/release/hpvm
HPVM_ROOT=$(mktemp -d /tmp/hpvm-XXXXXX)
export HPVM_ROOT
trap '"$hpvm" vsp stop >/dev/null 2>&1 || true; rm -rf "$HPVM_ROOT"' EXIT

median() { # NAME COMMAND…: runs it again and again, after what `before` does
    local name=$1
    shift
    for _ in $(seq "$times"); do
        before
        begin=$(date +%s%N)
        "$@" >/dev/null
        echo $((($(date +%s%N) - begin) / 1000))
    done | sort -n | awk -v name="$name" '{ all[NR] = $1 }
        END { printf "%s: %.1f ms (%.1f to %.1f)\n", name, all[int((NR + 1) / 2)] / 1000, all[1] / 1000, all[NR] / 1000 }'
}
stopped() { "$hpvm" vsp stop >/dev/null 2>&1 || true; }

# A status that finds no VSP starts one: what is measured is the start up to the answer, and both processes of it.
before() { stopped; }
median "first answer of a VSP, 1 guest" "$hpvm" status
for n in $(seq "$guests"); do "$hpvm" create -P "bench$n" -B manual; done
median "first answer of a VSP, $guests guests" "$hpvm" status
before() { :; }
median "hpvmstatus, $guests guests" "$hpvm" status
median "hpvmstatus -V of one of them" "$hpvm" status -P bench1 -V
median "hpvmstatus -V of all" "$hpvm" status -V
