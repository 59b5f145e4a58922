import type {
  History,
  Operation,
  RegisterInput,
  RegisterOutput,
} from "../../../../../journal/sim/linearizability/mod.ts";

/** One operation as its text names it: `w 1`, `r 1`, `r -` (nothing there yet), `cas 1 2 yes`. */
type Parse<Input, Output> = (words: readonly string[]) => { input: Input; output: Output };

/**
 * A history drawn as one line for each client; columns are moments. `[` is the call, `]` the
 * return, and an operation that nobody heard of again ends in `?`:
 *
 *     A  [w 1    ]  [r 1]
 *     B     [w 2 ?
 */
export function timeline<Input, Output>(
  parse: Parse<Input, Output>,
  picture: string,
): History<Input, Output> {
  const history: Operation<Input, Output>[] = [];
  for (const line of picture.split("\n")) {
    const client = line.trim().charAt(0);
    for (const drawn of line.matchAll(/\[([^\]?]*)([\]?])/g)) {
      const [whole, text = "", end] = drawn;
      const { input, output } = parse(text.trim().split(" "));
      const at = drawn.index + whole.length;
      history.push({
        client,
        input,
        calledAt: drawn.index,
        outcome: end === "?" ? { kind: "unknown" } : { kind: "returned", at, output },
      });
    }
  }
  return history;
}

/** A history of one register. */
export function registerTimeline(picture: string): History<RegisterInput, RegisterOutput> {
  return timeline(parseRegister, picture);
}

function parseRegister([verb, first = "", second = "", answer]: readonly string[]): {
  input: RegisterInput;
  output: RegisterOutput;
} {
  const key = "x";
  switch (verb) {
    case "w":
      return { input: { kind: "write", key, value: first }, output: { kind: "written" } };
    case "r":
      return {
        input: { kind: "read", key },
        output: { kind: "value", value: first === "-" ? undefined : first },
      };
    case "cas":
      return {
        input: {
          kind: "compare-and-set",
          key,
          expected: first === "-" ? undefined : first,
          value: second,
        },
        output: { kind: "compared", isSet: answer === "yes" },
      };
    default:
      throw new Error(`no operation '${verb}' on a register`);
  }
}
