import assert from "node:assert/strict";
import { resolveIdentity } from "../../../../agent/supervisor/identity.ts";
import type { Shim } from "../../../../ffi/mod.ts";
import { withShim } from "../../../support/mod.ts";

/** The shim as an agent of another uid would see it. */
const as = (uid: number, shim: Shim) => ({
  users: shim.users,
  system: { ids: () => ({ ...shim.system.ids(), uid, effectiveUid: uid, effectiveGid: uid }) },
});

Deno.test("SUP-25: root takes on any user there is, by name or number", async () => {
  await withShim(async (shim) => {
    const nobody = await resolveIdentity("nobody", as(0, shim));
    assert.ok(nobody.kind === "known");
    assert.equal(nobody.identity.switches, true);
    assert.equal(nobody.identity.uid, 65534);
    const numbered = await resolveIdentity("1234:99", as(0, shim));
    assert.ok(numbered.kind === "known");
    assert.deepEqual([numbered.identity.uid, numbered.identity.gid], [1234, 99]);
    assert.equal((await resolveIdentity("no_such_user", as(0, shim))).kind, "unknown");
  });
});

Deno.test("SUP-25: without root another user is a failure that says why, one's own is not", async () => {
  await withShim(async (shim) => {
    assert.deepEqual(await resolveIdentity("root", as(1000, shim)), {
      kind: "impossible",
      reason: "cannot become user root (uid 0): the agent runs as uid 1000",
    });
    for (const user of ["", "1000", "1000:1000"]) {
      const own = await resolveIdentity(user, as(1000, shim));
      assert.ok(own.kind === "known");
      assert.equal(own.identity.switches, false);
    }
  });
});
