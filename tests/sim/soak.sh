#!/bin/bash
# soak.sh PROGRAM SEEDS: the simulations that take a range of seeds ([swarm]), from 1 to SEEDS, on all processors; what
# fails is printed with its seed, which alone repeats it: VISOR_SOAK_SEEDS=17 PROGRAM '[swarm]'
set -uo pipefail
program=$(realpath "$1")
seeds=$2
export program
export VISOR_SOAK_JOINS=10 # in each seed
run() {
  local output
  output=$(VISOR_SOAK_SEEDS=$1..$2 "$program" '[swarm]' 2>&1) || { printf '== seeds %s to %s\n%s\n' "$1" "$2" "$output"; return 1; }
}
export -f run
for ((first = 1; first <= seeds; first += 10)); do
  last=$((first + 9 < seeds ? first + 9 : seeds))
  echo "$first $last"
done | xargs -P "$(nproc)" -L 1 bash -c 'run "$1" "$2"' soak || exit 1
# One hub with 1,500 transports, as the largest that are known; each run takes minutes.
for seed in 1 2; do
  output=$(VISOR_SOAK_HUB=1500 VISOR_SOAK_SEEDS=$seed "$program" 'visors around a hub*' 2>&1) || { printf '== a hub of 1,500, seed %s\n%s\n' "$seed" "$output"; exit 1; }
done
VISOR_SOAK_SEEDS=1 VISOR_SOAK_FOLLOWERS=1000 "$program" 'feeds: very many follow*' || exit 1
echo "$seeds seeds passed, a hub of 1,500, and 1,000 followers of a feed"
