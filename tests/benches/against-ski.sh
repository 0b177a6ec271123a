#!/usr/bin/env bash
# The seven kernels of the shared `bench` program in a Linux guest of ours and in the user mode of the Ski simulator, run
# by turns; prints the best time of each, the ratios and their geometric mean.
#
#   BSKI=path/of/bski tests/benches/against-ski.sh [RUNS] [SCALE]        (3 runs, scale 4)
#
# BSKI is a built `bski` of the Ski simulator. The images come from ../shared/guests or $KITTSON_SHARED/guests. Nothing
# else should be running.
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=${1:-3} scale=${2:-4}
: "${BSKI:?say with BSKI where the built bski of the Ski simulator is}"
guests="${KITTSON_SHARED:-../shared}/guests"
[ -e "$guests/vmlinux.gz" ] || { echo "no guest images in $guests" >&2; exit 1; }
cargo build --release --quiet
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for ((run = 1; run <= runs; run++)); do
    echo "run $run of $runs" >&2
    target/release/hpvm guest-proc run --kernel "$guests/vmlinux.gz" --initrd "$guests/initramfs.gz" \
        --append "console=ttyS0 run=bench+all+$scale" --memory 512M </dev/null 2>/dev/null |
        tr -d '\r' | awk -v who=ours 'NF == 5 && $4 == "s" { print who, $1, $3, $5 }' >>"$scratch/times"
    "$BSKI" -noconsole "$guests/programs/bench" all "$scale" 2>/dev/null |
        awk -v who=ski 'NF == 5 && $4 == "s" { print who, $1, $3, $5 }' >>"$scratch/times"
done

awk '
    !($2 in sum) { sum[$2] = $4; order[++n] = $2 }
    sum[$2] != $4 { print "different checksums in " $2; exit 1 }
    !(($1, $2) in best) || $3 < best[$1, $2] { best[$1, $2] = $3 }
    END {
        printf "%-8s %8s %8s %8s\n", "kernel", "ours/s", "ski/s", "ratio"
        for (i = 1; i <= n; i++) {
            ratio = best["ski", order[i]] / best["ours", order[i]]
            logs += log(ratio)
            printf "%-8s %8.3f %8.3f %8.2f\n", order[i], best["ours", order[i]], best["ski", order[i]], ratio
        }
        printf "geometric mean %.2f\n", exp(logs / n)
    }' "$scratch/times"
