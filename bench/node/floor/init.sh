#!/bin/sh
# First program of a node that measures the least: no supervisor, the runtime and one small program.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t debugfs debug /sys/kernel/debug
mount -t tmpfs run /run
busybox ifconfig lo up
export DENO_NO_UPDATE_CHECK=1 DENO_DISABLE_NODE_SHIM=1 DENO_DIR=/run/deno
exec /opt/pact/bin/lib/deno run --quiet --no-config --no-prompt \
  --allow-read=/etc/pact --allow-net=10.0.2.2 --allow-run --v8-flags=--no-sparkplug \
  /usr/local/share/floor/program.js
