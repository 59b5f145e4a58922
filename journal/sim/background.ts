import { type Identity, PolicySettingsSchema, SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import { buildOverlay } from "../overlay/mod.ts";
import { type CommandInput, heldText } from "../state/mod.ts";
import type { Cluster } from "./cluster.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";

const VCLUSTERS = ["ml", "hpc", "dev"];

const SECOND_US = 1_000_000;

/** Who asks for approvals, and who decides. */
const PEOPLE: readonly Identity[] = ["ann@site", "bob@site"].map((principal) => ({
  principal,
  principal_type: "Human",
  role: "pact-platform-admin",
}));

/**
 * What goes on in a journal besides the clients that are watched: overlays are rebuilt, policies
 * set, approvals asked for, decided and expired, operations recorded. Nobody waits for the answers.
 */
export class Background {
  readonly #cluster: Cluster;
  readonly #random: Random;
  #approvals = 0;
  #isOver = false;

  constructor(cluster: Cluster, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
    this.#nextLater();
  }

  /** Nothing more is begun. */
  end(): void {
    this.#isOver = true;
  }

  #nextLater(): void {
    this.#cluster.timeline.after(this.#random.between(0.1, 1) * SECOND_US, () => {
      if (this.#isOver) return;
      const { processes } = this.#cluster;
      if (processes.length > 0) this.#do(this.#random.pick(processes));
      this.#nextLater();
    });
  }

  #do(process: Process): void {
    const [requester, decider] = this.#random.shuffled(PEOPLE);
    const byWhom = this.#random.pick([requester, decider]) ?? SYSTEM_IDENTITY;
    const vcluster = this.#random.pick(VCLUSTERS);
    switch (this.#random.below(5)) {
      case 0:
        return submit(process, SYSTEM_IDENTITY, {
          type: "SetOverlay",
          overlay: buildOverlay(process.state, vcluster),
        });
      case 1:
        return submit(process, byWhom, {
          type: "SetPolicy",
          vcluster_id: vcluster,
          settings: PolicySettingsSchema.parse({}),
        });
      case 2:
        return submit(process, byWhom, this.#approvalOf(vcluster));
      case 3:
        return submit(process, byWhom, {
          type: "DecideApproval",
          approval_id: approvalId(1 + this.#random.below(this.#approvals + 1)),
          decision: this.#random.pick(["Approved", "Rejected", "Expired"]),
        });
      default:
        return submit(process, byWhom, {
          type: "RecordOperation",
          operation: {
            actor: byWhom,
            operation_type: "Exec",
            scope: { VCluster: vcluster },
            outcome: "Success",
            detail: "uptime",
            source: "simulator",
            metadata: {},
          },
        });
    }
  }

  #approvalOf(vcluster: string): CommandInput {
    const scope = { VCluster: vcluster };
    return {
      type: "CreateApproval",
      approval: {
        approval_id: approvalId(++this.#approvals),
        original_request: heldText({
          kind: "command",
          command: {
            type: "SetBlacklist",
            vcluster_id: vcluster,
            add: ["/scratch/**"],
            remove: [],
          },
          access: [{ action: "blacklist", scope, role: "pact-platform-admin" }],
          audit: { operation_type: "Blacklist", scope, detail: "", source: "sim", metadata: {} },
        }),
        summary: "blacklist in a regulated vCluster",
        action: "blacklist",
        scope,
        vcluster,
      },
    };
  }
}

function approvalId(number: number): string {
  return `ap-${number.toString(16).padStart(8, "0")}`;
}

/** A refusal is as good an outcome as any other here. */
function submit(process: Process, actor: Identity, command: CommandInput): void {
  process.submit(command, { actor }, () => {});
}
