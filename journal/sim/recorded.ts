import type { Identity } from "../../common/model/mod.ts";
import type { CommandInput } from "../state/mod.ts";
import type { Answer, Question } from "./state_machine.ts";

/** What a client asked for. */
export type Ask =
  | {
    readonly kind: "append";
    readonly request: string;
    readonly vcluster: string;
    readonly expectedHead: number | undefined;
    readonly parent: number | undefined;
  }
  /** A report of a node's: the last one counts. */
  | {
    readonly kind: "report";
    readonly request: string;
    readonly node: string;
    readonly value: string;
  }
  | { readonly kind: "read"; readonly question: Question };

/** What it was told. */
export type Told =
  | { readonly kind: "appended"; readonly sequence: number }
  | { readonly kind: "conflict"; readonly head: number }
  | { readonly kind: "parent-refused" }
  | { readonly kind: "answer"; readonly answer: Answer };

/** One operation of one client, from its first attempt to its last. */
export interface Recorded {
  readonly client: string;
  readonly ask: Ask;
  readonly calledAt: number;
  /** Undefined while it is under way, and for ever when the client gave up. */
  returned: { readonly at: number; readonly told: Told } | undefined;
}

/** The command that does what is asked. */
export function commandOf(ask: Exclude<Ask, { kind: "read" }>, author: Identity): CommandInput {
  if (ask.kind === "report") {
    return { type: "ReportCapability", node_id: ask.node, report: { serial: ask.value } };
  }
  const { vcluster, expectedHead, parent, request } = ask;
  return {
    type: "AppendEntry",
    entry: {
      entry_type: "Commit",
      scope: { VCluster: vcluster },
      author,
      parent,
      state_delta: { kernel: [{ action: "Modify", key: "vm.swappiness", value: request }] },
    },
    expected_head: expectedHead,
  };
}
