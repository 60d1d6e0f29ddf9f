#!/bin/sh
# compress.sh FOLDER BROTLI: beside each file that is text or a module, its best brotli and gzip, for gateways to serve.
set -eu
cd "$1"
for file in *.html *.css *.js *.svg *.wasm; do
  [ -e "$file" ] || continue
  "$2" --quality=11 --keep --force "$file"
  gzip -9 --keep --no-name --force "$file"
done
