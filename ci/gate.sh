#!/usr/bin/env bash
# Runs the gate and notes its exit status and where the SARIF file is, so that reports are published before the job ends with it.
# CONFIG and ARGUMENTS may be empty; REPORTS is the folder for the reports; GITHUB_OUTPUT receives both.
set -euo pipefail

mkdir -p "$REPORTS"
read -ra more <<<"${ARGUMENTS:-}"
status=0
paritygate gate ${CONFIG:+"$CONFIG"} \
  --report sarif="$REPORTS/paritygate.sarif" \
  --report markdown="$REPORTS/paritygate.md" \
  --report github \
  ${more[@]+"${more[@]}"} || status=$?
{
  echo "status=$status"
  [ ! -s "$REPORTS/paritygate.sarif" ] || echo "sarif=$REPORTS/paritygate.sarif"
} >>"$GITHUB_OUTPUT"
