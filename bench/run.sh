#!/bin/bash
# run.sh [NAME]: runs the benches that were built, or one of them; people read stderr, build/bench.jsonl keeps the rows,
# docs/performance.md is made of them.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:-*}
rows=build/bench.jsonl
new=$(mktemp)
trap 'rm -f "$new"' EXIT
for program in build/release/bench/bench_$name; do
  [ -x "$program" ] && [ ! -d "$program" ] || continue
  echo "== $(basename "$program")" >&2
  "$program" >> "$new"
done
for module in build/wasm/bench/bench_$name.wasm; do
  [ -f "$module" ] || continue
  echo "== $(basename "$module")" >&2
  node --no-warnings tests/wasm/run.mjs "$module" bench >> "$new"
done
for script in bench/bench_$name.mjs; do
  [ -f "$script" ] || continue
  echo "== $(basename "$script")" >&2
  VISOR=build/release/programs/visor/visor VISOR_PAGE=build/wasm/web node "$script" >> "$new"
done
[ -s "$new" ] || { echo "no bench is called '$name'; there are: $(ls bench/*.cpp bench/bench_*.mjs | sed 's#bench/##; s#bench_##; s#\..*##' | tr '\n' ' ')" >&2; exit 2; }
touch "$rows"
node bench/report.mjs "$rows" "$new" docs/performance.md
