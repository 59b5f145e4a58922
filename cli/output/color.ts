/** Meanings that may be coloured. */
export type Tone = "good" | "warn" | "bad" | "dim" | "strong";

const SGR: Readonly<Record<Tone, string>> = {
  good: "32",
  warn: "33",
  bad: "31",
  dim: "2",
  strong: "1",
};

/** Colours a text, or leaves it alone where colour is off. */
export type Paint = (tone: Tone | undefined, text: string) => string;

/** Colour on or off for good: on only for a terminal and without --no-color or NO_COLOR (CLI-2). */
export function paint(enabled: boolean): Paint {
  return (tone, text) =>
    enabled && tone !== undefined ? `\u001b[${SGR[tone]}m${text}\u001b[0m` : text;
}

/** The tone of a node's state word. */
export function stateTone(state: string): Tone | undefined {
  switch (state) {
    case "COMMITTED":
    case "Active":
    case "RUNNING":
    case "running":
      return "good";
    case "DRIFTED":
    case "CONVERGING":
    case "Inactive":
      return "warn";
    case "EMERGENCY":
    case "Revoked":
    case "FAILED":
      return "bad";
    default:
      return undefined;
  }
}
