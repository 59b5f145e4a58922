import * as z from "zod";

const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;

/**
 * What the settings of token verification may be (AUT-3, AUT-7, AUT-9, AUT-10): journals and agents
 * have them under names of their own, and judge by them alike.
 */
export const TOKEN_SCHEMAS = {
  url: z.url().optional(),
  /** One audience, or a list. */
  audiences: z.union([z.string().transform((text) => [text]), z.array(z.string())]),
  jwksMaxStaleSeconds: z.number().int().min(HOUR_SECONDS).max(7 * DAY_SECONDS).default(DAY_SECONDS),
  maxTokenLifetimeSeconds: z.number().int().min(60).max(365 * DAY_SECONDS).default(DAY_SECONDS),
  principalClaim: z.string().min(1).default("sub"),
  roleMap: z.record(z.string(), z.string()).default({}),
} as const;
