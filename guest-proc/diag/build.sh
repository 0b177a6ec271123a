#!/bin/sh
# Builds the diagnostic guest. The same sources give the same bytes, whatever the directory, user or day.
#
#   build.sh CROSS [OUTPUT]
#
# CROSS is the directory that holds ia64-linux-gnu-gcc (GCC 12.2), or its parent; binutils for ia64-linux-gnu
# (assembler, linker, strip) must be on PATH. OUTPUT is diag.elf beside this script unless said otherwise.
# With KEEP_SYMBOLS=FILE the image before stripping is copied to FILE, for debuggers and objdump.
set -eu

if [ $# -lt 1 ]; then
    echo "usage: $0 CROSS [OUTPUT]" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
cross=$1
[ -x "$cross/bin/ia64-linux-gnu-gcc" ] && cross=$cross/bin
output=${2:-$here/diag.elf}
gcc=$cross/ia64-linux-gnu-gcc
if [ ! -x "$gcc" ]; then
    echo "$0: no ia64-linux-gnu-gcc in $1" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# -mconstant-gp: one gp for the whole image.  f12-f15 and f32-f127 stay out of C code, so an interruption
# saves f6-f11 only.  Integer division is expanded in line: there is no run-time library.
flags="-std=gnu11 -O2 -Wall -Wextra -Werror -Wno-infinite-recursion -ffreestanding -fno-builtin -fno-strict-aliasing -fno-common
    -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-ident -fno-stack-protector
    -mconstant-gp -minline-int-divide-min-latency -mfixed-range=f12-f15,f32-f127
    -Wa,--fatal-warnings -frandom-seed=diag -ffile-prefix-map=$here=. -gno-record-gcc-switches"

export LC_ALL=C SOURCE_DATE_EPOCH=0
objects=
for source in $(cd "$here/src" && ls ./*.S ./*.c); do
    object=$work/$(basename "$source").o
    (cd "$here/src" && "$gcc" $flags -c "$source" -o "$object")
    objects="$objects $object"
done
ia64-linux-gnu-ld -static -nostdlib --build-id=none -z noexecstack -z max-page-size=0x1000 -T "$here/diag.lds" -o "$work/diag.elf" $objects
[ -n "${KEEP_SYMBOLS:-}" ] && cp "$work/diag.elf" "$KEEP_SYMBOLS"
ia64-linux-gnu-strip -s -R .comment -o "$work/stripped.elf" "$work/diag.elf"
cp "$work/stripped.elf" "$output"
