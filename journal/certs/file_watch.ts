/**
 * Notices that certificate files were replaced (CRT-8). It owns one timer and ends with the returned
 * function. It compares what the file system says of them, so that neither a rename over a file nor
 * a change of the target of a link is missed, and needs no watch on directories that it may not read.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";

/** How often the files are looked at. */
const LOOK_EVERY_MS = 5_000;

/** Calls `onChange` after one of `paths` was replaced, came or went. */
export function watchCertificateFiles(
  paths: readonly (string | undefined)[],
  clock: Clock,
  onChange: () => void,
): () => void {
  const watched = paths.filter((path) => path !== undefined);
  if (watched.length === 0) return () => {};
  const look = () => watched.map(trace).join("\n");
  let known = look();
  let timer: TimerHandle = clock.setTimer(LOOK_EVERY_MS, onTimer);
  function onTimer(): void {
    timer = clock.setTimer(LOOK_EVERY_MS, onTimer);
    const now = look();
    if (now === known) return;
    known = now;
    onChange();
  }
  return () => clock.clearTimer(timer);
}

function trace(path: string): string {
  try {
    const { ino, size, mtime } = Deno.statSync(path);
    return `${ino} ${size} ${mtime?.getTime()}`;
  } catch {
    return "none";
  }
}
