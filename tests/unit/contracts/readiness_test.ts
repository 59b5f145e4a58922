import assert from "node:assert/strict";
import {
  isFinal,
  JsonError,
  parseReadinessLine,
  parseReadyMarker,
  type Readiness,
  readinessLine,
  readyMarkerText,
} from "../../../contracts/mod.ts";

const SINCE = "2026-11-21T04:20:16Z";

const ANSWERS: readonly [readiness: Readiness, line: string, final: boolean][] = [
  [
    { name: "Ready", nodeId: "n1", since: SINCE },
    `{"v":1,"ready":true,"node_id":"n1","since":"${SINCE}"}\n`,
    true,
  ],
  [
    { name: "Booting", phase: "StartServices", attempt: 2 },
    '{"v":1,"ready":false,"phase":"StartServices","attempt":2}\n',
    false,
  ],
  [
    { name: "Failed", reason: "no journal" },
    '{"v":1,"ready":false,"failed":true,"reason":"no journal"}\n',
    true,
  ],
];

for (const [readiness, line, final] of ANSWERS) {
  Deno.test(`RDY-5: ${readiness.name} is one line, and ${final ? "" : "not "}final`, () => {
    assert.equal(readinessLine(readiness), line);
    assert.deepEqual(parseReadinessLine(line), readiness);
    assert.equal(isFinal(readiness), final);
  });
}

Deno.test("RDY-5: a line that is no answer of this version is refused", () => {
  for (const line of ["", "{}", '{"v":2,"ready":true}', '{"v":1,"ready":true}', " ".repeat(5000)]) {
    assert.throws(() => parseReadinessLine(line), JsonError);
  }
});

Deno.test("RDY-2: the marker holds the node id and the time, one a line", () => {
  assert.equal(readyMarkerText("n1", SINCE), `n1\n${SINCE}\n`);
  assert.deepEqual(parseReadyMarker(`n1\n${SINCE}\n`), { nodeId: "n1", since: SINCE });
});

Deno.test("RDY-2: a marker that was not written whole does not count", () => {
  for (const text of ["", "n1", "n1\n", `n1\n${SINCE}`, "n1\nyesterday\n"]) {
    assert.equal(parseReadyMarker(text), null);
  }
});
