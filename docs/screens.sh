#!/usr/bin/env bash
# Makes docs/screens.md, and the overview in README.md: what the operator console shows, captured from the real program in
# tmux, with a state directory of its own. Needs tmux and the built executable: `cargo build --release && docs/screens.sh [target/release/hpvm]`.
set -euo pipefail
cd "$(dirname "$0")/.."
hpvm=$(realpath "${1:-target/release/hpvm}")
# Not random: the screens show it.
scratch=/tmp/hpvm-screens
mkdir -m 700 "$scratch"
export HPVM_ROOT=$scratch/root XDG_CONFIG_HOME=$scratch LANG=C.UTF-8 TZ=UTC
tmux=(tmux -S "$scratch/tmux")
finish() {
    "${tmux[@]}" kill-server 2>/dev/null || true
    "$hpvm" stop -a -F -h >/dev/null 2>&1 || true
    "$hpvm" vsp stop >/dev/null 2>&1 || true
    rm -rf "$scratch"
}
trap finish EXIT

press() { "${tmux[@]}" send-keys -t screens "$@"; }
shows() { # waits until the screen shows a text
    for _ in $(seq 600); do
        "${tmux[@]}" capture-pane -p -t screens | grep -qF -- "$1" && return
        sleep 0.1
    done
    echo "the screen never showed '$1':" >&2
    "${tmux[@]}" capture-pane -p -t screens >&2
    exit 1
}
take() { # a heading, then the screen as it is
    printf '\n## %s\n\n```\n' "$1"
    "${tmux[@]}" capture-pane -p -t screens | sed 's/[[:space:]]*$//' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
    printf '```\n'
}

"$hpvm" vsp start >/dev/null
disk() { truncate -s "$2" "$scratch/$1"; echo "disk:avio_stor::file:$scratch/$1"; }
for n in 1 2 3; do
    "$hpvm" create -P "web$n" -B manual -O linux -c 2 -r 256M -x kernel=builtin:diag -a "$(disk "web$n.img" 2G)"
done
"$hpvm" create -P oracle1 -B manual -O hpux -c 4 -r 1G -x kernel=builtin:diag -a "$(disk data.img 16G)" \
    -a "$(disk logs.img 4G)" 2>/dev/null
for guest in demo web1 oracle1; do "$hpvm" start -P "$guest" >/dev/null; done

"${tmux[@]}" -f /dev/null -u new-session -d -x 120 -y 34 -s screens "$hpvm"
shows "Guests"
press c
shows "diag#"
press -l "stress 60 disk0"
press Enter
sleep 20
press C-b
shows "vMP of demo"
take "The menu of a guest's console" >"$scratch/menu"
press x
shows "n new"
{
    echo "# The operator console"
    echo
    echo "Captured from the real program by \`docs/screens.sh\`; colours are left out."
    take "Overview"
    press 2
    shows "Devices (1)"
    sleep 1
    take "A guest"
    cat "$scratch/menu"
    press 4
    shows "web1.img"
    take "Storage"
    press 5
    shows "following"
    take "Logs"
    press 1
    shows "n new"
    press n
    shows "Create guest"
    press -l "lin 1"
    shows "cannot contain"
    take "A form, checked while it is typed"
    press Escape
    shows "n new"
    press :
    shows "> "
    press -l "cons web"
    shows "> cons web"
    take "The command palette"
} >docs/screens.md
# The overview again, for the README.
overview=$(sed -n '/^## Overview$/,/^## /{/^#/d;p}' docs/screens.md)
awk -v overview="$overview" '
    /^<!-- overview:/ { print; print overview; skipping = 1; next }
    /^<!-- end -->$/ { skipping = 0 }
    !skipping' README.md >"$scratch/README.md"
cp "$scratch/README.md" README.md
echo "docs/screens.md is made"
