import assert from "node:assert/strict";
import { mayHaveBrowser } from "../../../../cli/host/mod.ts";

const facts = (os: string, env: Readonly<Record<string, string>>, isTerminal = true) => ({
  os,
  isTerminal,
  env: (name: string) => env[name],
});

Deno.test("CLI-25: a browser needs a display and somebody at a terminal", () => {
  assert.equal(mayHaveBrowser(facts("linux", { DISPLAY: ":0" })), true);
  assert.equal(mayHaveBrowser(facts("linux", { WAYLAND_DISPLAY: "wayland-0" })), true);
  assert.equal(mayHaveBrowser(facts("linux", {})), false);
  assert.equal(mayHaveBrowser(facts("linux", { DISPLAY: ":0" }, false)), false);
  assert.equal(mayHaveBrowser(facts("linux", { DISPLAY: ":10", SSH_CONNECTION: "x" })), true);
  assert.equal(mayHaveBrowser(facts("darwin", {})), true);
  assert.equal(mayHaveBrowser(facts("darwin", { SSH_TTY: "/dev/ttys001" })), false);
});
