#!/bin/bash
# soak.sh FOLDER_OF_TARGETS MINUTES: libFuzzer on every target in turn, beginning with the corpus; what it finds on the
# way is kept in FOLDER_OF_TARGETS/found/<target>, what ends a program is left there too and makes this fail.
set -uo pipefail
targets=$(realpath "$1")
minutes=$2 # or a part of one
corpus=$(realpath "$(dirname "$0")/corpus")
seconds=$(awk -v minutes="$minutes" 'BEGIN { s = int(minutes * 60); print (s > 0 ? s : 1) }')
failed=0
for folder in "$corpus"/*/; do
  name=$(basename "$folder")
  found="$targets/found/$name"
  mkdir -p "$found"
  echo "== $name: $minutes minutes"
  "$targets/fuzz_$name" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$found/" "$found" "$folder" || failed=1
done
[ $failed = 0 ] || echo "what ended a program is in $targets/found: give it to fuzz_<target> to see it again" >&2
exit $failed
