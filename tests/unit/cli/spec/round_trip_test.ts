import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalJson, type JsonValue } from "../../../../common/json/mod.ts";
import { countItems, deltaItems, type StateDelta } from "../../../../common/model/mod.ts";
import { effectiveChanges, fragmentToml, parseSpec } from "../../../../cli/spec/mod.ts";

/** Keys of TOML tables as people and machines write them, quotes and controls included. */
const key = fc.string({ minLength: 1, maxLength: 30, unit: "grapheme" })
  .filter((text) => text !== "remove" && text !== "__proto__");
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/);
const text = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" });

const mount = fc.record({ type: text, source: text, options: text, read_only: fc.boolean() });

const deviceRule = fc.record({
  mode: fc.integer({ min: 0, max: 0o777 }),
  owner: fc.constantFrom("root", "1000"),
  group: name,
}, { requiredKeys: ["mode"] }).map((rule) => canonicalJson(rule));

function unique<Item extends { readonly key: string }>(item: fc.Arbitrary<Item>) {
  return fc.uniqueArray(item, { maxLength: 5, selector: ({ key }) => key });
}

const change = <Value>(
  keys: fc.Arbitrary<string>,
  value: fc.Arbitrary<Value>,
  action: "Add" | "Modify",
) =>
  fc.oneof(
    fc.record({ action: fc.constant(action), key: keys, value }),
    fc.record({ action: fc.constant("Remove" as const), key: keys }),
  );

const delta: fc.Arbitrary<StateDelta> = fc.record({
  kernel: unique(change(key, text, "Modify")),
  packages: unique(change(key, text, "Add")),
  mounts: unique(change(key, mount, "Add")),
  services: unique(name.map((service) => ({
    action: "Modify" as const,
    key: service,
    value: { name: service, state: "running" as const, args: ["-d", '"quoted"\n'] },
  }))),
  settings: unique(fc.oneof(
    name.map((module) => ({ action: "Add" as const, key: `module:${module}` })),
    change(name.map((glob) => `device:${glob}*`), deviceRule, "Modify"),
  )),
});

/** Items in one order: a spec's tables do not keep that of the delta. */
function byKey(changes: StateDelta): string[] {
  return [...deltaItems(changes)].map((item) => canonicalJson(item as unknown as JsonValue)).sort();
}

const noFiles = () => Promise.reject(new Error("no file is named"));

Deno.test("CLI-80: any expressible delta written as a spec parses back to the same changes", async () => {
  await fc.assert(
    fc.asyncProperty(delta, name, async (wanted, vcluster) => {
      const { toml, inexpressible } = fragmentToml(vcluster, wanted);
      assert.deepEqual(inexpressible, []);
      const [parsed] = await parseSpec(toml, "f.toml", noFiles);
      assert.deepEqual(byKey(parsed?.delta ?? {}), byKey(wanted));
    }),
    { numRuns: 200 },
  );
});

Deno.test("CLI-74: nothing in effect is news, everything else is", async () => {
  await fc.assert(
    fc.asyncProperty(delta, (wanted) => {
      const { changed, unchanged } = effectiveChanges(wanted, undefined);
      const removals = [...deltaItems(wanted)].filter(([, { action }]) => action === "Remove");
      assert.equal(unchanged, removals.length, "to remove what is not there is no change");
      assert.equal(changed + unchanged, countItems(wanted));
      return Promise.resolve();
    }),
  );
});

Deno.test("CLI-70: random text is refused with a position or parsed, and never anything else", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 200 }), async (text) => {
      try {
        await parseSpec(`[vcluster.x]\n${text}`, "f.toml", noFiles);
      } catch (error) {
        assert.match(String(error), /f\.toml:\d+:\d+: /);
      }
    }),
    { numRuns: 500 },
  );
});
