import { create } from "@bufbuild/protobuf";
import { policy } from "../../api/mod.ts";
import { type Scope, scopeText } from "../../common/model/mod.ts";
import { scopeToWire } from "../../common/wire/mod.ts";
import { EXIT, usageFailure } from "../failure/mod.ts";
import { type Paint, printable, type Tone } from "../output/mod.ts";
import type { CommandContext } from "./action.ts";
import { parseScope } from "./targets.ts";

/** What is to be explained. */
export interface ExplainOptions {
  readonly action: string;
  readonly scope: string;
  /** Without one, whoever asks. */
  readonly principal: string | undefined;
  readonly roles: readonly string[];
  readonly type: "Human" | "Service" | "Agent";
  readonly command: readonly string[];
}

/** Words of an outcome, for people. */
const OUTCOMES: Readonly<Record<string, { readonly word: string; readonly tone: Tone }>> = {
  allow: { word: "ALLOWED", tone: "good" },
  approval: { word: "NEEDS APPROVAL", tone: "warn" },
  deny: { word: "DENIED", tone: "bad" },
};

const SIGNS: Readonly<Record<string, string>> = { allow: "+", approval: "?", deny: "-" };

/** `pact policy explain`: the decision and the chain that led to it. Nothing is changed by it. */
export async function explainPolicy(
  { session, out }: CommandContext,
  options: ExplainOptions,
): Promise<number> {
  const scope = parseScope(options.scope);
  const request = create(policy.PolicyEvalRequestSchema, {
    explain: true,
    action: options.action,
    scope: scopeToWire(scope),
    args: options.command.slice(1),
    ...(options.command[0] !== undefined && { command: options.command[0] }),
    ...authorOf(options),
  });
  const { peer, policy: client } = await session.journal();
  const answer = await peer.read((call) => client.evaluate(request, call));
  const who = options.principal ?? "you";
  await out.result(textOf(answer, options.action, scope, who, out.paint), {
    principal: options.principal ?? null,
    roles: [...options.roles],
    action: options.action,
    scope: scopeText(scope),
    outcome: answer.outcome,
    role: answer.role,
    policy_ref: answer.policyRef,
    reason: answer.denialReason ?? null,
    steps: answer.steps.map(({ kind, subject, effect, detail, data }) => ({
      kind,
      subject,
      effect,
      detail,
      data,
    })),
  });
  return EXIT.ok;
}

/** Roles stand in a person's token, which the journal does not keep: for others they must be given. */
function authorOf({ principal, roles, type }: ExplainOptions) {
  const [role, ...others] = roles;
  if (principal === undefined && role === undefined) return {};
  if (principal === undefined) throw usageFailure("--role needs --principal: whose role is it?");
  if (role === undefined) {
    throw usageFailure(
      `--role missing: the journal does not know which roles ${principal} holds`,
      "pact policy explain ACTION SCOPE --principal WHO --role pact-ops-NAME",
    );
  }
  return { author: { principal, principalType: type, role }, roles: others };
}

function textOf(
  answer: policy.PolicyEvalResponse,
  action: string,
  scope: Scope,
  who: string,
  paint: Paint,
): string[] {
  const outcome = OUTCOMES[answer.outcome] ?? { word: answer.outcome, tone: "strong" };
  const heading = `${printable(action)} on ${scopeText(scope)} for ${printable(who)}`;
  const width = Math.max(...answer.steps.map(({ subject }) => printable(subject).length), 0);
  return [
    `${paint(outcome.tone, printable(outcome.word))}: ${heading}`,
    ...answer.steps.map((each) => stepLine(each, width, paint)),
  ];
}

function stepLine(
  { kind, subject, effect, detail, data }: policy.DecisionStep,
  width: number,
  paint: Paint,
): string {
  const sign = paint(OUTCOMES[effect]?.tone, SIGNS[effect] ?? " ");
  const facts = Object.entries(data).map(([key, value]) => `${key}=${value}`).sort().join(" ");
  const shown = [
    printable(kind).padEnd(9),
    printable(subject).padEnd(width),
    printable(detail),
    ...(facts === "" ? [] : [paint("dim", `[${printable(facts)}]`)]),
  ];
  return `  ${sign} ${shown.join(" ")}`;
}
