import type { PolicyInput } from "./input.ts";

/** What rules are asked about one request. */
export interface RegoQuestion {
  readonly input: PolicyInput;
  /** The input with the coarse name of its action, where it has one (OPA-7). */
  readonly coarseInput: PolicyInput | undefined;
}

/** What the documents of the rules say; what is undefined in Rego is undefined here. */
export interface RegoDocuments {
  readonly allow: unknown;
  readonly denyReason: unknown;
  /** The document of the vCluster's package; undefined without one, and where `allow` is not true. */
  readonly vcluster: unknown;
  readonly coarseVcluster: unknown;
}

/** The rules could not be asked. */
export class EngineUnavailable extends Error {
  override readonly name = "EngineUnavailable";

  constructor(message: string, readonly kind: "error" | "timeout" = "error") {
    super(message);
  }
}

/** Something that evaluates Rego: a server beside the journal, or a module inside it. */
export interface RegoEvaluator {
  /**
   * The documents `pact.authz` and that of the vCluster's package.
   *
   * @throws {EngineUnavailable} when they cannot be had in time.
   */
  evaluate(question: RegoQuestion): Promise<RegoDocuments>;
  /** Whether the rules of the vCluster, as last read, may ask for a second person (DEG-6). */
  mayAskForApproval(vclusterId: string): boolean;
}

/** The last part of the package of a vCluster's rules: `ml_training` for `ml-training` (OPA-3). */
export function packageOf(vclusterId: string): string {
  return vclusterId.replaceAll(/[-.]/g, "_");
}
