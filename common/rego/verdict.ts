import { z } from "zod";
import {
  EngineUnavailable,
  packageOf,
  type RegoDocuments,
  type RegoQuestion,
} from "./evaluator.ts";
import type { PolicyInput } from "./input.ts";

/** What a policy engine says of a request that the roles allow; it can only restrict (OPA-6). */
export type Verdict =
  | { readonly outcome: "allow"; readonly auditRead: boolean }
  | { readonly outcome: "approval"; readonly auditRead: boolean; readonly rule: string }
  /** `rule` names the package whose rules say so. */
  | { readonly outcome: "deny"; readonly reason: string; readonly rule: string }
  /** It could not be asked, or did not answer in time: the degraded table decides (DEG-6, DEG-7). */
  | { readonly outcome: "unavailable"; readonly cause: string };

/** Why a request is refused where the rules give no reason (OPA-5). */
const NO_REASON = "denied by OPA policy";
const MAX_REASON_CHARACTERS = 4096;

const NamesSchema = z.array(z.string());

/** What a vCluster's package may define, each with its effect (OPA-5); other rules are its own. */
const VClusterDocumentSchema = z.object({
  deny: z.union([z.boolean(), z.string(), NamesSchema]).optional(),
  allow: z.unknown().optional(),
  deny_commit: z.boolean().optional(),
  exec_allowed: z.unknown().optional(),
  allowed_commands: NamesSchema.optional(),
  emergency_allowed: z.unknown().optional(),
  restartable_services: NamesSchema.optional(),
  requires_approval: z.boolean().optional(),
  audit_required: z.boolean().optional(),
});

type VClusterDocument = z.infer<typeof VClusterDocumentSchema>;

/**
 * What the documents say of a request (OPA-5, OPA-7).
 *
 * @throws {EngineUnavailable} when `allow` or `deny_reason` is not what it must be.
 */
export function verdictOf(question: RegoQuestion, documents: RegoDocuments): Verdict {
  const { allow, denyReason } = documents;
  if (allow !== undefined && typeof allow !== "boolean") {
    throw new EngineUnavailable("malformed answer: pact.authz.allow is not true or false");
  }
  if (allow !== true) {
    if (denyReason !== undefined && typeof denyReason !== "string") {
      throw new EngineUnavailable("malformed answer: pact.authz.deny_reason is no text");
    }
    const reason = denyReason === undefined || denyReason === "" ? NO_REASON : denyReason;
    return deny(reason, "pact.authz");
  }
  return verdictOfVcluster(question, documents.vcluster, documents.coarseVcluster);
}

function verdictOfVcluster(
  { input, coarseInput }: RegoQuestion,
  fine: unknown,
  coarse: unknown,
): Verdict {
  const rule = `pact.vcluster.${packageOf(input.vcluster ?? "")}`;
  const documents: VClusterDocument[] = [];
  for (const [asked, document] of [[input, fine], [coarseInput, coarse]] as const) {
    if (document === undefined || asked === undefined) continue;
    const parsed = VClusterDocumentSchema.safeParse(document);
    if (!parsed.success) {
      const key = parsed.error.issues[0]?.path.join(".") ?? "";
      // The rules are there and restrict something; what they meant is not for pact to guess.
      return deny(`malformed rules for vCluster ${input.vcluster}: ${key}`, rule);
    }
    documents.push(parsed.data);
  }
  for (const document of documents) {
    const reason = denialBy(input, document);
    if (reason !== undefined) return deny(reason, rule);
  }
  const allows = documents.flatMap(({ allow }) => allow === undefined ? [] : [allow]);
  if (allows.length > 0 && !allows.includes(true)) {
    return deny(`not allowed by the rules of vCluster ${input.vcluster}`, rule);
  }
  const some = (key: "requires_approval" | "audit_required") =>
    documents.some((document) => document[key] === true);
  const auditRead = some("audit_required");
  return some("requires_approval")
    ? { outcome: "approval", auditRead, rule }
    : { outcome: "allow", auditRead };
}

function denialBy(input: PolicyInput, document: VClusterDocument): string | undefined {
  const { action } = input;
  const by = `by the rules of vCluster ${input.vcluster}`;
  const reasons = reasonsOf(document.deny, by);
  if (reasons !== undefined) return reasons;
  const isChange = action === "commit" || action === "apply" || action === "promote";
  if (document.deny_commit === true && isChange) return `${action} denied ${by}`;
  if (action === "exec") {
    if (isDefinedNotTrue(document.exec_allowed)) return `exec denied ${by}`;
    const commands = document.allowed_commands;
    if (commands !== undefined && !commands.includes(input.command ?? "")) {
      return `command ${input.command ?? "(unnamed)"} not allowed ${by}`;
    }
  }
  if (action === "emergency_start" && isDefinedNotTrue(document.emergency_allowed)) {
    return `emergency mode denied ${by}`;
  }
  const services = document.restartable_services;
  if (action === "service_restart" && services !== undefined && !input.emergency_mode) {
    if (!services.includes(input.service_name ?? "")) {
      return `service ${input.service_name ?? "(unnamed)"} is not to be restarted ${by}`;
    }
  }
  return undefined;
}

function reasonsOf(denied: VClusterDocument["deny"], by: string): string | undefined {
  if (denied === undefined || denied === false || denied === "") return undefined;
  if (denied === true) return `denied ${by}`;
  if (typeof denied === "string") return denied;
  return denied.length === 0 ? undefined : [...denied].sort().join("; ");
}

function isDefinedNotTrue(value: unknown): boolean {
  return value !== undefined && value !== true;
}

function deny(reason: string, rule: string): Verdict {
  return { outcome: "deny", rule, reason: reason.slice(0, MAX_REASON_CHARACTERS) };
}

const STRICTNESS = { allow: 0, approval: 1, unavailable: 2, deny: 3 } as const;

/** The strictest of several verdicts about one request; allowed where there is none. */
export function strictest(verdicts: readonly Verdict[]): Verdict {
  let strictest: Verdict = { outcome: "allow", auditRead: false };
  let auditRead = false;
  for (const verdict of verdicts) {
    if ("auditRead" in verdict && verdict.auditRead) auditRead = true;
    if (STRICTNESS[verdict.outcome] > STRICTNESS[strictest.outcome]) strictest = verdict;
  }
  return "auditRead" in strictest ? { ...strictest, auditRead } : strictest;
}
