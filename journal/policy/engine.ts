import type { PolicyInput, Verdict } from "../../common/rego/mod.ts";

/** Decides by the site's own rules what the role matrix and its bindings have allowed. */
export interface PolicyEngine {
  /** Never throws: what cannot be decided is `unavailable`. */
  restrict(input: PolicyInput): Promise<Verdict>;
  /**
   * Whether the vCluster's rules, as last read, may ask for a second person: then nothing that
   * needs one can be decided without the engine (DEG-6).
   */
  mayAskForApproval(vclusterId: string): boolean;
}
