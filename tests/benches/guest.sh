#!/usr/bin/env bash
# What a Linux guest costs its host: time to `guest ready`, share of a core and memory when idle, and what four
# processors do more of `stress` than one.
#
#   tests/benches/guest.sh [SECONDS]        (8 seconds of stress)
#
# The images come from ../shared/guests or $KITTSON_SHARED/guests. Nothing else should be running.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-8}
guests="${KITTSON_SHARED:-../shared}/guests"
[ -e "$guests/vmlinux.gz" ] || { echo "no guest images in $guests" >&2; exit 1; }
cargo build --release --quiet
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

guest() { # VCPUS RUN
    exec target/release/hpvm guest-proc run --kernel "$guests/vmlinux.gz" --initrd "$guests/initramfs.gz" \
        --append "console=ttyS0 run=$2" --memory 512M --vcpus "$1" </dev/null >"$scratch/console" 2>/dev/null
}
milliseconds() { echo $(($(date +%s%N) / 1000000)); }
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

for vcpus in 1 4; do
    begin=$(milliseconds)
    (guest $vcpus sleep+60) &
    pid=$!
    until grep -qa "guest ready" "$scratch/console" 2>/dev/null; do sleep 0.05; done
    ready=$(($(milliseconds) - begin))
    sleep 5
    before=$(ticks $pid)
    sleep 10
    idle=$(($(ticks $pid) - before))
    ram=$(awk '/RssShmem/ { shared = $2 } /VmRSS/ { all = $2 } END { print int((all - shared) / 1024) }' "/proc/$pid/status")
    kill -KILL $pid
    wait $pid 2>/dev/null || true
    awk -v v=$vcpus -v r=$ready -v i=$idle -v hz="$(getconf CLK_TCK)" -v m="$ram" 'BEGIN {
        printf "%d vCPU: ready after %.1f s, idle %.1f %% of a core, %d MiB beside its RAM\n", v, r / 1000, 100 * i / hz / 10, m }'
done
for vcpus in 1 4; do
    (guest $vcpus "stress+$seconds")
    rounds=$(tr -d '\r' <"$scratch/console" | sed -n 's/^stress: PASS rounds=\([0-9]*\).*/\1/p')
    echo "$vcpus vCPU: ${rounds:?stress did not pass} rounds of stress in $seconds s"
    [ $vcpus = 1 ] && one=$rounds
done
awk -v a="$rounds" -v b="$one" 'BEGIN { printf "four against one: %.2f\n", a / b }'
