import { freePort } from "../../../tests/support/mod.ts";
import { NODES } from "../cast.ts";
import { clusterToml } from "../cluster_spec.ts";
import type { Chapter } from "../tour.ts";

/** Declares the vCluster and sees both nodes take it on. */
export const applyVCluster: Chapter = {
  title: "Declare a vCluster, and both nodes become it",
  async walk(tour) {
    const { directory } = tour.site;
    const spec = clusterToml({ directory, port: freePort() });
    await Deno.writeTextFile(`${directory}/cluster.toml`, spec);
    await tour.shell("cat cluster.toml", { shows: [/depends_on/, /health_check/] });
    await tour.pact("ana", ["apply", "cluster.toml", "--dry-run"], {
      shows: [/vCluster demo: 5 changes/, /chrony\.conf/],
    });
    await tour.pact("ana", ["apply", "cluster.toml", "-m", "first light"], {
      shows: [/Applied to vcluster demo \(5 changes\)/],
    });
    await tour.pactUntil("ana", ["status"], {
      shows: NODES.map((node) => new RegExp(`${node} .*COMMITTED .*3/3`)),
    });
    await tour.pact("ana", ["service", "status", "--node", "node-1"], {
      shows: [/exporter +Running/i, /collector +Running/i, /scratch-keeper +Running/i],
    });
    for (const node of NODES) await tour.shell(`cat ${node}/etc/motd`, { shows: [/^Welcome/] });
  },
};
