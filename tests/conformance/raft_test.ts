import assert from "node:assert/strict";
import { replay, replayFolder } from "./mod.ts";

/** Beside the checkout, never part of it. */
const SCRIPTS = new URL("../../../shared/raft-testdata", import.meta.url).pathname;

const isThere = await Deno.stat(SCRIPTS).then(({ isDirectory }) => isDirectory, () => false);
if (!isThere) console.log(`raft conformance skipped: there is no folder ${SCRIPTS}`);

Deno.test({
  name: "the Raft core prints what every data-driven script expects",
  ignore: !isThere,
  async fn() {
    const replays = await replayFolder(SCRIPTS);
    assert.ok(replays.length > 0, `there are scripts below ${SCRIPTS}`);
    const texts = replays.flatMap(({ divergences }) => divergences);
    assert.deepEqual(texts, [], texts.join("\n\n"));
  },
});

Deno.test("a script that expects something else is told with file, line, command and difference", () => {
  const script = "# nobody\n\nraft-state\n----\n1: StateLeader\n";
  assert.deepEqual(replay("some.txt", script).divergences, [
    "some.txt:3: raft-state\n--- expected\n+++ actual\n- 1: StateLeader\n+ ok",
  ]);
});

Deno.test("a broken promise of the core ends a script and is no output", () => {
  const script = "add-nodes 1 voters=(1) index=2 inflight=0\n----\nok\n\nraft-state\n----\nno\n";
  const { divergences } = replay("some.txt", script);
  assert.equal(divergences.length, 1);
  assert.match(
    divergences[0] ?? "",
    /^some\.txt:1: add-nodes .*\nthe run ended: RaftInvariantError/,
  );
});
