#!/bin/bash
# soak.sh PROGRAM SEEDS: the simulations that take a range of seeds ([swarm]), from 1 to SEEDS, on all processors; what
# fails is printed with its seed, which alone repeats it: VISOR_SOAK_SEEDS=17 PROGRAM '[swarm]'
set -uo pipefail
program=$(realpath "$1")
seeds=$2
export program
run() {
  local output
  output=$(VISOR_SOAK_SEEDS=$1..$2 "$program" '[swarm]' 2>&1) || { printf '== seeds %s to %s\n%s\n' "$1" "$2" "$output"; return 1; }
}
export -f run
for ((first = 1; first <= seeds; first += 10)); do
  last=$((first + 9 < seeds ? first + 9 : seeds))
  echo "$first $last"
done | xargs -P "$(nproc)" -L 1 bash -c 'run "$1" "$2"' soak || exit 1
echo "$seeds seeds passed"
