import assert from "node:assert/strict";
import fc from "fast-check";
import { type InputLine, readEnvelope, readLines } from "../../../../mcp/protocol/mod.ts";

/** The bytes in pieces that end at the given places. */
async function* inPieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) =>
    a - b
  );
  let start = 0;
  for (const end of ends) {
    yield bytes.slice(start, end);
    start = end;
  }
}

async function linesOf(
  text: string,
  cuts: readonly number[],
  maxBytes?: number,
): Promise<InputLine[]> {
  return await Array.fromAsync(readLines(inPieces(new TextEncoder().encode(text), cuts), maxBytes));
}

Deno.test("MCP-2: lines are the same however the input is cut into pieces", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.string({ unit: "grapheme", maxLength: 20 }).filter((line) => !/[\n\r]/.test(line))),
    fc.array(fc.nat({ max: 1_000 }), { maxLength: 10 }),
    async (lines, cuts) => {
      const text = lines.map((line) => `${line}\n`).join("");
      assert.deepEqual(await linesOf(text, cuts), lines.map((line) => ({ text: line })));
    },
  ));
});

Deno.test("MCP-2: of a line above the bound nothing is kept, wherever it is cut", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.nat({ max: 100 }), { maxLength: 10 }),
    async (cuts) => {
      const text = `short\n${"x".repeat(11)}\n${"y".repeat(10)}\nlast`;
      assert.deepEqual(await linesOf(text, cuts, 10), [
        { text: "short" },
        { tooLong: true },
        { text: "y".repeat(10) },
        { text: "last" },
      ]);
    },
  ));
});

Deno.test("MCP-6: whatever JSON comes, it is a message, a refusal with a code, or nothing", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    const envelope = readEnvelope({ text });
    if (envelope.kind !== "refusal") return;
    assert.ok([-32600, -32602].includes(envelope.refusal.error.code));
  }));
  fc.assert(fc.property(
    fc.record({
      jsonrpc: fc.constant("2.0"),
      method: fc.constantFrom("tools/call", "tools/list", "notifications/initialized", "ping"),
      id: fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
      params: fc.anything(),
    }, { requiredKeys: ["jsonrpc", "method"] }),
    (message) => {
      const envelope = readEnvelope({ text: JSON.stringify(message, jsonOnly) });
      if (message.id === undefined) assert.notEqual(envelope.kind, "refusal", "MCP-4");
    },
  ));
});

/** JSON has no big integers. */
function jsonOnly(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
