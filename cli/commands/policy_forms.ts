import { object, or } from "@optique/core/constructs";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { action } from "./action.ts";
import { type ActionParser, define, moment, say, word } from "./parsing.ts";
import { explainPolicy } from "./policy_explain.ts";
import { replayPolicy } from "./policy_replay.ts";

const explain: ActionParser = define(
  "explain",
  "Show what would be decided, and the chain that leads there.",
  object({
    action: argument(word("ACTION")),
    scope: argument(word("SCOPE")),
    principal: optional(option("--principal", word("WHO"), {
      description: say("About whom; by default about you."),
    })),
    roles: multiple(option("--role", word("ROLE"), {
      description: say("A role WHO holds; may be repeated."),
    })),
    type: withDefault(
      option("--type", choice(["Human", "Service", "Agent"], { metavar: "TYPE" }), {
        description: say("What WHO is: Human (default), Service or Agent."),
      }),
      "Human" as const,
    ),
    command: multiple(argument(word("CMD"))),
  }),
  (options) => action((context) => explainPolicy(context, options)),
  {
    footer: say(
      "SCOPE is global, vc:NAME or node:ID. For exec, put -- before the command it is about. " +
        "Only agents, platform admins and who operates the vCluster may ask about others.",
    ),
  },
);

const test: ActionParser = define(
  "test",
  "Decide recorded requests by a changed policy, and show what would differ.",
  object({
    files: multiple(argument(word("NEW")), { min: 1 }),
    since: withDefault(
      option("--since", moment(), { description: say("Not before this time; default 7d.") }),
      { agoSeconds: 7 * 86_400 },
    ),
    bindPlatformAdmin: optional(flag("--bind-platform-admin", {
      description: say("The rules bind platform admins, too."),
    })),
  }),
  (options) => action((context) => replayPolicy(context, options)),
  {
    footer: say(
      "NEW is Rego (files or folders, compiled by the program opa), a bundle of opa build -t wasm, " +
        "or with --vcluster a TOML file with settings as pact group set-policy takes them.",
    ),
  },
);

/** `pact policy ...`: what the policies say, and what others would. */
export const policyCommand: ActionParser = or(explain, test);
