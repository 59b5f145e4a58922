import assert from "node:assert/strict";
import { needingPeer, peerProgram } from "../support/mod.ts";

Deno.test(
  await needingPeer("opa", "OPA-2: the pinned opa is one that reads Rego v1"),
  async () => {
    const opa = await peerProgram("opa");
    assert.ok(opa !== undefined, "deno task peers opa builds it");
    const { stdout } = await new Deno.Command(opa, { args: ["version"] }).output();
    assert.match(new TextDecoder().decode(stdout), /^Version: 1\./);
  },
);
