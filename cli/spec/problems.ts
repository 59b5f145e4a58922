import { type ConfigPosition, positionText } from "../../common/config/mod.ts";
import { Failure, usageFailure } from "../failure/mod.ts";

/** Most problems listed at once; the rest is a count. */
const MAX_LISTED = 20;

/** One thing wrong in a spec, and where. */
export interface SpecProblem {
  readonly position: ConfigPosition;
  readonly message: string;
}

/** Reports a problem at a key path. */
export type Report = (path: readonly string[], message: string) => void;

/** The failure for a spec with problems: the first is the message, the others follow as hints. */
export function specFailure(problems: readonly SpecProblem[]): Failure {
  const lines = problems.map(({ position, message }) => `${positionText(position)}: ${message}`);
  const [first = "invalid spec", ...others] = lines;
  const listed = others.slice(0, MAX_LISTED - 1);
  if (others.length > listed.length) listed.push(`and ${others.length - listed.length} more`);
  return usageFailure(first, ...listed, "nothing was sent");
}
