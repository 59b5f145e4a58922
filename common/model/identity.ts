import * as z from "zod";

/** What kind of principal acts (JRN-10). */
export type PrincipalType = "Human" | "Agent" | "Service";

const PRINCIPAL_TYPES: Readonly<Record<string, PrincipalType>> = {
  human: "Human",
  admin: "Human",
  agent: "Agent",
  service: "Service",
};

/**
 * Reads a principal type in any case, with the synonym `admin`; anything else is undefined and must
 * be refused, or a machine could pass for a person (JRN-10).
 */
export function parsePrincipalType(text: string): PrincipalType | undefined {
  return PRINCIPAL_TYPES[text.toLowerCase()];
}

/** Who acts: principal, its type and the role it acts in. Emptiness is judged at apply (JRN-22). */
export const IdentitySchema = z.object({
  principal: z.string().max(1024),
  principal_type: z.string().transform((text, context) => {
    const type = parsePrincipalType(text);
    if (type !== undefined) return type;
    context.addIssue({ code: "custom", message: `unknown principal type '${text}'` });
    return z.NEVER;
  }),
  role: z.string().max(256),
});

/** Identity of an actor, in its document form. */
export type Identity = z.infer<typeof IdentitySchema>;

/** The identity under which the journal's own housekeeping appears in the log (JRN-32, APR-17). */
export const SYSTEM_IDENTITY: Identity = {
  principal: "system/pact-journal",
  principal_type: "Service",
  role: "pact-service-journal",
};
