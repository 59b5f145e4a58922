import type { PolicyInput } from "./input.ts";

/** What a policy engine says of a request that the roles allow; it can only restrict (OPA-6). */
export type Verdict =
  | { readonly outcome: "allow"; readonly auditRead: boolean }
  | { readonly outcome: "approval"; readonly auditRead: boolean; readonly rule: string }
  /** `rule` names the package whose rules say so. */
  | { readonly outcome: "deny"; readonly reason: string; readonly rule: string }
  /** It could not be asked, or did not answer in time: the degraded table decides (DEG-6, DEG-7). */
  | { readonly outcome: "unavailable"; readonly cause: string };

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
