import assert from "node:assert/strict";
import { loadConfig } from "../../../../journal/config/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { openJournalSite } from "../../../support/journal/mod.ts";
import { Linked } from "../../../support/link/mod.ts";

Deno.test("ACF-4: nodes hear at once of whose tokens the journal takes, and when that changes, under an open stream", async () => {
  await using site = await openJournalSite();
  const macAddress = await site.register("n1", "ml");
  using linked = new Linked(site, macAddress);
  await waitFor(() => linked.issuers.length === 1, { what: "the journal's first word" });
  assert.equal(linked.issuers[0], undefined, "it takes tokens by a shared secret alone");
  const reload = (iam: string) =>
    site.journal.reload(
      loadConfig({
        args: ["--single-node", "--config", `${site.path}/journal.toml`],
        env: { PACT_JOURNAL_DATA_DIR: site.dataDir },
        readFile: () => `[policy.iam]\n${iam}\n`,
      }).settings,
    );
  await reload('oidc_issuer = "https://idp.example/hpc"\noidc_audience = ["ours"]');
  await waitFor(() => linked.issuers.length === 2, { what: "the issuer" });
  assert.equal(linked.issuers[1]?.issuer, "https://idp.example/hpc");
  assert.deepEqual(linked.issuers[1]?.audiences, ["ours"]);
  await reload("");
  await waitFor(() => linked.issuers.length === 3, { what: "the end of it" });
  assert.equal(linked.issuers[2], undefined);
  assert.equal(linked.states.length, 1, "contact was never lost");
});
