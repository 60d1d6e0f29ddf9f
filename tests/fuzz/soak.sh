#!/bin/bash
# soak.sh FOLDER_OF_TARGETS MINUTES: libFuzzer on every target in turn, beginning with the corpus; what it finds on the
# way is kept in FOLDER_OF_TARGETS/found/<target>, what ends a program is left there too and makes this fail.
set -uo pipefail
targets=$(realpath "$1")
minutes=$2
corpus=$(realpath "$(dirname "$0")/corpus")
failed=0
for folder in "$corpus"/*/; do
  name=$(basename "$folder")
  found="$targets/found/$name"
  mkdir -p "$found"
  echo "== $name: $minutes minutes"
  "$targets/fuzz_$name" -max_total_time=$((minutes * 60)) -max_len=65536 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$found/" "$found" "$folder" || failed=1
done
exit $failed
