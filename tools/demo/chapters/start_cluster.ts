import { ANA, ASSISTANT, BEN, NODES } from "../cast.ts";
import { POLICY_TOML } from "../cluster_spec.ts";
import { startJournal } from "../start_journal.ts";
import type { Chapter, Tour } from "../tour.ts";

/** Starts the journal and two agents, after the nodes have been made known. */
export const startCluster: Chapter = {
  title: "A journal, two nodes, and the people who run them",
  async walk(tour) {
    const { site } = tour;
    await startJournal(tour);
    for (const person of [ANA, BEN, ASSISTANT]) await site.addPerson(person);
    await tour.pact("ana", ["whoami"], { shows: [/ana/, /pact-platform-admin/] });

    tour.tell("Nodes are known by their hardware before they boot.");
    for (const node of NODES) await enroll(tour, node);
    await Deno.writeTextFile(`${site.directory}/policy.toml`, POLICY_TOML);
    await tour.shell("cat policy.toml", { shows: [/enforce/] });
    await tour.pact("ana", ["group", "set-policy", "demo", "policy.toml"], {
      shows: [/enforcement_mode: \S+ → enforce/, /Policy updated for demo/],
    });

    tour.tell("Both agents run without root; each has a directory that is / to it.");
    const agents = await Promise.all(NODES.map((node) => site.startAgent(node, tuning)));
    for (const [index, node] of NODES.entries()) {
      tour.show(
        `$ pact-agent --config ${node}/etc/pact/agent.toml --profile rootless --root ${node} &`,
        `serving on ${agents[index]?.address}, process ${agents[index]?.pid}`,
      );
    }
    await tour.pactUntil("ana", ["status"], {
      shows: NODES.map((node) => new RegExp(`${node} .*demo .*Active`)),
    });
  },
};

/** Windows of the tour may be shorter than a site would allow. */
const tuning = { baseWindowSeconds: 60, driftSensitivity: 20, minWindowSeconds: 5 };

async function enroll(tour: Tour, node: string): Promise<void> {
  await tour.pact("ana", [
    "enroll",
    node,
    "--hardware-id",
    tour.site.hardwareId(node),
    "--vcluster",
    "demo",
  ], { shows: [new RegExp(`Enrolled node ${node} — state: Registered`)] });
}
