#!/bin/sh
# compress.sh FOLDER BROTLI: beside each file in it that is text or a module, its best brotli and gzip, for gateways to serve.
set -eu
cd "$1"
find . -type f \( -name '*.html' -o -name '*.css' -o -name '*.js' -o -name '*.svg' -o -name '*.wasm' \) | while read -r file; do
  "$2" --quality=11 --keep --force "$file"
  gzip -9 --keep --no-name --force "$file"
done
