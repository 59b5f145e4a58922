import { z } from "zod";

const TermSchema = z.object({ value: z.unknown() });

const RuleSchema = z.object({
  head: z.object({ name: z.string().optional(), ref: z.array(TermSchema).optional() }),
});

/** What of the server's list of policies is read (OPA's Policy API). */
const PoliciesSchema = z.object({
  result: z.array(z.object({
    ast: z.object({
      package: z.object({ path: z.array(TermSchema) }),
      rules: z.array(RuleSchema).nullish(),
    }),
  })).default([]),
});

/** What the server has loaded, as far as it matters here. */
export interface LoadedModules {
  /** Whether there is the package that every decision begins with (OPA-13). */
  readonly hasAuthz: boolean;
  /** Packages of vClusters, by their last part. */
  readonly vclusters: ReadonlySet<string>;
  /** Those of them with a rule that may ask for a second person. */
  readonly askingForApproval: ReadonlySet<string>;
}

/** Reads the server's list of policies; undefined when it is not one. */
export function readModules(answer: unknown): LoadedModules | undefined {
  const parsed = PoliciesSchema.safeParse(answer);
  if (!parsed.success) return undefined;
  const vclusters = new Set<string>();
  const askingForApproval = new Set<string>();
  let hasAuthz = false;
  for (const { ast } of parsed.data.result) {
    const path = ast.package.path.map(({ value }) => String(value));
    const [root, first, second, third] = path;
    if (root !== "data" || first !== "pact") continue;
    if (second === "authz" && path.length === 3) hasAuthz = true;
    if (second !== "vcluster" || third === undefined) continue;
    vclusters.add(third);
    const asks = (ast.rules ?? []).some(({ head }) =>
      (head.name ?? String(head.ref?.[0]?.value)) === "requires_approval"
    );
    if (asks) askingForApproval.add(third);
  }
  return { hasAuthz, vclusters, askingForApproval };
}
