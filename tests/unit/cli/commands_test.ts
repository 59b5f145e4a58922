import assert from "node:assert/strict";
import { COMMANDS } from "../../../cli/commands/mod.ts";

Deno.test("demand 8, ACC-C1: every command has a golden file in text and in JSON form", async () => {
  const golden = new URL("golden/", import.meta.url);
  const texts: string[] = [];
  for await (const { name } of Deno.readDir(golden)) {
    texts.push(await Deno.readTextFile(new URL(name, golden)));
  }
  for (const { name } of COMMANDS) {
    for (const line of [`$ pact ${name}`, `$ pact --output json ${name}`]) {
      assert.ok(
        texts.some((text) => text.includes(`${line} `) || text.includes(`${line}\n`)),
        line,
      );
    }
  }
});

Deno.test("every command's one line for the overview is a sentence of its own", () => {
  const briefs = COMMANDS.map(({ brief }) => brief);
  assert.equal(new Set(briefs).size, briefs.length);
  for (const brief of briefs) assert.match(brief, /^[A-Z].*\.$/);
});
