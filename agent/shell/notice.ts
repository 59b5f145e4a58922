/** What a person is told before the first prompt. */
export interface NoticeFacts {
  readonly nodeId: string;
  readonly sessionId: string;
  readonly idleSeconds: number;
  /** Seconds until changes are rolled back; undefined while no commit window is open. */
  readonly windowSeconds: number | undefined;
  readonly emergency: { readonly id: string; readonly reason: string } | undefined;
  /** Names of whitelisted programs that may change the node, and so are not in this shell. */
  readonly leftOut: readonly string[];
  /** What would contain the session below bash, and is not there (SHL-6). */
  readonly uncontained: readonly string[];
}

/** The notice of a session (SHL-8), as lines of a terminal. */
export function shellNotice(facts: NoticeFacts): string {
  const { nodeId, sessionId, idleSeconds, windowSeconds, emergency, leftOut, uncontained } = facts;
  const lines = [
    `Restricted session ${sessionId} on ${nodeId}. Everything that is run here is audited.`,
    `It ends after ${minutes(idleSeconds)} without a key pressed.`,
  ];
  if (leftOut.length > 0) {
    lines.push(`Not in this shell, since they may change the node: ${leftOut.join(" ")}.`);
    lines.push(`Use: pact exec ${nodeId} -- COMMAND`);
  }
  if (windowSeconds !== undefined) {
    lines.push(`A commit window is open: changes are rolled back in ${minutes(windowSeconds)}.`);
  }
  if (emergency !== undefined) {
    lines.push(`EMERGENCY ${emergency.id} is open: ${printable(emergency.reason)}`);
  }
  for (const missing of uncontained) lines.push(`NOT CONTAINED: ${missing}`);
  return lines.map((line) => `${line}\r\n`).join("");
}

function minutes(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return `${Math.round(seconds / 60)} min`;
}

/** Somebody else's words, without what a terminal would act on. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, " ").slice(0, 200);
}
