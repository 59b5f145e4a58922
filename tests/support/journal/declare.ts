import { config } from "../../../api/mod.ts";
import type { JournalClients } from "./site.ts";

/** Declares a value of `vm.swappiness` for the nodes of vCluster `ml`. */
export async function declareSwappiness(
  admin: Pick<JournalClients, "config">,
  value: string,
): Promise<void> {
  await admin.config.appendEntry({
    entry: {
      entryType: config.EntryType.COMMIT,
      scope: { scope: { case: "vclusterId", value: "ml" } },
      stateDelta: {
        kernel: [{
          key: "vm.swappiness",
          action: config.DeltaAction.MODIFY,
          declaredValue: value,
        }],
      },
    },
  });
}
