import assert from "node:assert/strict";
import { effectiveChanges, parseSpec } from "../../../../cli/spec/mod.ts";
import { OverlayDocumentSchema } from "../../../../common/model/mod.ts";

const noFiles = () => Promise.reject(new Error("no file is named"));
const parse = (lines: string) =>
  parseSpec(`[vcluster.ml.devices]\n${lines}\n`, "spec.toml", noFiles);

Deno.test("CLD-3: device rules of a spec are settings of the delta, and taken back by name", async () => {
  const [ml] = await parse(
    `"nvidia*" = { mode = "0660", group = "gpu" }\n"dri/card0" = { owner = "500" }\nremove = ["kfd"]`,
  );
  assert.deepEqual(ml?.delta, {
    settings: [
      { action: "Modify", key: "device:nvidia*", value: '{"group":"gpu","mode":432}' },
      { action: "Modify", key: "device:dri/card0", value: '{"owner":"500"}' },
      { action: "Remove", key: "device:kfd" },
    ],
  });
});

Deno.test("CLD-3, CLI-74: a device rule that is in effect is no news", async () => {
  const overlay = OverlayDocumentSchema.parse({
    format: 1,
    vcluster: "ml",
    version: 1,
    built_from_sequence: 1,
    devices: { "nvidia*": { mode: 0o660, group: "gpu" }, kfd: { mode: 0o600 } },
  });
  const [ml] = await parse(
    `"nvidia*" = { mode = "0660", group = "gpu" }\nkfd = { mode = "0666" }\nremove = ["cxi0"]`,
  );
  const { delta, unchanged } = effectiveChanges(ml?.delta ?? {}, overlay);
  assert.deepEqual(delta.settings, [{
    action: "Modify",
    key: "device:kfd",
    value: '{"mode":438}',
    previous: '{"mode":384}',
  }]);
  assert.equal(unchanged, 2);
});

Deno.test("CLD-3: a device rule that cannot be is refused with its place", async () => {
  for (
    const [line, reason] of [
      [`"/dev/kfd" = { mode = "0666" }`, /below \/dev/],
      [`"../kfd" = { mode = "0666" }`, /below \/dev/],
      [`kfd = { mode = "4666" }`, /mode/],
      [`kfd = {}`, /needs mode, owner or group/],
      [`kfd = { user = "root" }`, /unknown key user/],
      [`kfd = { owner = "a b" }`, /owner/],
    ] as const
  ) await assert.rejects(parse(line), reason, line);
});
