/** On whose behalf the supervisor acts; what audit events and log entries name. */
export interface Actor {
  readonly identity: string;
  readonly principalType: "Human" | "Agent" | "Service" | "System";
  readonly role: string;
}

/** The supervisor itself (SUP-8). */
export const SUPERVISION_LOOP: Actor = {
  identity: "supervision-loop",
  principalType: "System",
  role: "",
};
