#!/bin/sh
# Builds the real InfluxDB server (influxd) from its Go module:  build.sh OUTPUT
#
# InfluxData publishes no package for Debian's repositories and the module proxy serves the whole
# source, so a laptop needs Go >= 1.23, rustc >= 1.72 and a C compiler, once. About five minutes
# on two idle cores; the caller keeps the binary in a cache per user.
#
# Three traps, and what mends each:
# * flux pins an old Rust toolchain in rust-toolchain.toml: RUSTUP_TOOLCHAIN overrides it;
# * flux-core turns warnings into errors and newer compilers warn more: --cap-lints in a wrapper
#   (RUSTFLAGS does not reach the build dependencies of a cross target);
# * `go install module@version` refuses a module with `replace`: hence the tiny module beside this file.
set -eu

output=$1
here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's|.*influxdata/influxdb/v2 \(v[0-9.]*\).*|\1|p' "$here/go.mod")
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT

cp "$here/go.mod" "$here/go.sum" "$here/tools.go" "$work/"
cd "$work"
export GOBIN="$work/bin" GOFLAGS="-mod=mod -buildvcs=false"
export RUSTUP_TOOLCHAIN="${RUSTUP_TOOLCHAIN:-stable}"
go install github.com/influxdata/pkg-config@v0.3.0
cat > rustc-wrap.sh <<'WRAP'
#!/bin/sh
case "$*" in *--cap-lints*) exec "$@" ;; *) exec "$@" --cap-lints warn ;; esac
WRAP
chmod +x rustc-wrap.sh

# noassets: the web UI is not in the Go module, the API is.
PKG_CONFIG="$GOBIN/pkg-config" RUSTC_WRAPPER="$work/rustc-wrap.sh" \
  go build -tags "sqlite_foreign_keys,sqlite_json,noassets" \
  -ldflags "-s -w -X main.version=$version -X main.commit=gomod -X main.date=1970-01-01T00:00:00Z" \
  -o "$work/influxd" github.com/influxdata/influxdb/v2/cmd/influxd
mkdir -p "$(dirname "$output")"
mv "$work/influxd" "$output.partial"
mv "$output.partial" "$output"
