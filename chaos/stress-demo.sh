#!/usr/bin/env bash
# A demo for an audience: calm, attack, healing. The thin door to scripts/stress-demo.ts, which has the logic.
set -euo pipefail

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
# Node 24 comes with the packages; the machine's own may be too old to run TypeScript.
node="$root/node_modules/.bin/node"
if [[ ! -x "$node" ]]; then
  echo "DockerPulse's packages are not installed: run \"npm ci\" in $root first." >&2
  exit 1
fi
exec "$node" "$root/scripts/stress-demo.ts" "$@"
