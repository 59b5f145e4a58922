import assert from "node:assert/strict";
import { parseToml } from "../../../common/config/mod.ts";
import { PolicySettingsSchema } from "../../../common/model/mod.ts";

const FOLDER = new URL("../../../policies/vcluster/", import.meta.url);

Deno.test("VCP-4: every sample policy has known keys and values in their range", () => {
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();
  assert.deepEqual(names, ["assisted.toml", "enforce.toml", "observe.toml"]);
  for (const name of names) {
    const table = parseToml(Deno.readTextFileSync(new URL(name, FOLDER)), name);
    assert.deepEqual(PolicySettingsSchema.safeParse(table).error?.issues, undefined, name);
  }
});

Deno.test("the observing sample rolls nothing back and the enforcing one does", () => {
  const mode = (name: string) => {
    const table = parseToml(Deno.readTextFileSync(new URL(name, FOLDER)), name);
    return PolicySettingsSchema.parse(table).enforcement_mode;
  };
  assert.equal(mode("observe.toml"), "observe");
  assert.equal(mode("enforce.toml"), "enforce");
});
