import assert from "node:assert/strict";
import { enrolled, refuse } from "./fixtures.ts";
import { assertGolden, runScenario } from "./harness.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const journal = { enrollment: enrolled };

Deno.test("CLI-91: shell types what is piped in, shows what comes of it, and exits with the shell's status", () =>
  assertGolden("shell", {
    args: ["shell", "node-1"],
    stdin: "uname\nexit 7\n",
    env: { TERM: "vt100" },
    journal,
    agents: {
      "node-1": {
        async *shell(messages) {
          const heard: string[] = [];
          for await (const { input } of messages) {
            if (input.case === "open") {
              assert.deepEqual([input.value.rows, input.value.cols, input.value.term], [
                0,
                0,
                "vt100",
              ]);
              yield { output: { case: "sessionId", value: "sh-0123456789abcdef" } };
            } else if (input.case === "stdin") heard.push(text(input.value));
          }
          assert.deepEqual(heard, ["uname\nexit 7\n"]);
          yield { output: { case: "stdout", value: bytes("pact:node-1> uname\r\nLinux\r\n") } };
          yield { output: { case: "exitCode", value: 7 } };
        },
      },
    },
  }));

Deno.test("CLI-91: a shell that the node ends says why, and one that is refused exits with the code for it", async () => {
  const ended = await runScenario({
    args: ["shell", "node-1"],
    journal,
    agents: {
      "node-1": {
        async *shell() {
          yield { output: { case: "sessionId", value: "sh-0123456789abcdef" } };
          yield { output: { case: "error", value: "session ended: its time was up" } };
          yield { output: { case: "exitCode", value: 129 } };
        },
      },
    },
  });
  assert.equal(ended.code, 129);
  assert.match(ended.stderr, /session ended: its time was up/);

  const refused = await runScenario({
    args: ["shell", "node-1"],
    journal,
    agents: { "node-1": { shell: refuse("PERMISSION_DENIED", "viewers get no shell") } },
  });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /viewers get no shell/);
});
