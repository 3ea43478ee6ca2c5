# Sourced by the tests that drive editors: the program as an editor finds it, in a time that stands still, so that
# what is seen ("110 days", "2 min ago") is the same in every run.
#
# Afterwards `flagline` is on the PATH, $work is a folder that vanishes in the end, and $work/app is the sample app.
export TZ=UTC LC_ALL=C.UTF-8
unset FLAGLINE_HOST FLAGLINE_API_KEY FLAGLINE_PROJECT FLAGLINE_LOG
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
binary=${FLAGLINE_BINARY:-$root/target/debug/flagline}
[ -x "$binary" ] || { echo "$0: no $binary: cargo build, or set FLAGLINE_BINARY" >&2; exit 2; }

# Whether editors are unpacked from Debian's newer suites; elsewhere those on the PATH are taken.
unpacks() {
  command -v apt-get >/dev/null && [ "$(uname -m)" = x86_64 ] && [ -r /etc/apt/sources.list.d/debian.sources ]
}

# shown SECTION: the first code that a section of docs/install.md shows.
shown() {
  awk -v section="## $1" '/^```/ && here { if (inside) exit; inside = 1; next } inside; /^## / { here = $0 == section }' \
    "$root/docs/install.md"
}

# need PROGRAM [PACKAGE]
need() {
  command -v "$1" >/dev/null || "$root/tests/apt" "${2:-$1}"
}

work=$(mktemp -d)
processes=()
finish() {
  for process in "${processes[@]}"; do kill "$process" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

# Debian's libfaketime, unpacked; or that of FAKETIME_LIBRARY.
faketime=${FAKETIME_LIBRARY:-$root/target/faketime/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1}
if [ ! -e "$faketime" ]; then
  unpacks || { echo "$0: needs libfaketime: name its library in FAKETIME_LIBRARY" >&2; exit 2; }
  (
    mkdir -p "$root/target/faketime"
    cd "$work"
    apt-get -qq update
    apt-get -qq -o APT::Sandbox::User=root download libfaketime
    dpkg-deb -x libfaketime_*.deb "$root/target/faketime"
  )
fi

mkdir "$work/bin"
cat >"$work/bin/flagline" <<SCRIPT
#!/bin/sh
export LD_PRELOAD=$faketime FAKETIME='2026-11-25 12:00:00' FAKETIME_DONT_FAKE_MONOTONIC=1
exec $binary "\$@"
SCRIPT
chmod +x "$work/bin/flagline"
export PATH=$work/bin:$PATH

# live_in FOLDER: a home of one's own.
live_in() {
  export HOME=$1 XDG_CACHE_HOME=$1/cache XDG_STATE_HOME=$1/state XDG_CONFIG_HOME=$1/config XDG_DATA_HOME=$1/data \
    XDG_RUNTIME_DIR=$1/run
  mkdir -p "$XDG_RUNTIME_DIR" "$XDG_CONFIG_HOME"
}
live_in "$work/home"

cp -r "$root/fixtures/sample-app" "$work/app"
mkdir "$work/app/.git"

# A sandbox of one's own; exports what leads to it.
start_sandbox() {
  flagline sandbox >"$work/sandbox.txt" &
  processes+=($!)
  for _ in $(seq 200); do grep -qs FLAGLINE_PROJECT "$work/sandbox.txt" && break; sleep 0.05; done
  eval "$(grep '^ *export ' "$work/sandbox.txt")"
}

# Terminals, for what is only seen: a tmux server of one's own.
screen() { tmux -L "flagline-$$" -f /dev/null "$@"; }

# until_screen TEXT: waits until the terminal shows it.
until_screen() {
  for _ in $(seq 200); do
    screen capture-pane -p | grep -qF -- "$1" && return 0
    sleep 0.1
  done
  echo "$0: the screen never showed: $1" >&2
  screen capture-pane -p >&2
  screen kill-server
  exit 1
}
