import type { Model } from "./history.ts";

/** What a client asks of a register of text values; each `key` names a register of its own. */
export type RegisterInput =
  | { readonly kind: "read"; readonly key: string }
  | { readonly kind: "write"; readonly key: string; readonly value: string }
  | {
    readonly kind: "compare-and-set";
    readonly key: string;
    readonly expected: string | undefined;
    readonly value: string;
  };

/** What it answers. Nothing was written yet where a read gives undefined. */
export type RegisterOutput =
  | { readonly kind: "value"; readonly value: string | undefined }
  | { readonly kind: "written" }
  | { readonly kind: "compared"; readonly isSet: boolean };

/** Registers, each empty at first. */
export const REGISTERS: Model<string | undefined, RegisterInput, RegisterOutput> = {
  initial: () => undefined,
  apply: (state, input) => {
    switch (input.kind) {
      case "read":
        return { state, output: { kind: "value", value: state } };
      case "write":
        return { state: input.value, output: { kind: "written" } };
      case "compare-and-set": {
        const isSet = state === input.expected;
        return { state: isSet ? input.value : state, output: { kind: "compared", isSet } };
      }
    }
  },
  isSame: (expected, seen) => {
    if (expected.kind === "value") return seen.kind === "value" && seen.value === expected.value;
    if (expected.kind === "written") return seen.kind === "written";
    return seen.kind === "compared" && seen.isSet === expected.isSet;
  },
  identity: (state) => state,
  partOf: ({ key }) => key,
};
