import { object, or } from "@optique/core/constructs";
import { optional, withDefault } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { choice, integer } from "@optique/core/valueparser";
import { action } from "./action.ts";
import { listAudit } from "./audit_list.ts";
import { verifyLog } from "./audit_verify.ts";
import { type ActionParser, define, moment, notedEntry, say, withAction, word } from "./parsing.ts";

/** Most records one command asks for. */
const MAX_RECORDS = 100_000;

const DEFAULT_COUNT = 20;

/** `pact audit` (CLI-57) and `pact audit verify`. */
const forms: ActionParser = or(
  define(
    "verify",
    "Prove that a log was not changed, or name the first entry that was.",
    object({
      target: optional(argument(word("FILE|ENDPOINT"))),
      noted: optional(option("--noted", notedEntry(), {
        description: say("The log must have this entry still, as an earlier run told of it."),
      })),
    }),
    (options) => action((context) => verifyLog(context, options)),
    {
      footer: say(
        "FILE is a backup, or entries as pact log --output json prints them; without it the " +
          "journal is asked. --ca says whose signatures are trusted; with it a file needs one.",
      ),
    },
  ),
  withAction(
    object({
      source: withDefault(
        option("--source", choice(["pact", "lattice", "all"], { metavar: "SOURCE" }), {
          description: say("Whose records: pact, lattice or all (default)."),
        }),
        "all" as const,
      ),
      count: withDefault(
        option("-n", integer({ metavar: "N", min: 1, max: MAX_RECORDS }), {
          description: say("How many records; default 20."),
        }),
        DEFAULT_COUNT,
      ),
      principal: optional(option("--principal", word("WHO"), {
        description: say("Only what this principal did."),
      })),
      operation: optional(option("--op", word("TYPE"), {
        description: say("Only operations of this type, such as Exec or PolicyUpdate."),
      })),
      outcome: optional(option("--outcome", word("OUTCOME"), {
        description: say("Success, Failure or Denied."),
      })),
      since: optional(option("--since", moment(), { description: say("Not before this time.") })),
    }),
    (options) => action((context) => listAudit(context, options)),
  ),
);

/** Without a word behind it none of the forms is recognised: the list with its defaults is meant. */
export const auditCommand: ActionParser = withDefault(
  forms,
  action((context) => listAudit(context, { source: "all", count: DEFAULT_COUNT })),
);
