/**
 * What members tell each other about the forms of records that they read, over real connections.
 */
import assert from "node:assert/strict";
import { NEWEST_FORMAT } from "../../../../journal/log/mod.ts";
import { createTestPki, waitFor } from "../../../support/mod.ts";
import { introduce, openMember } from "./fixture.ts";

Deno.test("DEP-91: members know what each of those reads who are there, and of a former version nothing", async () => {
  const pki = await createTestPki();
  await using one = await openMember(pki, 1);
  await using former = await openMember(pki, 2, { recordFormat: 0 });
  {
    await using three = await openMember(pki, 3);
    introduce(one, former, three);
    await waitFor(() => one.network.connected().size === 2, { what: "the connections" });
    assert.equal(one.network.recordFormatOf(3), NEWEST_FORMAT);
    assert.equal(one.network.recordFormatOf(2), undefined);
    await waitFor(() => former.network.recordFormatOf(1) === NEWEST_FORMAT, {
      what: "the other side of it",
    });
  }
  await waitFor(() => one.network.recordFormatOf(3) === undefined, { what: "it to be gone" });
});
