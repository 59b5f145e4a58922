import { type AuditPrincipal, systemPrincipal } from "../../contracts/mod.ts";

/** On whose behalf the supervisor acts; what audit events and log entries name. */
export type Actor = AuditPrincipal;

/** The supervisor itself (SUP-8). */
export const SUPERVISION_LOOP: Actor = systemPrincipal("supervision-loop");
